"""A case as pages show it: the three facts about its money, its course, who did what, the rule."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from app import claims as claim_store
from app.claims import STATE_ZH, Claim, ClaimEvent, ClaimState
from app.roles import LABELS_ZH
from app.tables import approvals, clearances, grants, users
from app.web import finance_figures
from app.work.decide import STEP_ROLE, STEP_ZH
from matching.verdicts import Verdict
from policies.benefits import Benefit
from policies.errors import UnknownBenefitError
from policies.library import benefit as load_benefit

EVENT_ZH = {
    "confirmed": "企业确认金额与账户",
    "accepted": "受理",
    "accept": "受理",
    "check": "经办审核通过",
    "review": "复核通过",
    "approve": "负责人审定",
    "refused": "不予通过",
    "waiting": "等待资金",
    "reserved": "预占预算指标",
    "pushed": "推送财政支付申请",
    "vouchered": "财政出具支付凭证",
    "paid": "银行支付",
    "receipted": "银行回单到账",
    "bounced": "银行退汇",
    "held": "暂停",
    "released": "恢复办理",
}
APPROVED_ON = ClaimState.APPROVED.value
FUNDED = {
    ClaimState.RESERVED,
    ClaimState.PUSHED,
    ClaimState.VOUCHERED,
    ClaimState.PAID,
    ClaimState.RECEIPTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the course as the reader sees it."""

    title: str
    who: str
    at: datetime
    note: str
    ref: str
    is_stop: bool


def case_of(connection: Connection, claim: Claim, today: date) -> dict[str, Any]:
    """Return everything the pages about one case show."""
    events = claim_store.events(connection, claim.claim_no)
    benefit = find_benefit(connection, claim.benefit_id, claim.benefit_version)
    applications = finance_figures.applications_of(connection, claim.claim_no)
    return {
        "claim": claim,
        "benefit": benefit,
        "benefit_name": benefit.name.zh if benefit else claim.benefit_id,
        "verdict": stored_verdict(claim),
        "steps": course(events, people(connection, [e.by for e in events])),
        "approved_at": _first(events, APPROVED_ON),
        "funded_at": _last(events, ClaimState.RESERVED.value),
        "paid_at": _last(events, ClaimState.PAID.value),
        "is_funded": claim.state in FUNDED,
        "applications": applications,
        "is_late": claim.due_on is not None
        and today > claim.due_on
        and claim.approved_fen is None
        and claim.state is not ClaimState.REFUSED,
        "state_zh": STATE_ZH,
    }


def stored_verdict(claim: Claim) -> Verdict | None:
    """Return the verdict that was kept when the firm confirmed."""
    if not claim.verdict:
        return None
    kept = claim.verdict
    return Verdict.from_json(kept if isinstance(kept, str) else json.dumps(kept))


def find_benefit(connection: Connection, benefit_id: str, version: int) -> Benefit | None:
    """Return the version of the benefit a case was opened under."""
    try:
        return load_benefit(connection, benefit_id, version)
    except UnknownBenefitError:
        return None


def benefit_names(connection: Connection, found: Sequence[Claim]) -> Mapping[str, str]:
    """Return the Chinese names of the benefits of some cases, by id."""
    names: dict[str, str] = {}
    for claim in found:
        if claim.benefit_id not in names:
            benefit = find_benefit(connection, claim.benefit_id, claim.benefit_version)
            names[claim.benefit_id] = benefit.name.zh if benefit else claim.benefit_id
    return names


def people(connection: Connection, usernames: Sequence[str]) -> dict[str, str]:
    """Return how pages name people: their name and first role; the system by its name."""
    wanted = sorted(set(usernames))
    rows = connection.execute(
        select(users.c.username, users.c.display_name).where(users.c.username.in_(wanted))
    )
    roles: dict[str, str] = {}
    held = connection.execute(
        select(grants.c.username, grants.c.role, grants.c.department)
        .where(grants.c.username.in_(wanted))
        .order_by(grants.c.id)
    )
    labels = {role.value: label for role, label in LABELS_ZH.items()}
    for row in held:
        roles.setdefault(row.username, f"{row.department} {labels.get(row.role, '')}".strip())
    named = {r.username: f"{r.display_name}（{roles.get(r.username, '')}）" for r in rows}
    return {name: named.get(name) or _unnamed(name) for name in wanted}


def _unnamed(username: str) -> str:
    """Say who acted where no person of the system did: the system, a firm."""
    if username == "system":
        return "系统"
    return "企业" if username.startswith("firm:") else username


def short_names(connection: Connection, usernames: Iterable[str | None]) -> dict[str, str]:
    """Return display names for tables."""
    wanted = sorted({name for name in usernames if name})
    query = select(users.c.username, users.c.display_name).where(users.c.username.in_(wanted))
    named = dict(connection.execute(query).all())
    return {name: named.get(name) or _unnamed(name) for name in wanted}


def course(events: Sequence[ClaimEvent], names: Mapping[str, str]) -> list[Step]:
    """Return the events as steps, in order."""
    stops = {ClaimState.REFUSED.value, ClaimState.BOUNCED.value, ClaimState.HELD.value}
    return [
        Step(
            title=EVENT_ZH.get(event.event) or STATE_ZH.get(_state(event.to_state), event.event),
            who=names.get(event.by, event.by),
            at=event.at,
            note=event.note,
            ref=event.ref,
            is_stop=event.to_state in stops,
        )
        for event in events
    ]


def _state(value: str) -> ClaimState:
    return ClaimState(value)


def _first(events: Sequence[ClaimEvent], state: str) -> datetime | None:
    return next((event.at for event in events if event.to_state == state), None)


def _last(events: Sequence[ClaimEvent], state: str) -> datetime | None:
    return next((event.at for event in reversed(events) if event.to_state == state), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One approval as pages list it."""

    step: str
    role: str
    who: str
    decision: str
    amount_fen: int
    note: str
    at: datetime
    digest: str


def decisions(connection: Connection, claim: Claim) -> list[Decision]:
    """Return who decided what on a case, in order."""
    rows = connection.execute(
        select(approvals)
        .where(approvals.c.claim_no == claim.claim_no)
        .order_by(approvals.c.round, approvals.c.id)
    ).all()
    names = people(connection, [row.username for row in rows])
    return [
        Decision(
            step=STEP_ZH[row.step],
            role=LABELS_ZH[STEP_ROLE[row.step]],
            who=names[row.username],
            decision=row.decision,
            amount_fen=row.amount_fen,
            note=row.note,
            at=row.decided_at,
            digest=row.content_digest,
        )
        for row in rows
    ]


def findings(connection: Connection, claim_no: str) -> Sequence[Any]:
    """Return what the comparisons before release found on a case."""
    return connection.execute(
        select(clearances).where(clearances.c.claim_no == claim_no).order_by(clearances.c.id)
    ).all()


def taken_by(connection: Connection, claim_no: str, username: str) -> bool:
    """Say whether a person has taken a step of the case already."""
    query = select(approvals.c.id).where(
        approvals.c.claim_no == claim_no, approvals.c.username == username
    )
    return connection.execute(query).first() is not None
