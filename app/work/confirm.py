"""The firm's one confirmation: amount and account shown, checked again, turned into a claim."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, insert, update

from app.claims import ClaimState, claim_number
from app.errors import (
    AlreadyClaimedError,
    AmountChangedError,
    NotEligibleError,
    NoVerifiedAccountError,
    StackingError,
)
from app.tables import claim_events, claims, notices
from app.work.history import history_of
from app.work.offers import Offer, judge, offer
from app.working_days import add_working_days
from ledger.money import display
from matching.enterprise_list import enterprise
from matching.facts import Facts
from matching.profile_store import Account, declare, verified_accounts
from matching.profile_store import profile as load_profile
from matching.sweep import Sweep
from matching.verdicts import VerdictKind
from policies.benefits import Benefit
from policies.library import live_benefits
from policies.vocabulary import load_vocabulary

VERDICT_ZH = {
    VerdictKind.ELIGIBLE: "符合",
    VerdictKind.UNDETERMINED: "待定",
    VerdictKind.INELIGIBLE: "不符合",
}

# In these modes nobody at a window accepts: the comparison of data is the acceptance.
_ACCEPTED_BY_DATA = {"direct", "instant"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an answer changed: a benefit's verdict before and after, and the amount now."""

    benefit_id: str
    name_zh: str
    before: VerdictKind
    after: VerdictKind
    due_fen: int | None


def confirm(
    connection: Connection,
    *,
    uscc: str,
    benefit_id: str,
    account_no: str,
    shown_fen: int,
    by: str,
    at: datetime,
    as_of: date,
    channel: str = "web",
    prepared: Offer | None = None,
) -> str:
    """Open the claim for what was shown and return its number.

    ``shown_fen`` is the amount on the page the firm confirmed; it must still be what the rule
    gives. ``prepared`` is an offer judged in this same transaction, to spare judging it again.
    Raises AlreadyClaimedError, NotEligibleError, StackingError, AmountChangedError and
    NoVerifiedAccountError.
    """
    found = prepared or offer(connection, uscc, benefit_id, as_of=as_of)
    _must_be_claimable(found)
    assert found.due_fen is not None
    if found.due_fen != shown_fen:
        raise AmountChangedError(display(shown_fen), display(found.due_fen))
    account = _account(connection, uscc, account_no)
    number = claim_number(uscc, benefit_id, found.period)
    by_data = found.benefit.mode in _ACCEPTED_BY_DATA
    state = ClaimState.ACCEPTED if by_data else ClaimState.CONFIRMED
    row = _row(connection, found, account, number, uscc, by, at, as_of, channel)
    connection.execute(insert(claims), row | {"state": state.value})
    confirmed = {
        "claim_no": number,
        "event": "confirmed",
        "from_state": "",
        "to_state": ClaimState.CONFIRMED.value,
        "by": by,
        "at": at,
        "note": f"确认金额 {display(found.due_fen)}, 收款账户尾号 {account.account_no[-4:]}",
        "ref": f"{benefit_id}@{found.benefit.version}",
    }
    accepted = confirmed | {
        "event": "accepted",
        "from_state": ClaimState.CONFIRMED.value,
        "to_state": ClaimState.ACCEPTED.value,
        "by": "system",
        "note": "数据比对通过, 免予受理",
        "ref": "",
    }
    connection.execute(insert(claim_events), [confirmed, accepted] if by_data else [confirmed])
    _mark_answered(connection, uscc, benefit_id, at)
    return number


def decline(connection: Connection, *, uscc: str, benefit_id: str, at: datetime) -> None:
    """Note that the firm does not want the benefit; its offers count as answered."""
    _mark_answered(connection, uscc, benefit_id, at)


def answer(
    connection: Connection,
    *,
    uscc: str,
    field: str,
    period: int | None,
    value: Any,
    at: datetime,
    as_of: date,
) -> list[Change]:
    """Keep the firm's answer to a question and return the benefits whose verdict it changed."""
    live = live_benefits(connection, as_of)
    sweep = Sweep(live, as_of, vocabulary=load_vocabulary())
    before = {d.benefit_id: d for d in sweep.run([load_profile(connection, uscc)])}
    declare(
        connection,
        uscc=uscc,
        field=field,
        period=period,
        value=value,
        at=at,
        declared_on=as_of,
    )
    profile, past = load_profile(connection, uscc), history_of(connection, uscc)
    facts = Facts(profile, load_vocabulary(), as_of)
    after = {d.benefit_id: d for d in sweep.run([profile])}
    changes = []
    for benefit in live:
        earlier, now = before.get(benefit.id), after.get(benefit.id)
        if earlier == now:
            continue
        found = judge(benefit, facts, past)
        changes.append(
            Change(
                benefit_id=benefit.id,
                name_zh=benefit.name.zh,
                before=earlier.kind if earlier else VerdictKind.INELIGIBLE,
                after=found.verdict.kind,
                due_fen=found.due_fen,
            )
        )
    return changes


def promised_day(benefit: Benefit, as_of: date) -> date | None:
    """Return the day the office promises to decide by; None when none is stated or known."""
    if benefit.promise_working_days is None:
        return None
    return add_working_days(as_of, benefit.promise_working_days)


def _must_be_claimable(found: Offer) -> None:
    name = found.benefit.name.zh
    if found.claim_no is not None:
        raise AlreadyClaimedError(name, found.period, found.claim_no)
    if found.claimable:
        return
    if found.verdict.kind is VerdictKind.ELIGIBLE and found.benefit.mode != "filing":
        raise StackingError(found.why_not)
    raise NotEligibleError(name, VERDICT_ZH[found.verdict.kind])


def _account(connection: Connection, uscc: str, account_no: str) -> Account:
    for account in verified_accounts(connection, uscc):
        if account.account_no == account_no:
            return account
    raise NoVerifiedAccountError(uscc)


def _row(
    connection: Connection,
    found: Offer,
    account: Account,
    number: str,
    uscc: str,
    by: str,
    at: datetime,
    as_of: date,
    channel: str,
) -> dict[str, Any]:
    benefit = found.benefit
    firm = enterprise(connection, uscc)
    return {
        "claim_no": number,
        "uscc": uscc,
        "firm_name": firm.name,
        "benefit_id": benefit.id,
        "benefit_version": benefit.version,
        "period": found.period,
        "mode": benefit.mode,
        "channel": channel,
        "round": 1,
        "department": benefit.lead_department,
        "purse": benefit.purse,
        "purpose": benefit.allotment_purpose,
        "computed_fen": found.due_fen,
        "claimed_fen": found.due_fen,
        "approved_fen": None,
        "due_fen": None,
        "paid_fen": 0,
        "difference_reason": "",
        "account_name": account.account_name,
        "account_no": account.account_no,
        "bank_name": account.bank_name,
        "cnaps": account.cnaps,
        "verdict": found.verdict.to_json(),
        "as_of": as_of,
        "opened_at": at,
        "opened_by": by,
        "due_on": promised_day(benefit, as_of),
        "waits_for": "",
        "expected_budget_year": None,
        "hold_reason": "",
    }


def _mark_answered(connection: Connection, uscc: str, benefit_id: str, at: datetime) -> None:
    connection.execute(
        update(notices)
        .where(
            notices.c.uscc == uscc,
            notices.c.benefit_id == benefit_id,
            notices.c.answered_at.is_(None),
        )
        .values(answered_at=at)
    )
