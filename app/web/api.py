"""The JSON API: benefits, an enterprise's verdict and claims, confirmation, health.

Amounts are whole fen and end in ``_fen``, dates are ISO. Errors are problem+json with a code.
Lists come in pages with an opaque cursor. A write needs an Idempotency-Key: the same key with the
same body answers what was answered before, with another body 422.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import insert, select, text
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app import auth
from app import claims as claim_store
from app.auth import User
from app.claims import STATE_ZH, Claim
from app.roles import Role
from app.tables import api_replies
from app.web.failures import problem
from app.web.visit import NotFoundError, Reading, SignInNeededError, Visit, Writing
from app.work.confirm import confirm
from app.work.offers import offer
from policies.benefits import Benefit
from policies.errors import UnknownBenefitError
from policies.library import benefit as load_benefit
from policies.library import live_benefits

router = APIRouter(prefix="/api/v1")
PAGE_LIMIT = 100
KEY_LENGTH = 120


class Problem(BaseModel):
    """An error, after RFC 9457."""

    type: str
    title: str
    status: int
    code: str
    detail: str


class Health(BaseModel):
    """Whether the site and its database answer."""

    status: str = Field(description="ok when the database answers")
    business_date: date


class BenefitLine(BaseModel):
    """One benefit in a list."""

    id: str
    version: int
    name_zh: str
    name_en: str
    mode: str
    level: str
    region: str
    lead_department: str
    document_title: str
    document_number: str
    basis: str
    valid_from: date
    valid_until: date | None
    demo: bool


class BenefitPage(BaseModel):
    """A page of benefits; ask for the next with ``cursor``."""

    items: list[BenefitLine]
    next_cursor: str | None


class VerdictAnswer(BaseModel):
    """What the rule says of one enterprise on a day."""

    uscc: str
    benefit_id: str
    version: int
    as_of: date
    verdict: str
    claimable: bool
    why_not: str
    due_fen: int | None
    award_low_fen: int | None
    award_high_fen: int | None
    missing: list[str]
    claim_no: str | None
    explanation: dict[str, Any]


class ClaimAnswer(BaseModel):
    """One claim; the account appears by its tail alone."""

    claim_no: str
    benefit_id: str
    benefit_version: int
    period: str
    mode: str
    state: str
    state_zh: str
    computed_fen: int
    claimed_fen: int
    approved_fen: int | None
    due_fen: int | None
    paid_fen: int
    account_tail: str
    opened_at: datetime
    due_on: date | None
    waits_for: str
    expected_budget_year: int | None


class ClaimPage(BaseModel):
    """A page of claims; ask for the next with ``cursor``."""

    items: list[ClaimAnswer]
    next_cursor: str | None


class Confirmation(BaseModel):
    """The firm's confirmation of exactly what it was shown."""

    model_config = ConfigDict(extra="forbid")

    benefit_id: str = Field(max_length=80)
    account_no: str = Field(max_length=64)
    shown_fen: int = Field(ge=0, le=10**15)


ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": text_}
    for code, text_ in {
        400: "Idempotency-Key missing",
        401: "Not signed in",
        404: "Not there, or not yours",
        409: "Refused in the present state",
        422: "Malformed, or a key used again with another body",
    }.items()
}


def caller(visit: Visit) -> User:
    """Return who calls: the session's person, or the one whose Basic password is right."""
    if visit.user is not None:
        return visit.user
    scheme, _, encoded = visit.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, password = b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            raise SignInNeededError from None
        person = auth.verify(visit.connection, name, password)
        if person is not None:
            return person
    raise SignInNeededError


def firm_caller(visit: Visit, uscc: str) -> User:
    """Return the caller when they may act for the enterprise, else as if it were not there."""
    person = caller(visit)
    if not person.has(Role.AGENT, uscc=uscc, on=visit.today):
        raise NotFoundError("企业")
    return person


Uscc = Annotated[str, Path(min_length=18, max_length=18)]
Cursor = Annotated[str | None, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT)]


def write_cursor(last: str) -> str:
    """Return an opaque cursor after a key."""
    return urlsafe_b64encode(last.encode()).decode()


def read_cursor(cursor: str | None) -> str:
    """Return the key a cursor stands after; an unreadable one starts from the beginning."""
    if not cursor:
        return ""
    try:
        return urlsafe_b64decode(cursor.encode()).decode()
    except ValueError:
        return ""


@router.get("/health")
def health(visit: Reading) -> Health:
    """Say whether the database answers."""
    visit.connection.execute(text("SELECT 1")).scalar_one()
    return Health(status="ok", business_date=visit.today)


@router.get("/benefits", responses={422: ERRORS[422]})
def benefits(visit: Reading, cursor: Cursor = None, limit: Limit = 50) -> BenefitPage:
    """List the benefits in force today, by id."""
    after = read_cursor(cursor)
    rest = [b for b in live_benefits(visit.connection, visit.today) if b.id > after]
    found = rest[:limit]
    return BenefitPage(
        items=[_benefit_line(b) for b in found],
        next_cursor=write_cursor(found[-1].id) if len(rest) > limit else None,
    )


def _benefit_line(entry: Benefit) -> BenefitLine:
    return BenefitLine(
        id=entry.id,
        version=entry.version,
        name_zh=entry.name.zh,
        name_en=entry.name.en or "",
        mode=entry.mode.value,
        level=entry.document.level.value,
        region=entry.document.region,
        lead_department=entry.lead_department,
        document_title=entry.document.title,
        document_number=entry.document.number,
        basis=entry.basis,
        valid_from=entry.valid_from,
        valid_until=entry.valid_until,
        demo=entry.document.demo,
    )


@router.get("/benefits/{benefit_id}", responses={404: ERRORS[404]})
def one_benefit(visit: Reading, benefit_id: Annotated[str, Path(max_length=80)]) -> BenefitLine:
    """Return one benefit."""
    try:
        return _benefit_line(load_benefit(visit.connection, benefit_id))
    except UnknownBenefitError:
        raise NotFoundError("事项") from None


@router.get("/firms/{uscc}/verdicts/{benefit_id}", responses={k: ERRORS[k] for k in (401, 404)})
def verdict(
    visit: Reading, uscc: Uscc, benefit_id: Annotated[str, Path(max_length=80)]
) -> VerdictAnswer:
    """Judge one's own enterprise for a benefit on today's data, with every reason."""
    firm_caller(visit, uscc)
    try:
        found = offer(visit.connection, uscc, benefit_id, as_of=visit.today)
    except UnknownBenefitError:
        raise NotFoundError("事项") from None
    award = found.award
    return VerdictAnswer(
        uscc=uscc,
        benefit_id=found.benefit.id,
        version=found.benefit.version,
        as_of=found.verdict.as_of,
        verdict=found.verdict.kind.value,
        claimable=found.claimable,
        why_not=found.why_not,
        due_fen=found.due_fen,
        award_low_fen=award.low_fen if award else None,
        award_high_fen=award.high_fen if award else None,
        missing=list(found.verdict.missing),
        claim_no=found.claim_no,
        explanation=json.loads(found.verdict.to_json()),
    )


@router.get("/firms/{uscc}/claims", responses={k: ERRORS[k] for k in (401, 404, 422)})
def claims(visit: Reading, uscc: Uscc, cursor: Cursor = None, limit: Limit = 50) -> ClaimPage:
    """List one's own enterprise's claims, by number."""
    firm_caller(visit, uscc)
    after = read_cursor(cursor)
    every = sorted(claim_store.claims_of(visit.connection, uscc), key=lambda c: c.claim_no)
    rest = [c for c in every if c.claim_no > after]
    found = rest[:limit]
    return ClaimPage(
        items=[_claim(c) for c in found],
        next_cursor=write_cursor(found[-1].claim_no) if len(rest) > limit else None,
    )


@router.get("/firms/{uscc}/claims/{claim_no}", responses={k: ERRORS[k] for k in (401, 404)})
def one_claim(
    visit: Reading, uscc: Uscc, claim_no: Annotated[str, Path(max_length=40)]
) -> ClaimAnswer:
    """Return one claim of one's own enterprise."""
    firm_caller(visit, uscc)
    found = claim_store.claim(visit.connection, claim_no)
    if found.uscc != uscc:
        raise NotFoundError("办件")
    return _claim(found)


def _claim(found: Claim) -> ClaimAnswer:
    return ClaimAnswer(
        claim_no=found.claim_no,
        benefit_id=found.benefit_id,
        benefit_version=found.benefit_version,
        period=found.period,
        mode=found.mode,
        state=found.state.value,
        state_zh=STATE_ZH[found.state],
        computed_fen=found.computed_fen,
        claimed_fen=found.claimed_fen,
        approved_fen=found.approved_fen,
        due_fen=found.due_fen,
        paid_fen=found.paid_fen,
        account_tail=found.account_no[-4:],
        opened_at=found.opened_at,
        due_on=found.due_on,
        waits_for=found.waits_for,
        expected_budget_year=found.expected_budget_year,
    )


def request_hash(request: Request, body: BaseModel) -> str:
    """Return the SHA-256 of what a write asks for: method, path and body."""
    parts = [request.method, request.url.path, body.model_dump_json()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def replayed(visit: Visit, username: str, key: str, digest: str) -> Response | None:
    """Return the earlier answer under this key, or a refusal when the body is another one."""
    row = visit.connection.execute(
        select(api_replies).where(
            api_replies.c.username == username, api_replies.c.idempotency_key == key
        )
    ).one_or_none()
    if row is None:
        return None
    if row.request_hash != digest:
        return problem(422, "idempotency-key-reused", "同一 Idempotency-Key 已用于内容不同的请求")
    return JSONResponse(row.body, status_code=row.status, headers={"Idempotency-Replayed": "true"})


@router.post(
    "/firms/{uscc}/claims",
    status_code=201,
    response_model=ClaimAnswer,
    responses=ERRORS,
)
def confirm_claim(
    visit: Writing,
    uscc: Uscc,
    body: Confirmation,
    idempotency_key: Annotated[str | None, Header(max_length=KEY_LENGTH)] = None,
) -> Response:
    """Confirm amount and account: open the claim. Needs an Idempotency-Key."""
    person = firm_caller(visit, uscc)
    if not idempotency_key:
        return problem(400, "idempotency-key-missing", "写操作须带 Idempotency-Key 请求头")
    digest = request_hash(visit.request, body)
    if earlier := replayed(visit, person.username, idempotency_key, digest):
        return earlier
    try:
        number = confirm(
            visit.connection,
            uscc=uscc,
            benefit_id=body.benefit_id,
            account_no=body.account_no,
            shown_fen=body.shown_fen,
            by=person.username,
            at=visit.at,
            as_of=visit.today,
            channel="api",
        )
    except UnknownBenefitError:
        raise NotFoundError("事项") from None
    answer = _claim(claim_store.claim(visit.connection, number)).model_dump(mode="json")
    visit.connection.execute(
        insert(api_replies).values(
            username=person.username,
            idempotency_key=idempotency_key,
            request_hash=digest,
            status=201,
            body=answer,
            at=visit.at,
        )
    )
    where = f"/api/v1/firms/{uscc}/claims/{number}"
    return JSONResponse(answer, status_code=201, headers={"Location": where})
