"""The enterprise's face: what it can get, what is missing, its cases, its data, its messages."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form
from sqlalchemy import func, select, update
from starlette.responses import RedirectResponse, Response

from app import claims as claim_store
from app.claims import ClaimState
from app.tables import notices
from app.web import case_view, firm_data, questions
from app.web.access import Face
from app.web.page import page, see
from app.web.visit import (
    FirmReading,
    FirmVisit,
    FirmWriting,
    NotFoundError,
    Reading,
    entering,
)
from app.work.confirm import answer, confirm, decline
from app.work.offers import Offer, offer, offers
from matching.explain import NearMiss, near_miss
from matching.profile_store import profile, verified_accounts
from matching.verdicts import ChangeKind, VerdictKind
from policies.benefits import Mode
from policies.errors import UnknownBenefitError

router = APIRouter(prefix="/firm", include_in_schema=False)
SHOWN_NEAR = 6
FINISHED = {ClaimState.RECEIPTED, ClaimState.REFUSED}


def show(at: FirmVisit, template: str, tab: str, *, status: int = 200, **context: Any) -> Response:
    """Render a page of the enterprise with its navigation."""
    known = firm_data.known_firm(at.visit.connection, at.uscc)
    unread = at.visit.connection.execute(
        select(func.count()).where(notices.c.uscc == at.uscc, notices.c.read_at.is_(None))
    ).scalar_one()
    return page(
        at.visit,
        f"portal/{template}.html",
        status=status,
        uscc=at.uscc,
        firm=known,
        firm_name=known.name if known else at.uscc,
        tab=tab,
        unread=unread,
        **context,
    )


def effort(miss: NearMiss) -> tuple[int, int, int]:
    """Order near misses: waiting first, then small changes of numbers, entries of lists last."""
    hard = sum(change.kind in {ChangeKind.JOIN, ChangeKind.LEAVE} for change in miss.changes)
    waits = all(change.kind is ChangeKind.WAIT for change in miss.changes)
    return (hard + (not waits), len(miss.changes), sum(change.share for change in miss.changes))


@router.get("")
def firms(visit: Reading) -> Response:
    """Go to the enterprise one acts for, or choose among several."""
    entering(Face.PORTAL, visit)
    mine = visit.person.firms()
    if len(mine) == 1:
        return RedirectResponse(f"/firm/{mine[0]}", status_code=303)
    known = [(uscc, firm_data.known_firm(visit.connection, uscc)) for uscc in mine]
    return page(visit, "portal/firms.html", firms=known)


@router.get("/{uscc}")
def home(at: FirmReading) -> Response:
    """Show what the enterprise can get now, certain money first."""
    found = offers(at.visit.connection, at.uscc, as_of=at.visit.today)
    claimable = [o for o in found if o.claimable]
    running = [
        c for c in claim_store.claims_of(at.visit.connection, at.uscc) if c.state not in FINISHED
    ]
    return show(
        at,
        "offers",
        "offers",
        claimable=claimable,
        total_fen=sum(o.due_fen or 0 for o in claimable),
        blocked=[
            o
            for o in found
            if o.verdict.kind is VerdictKind.ELIGIBLE
            and not o.claimable
            and not questions.is_open(o)
            and o.benefit.mode is not Mode.FILING
            and o.claim_no is None
        ],
        filing=[
            o
            for o in found
            if o.benefit.mode is Mode.FILING and o.verdict.kind is VerdictKind.ELIGIBLE
        ],
        undetermined=[o for o in found if o.claim_no is None and questions.is_open(o)],
        ineligible=[o for o in found if o.verdict.kind is VerdictKind.INELIGIBLE],
        running=running,
        names=case_view.benefit_names(at.visit.connection, running[:3]),
        accounts=verified_accounts(at.visit.connection, at.uscc),
    )


def _offer(at: FirmVisit, benefit_id: str) -> Offer:
    try:
        return offer(at.visit.connection, at.uscc, benefit_id, as_of=at.visit.today)
    except UnknownBenefitError:
        raise NotFoundError("事项") from None


@router.get("/{uscc}/offers/{benefit_id}")
def detail(at: FirmReading, benefit_id: str) -> Response:
    """Show one benefit for this enterprise: verdict, every criterion, calculation, confirmation."""
    found = _offer(at, benefit_id)
    return show(
        at,
        "offer",
        "offers",
        offer=found,
        benefit=found.benefit,
        near=near_miss(found.verdict),
        questions=questions.of_offers([found], at.visit.today),
        accounts=verified_accounts(at.visit.connection, at.uscc),
    )


@router.post("/{uscc}/offers/{benefit_id}/confirm")
def confirm_offer(
    at: FirmWriting,
    benefit_id: str,
    shown_fen: Annotated[int, Form(ge=0)],
    account_no: Annotated[str, Form(max_length=64)],
) -> Response:
    """Open the claim for the amount and the account that were on the page."""
    number = confirm(
        at.visit.connection,
        uscc=at.uscc,
        benefit_id=benefit_id,
        account_no=account_no,
        shown_fen=shown_fen,
        by=at.visit.username,
        at=at.visit.at,
        as_of=at.visit.today,
    )
    return see(at.visit, f"/firm/{at.uscc}/claims/{number}", "已确认，办件编号 " + number)


@router.post("/{uscc}/offers/{benefit_id}/decline")
def decline_offer(at: FirmWriting, benefit_id: str) -> Response:
    """Note that the enterprise does not want the benefit now."""
    decline(at.visit.connection, uscc=at.uscc, benefit_id=benefit_id, at=at.visit.at)
    return see(at.visit, f"/firm/{at.uscc}", "已记下：暂不申领。改变主意时仍可回来办理。")


@router.get("/{uscc}/missing")
def missing(at: FirmReading) -> Response:
    """Show what would decide most, and what is nearly within reach."""
    found = offers(at.visit.connection, at.uscc, as_of=at.visit.today)
    asked = questions.of_offers([o for o in found if o.claim_no is None], at.visit.today)
    near = [(o, near_miss(o.verdict)) for o in found if o.verdict.kind is VerdictKind.INELIGIBLE]
    return show(
        at,
        "missing",
        "missing",
        asked=[q for q in asked if q.for_firm],
        awaited=[q for q in asked if not q.for_firm],
        near=sorted(
            ((o, miss) for o, miss in near if miss is not None),
            key=lambda pair: (effort(pair[1]), pair[0].benefit.id),
        ),
        shown_near=SHOWN_NEAR,
        names={o.benefit.id: o.benefit.name for o in found},
    )


@router.get("/{uscc}/questions/{field}")
def question(at: FirmReading, field: str, period: int | None = None) -> Response:
    """Ask one thing, with a form that fits its type."""
    return _question(at, field, period)


def _question(
    at: FirmVisit, field: str, period: int | None, *, typed: str = "", error: str = ""
) -> Response:
    entry = questions.declared_field(field)
    found = offers(at.visit.connection, at.uscc, as_of=at.visit.today)
    known = profile(at.visit.connection, at.uscc).facts.get((field, period))
    return show(
        at,
        "question",
        "missing",
        status=422 if error else 200,
        entry=entry,
        period=period,
        typed=typed,
        error=error,
        known=known,
        choices=questions.choices(entry),
        decides=[
            o for o in found if questions.is_open(o) and field in {*o.verdict.missing, *_lacks(o)}
        ],
    )


def _lacks(found: Offer) -> tuple[str, ...]:
    return found.award.missing if found.award is not None else ()


@router.post("/{uscc}/questions/{field}")
def answer_question(
    at: FirmWriting,
    field: str,
    value: Annotated[str, Form(max_length=200)] = "",
    period: Annotated[str, Form()] = "",
) -> Response:
    """Keep the answer as a declared fact and show what it changed."""
    asked = int(period) if period.lstrip("-").isdecimal() else None
    entry = questions.declared_field(field)
    try:
        read = questions.read_answer(entry, value)
    except questions.AnswerError as mistake:
        return _question(at, field, asked, typed=value, error=str(mistake))
    changes = answer(
        at.visit.connection,
        uscc=at.uscc,
        field=field,
        period=asked,
        value=read,
        at=at.visit.at,
        as_of=at.visit.today,
    )
    gained = [c for c in changes if c.after is VerdictKind.ELIGIBLE]
    message = (
        "已记录。新符合：" + "、".join(c.name_zh for c in gained)
        if gained
        else f"已记录，{len(changes)} 项政策的结果有变化。"
    )
    return see(at.visit, f"/firm/{at.uscc}" + ("" if gained else "/missing"), message)


@router.get("/{uscc}/claims")
def claims(at: FirmReading) -> Response:
    """Show the enterprise's cases, newest first."""
    found = claim_store.claims_of(at.visit.connection, at.uscc)
    return show(
        at,
        "claims",
        "claims",
        claims=found,
        names=case_view.benefit_names(at.visit.connection, found),
        paid_fen=sum(c.paid_fen for c in found),
    )


@router.get("/{uscc}/claims/{number}")
def claim(at: FirmReading, number: str) -> Response:
    """Show one case: three facts about the money, its course, its calculation."""
    found = claim_store.claim(at.visit.connection, number)
    if found.uscc != at.uscc:
        raise NotFoundError("办件")
    return show(
        at,
        "claim",
        "claims",
        **case_view.case_of(at.visit.connection, found, at.visit.today),
    )


@router.get("/{uscc}/data")
def data(at: FirmReading) -> Response:
    """Show everything known of the enterprise, each value with source and date."""
    return show(
        at,
        "data",
        "data",
        groups=firm_data.groups(at.visit.connection, at.uscc, at.visit.today, at.visit.language),
        accounts=verified_accounts(at.visit.connection, at.uscc),
    )


@router.get("/{uscc}/inbox")
def inbox(at: FirmReading) -> Response:
    """Show the messages, newest first."""
    rows = at.visit.connection.execute(
        select(notices)
        .where(notices.c.uscc == at.uscc)
        .order_by(notices.c.created_at.desc(), notices.c.id.desc())
        .limit(200)
    ).all()
    return show(at, "inbox", "inbox", rows=rows)


@router.get("/{uscc}/inbox/{identity}")
def message(at: FirmWriting, identity: int) -> Response:
    """Show one message and remember that it was read."""
    row = at.visit.connection.execute(
        select(notices).where(notices.c.id == identity, notices.c.uscc == at.uscc)
    ).one_or_none()
    if row is None:
        raise NotFoundError("消息")
    if row.read_at is None:
        at.visit.connection.execute(
            update(notices).where(notices.c.id == identity).values(read_at=at.visit.at)
        )
    return show(at, "message", "inbox", row=row)
