"""What an enterprise can get: every live benefit evaluated on its profile of the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from app.work.history import History, history_of
from matching.award import stack
from matching.evaluate import evaluate_facts
from matching.facts import Facts
from matching.profile_store import profile as load_profile
from matching.profiles import Profile
from matching.verdicts import Award, Verdict, VerdictKind
from policies.benefits import Benefit
from policies.library import benefit as load_benefit
from policies.library import live_benefits
from policies.vocabulary import load_vocabulary

_ORDER = {VerdictKind.ELIGIBLE: 0, VerdictKind.UNDETERMINED: 1, VerdictKind.INELIGIBLE: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One benefit for one enterprise: the verdict, the award, and whether it can be claimed now.

    ``due_fen`` is what the rule gives after stacking; None when it can not be computed yet.
    """

    benefit: Benefit
    verdict: Verdict
    award: Award | None
    due_fen: int | None
    claimable: bool
    why_not: str
    claim_no: str | None
    period: str


def claim_period(benefit: Benefit, as_of: date) -> str:
    """Return what one award covers: ``once`` or the calendar year (shifted when the text says)."""
    period = benefit.claim_period(as_of)
    return "once" if period is None else str(period)


def offers(
    connection: Connection, uscc: str, *, as_of: date, known_at: datetime | None = None
) -> list[Offer]:
    """Evaluate an enterprise against every live benefit; what is certain and largest first."""
    person = load_profile(connection, uscc, known_at=known_at)
    past = history_of(connection, uscc)
    facts = Facts(person, load_vocabulary(), as_of)
    found = [judge(benefit, facts, past) for benefit in live_benefits(connection, as_of)]
    return sorted(
        found,
        key=lambda o: (
            _ORDER[o.verdict.kind],
            not o.claimable,
            -(o.due_fen or 0),
            o.benefit.id,
        ),
    )


def offer(connection: Connection, uscc: str, benefit_id: str, *, as_of: date) -> Offer:
    """Evaluate an enterprise against one benefit, live or not; raises what the library raises."""
    return judge(
        load_benefit(connection, benefit_id),
        Facts(load_profile(connection, uscc), load_vocabulary(), as_of),
        history_of(connection, uscc),
    )


def judge(benefit: Benefit, facts: Facts, past: History) -> Offer:
    """Put verdict, award, stacking and earlier claims together for one benefit.

    ``facts`` are the firm's on one day, opened once and shared by all its benefits.
    """
    as_of = facts.as_of
    verdict = evaluate_facts(benefit, facts)
    period = claim_period(benefit, as_of)
    award = verdict.award
    existing = past.claim_for(benefit.id, period)
    due: int | None = None
    why = ""
    if benefit.mode == "filing":
        why = "申报享受: 在纳税或缴费申报时直接享受, 不在本平台申领"
    elif benefit.purse not in past.payers:
        why = f"由{benefit.document.issuer}所定渠道办理, 不在本平台申领"
    elif existing is not None:
        why = f"已有办件 {existing.claim_no} ({existing.state_zh})"
    elif status := _not_in_business(facts.profile):
        why = f"登记状态为{status}"
    elif verdict.kind is VerdictKind.INELIGIBLE:
        why = "条件不符"
    elif verdict.kind is VerdictKind.UNDETERMINED:
        why = "尚有条件待核实"
    elif not benefit.window_open(as_of):
        why = "不在受理时段"
    elif benefit.instalments:
        # Paying it in one sum would be wrong, and parts over time are not handled yet.
        why = "分期兑付事项, 请向主管部门申领"
    elif award is None or award.exact_fen is None or not award.payable:
        why = "金额须待评审或补充数据后确定"
    else:
        result = stack(benefit, award, past.payouts, as_of=as_of)
        due = result.exact_fen if result.allowed else None
        if not due:
            why = "; ".join(result.reasons) or "按规则计算金额为零"
    return Offer(
        benefit=benefit,
        verdict=verdict,
        award=award,
        due_fen=due,
        claimable=not why,
        why_not=why,
        claim_no=existing.claim_no if existing else None,
        period=period,
    )


def _not_in_business(profile: Profile) -> str:
    """Return the registration status when it is known and not 存续: nobody pays a closed firm."""
    fact = profile.facts.get(("registration_status", None))
    return str(fact.value) if fact is not None and fact.value != "存续" else ""
