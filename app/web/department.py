"""The competent department: what waits for a decision, evidence, money that waits, findings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Query
from sqlalchemy import insert
from starlette.responses import Response

from app import claims as claim_store
from app.claims import STATE_ZH, Claim, ClaimState
from app.roles import Role
from app.tables import access_log
from app.web import case_view, department_figures, firm_data, side
from app.web.access import Face
from app.web.page import page, see
from app.web.paging import PAGE_SIZE, paging
from app.web.visit import NotFoundError, Visit, reading_in, writing_in
from app.work.before_release import LABELS, clear
from app.work.decide import STEP_FROM, STEP_ROLE, STEP_ZH, decide, to_decide
from app.work.fund import fund
from app.work.notify import write
from matching.enterprise_list import search_enterprises
from matching.profile_store import verified_accounts

router = APIRouter(prefix="/desk", include_in_schema=False)
Reading = Annotated[Visit, Depends(reading_in(Face.DESK), scope="function")]
Writing = Annotated[Visit, Depends(writing_in(Face.DESK), scope="function")]
MINE = (Role.WINDOW_CLERK, Role.HANDLER, Role.REVIEWER, Role.HEAD)


def departments(visit: Visit) -> list[str]:
    """Return the departments the visitor works in, sorted."""
    return sorted({grant.department for grant in visit.person.grants if grant.role in MINE})


def show(visit: Visit, template: str, current: str, **context: Any) -> Response:
    """Render a page of this desk with its navigation."""
    mine = departments(visit)
    counts = department_figures.counts(visit.connection, mine)
    return page(
        visit,
        f"desk/{template}.html",
        side=side.desk(
            to_decide=context.pop("to_decide_count", None)
            or department_figures.count_waiting_steps(visit.connection, visit.person),
            waiting=counts.waiting,
            findings=counts.findings,
        ),
        current=current,
        departments=mine,
        labels=LABELS,
        **context,
    )


def own_claim(visit: Visit, number: str) -> Claim:
    """Return a case of the visitor's department, else as if there were none."""
    found = claim_store.claim(visit.connection, number)
    mine = departments(visit)
    if found.department not in mine and "" not in mine:
        raise NotFoundError("办件")
    return found


@router.get("")
def to_do(visit: Reading, step: str = "", benefit: str = "") -> Response:
    """Show the cases that wait for a step this person may take, step by step."""
    waiting = to_decide(visit.connection, visit.username, on=visit.today)
    steps: dict[str, int] = {}
    for name, _ in waiting:
        steps[name] = steps.get(name, 0) + 1
    chosen = step if step in steps else next(iter(steps), "")
    of_step = [case for name, case in waiting if name == chosen]
    names = case_view.benefit_names(visit.connection, of_step)
    rows = [case for case in of_step if not benefit or case.benefit_id == benefit]
    turning = paging(visit.request, len(rows))
    return show(
        visit,
        "to_do",
        "/desk",
        to_decide_count=len(waiting),
        steps=steps,
        step=chosen,
        step_zh=STEP_ZH,
        rows=rows[turning.offset : turning.offset + PAGE_SIZE],
        total_fen=sum(c.claimed_fen for c in rows),
        turning=turning,
        names=names,
        benefit=benefit,
    )


@router.post("/decide")
def decide_some(
    visit: Writing,
    step: Annotated[Literal["accept", "check", "review", "approve"], Form()],
    decision: Annotated[Literal["agree", "refuse"], Form()],
    claim_no: Annotated[list[str] | None, Form()] = None,
    note: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    """Take one step for the chosen cases, all or none."""
    if not claim_no:
        return see(visit, f"/desk?step={step}", "请先勾选办件", "warning")
    if decision == "refuse" and not note.strip():
        return see(visit, f"/desk?step={step}", "不同意须写明理由", "warning")
    count = decide(
        visit.connection,
        claim_no,
        step=step,
        by=visit.username,
        at=visit.at,
        on=visit.today,
        decision=decision,
        note=note.strip(),
    )
    if step == "approve" and decision == "agree":
        reserve(visit)
    done = STEP_ZH[step] + ("通过" if decision == "agree" else "不予通过")
    return see(visit, f"/desk?step={step}", f"{done} {count} 件")


def reserve(visit: Visit) -> None:
    """Find money for what was just approved, in the same transaction, and tell who must wait."""
    funded = fund(visit.connection, on=visit.today, by="system", at=visit.at)
    write(visit.connection, funded.drafts, at=visit.at)


@router.get("/claims")
def claims(visit: Reading, state: str = "", q: str = "") -> Response:
    """Show every case of the department, by state."""
    mine = departments(visit)
    total = department_figures.count_claims(visit.connection, mine, state, q)
    turning = paging(visit.request, total)
    rows = department_figures.claims_page(
        visit.connection, mine, state, q, offset=turning.offset, limit=PAGE_SIZE
    )
    return show(
        visit,
        "claims",
        "/desk/claims",
        rows=rows,
        names=case_view.benefit_names(visit.connection, rows),
        states=department_figures.states(visit.connection, mine),
        state_zh={s.value: label for s, label in STATE_ZH.items()},
        state=state,
        q=q,
        turning=turning,
    )


@router.get("/claims/{number}")
def claim(visit: Writing, number: str) -> Response:
    """Show one case with its evidence; looking at a firm's data is written down."""
    found = own_claim(visit, number)
    _log(visit, found.uscc, f"办件 {number}")
    step = next_step(visit, found)
    return show(
        visit,
        "claim",
        "/desk/claims",
        **case_view.case_of(visit.connection, found, visit.today),
        decisions=case_view.decisions(visit.connection, found),
        findings=case_view.findings(visit.connection, number),
        firm=firm_data.known_firm(visit.connection, found.uscc),
        groups=firm_data.groups(visit.connection, found.uscc, visit.today, visit.language),
        step=step,
        step_zh=STEP_ZH,
        may_clear=visit.has(Role.REVIEWER) or visit.has(Role.HEAD),
    )


def next_step(visit: Visit, case: Claim) -> str:
    """Return the step of the case this person may take now, or nothing."""
    for step, state in STEP_FROM.items():
        if case.state is state and visit.has(STEP_ROLE[step], department=case.department):
            taken = case_view.taken_by(visit.connection, case.claim_no, visit.username)
            return "" if taken else step
    return ""


@router.post("/claims/{number}/decide")
def decide_one(
    visit: Writing,
    number: str,
    step: Annotated[Literal["accept", "check", "review", "approve"], Form()],
    decision: Annotated[Literal["agree", "refuse"], Form()],
    note: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    """Take the step of one case from its page."""
    own_claim(visit, number)
    if decision == "refuse" and not note.strip():
        return see(visit, f"/desk/claims/{number}", "不同意须写明理由", "warning")
    decide(
        visit.connection,
        [number],
        step=step,
        by=visit.username,
        at=visit.at,
        on=visit.today,
        decision=decision,
        note=note.strip(),
    )
    if step == "approve" and decision == "agree":
        reserve(visit)
    return see(visit, f"/desk/claims/{number}", STEP_ZH[step] + "已办理")


@router.post("/claims/{number}/clear")
def clear_finding(
    visit: Writing,
    number: str,
    code: Annotated[str, Form()],
    reason: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    """Clear one finding with a reason."""
    own_claim(visit, number)
    clear(visit.connection, number, code, by=visit.username, reason=reason, at=visit.at)
    return see(visit, f"/desk/claims/{number}", "疑点已核销")


@router.get("/waiting")
def waiting(visit: Reading) -> Response:
    """Show approved cases that wait for money, by reason."""
    mine = departments(visit)
    rows = [
        case
        for department in mine
        for case in claim_store.desk(
            visit.connection, department=department or None, states=[ClaimState.WAITING]
        )
    ]
    reasons: dict[str, tuple[int, int]] = {}
    for case in rows:
        count, total = reasons.get(case.waits_for, (0, 0))
        reasons[case.waits_for] = (count + 1, total + (case.due_fen or 0))
    turning = paging(visit.request, len(rows))
    return show(
        visit,
        "waiting",
        "/desk/waiting",
        rows=rows[turning.offset : turning.offset + PAGE_SIZE],
        reasons=reasons,
        names=case_view.benefit_names(visit.connection, rows),
        turning=turning,
    )


@router.get("/findings")
def findings(visit: Reading) -> Response:
    """Show what the comparisons before release found and nobody has cleared."""
    rows = department_figures.open_findings(visit.connection, departments(visit))
    return show(visit, "findings", "/desk/findings", rows=rows)


@router.get("/firms")
def firms(visit: Reading, q: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Search enterprises by name or code."""
    found = search_enterprises(visit.connection, q.strip(), 30) if q.strip() else []
    return show(visit, "firms", "/desk/firms", q=q, rows=found)


@router.post("/firms/{uscc}")
def firm(
    visit: Writing, uscc: str, purpose: Annotated[str, Form(min_length=2, max_length=200)]
) -> Response:
    """Show an enterprise's data for a stated purpose; who looked, and why, is kept."""
    known = firm_data.known_firm(visit.connection, uscc)
    if known is None:
        raise NotFoundError("企业")
    _log(visit, uscc, purpose.strip())
    return show(
        visit,
        "firm",
        "/desk/firms",
        firm=known,
        purpose=purpose,
        groups=firm_data.groups(visit.connection, uscc, visit.today, visit.language),
        accounts=verified_accounts(visit.connection, uscc),
        claims=[
            c
            for c in claim_store.claims_of(visit.connection, uscc)
            if c.department in departments(visit)
        ],
    )


def _log(visit: Visit, uscc: str, purpose: str) -> None:
    visit.connection.execute(
        insert(access_log).values(username=visit.username, uscc=uscc, purpose=purpose, at=visit.at)
    )
