"""Take in a delivery, and match at once the firms whose records it changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Connection, select

from app.work.history import histories
from app.work.match import Matched, run_match
from app.work.notify import offer_draft, write
from app.work.offers import judge
from matching.deliveries import Delivery
from matching.facts import Facts
from matching.intake import IntakeReport, intake
from matching.profile_store import accounts_of, profiles
from matching.tables import records
from policies.vocabulary import load_vocabulary


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
    return TakenIn(report=report, matched=matched, notices=_tell(connection, matched, at))


def _tell(connection: Connection, matched: Matched, at: datetime) -> int:
    """Offer what the changed firms can newly claim; once per reason, so repeats stay silent."""
    firms = sorted({d.uscc for d in matched.eligible if d.payable})
    wanted = {(d.uscc, d.benefit_id) for d in matched.eligible if d.payable}
    past, accounts = histories(connection, firms), accounts_of(connection, firms)
    drafts = []
    for profile in profiles(connection, usccs=firms):
        facts = Facts(profile, load_vocabulary(), matched.as_of)
        for benefit in matched.benefits:
            if (profile.uscc, benefit.id) not in wanted:
                continue
            found = judge(benefit, facts, past[profile.uscc])
            if found.claimable and found.due_fen is not None:
                drafts.append(
                    offer_draft(
                        profile.uscc,
                        benefit,
                        period=found.period,
                        due_fen=found.due_fen,
                        ask_for_account=not accounts.get(profile.uscc),
                    )
                )
    return write(connection, drafts, at=at)
