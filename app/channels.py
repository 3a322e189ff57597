"""Ways out of the system for a notice: mail through a relay, sent at least once, received once."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from sqlalchemy import Connection, bindparam, select, update

from app.settings import Settings
from app.tables import notices, outbox

MAX_ATTEMPTS = 5
BATCH = 200


class Channel(StrEnum):
    """A way a notice can leave; the inbox on the site is always there and is no channel."""

    MAIL = "mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message to deliver; ``message_id`` lets the receiver drop a repeat."""

    outbox_id: int
    address: str
    message_id: str
    title: str
    body: str


class Sender(Protocol):
    """What a channel must do: deliver one letter, or raise OSError when it could not."""

    def send(self, letter: Letter) -> None:
        """Deliver one letter."""


class MailSender:
    """Delivers by SMTP over one connection; use as a context manager."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        self._smtp = smtplib.SMTP(self._settings.smtp_host, self._settings.smtp_port, timeout=10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                self._smtp.close()

    def send(self, letter: Letter) -> None:
        """Deliver one letter; raises OSError (smtplib's errors are OSErrors)."""
        assert self._smtp is not None, "use the sender as a context manager"
        message = EmailMessage(policy=SMTP)
        message["From"] = self._settings.smtp_from
        message["To"] = letter.address
        message["Subject"] = letter.title
        message["Message-ID"] = letter.message_id
        message.set_content(letter.body)
        self._smtp.send_message(message)


def next_letters(connection: Connection, limit: int = BATCH) -> list[Letter]:
    """Return letters that wait to be sent, oldest first."""
    query = (
        select(outbox.c.id, outbox.c.address, outbox.c.message_id, notices.c.title, notices.c.body)
        .join(notices, notices.c.id == outbox.c.notice_id)
        .where(outbox.c.state == "queued", outbox.c.channel == Channel.MAIL.value)
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return [
        Letter(
            outbox_id=row.id,
            address=row.address,
            message_id=row.message_id,
            title=row.title,
            body=row.body,
        )
        for row in connection.execute(query)
    ]


def deliver(sender: Sender, letters: Sequence[Letter]) -> list[tuple[Letter, str]]:
    """Send each letter and return it with the error it met, empty when it went out."""
    results = []
    for letter in letters:
        try:
            sender.send(letter)
        except OSError as error:
            results.append((letter, str(error)[:300] or type(error).__name__))
        else:
            results.append((letter, ""))
    return results


def record(
    connection: Connection, results: Sequence[tuple[Letter, str]], *, at: datetime
) -> tuple[int, int]:
    """Write down what went out and what did not; returns (sent, failed for good)."""
    sent = [letter for letter, error in results if not error]
    if sent:
        connection.execute(
            update(outbox)
            .where(outbox.c.id == bindparam("b_id"))
            .values(state="sent", sent_at=at, attempts=outbox.c.attempts + 1),
            [{"b_id": letter.outbox_id} for letter in sent],
        )
    failed = 0
    for letter, error in results:
        if not error:
            continue
        attempts = connection.execute(
            select(outbox.c.attempts).where(outbox.c.id == letter.outbox_id)
        ).scalar_one()
        given_up = attempts + 1 >= MAX_ATTEMPTS
        failed += given_up
        connection.execute(
            update(outbox)
            .where(outbox.c.id == letter.outbox_id)
            .values(
                attempts=attempts + 1,
                last_error=error,
                state="failed" if given_up else "queued",
            )
        )
    return len(sent), failed
