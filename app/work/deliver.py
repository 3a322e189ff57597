"""Send what waits in the outbox: claimed in order, sent outside any transaction, then recorded."""

from __future__ import annotations

import time

import structlog
from sqlalchemy import Engine

from app import clock, installation
from app.channels import MailSender, deliver, next_letters, record
from app.db import make_engine, read, transaction
from app.settings import Settings

log = structlog.get_logger(__name__)


def deliver_once(engine: Engine, settings: Settings) -> tuple[int, int]:
    """Send every queued letter once; returns (sent, failed for good).

    A letter is marked sent after the relay took it. A crash in between sends it again with the
    same message id, by which the receiver drops the repeat.
    """
    sent = failed = 0
    tried: set[int] = set()
    while True:
        with read(engine) as connection:
            letters = [item for item in next_letters(connection) if item.outbox_id not in tried]
            at = clock.now(fixed=installation.business_date(connection))
        if not letters:
            return sent, failed
        tried |= {letter.outbox_id for letter in letters}
        with MailSender(settings) as sender:
            results = deliver(sender, letters)
        with transaction(engine) as connection:
            good, bad = record(connection, results, at=at)
        sent, failed = sent + good, failed + bad


def deliver_queued(settings: Settings, *, once: bool, every_seconds: int) -> None:
    """Send round after round until stopped; one round with ``once``."""
    engine = make_engine(settings.url)
    try:
        while True:
            if not settings.smtp_host:
                log.warning("no_mail_relay", setting="HQT_SMTP_HOST")
            else:
                try:
                    sent, failed = deliver_once(engine, settings)
                    log.info("outbox_round", sent=sent, failed=failed)
                except OSError as error:
                    log.warning("mail_relay_unreachable", error=str(error))
            if once:
                return
            time.sleep(every_seconds)
    finally:
        engine.dispose()
