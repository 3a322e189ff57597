"""What comes back from finance and bank, and what it means for the firms' claims."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from app.claims import Claim, ClaimState, Move, claims_by_no, move
from app.work.notify import Draft, progress_draft
from ledger.answers import AnswerResult, apply_answers, load_answers
from ledger.applications import (
    Application,
    ApplicationState,
    applications_of_claims,
    claims_of_applications,
)
from ledger.money import display

_A = ApplicationState
_S = ClaimState
# The first that fits any live application of a claim says where the claim stands.
_STANDS: tuple[tuple[frozenset[ApplicationState], ClaimState], ...] = (
    (frozenset({_A.RETURNED}), _S.BOUNCED),
    (frozenset({_A.REJECTED}), _S.WAITING),
    (frozenset({_A.SENT, _A.SENT_UNKNOWN, _A.ACCEPTED}), _S.PUSHED),
    (frozenset({_A.VOUCHER_ISSUED}), _S.VOUCHERED),
    (frozenset({_A.PAID}), _S.PAID),
    (frozenset({_A.RECEIPTED}), _S.RECEIPTED),
)
_PATH = (_S.PUSHED, _S.VOUCHERED, _S.PAID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What one answer file did, and the notices it gives rise to."""

    result: AnswerResult
    moved: int
    drafts: tuple[Draft, ...]


def receive(connection: Connection, path: Path, *, by: str, at: datetime) -> Received:
    """Apply an answer file of finance or bank; the same file again changes nothing."""
    answers = load_answers(path)
    result = apply_answers(connection, answers, at=at, by=by)
    numbers = sorted({line.application_no for line in answers.lines})
    drafts = sync_claims(connection, claims_of_applications(connection, numbers), by=by, at=at)
    return Received(result=result, moved=len(drafts), drafts=tuple(drafts))


def sync_claims(
    connection: Connection, claim_nos: Sequence[str], *, by: str, at: datetime
) -> list[Draft]:
    """Bring claims to where their payment applications stand; returns notices for the firms."""
    found: dict[str, list[Application]] = defaultdict(list)
    for item in applications_of_claims(connection, claim_nos):
        found[item.claim_no].append(item)
    drafts: list[Draft] = []
    steps: list[list[Move]] = []
    for case in claims_by_no(connection, sorted(found)):
        items = found[case.claim_no]
        target = _target(items)
        paid = sum(item.paid_fen - item.returned_fen for item in items)
        if target is None or (target is case.state and paid == case.paid_fen):
            continue
        steps.append(_moves(case, target, paid, items[-1]))
        if draft := _draft(case, target, paid, items[-1]):
            drafts.append(draft)
    depth = max((len(chain) for chain in steps), default=0)
    for level in range(depth):
        move(connection, [c[level] for c in steps if len(c) > level], by=by, at=at)
    return drafts


def _target(items: Iterable[Application]) -> ClaimState | None:
    """Say where a claim stands by its applications; those taken over by others do not count."""
    every = list(items)
    replaced = {item.replaces_no for item in every}
    live = [item for item in every if item.application_no not in replaced]
    latest = {item.part: item for item in live}
    states = {item.state for item in latest.values()}
    for group, target in _STANDS:
        if states & group:
            return target
    return None


def _moves(case: Claim, target: ClaimState, paid: int, item: Application) -> list[Move]:
    """Take every step in between, so that a case's events tell the whole way."""
    chain: list[Move] = []
    if case.state in _PATH and target in {*_PATH, _S.BOUNCED, _S.RECEIPTED}:
        last = _PATH.index(target) if target in _PATH else len(_PATH)
        chain = [
            _move(case, step, paid, item) for step in _PATH[_PATH.index(case.state) + 1 : last]
        ]
    return [*chain, _move(case, target, paid, item)]


def _move(case: Claim, to: ClaimState, paid: int, item: Application) -> Move:
    """Step to a state with the paper it stands on; the last step carries what is paid, net."""
    refs = {
        _S.VOUCHERED: item.voucher_no,
        _S.PAID: item.receipt_ref or item.voucher_no,
        _S.BOUNCED: item.receipt_ref,
    }
    return Move(
        claim_no=case.claim_no,
        to=to,
        event=to.value,
        ref=refs.get(to) or "",
        changes=(("paid_fen", paid),),
    )


def _draft(case: Claim, target: ClaimState, paid: int, item: Application) -> Draft | None:
    if target is _S.PAID:
        return progress_draft(
            case,
            title=f"已支付 {display(paid)}",
            body=(
                f"办件 {case.claim_no} 已由财政支付 {display(paid)} 至尾号 "
                f"{case.account_no[-4:]} 的账户, 支付凭证号 {item.voucher_no or '—'}。"
            ),
            reason="paid",
        )
    if target is _S.BOUNCED:
        return progress_draft(
            case,
            title="款项被银行退回, 请核对收款账户",
            body=(
                f"办件 {case.claim_no} 的款项被银行退回, 资金仍为贵企业保留。"
                "请核对并更新已核验的收款账户, 核验后重新支付。"
            ),
            reason=f"bounced/{item.application_no}",
        )
    return None
