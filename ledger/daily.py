"""A day's reconciliation: evidence matched and kept, breaks opened, the day signed and frozen."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from ledger.breaks import StoredBreak, close_resolved, list_breaks, record_breaks
from ledger.bulk import chunks, insert_rows
from ledger.daily_evidence import (
    APPLICATION_SIDE,
    LINE_SIDE,
    RETURN_SIDE,
    load_charges,
    load_evidence,
    load_executions,
)
from ledger.differences import Break, BreakClass, Execution, Match, Rule, Suggestion, Terms
from ledger.errors import (
    DaySignedError,
    MatchRefusedError,
    NotReconciledError,
    SamePersonError,
)
from ledger.executions import compare_executions
from ledger.reconcile import match_orders
from ledger.tables import (
    applications,
    match_groups,
    match_lines,
    reconcile_runs,
    sign_offs,
    statement_lines,
    statements,
)

ALL = "all"
"""Stands in a sign-off for every purse."""

_SELF_HEALING = frozenset(
    {
        BreakClass.UNPAID,
        BreakClass.UNKNOWN_OUTCOME,
        BreakClass.UNKNOWN_DEBIT,
        BreakClass.RETURNED,
        BreakClass.AMOUNT,
    }
)
"""Classes that every run sees whole, so that one no longer found has come right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayResult:
    """What a run did: new matches, all breaks open at the day, what a person should confirm."""

    on: date
    matched: int
    matched_fen: int
    matched_in_all: int
    breaks: tuple[StoredBreak, ...]
    new_breaks: tuple[str, ...]
    resolved: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]
    matched_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """The signature under a day: totals, the breaks carried forward, and their digest."""

    on: date
    matched_by: str
    signed_by: str
    signed_at: datetime
    totals: Mapping[str, Any]
    digest: str


def reconcile_day(
    connection: Connection, *, on: date, by: str, at: datetime, terms: Terms | None = None
) -> DayResult:
    """Match everything known at the end of ``on`` and keep the result; again changes nothing.

    Raises:
        DaySignedError: the day, or a later one, is signed off.
    """
    _refuse_signed(connection, on)
    evidence = load_evidence(connection, on=on)
    result = match_orders(
        evidence.orders,
        evidence.lines,
        on=on,
        reports=evidence.reports,
        terms=terms,
        covered=evidence.covered,
    )
    amounts = {order.application_no: order.amount_fen for order in evidence.orders}
    kept = _keep_matches(connection, result.matched, evidence.settled, amounts, on=on, by=by, at=at)
    found = [*result.breaks, *_execution_breaks(connection, on)]
    fresh = record_breaks(connection, found, on=on, at=at)
    still = {item.id for item in found}
    resolved = close_resolved(connection, _SELF_HEALING, still, on=on, by=by, at=at)
    opened = list_breaks(connection, on=on)
    day = DayResult(
        on=on,
        matched=len(kept),
        matched_fen=sum(item.amount_fen for item in kept),
        matched_in_all=_count(connection, on),
        breaks=tuple(opened),
        new_breaks=tuple(fresh),
        resolved=tuple(resolved),
        suggestions=result.suggestions,
        matched_by=by,
    )
    _keep_run(connection, day, at)
    return day


def _refuse_signed(connection: Connection, on: date) -> None:
    signed = connection.execute(
        select(func.max(sign_offs.c.on_date)).where(sign_offs.c.purse == ALL)
    ).scalar()
    if signed is not None and signed >= on:
        raise DaySignedError(signed.isoformat())


def _keep_matches(
    connection: Connection,
    matched: Sequence[Match],
    settled: Iterable[str],
    amounts: Mapping[str, int],
    *,
    on: date,
    by: str,
    at: datetime,
) -> list[Match]:
    """Keep the matches that are not kept yet; a line and an order stand in one live group."""
    held = _held(connection, sorted(settled))
    fresh = [item for item in matched if (_side(item), item.application_nos[0]) not in held]
    if not fresh:
        return []
    rows = [
        {
            "on_date": on,
            "rule": item.rule.value,
            "amount_fen": item.amount_fen,
            "live": True,
            "made_by": by,
            "made_at": at,
        }
        for item in fresh
    ]
    keys = connection.execute(
        insert(match_groups).returning(match_groups.c.id, sort_by_parameter_order=True), rows
    ).scalars()
    lines: list[dict[str, Any]] = []
    for key, item in zip(keys, fresh, strict=True):
        lines.extend(_group_lines(key, item, amounts))
    insert_rows(connection, match_lines, lines)
    return fresh


def _side(item: Match) -> str:
    return RETURN_SIDE if item.is_return else APPLICATION_SIDE


def _held(connection: Connection, numbers: Sequence[str]) -> set[tuple[str, str]]:
    """Return which of these orders stand in a live group already, with the side they stand on."""
    found: set[tuple[str, str]] = set()
    for part in chunks(numbers):
        rows = connection.execute(
            select(match_lines.c.side, match_lines.c.ref).where(
                match_lines.c.live,
                match_lines.c.side.in_([APPLICATION_SIDE, RETURN_SIDE]),
                match_lines.c.ref.in_(part),
            )
        )
        found |= {(side, ref) for side, ref in rows}
    return found


def _group_lines(key: int, item: Match, amounts: Mapping[str, int]) -> Iterable[dict[str, Any]]:
    """Return the rows of one group; the bank's side carries the group's amount on its first."""
    single = len(item.application_nos) == 1
    for number in item.application_nos:
        yield {
            "group_id": key,
            "side": _side(item),
            "ref": number,
            "amount_fen": item.amount_fen if single else amounts[number],
            "live": True,
        }
    for place, line in enumerate(item.line_keys):
        yield {
            "group_id": key,
            "side": LINE_SIDE,
            "ref": str(line),
            "amount_fen": item.amount_fen if place == 0 else 0,
            "live": True,
        }


def _execution_breaks(connection: Connection, on: date) -> list[Break]:
    """Compare each allotment's latest execution with the answers up to its own day."""
    by_day: dict[date, list[Execution]] = defaultdict(list)
    for execution, as_of in load_executions(connection, on=on):
        by_day[as_of].append(execution)
    found: list[Break] = []
    for as_of in sorted(by_day):
        found.extend(compare_executions(by_day[as_of], load_charges(connection, until=as_of)))
    return found


def _count(connection: Connection, on: date) -> int:
    count = connection.execute(
        select(func.count())
        .select_from(match_groups)
        .where(match_groups.c.live, match_groups.c.on_date <= on)
    ).scalar_one()
    return int(count)


def _keep_run(connection: Connection, day: DayResult, at: datetime) -> None:
    connection.execute(
        insert(reconcile_runs).values(
            on_date=day.on,
            matched_by=day.matched_by,
            matched_at=at,
            totals={
                "matched": day.matched,
                "matched_fen": day.matched_fen,
                "breaks": len(day.breaks),
                "suggestions": len(day.suggestions),
            },
        )
    )


def confirm_match(
    connection: Connection,
    *,
    application_no: str,
    line_ids: Sequence[int],
    on: date,
    by: str,
    at: datetime,
) -> int:
    """Match one order with lines by hand, to the exact sum; return the group's id.

    Raises:
        DaySignedError: the day is signed off.
        MatchRefusedError: the debits do not make the order's amount, or are matched already.
    """
    _refuse_signed(connection, on)
    amount = connection.execute(
        select(applications.c.amount_fen).where(applications.c.application_no == application_no)
    ).scalar()
    rows = connection.execute(
        select(statement_lines.c.id, statement_lines.c.amount_fen)
        .where(statement_lines.c.id.in_(list(line_ids)), statement_lines.c.direction == "D")
        .order_by(statement_lines.c.id)
    ).all()
    if amount is None or sum(row.amount_fen for row in rows) != amount:
        raise MatchRefusedError(application_no, line_ids)
    item = Match(
        rule=Rule.MANUAL,
        purse="",
        amount_fen=amount,
        application_nos=(application_no,),
        line_keys=tuple(row.id for row in rows),
    )
    taken = connection.execute(
        select(match_lines.c.ref).where(
            match_lines.c.live,
            match_lines.c.side == LINE_SIDE,
            match_lines.c.ref.in_([str(row.id) for row in rows]),
        )
    ).first()
    held = _held(connection, [application_no])
    if taken is not None or held:
        raise MatchRefusedError(application_no, line_ids)
    _keep_matches(connection, [item], (), {}, on=on, by=by, at=at)
    found = connection.execute(
        select(match_lines.c.group_id).where(
            match_lines.c.live,
            match_lines.c.side == APPLICATION_SIDE,
            match_lines.c.ref == application_no,
        )
    ).scalar_one()
    return int(found)


def undo_match(connection: Connection, group_id: int, *, on: date, by: str, at: datetime) -> None:
    """Take a group apart; its rows stay, no longer live, with who did it."""
    _refuse_signed(connection, on)
    connection.execute(
        update(match_groups)
        .where(match_groups.c.id == group_id, match_groups.c.live)
        .values(live=False, undone_by=by, undone_at=at)
    )
    connection.execute(
        update(match_lines).where(match_lines.c.group_id == group_id).values(live=False)
    )


def sign_off(connection: Connection, *, on: date, by: str, at: datetime) -> SignOff:
    """Freeze a reconciled day with its totals; open breaks are carried and listed.

    Raises:
        NotReconciledError: the day was not reconciled.
        SamePersonError: ``by`` ran the matching of the day, or matched by hand in it.
        DaySignedError: the day is signed already.
    """
    _refuse_signed(connection, on)
    runs = connection.execute(
        select(reconcile_runs.c.matched_by)
        .where(reconcile_runs.c.on_date == on)
        .order_by(reconcile_runs.c.id)
    ).scalars()
    people = list(runs)
    if not people:
        raise NotReconciledError(on.isoformat())
    hands = connection.execute(
        select(match_groups.c.made_by).where(match_groups.c.on_date == on).distinct()
    ).scalars()
    if by in {*people, *hands}:
        what = f"{on} 对账签认"
        raise SamePersonError(what, by, "对账")
    totals = _totals(connection, on)
    digest = hashlib.sha256(
        json.dumps(totals, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()
    connection.execute(
        insert(sign_offs).values(
            on_date=on,
            purse=ALL,
            totals=totals,
            digest=digest,
            matched_by=people[-1],
            signed_by=by,
            signed_at=at,
        )
    )
    return SignOff(
        on=on, matched_by=people[-1], signed_by=by, signed_at=at, totals=totals, digest=digest
    )


def _totals(connection: Connection, on: date) -> dict[str, Any]:
    """Return what the signature stands under: matches, statements held, every open break."""
    groups = connection.execute(
        select(match_groups.c.rule, func.count(), func.sum(match_groups.c.amount_fen))
        .where(match_groups.c.live, match_groups.c.on_date <= on)
        .group_by(match_groups.c.rule)
        .order_by(match_groups.c.rule)
    )
    held = connection.execute(
        select(
            statements.c.account_no,
            statements.c.statement_no,
            statements.c.closing_fen,
            statements.c.sha256,
        )
        .where(statements.c.to_on <= on)
        .order_by(statements.c.account_no, statements.c.to_on, statements.c.id)
    )
    last = {account: [number, closing, digest] for account, number, closing, digest in held}
    carried = [
        [item.id, item.amount_fen, item.owner or "", item.state]
        for state in ("open", "explained")
        for item in list_breaks(connection, on=on, state=state)
    ]
    return {
        "date": on.isoformat(),
        "matched": {rule: [count, int(amount)] for rule, count, amount in groups},
        "statements": {account: last[account] for account in sorted(last)},
        "breaks": sorted(carried),
    }


def matched_applications(connection: Connection, *, on: date) -> list[str]:
    """Return the applications whose payment stands on a statement line by the end of ``on``."""
    query = (
        select(match_lines.c.ref)
        .join(match_groups, match_groups.c.id == match_lines.c.group_id)
        .where(
            match_lines.c.live,
            match_lines.c.side == APPLICATION_SIDE,
            match_groups.c.on_date <= on,
        )
        .order_by(match_lines.c.ref)
    )
    return list(connection.execute(query).scalars())


def signed_days(connection: Connection) -> dict[date, int]:
    """Return the days signed for every purse, each with its number of matches."""
    query = select(sign_offs.c.on_date, sign_offs.c.totals).where(sign_offs.c.purse == ALL)
    return {
        on: sum(count for count, _ in totals["matched"].values())
        for on, totals in connection.execute(query)
    }
