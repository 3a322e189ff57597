"""Approved claims find their money: reserved on an allotment, or waiting with the reason shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from app.claims import Claim, ClaimState, Move, desk, move
from app.work.notify import Draft, progress_draft
from ledger.applications import ReserveRequest, reserve_many
from ledger.bulk import chunks
from ledger.funding import LABELS, Funding, FundingState, open_funding
from ledger.money import display
from ledger.tables import applications


@dataclass(frozen=True, slots=True, kw_only=True)
class Funded:
    """What one round of funding did; the notices tell firms why money is late."""

    reserved: int
    reserved_fen: int
    waiting: int
    drafts: tuple[Draft, ...]


def fund(
    connection: Connection, *, on: date, by: str, at: datetime, purse: str | None = None
) -> Funded:
    """Reserve money for approved and waiting claims, oldest first, and say what the rest wait for.

    The order is the order of confirmation, never who the firm is. Nothing is reserved beyond what
    an allotment of the right purse and purpose has available and planned.
    """
    found = desk(connection, purse=purse, states=[ClaimState.APPROVED, ClaimState.WAITING])
    pool = open_funding(connection, on=on)
    ready: list[tuple[Claim, Funding]] = []
    moves: list[Move] = []
    drafts: list[Draft] = []
    for case in found:
        assert case.due_fen is not None, case.claim_no
        funding = pool.take(purse=case.purse, purpose=case.purpose, amount_fen=case.due_fen)
        if funding.state is FundingState.READY:
            ready.append((case, funding))
            continue
        label = LABELS[funding.state]
        if case.waits_for != label:
            moves.append(_waiting(case, funding, label))
            drafts.append(_why_late(case, funding, label))
    numbers = _numbers(connection, ready)
    requests = [
        _request(case, number, index, part.allotment_no, part.amount_fen, by, on)
        for case, funding in ready
        for index, (part, number) in enumerate(
            zip(funding.parts, numbers[case.claim_no], strict=True), start=1
        )
    ]
    reserve_many(connection, requests, at=at)
    moves += [
        Move(
            claim_no=case.claim_no,
            to=ClaimState.RESERVED,
            event="reserved",
            note=f"预占 {display(case.due_fen or 0)}",
            ref=numbers[case.claim_no][0],
            changes=(("waits_for", ""), ("expected_budget_year", None)),
        )
        for case, _ in ready
    ]
    move(connection, moves, by=by, at=at)
    return Funded(
        reserved=len(ready),
        reserved_fen=sum(case.due_fen or 0 for case, _ in ready),
        waiting=len(found) - len(ready),
        drafts=tuple(drafts),
    )


def _numbers(
    connection: Connection, ready: Sequence[tuple[Claim, Funding]]
) -> dict[str, list[str]]:
    """Number the applications of each claim on from those it had before (rejected, cancelled)."""
    before: Counter[str] = Counter()
    for part in chunks([case.claim_no for case, _ in ready]):
        query = (
            select(applications.c.claim_no, func.count())
            .where(applications.c.claim_no.in_(part))
            .group_by(applications.c.claim_no)
        )
        for claim_no, count in connection.execute(query):
            before[claim_no] = count
    return {
        case.claim_no: [
            application_number(case.claim_no, before[case.claim_no] + index)
            for index in range(1, len(funding.parts) + 1)
        ]
        for case, funding in ready
    }


def application_number(claim_no: str, count: int) -> str:
    """Return the number of a claim's nth payment application."""
    return f"{claim_no}-{count:02d}"


def _request(
    case: Claim, number: str, part: int, allotment_no: str, amount_fen: int, by: str, on: date
) -> ReserveRequest:
    """Each part stands on its own allotment; one may be paid while another waits."""
    return ReserveRequest(
        application_no=number,
        claim_no=case.claim_no,
        part=part,
        purse=case.purse,
        allotment_no=allotment_no,
        payee_uscc=case.uscc,
        payee_name=case.account_name,
        payee_account_no=case.account_no,
        payee_bank_name=case.bank_name,
        payee_cnaps=case.cnaps,
        amount_fen=amount_fen,
        booked_on=on,
        by=by,
        use_desc=f"惠企资金 {case.benefit_id} {case.period}",
    )


def _waiting(case: Claim, funding: Funding, label: str) -> Move:
    return Move(
        claim_no=case.claim_no,
        to=ClaimState.WAITING,
        event="waiting",
        note=f"{label}, 尚缺 {display(funding.short_fen)}",
        changes=(("waits_for", label), ("expected_budget_year", funding.expected_budget_year)),
    )


def _why_late(case: Claim, funding: Funding, label: str) -> Draft:
    return progress_draft(
        case,
        title=f"已审定, {label}: {display(case.due_fen or 0)}",
        body=(
            f"办件 {case.claim_no} 已审定 {display(case.due_fen or 0)}, 目前{label}, "
            f"预计 {funding.expected_budget_year} 预算年度安排。"
        ),
        reason=f"waiting/{label}",
    )
