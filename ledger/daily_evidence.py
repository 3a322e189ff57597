"""What one day's reconciliation looks at: open orders, unmatched lines, answers, executions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    String,
    and_,
    case,
    cast,
    exists,
    func,
    or_,
    select,
)

from ledger.answer_files import AnswerKind
from ledger.bulk import chunks
from ledger.differences import Direction, Execution, Line, Order, Report, normal_ref
from ledger.executions import Charge
from ledger.tables import (
    allotments,
    answer_lines,
    applications,
    budget_execution,
    match_lines,
    packages,
    statement_lines,
    statements,
)

APPLICATION_SIDE = "application"
RETURN_SIDE = "returned"
LINE_SIDE = "statement_line"

SENT_STATES = (
    "sent",
    "sent_unknown",
    "accepted",
    "voucher_issued",
    "paid",
    "receipted",
    "returned",
)
"""States of an application that finance or the bank may rightly have paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The inputs of matching for one day; ``settled`` are applications matched before."""

    orders: tuple[Order, ...]
    lines: tuple[Line, ...]
    reports: tuple[Report, ...]
    settled: frozenset[str]
    covered: dict[str, date]


def load_evidence(connection: Connection, *, on: date) -> Evidence:
    """Load what is still open at the end of ``on``, and what touches it.

    A settled order is loaded again only when a new line or a return speaks of it; its earlier
    payment then stands in as a line of its exact amount.
    """
    fresh = _unmatched_lines(connection, on)
    rows = {row["application_no"]: row for row in _open_applications(connection)}
    rows |= {row["application_no"]: row for row in _named_applications(connection, fresh)}
    facts = _facts(connection, sorted(rows), on)
    orders = tuple(
        order
        for number in sorted(rows)
        if (order := _order(rows[number], facts.get(number, _Facts()), on)) is not None
    )
    prior = _prior_lines(connection, orders)
    return Evidence(
        orders=orders,
        lines=(*prior, *fresh),
        reports=tuple(_reports(connection, on)),
        settled=frozenset(line.ref for line in prior),
        covered=_covered(connection, on),
    )


def _is_live(side: str, ref: ColumnElement[str]) -> ColumnElement[bool]:
    """Say in SQL whether a key of one side stands in a live match."""
    return exists().where(match_lines.c.side == side, match_lines.c.ref == ref, match_lines.c.live)


def _unmatched_lines(connection: Connection, on: date) -> list[Line]:
    query = (
        _line_query()
        .where(statement_lines.c.booked_on <= on)
        .where(~_is_live(LINE_SIDE, cast(statement_lines.c.id, String(120))))
        .order_by(statement_lines.c.id)
    )
    return [
        _line(row, row["ref"], row["amount_fen"]) for row in connection.execute(query).mappings()
    ]


def _line_query() -> Select[Any]:
    return select(
        statement_lines.c.id,
        statements.c.purse,
        statement_lines.c.booked_on,
        statement_lines.c.direction,
        statement_lines.c.amount_fen,
        statement_lines.c.ref,
        statement_lines.c.counter_account,
        statement_lines.c.counter_name,
        statement_lines.c.bank_serial,
    ).join(statements, statements.c.id == statement_lines.c.statement_id)


def _line(row: RowMapping, ref: str, amount_fen: int) -> Line:
    return Line(
        key=row["id"],
        purse=row["purse"],
        booked_on=row["booked_on"],
        direction=Direction(row["direction"]),
        amount_fen=amount_fen,
        ref=ref,
        counter_account=row["counter_account"],
        counter_name=row["counter_name"],
        bank_serial=row["bank_serial"],
    )


def _application_query() -> Select[Any]:
    return select(applications, packages.c.meta.label("package_meta")).outerjoin(
        packages, packages.c.package_no == applications.c.package_no
    )


def _open_applications(connection: Connection) -> list[RowMapping]:
    """Sent and not matched; returned and the return not matched; never sent yet reported paid."""
    number = applications.c.application_no
    told = exists().where(
        answer_lines.c.application_no == number,
        answer_lines.c.kind.in_([AnswerKind.VOUCHER.value, AnswerKind.PAID.value]),
    )
    returned = exists().where(
        answer_lines.c.application_no == number,
        answer_lines.c.kind == AnswerKind.RETURNED.value,
    )
    is_sent = applications.c.state.in_(SENT_STATES)
    query = _application_query().where(
        or_(
            and_(is_sent, ~_is_live(APPLICATION_SIDE, number)),
            and_(is_sent, returned, ~_is_live(RETURN_SIDE, number)),
            and_(~is_sent, told),
        )
    )
    return list(connection.execute(query).mappings())


def _named_applications(connection: Connection, lines: Sequence[Line]) -> Iterable[RowMapping]:
    """Applications that unmatched lines speak of: by number, voucher, or account of a return."""
    refs = sorted({ref for line in lines for ref in (line.ref, normal_ref(line.ref)) if ref})
    back = {line.counter_account for line in lines if line.direction == Direction.CREDIT}
    for part in chunks(refs):
        query = _application_query().where(
            or_(applications.c.application_no.in_(part), applications.c.voucher_no.in_(part))
        )
        yield from connection.execute(query).mappings()
    for part in chunks(sorted(back - {""})):
        query = _application_query().where(
            applications.c.payee_account_no.in_(part), applications.c.state.in_(SENT_STATES)
        )
        yield from connection.execute(query).mappings()


@dataclass(slots=True)
class _Facts:
    """What the answers said of one application by the day."""

    voucher_no: str = ""
    voucher_on: date | None = None
    charged: str = ""
    paid_fen: int = 0
    paid_on: date | None = None
    returned_fen: int = 0
    returned_on: date | None = None


def _facts(connection: Connection, numbers: Sequence[str], on: date) -> dict[str, _Facts]:
    found: dict[str, _Facts] = {}
    for part in chunks(numbers):
        query = (
            select(answer_lines)
            .where(answer_lines.c.application_no.in_(part))
            .where(answer_lines.c.on_date <= on, answer_lines.c.effect != "replayed")
            .order_by(answer_lines.c.id)
        )
        for row in connection.execute(query).mappings():
            _add_fact(found.setdefault(row["application_no"], _Facts()), row)
    return found


def _add_fact(facts: _Facts, row: RowMapping) -> None:
    kind = AnswerKind(row["kind"])
    if row["allotment_no"]:
        facts.charged = row["allotment_no"]
    if kind == AnswerKind.VOUCHER:
        facts.voucher_no, facts.voucher_on = row["voucher_no"], row["on_date"]
    elif kind == AnswerKind.PAID:
        facts.paid_fen += row["amount_fen"]
        facts.paid_on = row["on_date"]
    elif kind == AnswerKind.RETURNED:
        facts.returned_fen += row["amount_fen"]
        facts.returned_on = row["on_date"]


def _order(row: RowMapping, facts: _Facts, on: date) -> Order | None:
    """Build the order as it stood at the end of ``on``; None when it was sent after that day."""
    sent_on = None
    if row["state"] in SENT_STATES:
        sent = (row["package_meta"] or {}).get("sent_on")
        sent_on = date.fromisoformat(sent) if sent else row["booked_on"]
        if sent_on > on:
            return None
    return Order(
        application_no=row["application_no"],
        purse=row["purse"],
        allotment_no=row["allotment_no"],
        amount_fen=row["amount_fen"],
        payee_account=row["payee_account_no"],
        payee_name=row["payee_name"],
        sent_on=sent_on,
        batch_no=row["package_no"] or "",
        voucher_no=facts.voucher_no,
        voucher_on=facts.voucher_on,
        charged_allotment_no=facts.charged,
        paid_fen=facts.paid_fen,
        paid_on=facts.paid_on,
        returned_fen=facts.returned_fen,
        returned_on=facts.returned_on,
        is_outcome_unknown=row["state"] == "sent_unknown",
    )


def _prior_lines(connection: Connection, orders: Collection[Order]) -> list[Line]:
    """Return for each order matched before the part of its lines that belongs to it."""
    amounts = {order.application_no: order.amount_fen for order in orders}
    mine, theirs = match_lines.alias("mine"), match_lines.alias("theirs")
    found: dict[tuple[str, str], Line] = {}
    for part in chunks(sorted(amounts)):
        query = (
            _line_query()
            .add_columns(mine.c.ref.label("number"), mine.c.side, mine.c.amount_fen.label("share"))
            .join(
                theirs,
                and_(
                    theirs.c.ref == cast(statement_lines.c.id, String(120)),
                    theirs.c.side == LINE_SIDE,
                    theirs.c.live,
                ),
            )
            .join(mine, and_(mine.c.group_id == theirs.c.group_id, mine.c.live))
            .where(mine.c.side.in_([APPLICATION_SIDE, RETURN_SIDE]), mine.c.ref.in_(part))
            .order_by(statement_lines.c.id)
        )
        for row in connection.execute(query).mappings():
            key = (row["number"], row["side"])
            found.setdefault(key, _line(row, row["number"], row["share"]))
    return [found[key] for key in sorted(found)]


def _reports(connection: Connection, on: date) -> Iterable[Report]:
    """Return the payments finance reported under numbers that are not ours, one per number."""
    known = exists().where(applications.c.application_no == answer_lines.c.application_no)
    query = (
        select(answer_lines, packages.c.purse)
        .outerjoin(packages, packages.c.package_no == answer_lines.c.package_no)
        .where(answer_lines.c.kind.in_([AnswerKind.VOUCHER.value, AnswerKind.PAID.value]))
        .where(answer_lines.c.on_date <= on, ~known)
        .order_by(answer_lines.c.application_no, answer_lines.c.kind, answer_lines.c.id)
    )
    found: dict[str, RowMapping] = {}
    for row in connection.execute(query).mappings():
        found.setdefault(row["application_no"], row)
    for number in sorted(found):
        row = found[number]
        yield Report(
            application_no=number,
            purse=row["purse"] or "",
            amount_fen=row["amount_fen"],
            voucher_no=row["voucher_no"],
            allotment_no=row["allotment_no"],
        )


def _covered(connection: Connection, on: date) -> dict[str, date]:
    """Return per purse the last day whose statement we hold, none later than ``on``.

    A purse without any statement is covered up to the day before all time: nothing it was
    reported to have paid can be missing yet.
    """
    query = select(statements.c.purse, func.max(statements.c.to_on)).group_by(statements.c.purse)
    held = {purse: min(last, on) for purse, last in connection.execute(query)}
    purses = connection.execute(select(applications.c.purse).distinct()).scalars()
    return dict.fromkeys(purses, date.min) | held


def load_executions(connection: Connection, *, on: date) -> list[tuple[Execution, date]]:
    """Return finance's latest execution per allotment as of a day not after ``on``."""
    latest = (
        select(budget_execution.c.allotment_no, func.max(budget_execution.c.as_of).label("as_of"))
        .where(budget_execution.c.as_of <= on)
        .group_by(budget_execution.c.allotment_no)
        .subquery()
    )
    query = (
        select(
            budget_execution.c.allotment_no,
            budget_execution.c.as_of,
            budget_execution.c.executed_fen,
            allotments.c.purse,
        )
        .outerjoin(allotments, allotments.c.allotment_no == budget_execution.c.allotment_no)
        .join(
            latest,
            and_(
                latest.c.allotment_no == budget_execution.c.allotment_no,
                latest.c.as_of == budget_execution.c.as_of,
            ),
        )
        .order_by(budget_execution.c.id)
    )
    found = {row.allotment_no: row for row in connection.execute(query)}
    return [
        (
            Execution(allotment_no=number, executed_fen=row.executed_fen, purse=row.purse or ""),
            row.as_of,
        )
        for number, row in sorted(found.items())
    ]


def load_charges(connection: Connection, *, until: date) -> list[Charge]:
    """Return what the answers charged per application by the end of a day."""
    paid, returned = AnswerKind.PAID.value, AnswerKind.RETURNED.value
    amount = answer_lines.c.amount_fen
    told = (
        select(
            answer_lines.c.application_no,
            func.max(answer_lines.c.allotment_no).label("charged"),
            func.sum(
                case(
                    (answer_lines.c.kind == paid, amount),
                    (answer_lines.c.kind == returned, -amount),
                    else_=0,
                )
            ).label("net"),
        )
        .where(answer_lines.c.on_date <= until, answer_lines.c.effect != "replayed")
        .group_by(answer_lines.c.application_no)
        .subquery()
    )
    query = (
        select(told, applications.c.allotment_no, applications.c.purse)
        .outerjoin(applications, applications.c.application_no == told.c.application_no)
        .where(told.c.net != 0)
        .order_by(told.c.application_no)
    )
    return [
        Charge(
            application_no=row.application_no,
            purse=row.purse or "",
            own_allotment_no=row.allotment_no or row.charged,
            charged_allotment_no=row.charged or row.allotment_no or "",
            amount_fen=int(row.net),
        )
        for row in connection.execute(query)
    ]
