"""What anybody may see: benefits and their guides, a case's progress, results with names masked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import func, select
from starlette.responses import RedirectResponse, Response

from app import claims as claim_store
from app.errors import UnknownClaimError
from app.tables import claims
from app.web import case_view, policy_words
from app.web.author import MODES, state_of
from app.web.page import page
from app.web.paging import PAGE_SIZE, paging
from app.web.sign_in import home_of
from app.web.visit import NotFoundError, Reading
from ledger.columns import sum_fen
from policies.errors import UnknownBenefitError
from policies.library import benefit, live_benefits
from policies.vocabulary import load_vocabulary

router = APIRouter(include_in_schema=False)


@router.get("/")
def start(visit: Reading) -> Response:
    """Go to one's own face, or show strangers what this is."""
    if visit.user is not None:
        return RedirectResponse(home_of(visit.user, visit), status_code=303)
    live = live_benefits(visit.connection, visit.today)
    paid = visit.connection.execute(
        select(func.count().label("tally"), sum_fen(claims.c.paid_fen).label("fen")).where(
            claims.c.paid_fen > 0
        )
    ).one()
    return page(visit, "public/start.html", live=live, paid=paid)


@router.get("/items")
def items(
    visit: Reading, q: Annotated[str, Query(max_length=100)] = "", mode: str = ""
) -> Response:
    """Show the benefits in force."""
    wanted = q.strip().lower()
    every = live_benefits(visit.connection, visit.today)
    rows = [
        b
        for b in every
        if (not mode or b.mode.value == mode)
        and (
            not wanted
            or wanted in f"{b.name.zh} {b.name.en} {b.lead_department} {b.document.title}".lower()
        )
    ]
    return page(
        visit,
        "public/items.html",
        rows=rows,
        total=len(every),
        q=q,
        mode=mode,
        modes={m.value: label for m, label in MODES.items()},
    )


@router.get("/items/{benefit_id}")
def guide(visit: Reading, benefit_id: str) -> Response:
    """Show the guide of one benefit: who, how much, on what conditions, how, how long."""
    try:
        entry = benefit(visit.connection, benefit_id)
    except UnknownBenefitError:
        raise NotFoundError("事项") from None
    words = load_vocabulary()
    return page(
        visit,
        "public/guide.html",
        benefit=entry,
        state=state_of(entry, visit),
        criteria=policy_words.criteria_words(entry, words),
        amount=policy_words.amount_words(entry.amount, words),
        scopes=policy_words.SCOPE_ZH,
        stacking=policy_words.STACKING_ZH,
    )


@router.get("/progress")
def progress(visit: Reading, no: Annotated[str, Query(max_length=40)] = "") -> Response:
    """Show where a case stands, to whoever knows its number; the firm's name masked."""
    case = None
    if no.strip():
        try:
            found = claim_store.claim(visit.connection, no.strip().upper())
        except UnknownClaimError:
            found = None
        if found is not None:
            case = case_view.case_of(visit.connection, found, visit.today)
    return page(
        visit,
        "public/progress.html",
        status=404 if no.strip() and not case else 200,
        no=no,
        case=case,
    )


@router.get("/results")
def results(visit: Reading) -> Response:
    """Show what was approved: masked names, benefit, amount with its calculation."""
    approved = claims.c.approved_fen.is_not(None) & (claims.c.state != "refused")
    total = visit.connection.execute(select(func.count()).where(approved)).scalar_one()
    turning = paging(visit.request, total)
    numbers = visit.connection.execute(
        select(claims.c.claim_no)
        .where(approved)
        .order_by(claims.c.opened_at.desc(), claims.c.claim_no)
        .offset(turning.offset)
        .limit(PAGE_SIZE)
    ).scalars()
    rows = claim_store.claims_by_no(visit.connection, list(numbers))
    return page(
        visit,
        "public/results.html",
        rows=[(row, case_view.stored_verdict(row)) for row in rows],
        names=case_view.benefit_names(visit.connection, rows),
        turning=turning,
    )
