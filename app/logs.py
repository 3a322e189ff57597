"""Log lines as events with named values, for people or as JSON.

Write `log.info("claim_approved", claim=number)`; names and sensitive values of
enterprises stay out.
"""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor

from app.settings import Settings


def configure(settings: Settings, out: TextIO | None = None) -> None:
    """Set up structlog, and the standard library's logging, to write to `out` (else stderr)."""
    stream = out or sys.stderr
    level = logging.getLevelNamesMapping()[settings.log_level]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=False),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(as_json=settings.log_json, colours=stream.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("mail.log", "alembic", "asyncio"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))


def _rendering(*, as_json: bool, colours: bool) -> list[Processor]:
    if as_json:
        return [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    return [structlog.dev.ConsoleRenderer(colors=colours)]
