"""How an application moves on: every step is an event, and money steps post to the journal.

Steps come in bulk. A step that was taken before with the same reference is a replay and changes
nothing, so that an answer file may be read twice and messages may come twice or late.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from ledger.accounts import Account, Chart, Stage, load_chart, open_accounts, stage_code
from ledger.allotments import stage_balances
from ledger.applications import Application, ApplicationState, application, get_application
from ledger.bulk import chunks, insert_rows
from ledger.errors import (
    AmountExceededError,
    IllegalStepError,
    KeyReusedError,
    UnknownApplicationError,
)
from ledger.journal import Leg, Posting, post
from ledger.tables import allotments, application_events, applications, purses

S = ApplicationState


class Event(StrEnum):
    """What can happen to an application after it was made."""

    HELD = "held"
    RESUMED = "resumed"
    PACKAGED = "packaged"
    UNPACKAGED = "unpackaged"
    SENT = "sent"
    UNKNOWN = "sent_unknown"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    VOUCHER = "voucher"
    PAID = "paid"
    RECEIPTED = "receipted"
    RETURNED = "returned"
    RETURNED_PRIOR = "returned_prior"
    CANCELLED = "cancelled"
    VOIDED = "voided"
    """Finance withdrew the voucher, or will not pay the rest of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One step of one application."""

    application_no: str
    on: date
    """The day it is booked on."""
    ref: str = ""
    """Package, voucher, receipt or return number; makes the step's identity."""
    amount_fen: int | None = None
    """For vouchers, payments and returns; None is all there is."""
    by: str = "系统"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkResult:
    """What a batch of steps did, by application number."""

    done: tuple[str, ...]
    replayed: tuple[str, ...]


_ON_THE_WAY = (S.SENT, S.SENT_UNKNOWN, S.ACCEPTED)
_FROM: Mapping[Event, tuple[ApplicationState, ...]] = {
    Event.HELD: (S.RESERVED,),
    Event.RESUMED: (S.HELD,),
    Event.PACKAGED: (S.RESERVED,),
    Event.UNPACKAGED: (S.PACKAGED,),
    Event.SENT: (S.PACKAGED, S.SENT_UNKNOWN),
    Event.UNKNOWN: (S.PACKAGED, S.SENT),
    Event.ACCEPTED: (S.SENT, S.SENT_UNKNOWN),
    Event.REJECTED: _ON_THE_WAY,
    Event.VOUCHER: _ON_THE_WAY,
    Event.PAID: (*_ON_THE_WAY, S.VOUCHER_ISSUED),
    Event.RECEIPTED: (S.PAID,),
    Event.RETURNED: (S.PAID, S.RECEIPTED, S.RETURNED),
    Event.RETURNED_PRIOR: (S.PAID, S.RECEIPTED, S.RETURNED),
    Event.CANCELLED: (S.RESERVED, S.HELD, S.RETURNED),
    Event.VOIDED: (S.VOUCHER_ISSUED,),
}
"""From which states a step is possible."""

_TO: Mapping[Event, ApplicationState] = {
    Event.HELD: S.HELD,
    Event.RESUMED: S.RESERVED,
    Event.PACKAGED: S.PACKAGED,
    Event.UNPACKAGED: S.RESERVED,
    Event.SENT: S.SENT,
    Event.UNKNOWN: S.SENT_UNKNOWN,
    Event.ACCEPTED: S.ACCEPTED,
    Event.REJECTED: S.REJECTED,
    Event.VOUCHER: S.VOUCHER_ISSUED,
    Event.PAID: S.PAID,
    Event.RECEIPTED: S.RECEIPTED,
    Event.RETURNED: S.RETURNED,
    Event.RETURNED_PRIOR: S.RETURNED,
    Event.CANCELLED: S.CANCELLED,
    Event.VOIDED: S.CANCELLED,
}

_ONCE = {Event.REJECTED, Event.CANCELLED, Event.VOIDED}
_WITH_AMOUNT = {Event.VOUCHER, Event.PAID, Event.RETURNED, Event.RETURNED_PRIOR}


def mark_many(
    connection: Connection, event: Event, items: Sequence[Mark], *, at: datetime
) -> MarkResult:
    """Take one kind of step for many applications, all or none.

    Raises:
        UnknownApplicationError: a number is unknown.
        IllegalStepError: an application is in a state from which the step is not possible.
        AmountExceededError: more is paid or returned than the application stands at.
        KeyReusedError: the same reference came before with another amount.
        FloorBreachedError: nothing is owed to the payee (``owe`` first); roll back.
    """
    rows = _locked(connection, [item.application_no for item in items])
    earlier = _earlier(connection, list(rows), event)
    batch = _Batch(connection, rows)
    done: list[str] = []
    replayed: list[str] = []
    for item in items:
        row = rows[item.application_no]
        if _is_replay(row, event, item, earlier):
            replayed.append(item.application_no)
            continue
        if row["state"] not in _FROM[event]:
            raise IllegalStepError(item.application_no, event.value, row["state"])
        batch.step(event, item, row)
        ref = "" if event in _ONCE else item.ref
        earlier[(item.application_no, ref)] = batch.events[-1]["amount_fen"]
        done.append(item.application_no)
    batch.keep(at)
    return MarkResult(done=tuple(done), replayed=tuple(replayed))


def _locked(connection: Connection, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for part in chunks(sorted(set(numbers))):
        query = (
            select(applications)
            .where(applications.c.application_no.in_(part))
            .order_by(applications.c.application_no)
            .with_for_update()
        )
        found |= {row["application_no"]: dict(row) for row in connection.execute(query).mappings()}
    for number in numbers:
        if number not in found:
            raise UnknownApplicationError(number)
    return found


def _earlier(
    connection: Connection, numbers: Sequence[str], event: Event
) -> dict[tuple[str, str], int]:
    """Return the amounts of this kind of step taken before, by number and reference."""
    found: dict[tuple[str, str], int] = {}
    table = application_events
    for part in chunks(numbers):
        query = select(table.c.application_no, table.c.ref, table.c.amount_fen).where(
            table.c.application_no.in_(part), table.c.event == event.value
        )
        for number, ref, amount in connection.execute(query):
            found[(number, "" if event in _ONCE else ref)] = amount
    return found


def _is_replay(
    row: Mapping[str, Any],
    event: Event,
    item: Mark,
    earlier: Mapping[tuple[str, str], int],
) -> bool:
    key = (item.application_no, "" if event in _ONCE else item.ref)
    if key not in earlier:
        return False
    if event in _WITH_AMOUNT:
        if item.amount_fen not in (None, earlier[key]):
            reused = f"{event.value}:{item.application_no}:{item.ref}"
            raise KeyReusedError(reused)
        return True
    if event in _ONCE or row["state"] == _TO[event]:
        return True
    # A late repeat of an old message; the same step may be taken again only where it fits.
    return row["state"] not in _FROM[event]


class _Batch:
    """The steps of one call: rows as they will be, postings and events to be written."""

    def __init__(self, connection: Connection, rows: dict[str, dict[str, Any]]) -> None:
        self.connection = connection
        self.rows = rows
        self.touched: set[str] = set()
        self.events: list[dict[str, Any]] = []
        self.postings: list[Posting] = []
        self.opened: dict[str, Account] = {}
        self.charts = _charts(connection)
        self._overdrawn: dict[str, int] | None = None

    def step(self, event: Event, item: Mark, row: dict[str, Any]) -> None:
        money = _MONEY.get(event)
        amount, legs = money(self, item, row) if money else (0, [])
        self._state(event, item, row)
        row["version"] += 1
        self.touched.add(item.application_no)
        key = None
        if legs:
            key = f"{event.value}:{item.application_no}"
            key += "" if event in _ONCE else f":{item.ref}"
            self.postings.append(
                Posting(
                    key=key,
                    kind=event.value,
                    booked_on=item.on,
                    narration=f"{_WORDS[event]} {item.application_no} {row['payee_name']}",
                    legs=tuple(legs),
                    claim_no=row["claim_no"],
                    application_no=item.application_no,
                    document_ref=item.ref or None,
                )
            )
        self.events.append(
            {
                "application_no": item.application_no,
                "seq": row["version"],
                "event": event.value,
                "amount_fen": amount,
                "journal_key": key,
                "ref": item.ref,
                "on_date": item.on,
                "at": None,
                "by": item.by,
            }
        )

    def _state(self, event: Event, item: Mark, row: dict[str, Any]) -> None:
        if event is Event.PACKAGED:
            row["package_no"] = item.ref
        elif event is Event.UNPACKAGED:
            row["package_no"] = None
        elif event is Event.VOUCHER:
            row |= {"voucher_no": item.ref, "voucher_on": item.on}
        elif event is Event.PAID:
            row |= {"receipt_ref": item.ref, "paid_on": item.on}
        elif event is Event.RECEIPTED and item.ref:
            row["receipt_ref"] = item.ref
        partly = event is Event.PAID and (row["in_transit_fen"] or row["reserved_fen"])
        kept = event is Event.CANCELLED and row["state"] == S.RETURNED
        if partly:
            row["state"] = S.VOUCHER_ISSUED.value
        elif event is Event.VOIDED and row["paid_fen"]:
            row["state"] = S.PAID.value
        elif not kept:
            row["state"] = _TO[event].value

    def keep(self, at: datetime) -> None:
        """Write the journal, the events and the applications."""
        if not self.events:
            return
        open_accounts(self.connection, list(self.opened.values()))
        changed = [
            {f"b_{name}": self.rows[number][name] for name in ("application_no", *_CHANGING)}
            for number in sorted(self.touched)
        ]
        self.connection.execute(_UPDATE, changed)
        insert_rows(
            self.connection, application_events, [event | {"at": at} for event in self.events]
        )
        post(self.connection, self.postings, at=at)

    # --- money ---

    def voucher(self, item: Mark, row: dict[str, Any]) -> tuple[int, list[Leg]]:
        amount = _within(item, Event.VOUCHER, row["reserved_fen"])
        row["reserved_fen"] -= amount
        row["in_transit_fen"] += amount
        return amount, [_leg(row, Stage.IN_TRANSIT, Stage.RESERVED, amount)]

    def paid(self, item: Mark, row: dict[str, Any]) -> tuple[int, list[Leg]]:
        amount = _within(item, Event.PAID, row["reserved_fen"] + row["in_transit_fen"])
        legs: list[Leg] = []
        early = amount - row["in_transit_fen"]
        if early > 0:
            # The receipt came before, or without, the voucher's message.
            legs.append(_leg(row, Stage.IN_TRANSIT, Stage.RESERVED, early))
            row["reserved_fen"] -= early
            row["in_transit_fen"] += early
        row["in_transit_fen"] -= amount
        row["paid_fen"] += amount
        legs.append(_leg(row, Stage.SPENT, Stage.IN_TRANSIT, amount))
        legs.append(self._role_leg(item, row, "payable", "pay_source", amount))
        if "budget_expense" in self._chart(row).roles:
            legs.append(self._role_leg(item, row, "budget_expense", "budget_income", amount))
        return amount, legs

    def returned(self, item: Mark, row: dict[str, Any]) -> tuple[int, list[Leg]]:
        amount = _within(item, Event.RETURNED, row["paid_fen"] - row["returned_fen"])
        row["returned_fen"] += amount
        row["reserved_fen"] += amount
        legs = [
            _leg(row, Stage.RESERVED, Stage.SPENT, amount),
            self._role_leg(item, row, "pay_source", "payable", amount),
        ]
        if "budget_expense" in self._chart(row).roles:
            legs.append(self._role_leg(item, row, "budget_income", "budget_expense", amount))
        return amount, legs

    def returned_prior(self, item: Mark, row: dict[str, Any]) -> tuple[int, list[Leg]]:
        """The year of the payment is over: its allotment is not restored."""
        amount = _within(item, Event.RETURNED_PRIOR, row["paid_fen"] - row["returned_fen"])
        row["returned_fen"] += amount
        if "prior_refund" not in self._chart(row).roles:
            return amount, [self._role_leg(item, row, "pay_source", "payable", amount)]
        budget = ("budget_prior_refund", "budget_prior_surplus")
        return amount, [
            self._role_leg(item, row, "prior_refund", "prior_surplus", amount),
            self._role_leg(item, row, *budget, amount),
        ]

    def released(self, item: Mark, row: dict[str, Any]) -> tuple[int, list[Leg]]:
        """Give the reservation back: first to what is overdrawn, the rest becomes available."""
        amount = row["reserved_fen"] + row["in_transit_fen"]
        if not amount:
            raise IllegalStepError(item.application_no, "释放预占", row["state"])
        legs: list[Leg] = []
        if row["in_transit_fen"]:
            legs.append(_leg(row, Stage.RESERVED, Stage.IN_TRANSIT, row["in_transit_fen"]))
        legs.append(_leg(row, Stage.AVAILABLE, Stage.RESERVED, amount))
        row |= {"reserved_fen": 0, "in_transit_fen": 0}
        number = row["allotment_no"]
        over = self._held_overdrawn()
        if made_good := min(over[number], amount):
            over[number] -= made_good
            legs.append(_leg(row, Stage.OVERDRAWN, Stage.AVAILABLE, made_good))
        return amount, legs

    def _held_overdrawn(self) -> dict[str, int]:
        if self._overdrawn is None:
            numbers = sorted({row["allotment_no"] for row in self.rows.values()})
            held = stage_balances(self.connection, numbers, lock=True)
            self._overdrawn = {number: held[number][Stage.OVERDRAWN] for number in numbers}
        return self._overdrawn

    def _chart(self, row: Mapping[str, Any]) -> Chart:
        return self.charts[row["purse"]]

    def _role_leg(
        self, item: Mark, row: Mapping[str, Any], debit: str, credit: str, amount: int
    ) -> Leg:
        chart, payee = self._chart(row), row["payee_uscc"]
        codes = []
        for role in (debit, credit):
            code = chart.code(role, payee)
            if code not in self.opened or item.on < self.opened[code].opened_on:
                self.opened[code] = chart.account(role, item.on, payee)
            codes.append(code)
        return Leg(debit=codes[0], credit=codes[1], amount_fen=amount)


_CHANGING = (
    "reserved_fen",
    "in_transit_fen",
    "paid_fen",
    "returned_fen",
    "state",
    "package_no",
    "voucher_no",
    "voucher_on",
    "receipt_ref",
    "paid_on",
    "version",
)
_UPDATE = (
    update(applications)
    .where(applications.c.application_no == bindparam("b_application_no"))
    .values({name: bindparam(f"b_{name}", type_=applications.c[name].type) for name in _CHANGING})
)
_MONEY: Mapping[Event, Callable[[_Batch, Mark, dict[str, Any]], tuple[int, list[Leg]]]] = {
    Event.VOUCHER: _Batch.voucher,
    Event.PAID: _Batch.paid,
    Event.RETURNED: _Batch.returned,
    Event.RETURNED_PRIOR: _Batch.returned_prior,
    Event.REJECTED: _Batch.released,
    Event.CANCELLED: _Batch.released,
    Event.VOIDED: _Batch.released,
}
_WORDS: Mapping[Event, str] = {
    Event.VOUCHER: "开具支付凭证",
    Event.PAID: "支付",
    Event.RETURNED: "退汇",
    Event.RETURNED_PRIOR: "跨年退汇",
    Event.REJECTED: "财政退回申请, 释放预占",
    Event.CANCELLED: "撤销申请, 释放预占",
    Event.VOIDED: "凭证作废或余额不再支付, 释放预占",
}


def _charts(connection: Connection) -> dict[str, Chart]:
    query = select(purses.c.code, purses.c.chart)
    return {code: load_chart(chart) for code, chart in connection.execute(query)}


def _within(item: Mark, event: Event, limit: int) -> int:
    amount = limit if item.amount_fen is None else item.amount_fen
    if not 0 < amount <= limit:
        raise AmountExceededError(item.application_no, event.value, limit, amount)
    return amount


def _leg(row: Mapping[str, Any], debit: Stage, credit: Stage, amount: int) -> Leg:
    number = row["allotment_no"]
    return Leg(
        debit=stage_code(number, debit), credit=stage_code(number, credit), amount_fen=amount
    )


# --- one at a time ---------------------------------------------------------------------------


def mark_packaged(
    connection: Connection,
    numbers: Sequence[str],
    *,
    package_no: str,
    on: date,
    by: str,
    at: datetime,
) -> MarkResult:
    """Note that applications went into a package."""
    return _mark_all(connection, Event.PACKAGED, numbers, package_no, on, by, at)


def mark_unpackaged(
    connection: Connection,
    numbers: Sequence[str],
    *,
    package_no: str,
    on: date,
    by: str,
    at: datetime,
) -> MarkResult:
    """Note that a package was given up and its applications are free again."""
    return _mark_all(connection, Event.UNPACKAGED, numbers, package_no, on, by, at)


def mark_sent(
    connection: Connection, numbers: Sequence[str], *, ref: str, on: date, by: str, at: datetime
) -> MarkResult:
    """Note that the package with these applications was sent."""
    return _mark_all(connection, Event.SENT, numbers, ref, on, by, at)


def mark_unknown(
    connection: Connection, numbers: Sequence[str], *, ref: str, on: date, by: str, at: datetime
) -> MarkResult:
    """Note that it is not known whether the package arrived: query before any resend."""
    return _mark_all(connection, Event.UNKNOWN, numbers, ref, on, by, at)


def mark_accepted(
    connection: Connection, numbers: Sequence[str], *, ref: str, on: date, by: str, at: datetime
) -> MarkResult:
    """Note that finance accepted the applications."""
    return _mark_all(connection, Event.ACCEPTED, numbers, ref, on, by, at)


def mark_rejected(
    connection: Connection, numbers: Sequence[str], *, ref: str, on: date, by: str, at: datetime
) -> MarkResult:
    """Note that finance refused the applications; their reservations are given back."""
    return _mark_all(connection, Event.REJECTED, numbers, ref, on, by, at)


def cancel(
    connection: Connection, numbers: Sequence[str], *, ref: str, on: date, by: str, at: datetime
) -> MarkResult:
    """Give up applications that were not sent, or what was returned of paid ones."""
    return _mark_all(connection, Event.CANCELLED, numbers, ref, on, by, at)


def mark_voided(
    connection: Connection, numbers: Sequence[str], *, ref: str, on: date, by: str, at: datetime
) -> MarkResult:
    """Note that finance withdrew vouchers or will not pay the rest; it is available again."""
    return _mark_all(connection, Event.VOIDED, numbers, ref, on, by, at)


def hold(
    connection: Connection, numbers: Sequence[str], *, ref: str, on: date, by: str, at: datetime
) -> MarkResult:
    """Stop applications before they are packaged; the reservation stays."""
    return _mark_all(connection, Event.HELD, numbers, ref, on, by, at)


def resume(
    connection: Connection, numbers: Sequence[str], *, ref: str, on: date, by: str, at: datetime
) -> MarkResult:
    """Let stopped applications go on."""
    return _mark_all(connection, Event.RESUMED, numbers, ref, on, by, at)


def mark_voucher(
    connection: Connection, application_no: str, *, voucher_no: str, on: date, at: datetime
) -> Application:
    """Note finance's payment voucher: what was reserved is in transit."""
    mark = Mark(application_no=application_no, on=on, ref=voucher_no)
    mark_many(connection, Event.VOUCHER, [mark], at=at)
    return get_application(connection, application_no)


def mark_paid(
    connection: Connection,
    application_no: str,
    *,
    amount_fen: int,
    on: date,
    receipt_ref: str,
    at: datetime,
) -> Application:
    """Note a payment: spent in the budget, the payable settled, income and outlay booked."""
    mark = Mark(application_no=application_no, on=on, ref=receipt_ref, amount_fen=amount_fen)
    mark_many(connection, Event.PAID, [mark], at=at)
    return get_application(connection, application_no)


def mark_returned(
    connection: Connection,
    application_no: str,
    *,
    amount_fen: int,
    on: date,
    ref: str,
    at: datetime,
    prior_year: bool = False,
) -> Application:
    """Note money the bank sent back (退汇).

    In the year of the payment it is reserved and owed again, ready for ``reissue``. Across years
    (``prior_year``) it is a refund of an earlier year by finance's ruling: the allotment is not
    restored, and what is still due must be owed anew.
    """
    event = Event.RETURNED_PRIOR if prior_year else Event.RETURNED
    mark = Mark(application_no=application_no, on=on, ref=ref, amount_fen=amount_fen)
    mark_many(connection, event, [mark], at=at)
    return get_application(connection, application_no)


def lapse(
    connection: Connection, *, fiscal_year: int, on: date, by: str, at: datetime
) -> MarkResult:
    """Give back at year end what is reserved on that year's allotments and was never sent."""
    query = (
        select(applications)
        .join(allotments, allotments.c.allotment_no == applications.c.allotment_no)
        .where(
            allotments.c.fiscal_year == fiscal_year,
            applications.c.reserved_fen > 0,
            applications.c.state.in_([state.value for state in _FROM[Event.CANCELLED]]),
        )
    )
    found = [application(row) for row in connection.execute(query).mappings()]
    numbers = sorted(item.application_no for item in found)
    return cancel(connection, numbers, ref=f"年终清理-{fiscal_year}", on=on, by=by, at=at)


def _mark_all(
    connection: Connection,
    event: Event,
    numbers: Sequence[str],
    ref: str,
    on: date,
    by: str,
    at: datetime,
) -> MarkResult:
    marks = [Mark(application_no=number, on=on, ref=ref, by=by) for number in numbers]
    return mark_many(connection, event, marks, at=at)
