"""Take in a delivery, and match at once the firms whose records it changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Connection, select

from app.work.match import Matched, run_match
from app.work.notify import write
from app.work.tell import offer_drafts
from matching.deliveries import Delivery
from matching.intake import IntakeReport, intake
from matching.tables import records


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What became of the file; what its firms get now, and how many were told."""

    report: IntakeReport
    matched: Matched | None
    notices: int


def take_in(
    connection: Connection,
    delivery: Delivery,
    path: Path,
    *,
    at: datetime,
    as_of: date | None = None,
    match: bool = True,
) -> TakenIn:
    """Take in one file; with ``match`` its firms are matched and told in the same step.

    ``as_of`` is the day rules are asked about. Raises what intake raises; a refused file is a
    report and no error.
    """
    report = intake(connection, delivery, path, at=at)
    if not match or report.repeated or not report.rows_kept:
        return TakenIn(report=report, matched=None, notices=0)
    changed = sorted(
        connection.execute(
            select(records.c.uscc)
            .where(records.c.batch_id == report.batch_id, records.c.uscc.is_not(None))
            .distinct()
        ).scalars()
    )
    day = as_of or delivery.as_of
    matched = run_match(connection, as_of=day, known_at=at, usccs=changed)
    drafts = [draft for _, draft in offer_drafts(connection, matched)]
    return TakenIn(report=report, matched=matched, notices=write(connection, drafts, at=at))
