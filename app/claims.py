"""Claims: one state machine, every step an event that is never changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from app.errors import ClaimStateError, UnknownClaimError
from app.tables import claim_events, claims
from ledger.bulk import chunks


class ClaimState(StrEnum):
    """Where a claim stands; approved, funded and paid are three facts and never one."""

    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    CHECKED = "checked"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    WAITING = "waiting"
    RESERVED = "reserved"
    PUSHED = "pushed"
    VOUCHERED = "vouchered"
    PAID = "paid"
    RECEIPTED = "receipted"
    BOUNCED = "bounced"
    HELD = "held"
    REFUSED = "refused"


STATE_ZH = {
    ClaimState.CONFIRMED: "企业已确认",
    ClaimState.ACCEPTED: "已受理",
    ClaimState.CHECKED: "经办已审",
    ClaimState.REVIEWED: "复核已审",
    ClaimState.APPROVED: "已审定",
    ClaimState.WAITING: "待资金",
    ClaimState.RESERVED: "已预占指标",
    ClaimState.PUSHED: "已推送财政",
    ClaimState.VOUCHERED: "已出支付凭证",
    ClaimState.PAID: "已支付",
    ClaimState.RECEIPTED: "已到账",
    ClaimState.BOUNCED: "已退汇",
    ClaimState.HELD: "暂停",
    ClaimState.REFUSED: "不予通过",
}

_S = ClaimState
TRANSITIONS: dict[ClaimState, frozenset[ClaimState]] = {
    _S.CONFIRMED: frozenset({_S.ACCEPTED, _S.REFUSED, _S.HELD}),
    _S.ACCEPTED: frozenset({_S.CHECKED, _S.REFUSED, _S.HELD}),
    _S.CHECKED: frozenset({_S.REVIEWED, _S.REFUSED, _S.HELD}),
    _S.REVIEWED: frozenset({_S.APPROVED, _S.REFUSED, _S.HELD}),
    _S.APPROVED: frozenset({_S.WAITING, _S.RESERVED, _S.HELD}),
    _S.WAITING: frozenset({_S.WAITING, _S.RESERVED, _S.HELD}),
    _S.RESERVED: frozenset({_S.PUSHED, _S.WAITING, _S.HELD}),
    _S.PUSHED: frozenset({_S.VOUCHERED, _S.PAID, _S.WAITING}),
    # Partly paid: the voucher stands, what was paid so far changes.
    _S.VOUCHERED: frozenset({_S.VOUCHERED, _S.PAID, _S.WAITING}),
    _S.PAID: frozenset({_S.RECEIPTED, _S.BOUNCED}),
    _S.RECEIPTED: frozenset({_S.BOUNCED}),
    _S.BOUNCED: frozenset({_S.RESERVED, _S.HELD}),
    _S.HELD: frozenset({_S.ACCEPTED, _S.APPROVED, _S.WAITING, _S.RESERVED, _S.REFUSED}),
    _S.REFUSED: frozenset(),
}
"""From each state, the states a claim may move to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One claim as stored; amounts in fen, ``None`` where the stage has not been reached."""

    claim_no: str
    uscc: str
    firm_name: str
    benefit_id: str
    benefit_version: int
    period: str
    mode: str
    channel: str
    state: ClaimState
    round: int
    department: str
    purse: str
    purpose: str
    computed_fen: int
    claimed_fen: int
    approved_fen: int | None
    due_fen: int | None
    paid_fen: int
    difference_reason: str
    account_name: str
    account_no: str
    bank_name: str
    cnaps: str
    verdict: Any
    as_of: date
    opened_at: datetime
    opened_by: str
    due_on: date | None
    waits_for: str
    expected_budget_year: int | None
    hold_reason: str

    @property
    def state_zh(self) -> str:
        """The state in Chinese."""
        return STATE_ZH[self.state]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimEvent:
    """One step of a claim: what, from where to where, by whom, when, on which paper."""

    claim_no: str
    event: str
    from_state: str
    to_state: str
    by: str
    at: datetime
    note: str
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A step to take: the state to reach and the columns that change with it."""

    claim_no: str
    to: ClaimState
    event: str
    note: str = ""
    ref: str = ""
    changes: tuple[tuple[str, Any], ...] = ()


def claim(connection: Connection, claim_no: str) -> Claim:
    """Return one claim; raises UnknownClaimError."""
    row = connection.execute(select(claims).where(claims.c.claim_no == claim_no)).one_or_none()
    if row is None:
        raise UnknownClaimError(claim_no)
    return _claim(row)


def claims_by_no(connection: Connection, numbers: Sequence[str]) -> list[Claim]:
    """Return the claims with these numbers, in the given order; raises UnknownClaimError."""
    found: dict[str, Claim] = {}
    for part in chunks(list(numbers)):
        for row in connection.execute(select(claims).where(claims.c.claim_no.in_(part))):
            found[row.claim_no] = _claim(row)
    for number in numbers:
        if number not in found:
            raise UnknownClaimError(number)
    return [found[number] for number in numbers]


def claims_of(connection: Connection, uscc: str) -> list[Claim]:
    """Return an enterprise's claims, newest first."""
    query = (
        select(claims)
        .where(claims.c.uscc == uscc)
        .order_by(claims.c.opened_at.desc(), claims.c.claim_no)
    )
    return [_claim(row) for row in connection.execute(query)]


def claims_of_firms(connection: Connection, usccs: Sequence[str]) -> list[Claim]:
    """Return the claims of some enterprises, by number."""
    found: list[Claim] = []
    for part in chunks(list(usccs)):
        query = select(claims).where(claims.c.uscc.in_(part)).order_by(claims.c.claim_no)
        found += [_claim(row) for row in connection.execute(query)]
    return found


def desk(
    connection: Connection,
    *,
    department: str | None = None,
    purse: str | None = None,
    states: Iterable[ClaimState] = (),
    limit: int | None = None,
) -> list[Claim]:
    """Return the claims of a department or purse in the given states, oldest first."""
    query = select(claims).order_by(claims.c.opened_at, claims.c.claim_no)
    if department is not None:
        query = query.where(claims.c.department == department)
    if purse is not None:
        query = query.where(claims.c.purse == purse)
    if wanted := [state.value for state in states]:
        query = query.where(claims.c.state.in_(wanted))
    if limit is not None:
        query = query.limit(limit)
    return [_claim(row) for row in connection.execute(query)]


def events(connection: Connection, claim_no: str) -> list[ClaimEvent]:
    """Return what happened to a claim, in order."""
    query = (
        select(claim_events).where(claim_events.c.claim_no == claim_no).order_by(claim_events.c.id)
    )
    return [
        ClaimEvent(**{k: v for k, v in row._mapping.items() if k != "id"})  # noqa: SLF001
        for row in connection.execute(query)
    ]


def claim_number(uscc: str, benefit_id: str, period: str) -> str:
    """Return the number of the claim for this firm, benefit and period: the same every time."""
    digest = hashlib.sha256(f"{uscc}|{benefit_id}|{period}".encode()).hexdigest()
    return f"HQ{period.replace('once', '0000')[:4]}{int(digest[:14], 16) % 10**12:012d}"


def content_digest(claim_: Claim) -> str:
    """Return the SHA-256 of exactly what an approval decides on: who, what, how much, where to."""
    content = {
        "claim_no": claim_.claim_no,
        "uscc": claim_.uscc,
        "benefit": f"{claim_.benefit_id}@{claim_.benefit_version}",
        "period": claim_.period,
        "amount_fen": claim_.claimed_fen,
        "account": [claim_.account_name, claim_.account_no, claim_.bank_name, claim_.cnaps],
        "purse": claim_.purse,
    }
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def move(connection: Connection, moves: Sequence[Move], *, by: str, at: datetime) -> None:
    """Take a step for each claim and write its event; raises ClaimStateError, UnknownClaimError.

    Each update is conditional on the state that was read, so that two people can not both move
    one claim.
    """
    if not moves:
        return
    current = {c.claim_no: c for c in claims_by_no(connection, [m.claim_no for m in moves])}
    steps = []
    for step in moves:
        state = current[step.claim_no].state
        if step.to not in TRANSITIONS[state]:
            raise ClaimStateError(step.claim_no, STATE_ZH[state], f"转为“{STATE_ZH[step.to]}”")
        steps.append((step, state))
    for columns, group in _by_columns(steps).items():
        statement = (
            update(claims)
            .where(claims.c.claim_no == bindparam("b_no"), claims.c.state == bindparam("b_from"))
            .values({"state": bindparam("b_to"), **{c: bindparam(f"b_{c}") for c in columns}})
        )
        rows = [
            {
                "b_no": step.claim_no,
                "b_from": state.value,
                "b_to": step.to.value,
                **{f"b_{name}": value for name, value in step.changes},
            }
            for step, state in group
        ]
        changed = connection.execute(statement, rows).rowcount
        if changed not in (-1, len(rows)):
            step, state = group[0]
            raise ClaimStateError(step.claim_no, STATE_ZH[state], step.event)
    connection.execute(
        insert(claim_events),
        [
            {
                "claim_no": step.claim_no,
                "event": step.event,
                "from_state": state.value,
                "to_state": step.to.value,
                "by": by,
                "at": at,
                "note": step.note,
                "ref": step.ref,
            }
            for step, state in steps
        ],
    )


def _by_columns(
    steps: Sequence[tuple[Move, ClaimState]],
) -> dict[tuple[str, ...], list[tuple[Move, ClaimState]]]:
    """Group steps by the columns they change, so that each group is one statement."""
    groups: dict[tuple[str, ...], list[tuple[Move, ClaimState]]] = {}
    for step, state in steps:
        groups.setdefault(tuple(name for name, _ in step.changes), []).append((step, state))
    return groups


def _claim(row: Row[Any]) -> Claim:
    values = dict(row._mapping)  # noqa: SLF001
    values["state"] = ClaimState(values["state"])
    return Claim(**values)
