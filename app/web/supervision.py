"""Supervision: coverage, times against promise, notices, deliveries, links, who looked at what."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from starlette.responses import Response

from app.roles import Role
from app.web import side
from app.web import supervision_figures as figures
from app.web.access import Face
from app.web.page import page, see
from app.web.paging import PAGE_SIZE, paging
from app.web.visit import FaceClosedError, NotFoundError, Visit, reading_in, writing_in
from matching.link_review import OpenLink, decide_link, open_links
from matching.sources import SOURCES
from policies.library import every_benefit

router = APIRouter(prefix="/supervision", include_in_schema=False)
Reading = Annotated[Visit, Depends(reading_in(Face.SUPERVISION), scope="function")]
Writing = Annotated[Visit, Depends(writing_in(Face.SUPERVISION), scope="function")]
KINDS = {"offer": "可享提醒", "question": "待补提问", "progress": "办理进展"}
TARGET_PERCENT = 80


def show(visit: Visit, template: str, current: str, **context: Any) -> Response:
    """Render a page of this face with its navigation."""
    return page(
        visit,
        f"supervision/{template}.html",
        side=side.supervision(open_links=figures.count_open_links(visit.connection)),
        current=current,
        **context,
    )


@router.get("")
def coverage(visit: Reading) -> Response:
    """Show coverage with its three denominators, and cases by department."""
    return show(
        visit,
        "coverage",
        "/supervision",
        coverage=figures.coverage(visit.connection),
        departments=figures.by_department(visit.connection),
        target=TARGET_PERCENT,
    )


@router.get("/times")
def times(visit: Reading) -> Response:
    """Show decisions against the promised day."""
    rows = figures.times(visit.connection, visit.today)
    return show(visit, "times", "/supervision/times", rows=rows)


@router.get("/notices")
def notices(visit: Reading) -> Response:
    """Show what became of notices: written, mailed, read, answered, confirmed, paid."""
    names = {b.id: b.name for b in every_benefit(visit.connection)}
    return show(
        visit,
        "notices",
        "/supervision/notices",
        rows=figures.funnel(visit.connection),
        kinds=KINDS,
        conversions=figures.conversions(visit.connection),
        names=names,
    )


@router.get("/batches")
def batches(visit: Reading) -> Response:
    """Show every delivery with its row counts."""
    return show(visit, "batches", "/supervision/batches", rows=figures.batch_list(visit.connection))


@router.get("/batches/{identity}")
def batch(visit: Reading, identity: int) -> Response:
    """Show one delivery with its findings."""
    found = figures.batch_row(visit.connection, identity)
    if found is None:
        raise NotFoundError("批次")
    turning = paging(visit.request, figures.count_batch_findings(visit.connection, identity))
    return show(
        visit,
        "batch",
        "/supervision/batches",
        batch=found,
        codes=figures.batch_codes(visit.connection, identity),
        findings=figures.batch_findings(
            visit.connection, identity, offset=turning.offset, limit=PAGE_SIZE
        ),
        turning=turning,
    )


@router.get("/links")
def links(visit: Reading) -> Response:
    """Show rows that nobody could attribute, each with its candidates."""
    rows = open_links(visit.connection)
    turning = paging(visit.request, len(rows))
    shown = rows[turning.offset : turning.offset + PAGE_SIZE]
    return show(
        visit,
        "links",
        "/supervision/links",
        rows=[(row, headed(row)) for row in shown],
        turning=turning,
        may_decide=visit.has(Role.SUPERVISOR),
    )


def headed(row: OpenLink) -> list[tuple[str, Any]]:
    """Return a row's cells under the official headings of its source."""
    headings = {column.code: column.heading for column in SOURCES[row.source].columns}
    return [(headings.get(code, code), value) for code, value in row.payload.items()]


@router.post("/links/{queue_id}")
def decide(visit: Writing, queue_id: int, uscc: Annotated[str, Form()] = "") -> Response:
    """Say whose row it is, or that it is none of the candidates'."""
    if not visit.has(Role.SUPERVISOR):
        raise FaceClosedError
    decide_link(visit.connection, queue_id, uscc or None, by=visit.username, at=visit.at)
    message = "已关联到企业" if uscc else "已判定不属于候选企业"
    return see(visit, "/supervision/links", message)


@router.get("/access")
def access(visit: Reading) -> Response:
    """Show who looked at whose data, and why."""
    turning = paging(visit.request, figures.count_access(visit.connection))
    rows = figures.access_rows(visit.connection, offset=turning.offset, limit=PAGE_SIZE)
    return show(visit, "access", "/supervision/access", rows=rows, turning=turning)
