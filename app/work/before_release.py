"""Before money leaves: rules run again on the data of the day, and the auditors' comparisons.

Each finding holds the claim until a person clears it with a reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, insert, select, update

from app import auth
from app.claims import Claim, ClaimState, Move, claim, claims_by_no, move
from app.errors import AppError, NotAllowedError
from app.roles import LABELS_ZH, Role
from app.tables import approvals, claims, clearances
from app.work.history import histories
from ledger.bulk import chunks
from ledger.money import display
from matching.award import stack
from matching.enterprise_list import enterprises_of
from matching.evaluate import evaluate
from matching.linkage import same_name
from matching.profile_store import profiles
from matching.verdicts import VerdictKind
from policies.library import benefit as load_benefit
from policies.vocabulary import load_vocabulary

LABELS = {
    "criteria": "条件重算不符",
    "amount": "金额重算不一致",
    "stacking": "与已享受政策冲突",
    "account_name": "账户名与企业名不一致",
    "shared_account": "同一账户多家企业使用",
    "shared_representative": "同一法定代表人的多家企业同批申领",
    "firm_status": "企业登记状态异常",
}


class NoSuchFindingError(AppError):
    """There is no open finding of this kind on the claim."""

    def __init__(self, claim_no: str, code: str) -> None:
        super().__init__(f"办件 {claim_no} 没有待处理的“{LABELS.get(code, code)}”")


class NoReasonError(AppError):
    """A finding can not be cleared without a reason."""

    def __init__(self) -> None:
        super().__init__("请写明处理理由")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFinding:
    """Something a person must look at before this claim is paid."""

    claim_no: str
    code: str
    found: str


def examine(
    connection: Connection, claim_nos: Sequence[str], *, on: date, by: str, at: datetime
) -> list[ReleaseFinding]:
    """Examine reserved claims on the data of the day and return what nobody has cleared yet.

    Claims with such a finding are held.
    """
    found = claims_by_no(connection, list(claim_nos))
    findings = sorted(
        [*_rules(connection, found, on), *_comparisons(connection, found)],
        key=lambda f: (f.claim_no, f.code),
    )
    known = _known(connection, claim_nos)
    fresh = [f for f in findings if (f.claim_no, f.code) not in known]
    if fresh:
        connection.execute(
            insert(clearances),
            [
                {
                    "claim_no": f.claim_no,
                    "code": f.code,
                    "found": f.found,
                    "state": "open",
                    "found_at": at,
                    "reason": "",
                }
                for f in fresh
            ],
        )
    standing = [f for f in findings if known.get((f.claim_no, f.code)) != "cleared"]
    held: dict[str, list[str]] = defaultdict(list)
    for finding in standing:
        held[finding.claim_no].append(LABELS[finding.code])
    moves = [
        Move(
            claim_no=number,
            to=ClaimState.HELD,
            event="held",
            note="; ".join(reasons),
            changes=(("hold_reason", "; ".join(reasons)),),
        )
        for number, reasons in sorted(held.items())
    ]
    move(connection, moves, by=by, at=at)
    return standing


def clear(
    connection: Connection, claim_no: str, code: str, *, by: str, reason: str, at: datetime
) -> ClaimState:
    """Clear one finding with a reason; the claim goes on when none is left open.

    The person must be a reviewer or head of the department and must not have taken another step
    of this claim. Raises NotAllowedError, NoReasonError, NoSuchFindingError.
    """
    if not reason.strip():
        raise NoReasonError
    case = claim(connection, claim_no)
    person = auth.user(connection, by)
    may = person is not None and any(
        person.has(role, department=case.department) for role in (Role.REVIEWER, Role.HEAD)
    )
    steps = select(approvals.c.id).where(
        approvals.c.claim_no == claim_no, approvals.c.username == by
    )
    if not may or connection.execute(steps).first() is not None:
        raise NotAllowedError(by, f"{LABELS_ZH[Role.REVIEWER]} (非本件经手人)")
    changed = connection.execute(
        update(clearances)
        .where(
            clearances.c.claim_no == claim_no,
            clearances.c.code == code,
            clearances.c.state == "open",
        )
        .values(state="cleared", cleared_by=by, cleared_at=at, reason=reason.strip())
    ).rowcount
    if changed != 1:
        raise NoSuchFindingError(claim_no, code)
    left = connection.execute(
        select(clearances.c.id).where(
            clearances.c.claim_no == claim_no, clearances.c.state == "open"
        )
    ).first()
    if left is None and case.state is ClaimState.HELD:
        step = Move(
            claim_no=claim_no,
            to=ClaimState.RESERVED,
            event="released",
            note=reason.strip(),
            changes=(("hold_reason", ""),),
        )
        move(connection, [step], by=by, at=at)
        return ClaimState.RESERVED
    return case.state


def _rules(connection: Connection, found: Sequence[Claim], on: date) -> Iterator[ReleaseFinding]:
    """Run criteria, amount and stacking again for each claim, one profile a firm."""
    vocabulary = load_vocabulary()
    benefits = {
        key: load_benefit(connection, key[0], key[1])
        for key in sorted({(c.benefit_id, c.benefit_version) for c in found})
    }
    by_firm: dict[str, list[Claim]] = defaultdict(list)
    for case in found:
        by_firm[case.uscc].append(case)
    past_of = histories(connection, sorted(by_firm))
    for profile in profiles(connection, usccs=sorted(by_firm)):
        for case in by_firm[profile.uscc]:
            benefit = benefits[case.benefit_id, case.benefit_version]
            verdict = evaluate(benefit, profile, on, vocabulary=vocabulary)
            if verdict.kind is not VerdictKind.ELIGIBLE:
                yield ReleaseFinding(
                    claim_no=case.claim_no, code="criteria", found=f"重算结果: {verdict.kind.value}"
                )
                continue
            award = verdict.award
            past = past_of[case.uscc].without(case.claim_no)
            result = stack(benefit, award, past.payouts, as_of=on) if award else None
            if result is None or not result.allowed or result.exact_fen is None:
                why = "; ".join(result.reasons) if result else "金额不能确定"
                yield ReleaseFinding(claim_no=case.claim_no, code="stacking", found=why)
            elif result.exact_fen != case.due_fen:
                yield ReleaseFinding(
                    claim_no=case.claim_no,
                    code="amount",
                    found=f"审定 {display(case.due_fen or 0)}, 重算 {display(result.exact_fen)}",
                )


def _comparisons(connection: Connection, found: Sequence[Claim]) -> Iterator[ReleaseFinding]:
    """Compare what a single claim can not show: names, accounts and people across firms."""
    firms = enterprises_of(connection, sorted({c.uscc for c in found}))
    users_of_account: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(
        select(claims.c.account_no, claims.c.uscc).where(claims.c.state != ClaimState.REFUSED.value)
    ):
        users_of_account[row.account_no].add(row.uscc)
    people: dict[tuple[str, str], set[str]] = defaultdict(set)
    for case in found:
        firm = firms.get(case.uscc)
        if firm is not None and firm.legal_representative:
            people[case.benefit_id, firm.legal_representative].add(case.uscc)
    for case in found:
        firm = firms.get(case.uscc)
        if firm is None or firm.status != "存续":
            status = firm.status if firm else "无登记"
            yield ReleaseFinding(
                claim_no=case.claim_no, code="firm_status", found=f"登记状态: {status}"
            )
        elif not same_name(case.account_name, firm.name):
            yield ReleaseFinding(
                claim_no=case.claim_no,
                code="account_name",
                found=f"账户名 {case.account_name}, 企业名 {firm.name}",
            )
        if len(users_of_account[case.account_no]) > 1:
            yield ReleaseFinding(
                claim_no=case.claim_no,
                code="shared_account",
                found=f"{len(users_of_account[case.account_no])} 家企业使用尾号 "
                f"{case.account_no[-4:]} 的账户",
            )
        if firm is not None and firm.legal_representative:
            same = people[case.benefit_id, firm.legal_representative]
            if len(same) > 1:
                yield ReleaseFinding(
                    claim_no=case.claim_no,
                    code="shared_representative",
                    found=f"同一法定代表人的 {len(same)} 家企业申领同一事项",
                )


def _known(connection: Connection, numbers: Sequence[str]) -> dict[tuple[str, str], str]:
    known: dict[tuple[str, str], str] = {}
    for part in chunks(numbers):
        query = select(clearances.c.claim_no, clearances.c.code, clearances.c.state).where(
            clearances.c.claim_no.in_(part)
        )
        known |= {(row.claim_no, row.code): row.state for row in connection.execute(query)}
    return known
