"""What the mirror of the budget holds: availability, stages, and what an allotment may fund."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, select, update

from ledger.accounts import Stage, locked_balances, stage_code
from ledger.bulk import chunks
from ledger.errors import UnknownAllotmentError
from ledger.journal import period_of
from ledger.money import Fen
from ledger.tables import accounts, allotments, plans, purses

ANY_PURPOSE = "*"
"""Stands in an allotment's purposes for: whatever its purse pays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """What an allotment holds at a day; amounts in fen."""

    allotment_no: str
    purse: str
    available_fen: Fen
    planned_fen: Fen
    """Plans up to the month less all use; not less than zero."""
    plan_short_fen: Fen
    """By how much all use passes the plans up to the month."""
    needs_plan: bool
    overdrawn_fen: Fen
    reserved_fen: Fen
    in_transit_fen: Fen
    spent_fen: Fen
    appropriation_fen: Fen

    @property
    def usable_fen(self) -> Fen:
        """What may be reserved now: within the allotment, and its plan where one is needed."""
        if self.overdrawn_fen:
            return Fen(0)
        return min(self.available_fen, self.planned_fen) if self.needs_plan else self.available_fen


@dataclass(frozen=True, slots=True, kw_only=True)
class AllotmentStages:
    """An allotment with where its money stands, for the finance desk."""

    allotment_no: str
    doc_no: str
    purse: str
    fiscal_year: int
    project_name: str
    is_direct: bool
    purpose: tuple[str, ...]
    priority: int
    as_of: date
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    appropriation_fen: Fen
    available_fen: Fen
    reserved_fen: Fen
    in_transit_fen: Fen
    spent_fen: Fen
    overdrawn_fen: Fen


def set_purpose(
    connection: Connection, allotment_no: str, purpose: Sequence[str], *, priority: int
) -> None:
    """State what an allotment may fund and in which order; ours to say, not finance's file.

    Raises:
        UnknownAllotmentError: there is no such allotment.
    """
    changed = connection.execute(
        update(allotments)
        .where(allotments.c.allotment_no == allotment_no)
        .values(purpose=sorted(purpose), priority=priority)
    )
    if changed.rowcount != 1:
        raise UnknownAllotmentError(allotment_no)


def availability(connection: Connection, allotment_no: str, *, on: date) -> Availability:
    """Return what an allotment holds, with its plans up to the month of ``on``.

    Raises:
        UnknownAllotmentError: there is no such allotment.
    """
    found = availabilities(connection, [allotment_no], on=on)
    if allotment_no not in found:
        raise UnknownAllotmentError(allotment_no)
    return found[allotment_no]


def availabilities(
    connection: Connection, allotment_nos: Sequence[str], *, on: date
) -> dict[str, Availability]:
    """Return the availability of several allotments by number; unknown ones are left out."""
    planned = planned_amounts(connection, allotment_nos, on=on)
    held = stage_balances(connection, allotment_nos)
    found: dict[str, Availability] = {}
    for part in chunks(sorted(set(allotment_nos))):
        query = (
            select(allotments.c.allotment_no, allotments.c.purse, purses.c.needs_plan)
            .join(purses, purses.c.code == allotments.c.purse)
            .where(allotments.c.allotment_no.in_(part))
        )
        for row in connection.execute(query):
            stage = held[row.allotment_no]
            used = stage[Stage.RESERVED] + stage[Stage.IN_TRANSIT] + stage[Stage.SPENT]
            rest = planned.get(row.allotment_no, 0) - used
            found[row.allotment_no] = Availability(
                allotment_no=row.allotment_no,
                purse=row.purse,
                needs_plan=row.needs_plan,
                planned_fen=Fen(max(rest, 0)),
                plan_short_fen=Fen(max(-rest, 0)),
                **{f"{name.value}_fen": Fen(stage[name]) for name in Stage},
            )
    return found


def stages(connection: Connection, *, purse: str | None = None) -> list[AllotmentStages]:
    """Return every allotment with its stages, by purse, year, priority and number."""
    query = select(allotments)
    if purse is not None:
        query = query.where(allotments.c.purse == purse)
    rows = list(connection.execute(query))
    held = stage_balances(connection, [row.allotment_no for row in rows])
    found = [
        AllotmentStages(
            allotment_no=row.allotment_no,
            doc_no=row.doc_no,
            purse=row.purse,
            fiscal_year=row.fiscal_year,
            project_name=row.project_name,
            is_direct=row.is_direct,
            purpose=tuple(row.purpose),
            priority=row.priority,
            as_of=row.as_of,
            exp_func_code=row.exp_func_code,
            gov_bgt_eco_code=row.gov_bgt_eco_code,
            dep_bgt_eco_code=row.dep_bgt_eco_code,
            **{f"{name.value}_fen": Fen(held[row.allotment_no][name]) for name in Stage},
        )
        for row in rows
    ]
    return sorted(found, key=lambda x: (x.purse, x.fiscal_year, x.priority, x.allotment_no))


def planned_amounts(
    connection: Connection, allotment_nos: Sequence[str], *, on: date
) -> dict[str, int]:
    """Return the plans of each allotment summed up to the month of ``on``."""
    found: dict[str, int] = {}
    for part in chunks(sorted(set(allotment_nos))):
        query = (
            select(plans.c.allotment_no, func.sum(plans.c.plan_amt_fen))
            .where(plans.c.allotment_no.in_(part), plans.c.plan_month <= period_of(on))
            .group_by(plans.c.allotment_no)
        )
        found |= {number: int(amount) for number, amount in connection.execute(query)}
    return found


def stage_balances(
    connection: Connection, allotment_nos: Sequence[str], *, lock: bool = False
) -> dict[str, dict[Stage, int]]:
    """Return the balances of the stage accounts by allotment, locked until the end if asked."""
    codes = {stage_code(no, stage): (no, stage) for no in allotment_nos for stage in Stage}
    found: dict[str, dict[Stage, int]] = {no: dict.fromkeys(Stage, 0) for no in allotment_nos}
    if lock:
        held = locked_balances(connection, sorted(codes))
    else:
        held = {}
        for part in chunks(sorted(codes)):
            query = select(accounts.c.code, accounts.c.balance_fen)
            held |= dict(connection.execute(query.where(accounts.c.code.in_(part))).all())
    for code, amount in held.items():
        no, stage = codes[code]
        found[no][stage] = amount
    return found
