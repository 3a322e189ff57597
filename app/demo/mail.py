"""A real mail server on loopback for the demo: what it receives lies in one mbox file."""

from __future__ import annotations

import mailbox
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class _Keeper:
    """Keeps each message once, by its message id, as a good receiver does."""

    def __init__(self, path: Path) -> None:
        self.box = mailbox.mbox(path)
        self.seen: set[str] = set()

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take one message."""
        content = envelope.original_content or b""
        message = mailbox.mboxMessage(content)
        identity = str(message["Message-ID"])
        if identity not in self.seen:
            self.seen.add(identity)
            self.box.add(message)
        return "250 Message accepted for delivery"


@contextmanager
def mail_server(path: Path) -> Iterator[tuple[str, int]]:
    """Serve SMTP on a free loopback port; yields host and port, and writes the mbox at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    keeper = _Keeper(path)
    controller = Controller(keeper, hostname="127.0.0.1", port=_free_port())
    controller.start()
    try:
        yield controller.hostname, controller.port
    finally:
        controller.stop()
        keeper.box.flush()
        keeper.box.close()


def _free_port() -> int:
    """Return a port nobody listens on; the controller can not be asked which one it took."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
