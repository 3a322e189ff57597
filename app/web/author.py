"""The policy author's face: the catalogue, one benefit in words and as source, lint, vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection, select
from starlette.responses import Response

from app.tables import sweep_benefits, sweeps
from app.web import policy_words, side
from app.web.access import Face
from app.web.lines import Line
from app.web.page import page
from app.web.visit import NotFoundError, Visit, reading_in
from matching.cases import run_cases
from policies.benefits import Benefit, Catalogue, DocumentLevel, Mode, PolicyFile
from policies.codec import write_policy
from policies.errors import UnknownBenefitError
from policies.findings import Finding
from policies.library import benefit, every_benefit
from policies.lint import lint
from policies.vocabulary import load_vocabulary

router = APIRouter(prefix="/policies", include_in_schema=False)
Reading = Annotated[Visit, Depends(reading_in(Face.POLICIES), scope="function")]

MODES = {
    Mode.DIRECT: "免申即享",
    Mode.INSTANT: "即申即享",
    Mode.PROMISED: "承诺兑现",
    Mode.APPLY: "申报",
    Mode.FILING: "申报享受",
}
LEVELS = {
    DocumentLevel.NATIONAL: "国家",
    DocumentLevel.PROVINCE: "省",
    DocumentLevel.CITY: "市",
    DocumentLevel.COUNTY: "区县",
    DocumentLevel.ZONE: "开发区",
}
STATES = {"live": "有效", "coming": "未生效", "past": "已失效"}
CERTAINTY = {"text": "据原文", "seen": "据网页", "memory": "凭记忆，待核"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line of the catalogue list."""

    benefit: Benefit
    state: str
    counts: Line | None


def show(visit: Visit, template: str, current: str, **context: Any) -> Response:
    """Render a page of this desk with its navigation."""
    return page(
        visit,
        f"policies/{template}.html",
        side=side.policies(),
        current=current,
        modes={m.value: label for m, label in MODES.items()},
        levels={m.value: label for m, label in LEVELS.items()},
        states=STATES,
        **context,
    )


def state_of(entry: Benefit, visit: Visit) -> str:
    """Say whether a benefit is live, to come or past on the day of the visit."""
    if entry.in_force(visit.today):
        return "live"
    return "coming" if visit.today < entry.valid_from else "past"


def last_counts(connection: Connection) -> tuple[Line | None, dict[str, Line]]:
    """Return the last sweep of the whole population and its counts by benefit."""
    sweep = connection.execute(select(sweeps).order_by(sweeps.c.id.desc()).limit(1)).one_or_none()
    if sweep is None:
        return None, {}
    rows = connection.execute(select(sweep_benefits).where(sweep_benefits.c.sweep_id == sweep.id))
    return sweep, {row.benefit_id: row for row in rows}


@router.get("")
def library(
    visit: Reading,
    q: Annotated[str, Query(max_length=100)] = "",
    mode: str = "",
    level: str = "",
    state: str = "",
) -> Response:
    """Show the catalogue, searched and filtered."""
    sweep, counts = last_counts(visit.connection)
    every = [
        Listed(benefit=b, state=state_of(b, visit), counts=counts.get(b.id))
        for b in every_benefit(visit.connection)
    ]
    wanted = q.strip().lower()
    rows = [
        row
        for row in every
        if (not mode or row.benefit.mode.value == mode)
        and (not level or row.benefit.document.level.value == level)
        and (not state or row.state == state)
        and (not wanted or wanted in _text(row.benefit))
    ]
    order = list(STATES)
    rows.sort(
        key=lambda row: (
            order.index(row.state),
            -(row.counts.eligible if row.counts is not None else -1),
            row.benefit.id,
        )
    )
    return show(
        visit,
        "library",
        "/policies",
        rows=rows,
        every=every,
        sweep=sweep,
        q=q,
        mode=mode,
        level=level,
        state=state,
    )


def _text(entry: Benefit) -> str:
    parts = (
        entry.id,
        entry.name.zh,
        entry.name.en,
        entry.lead_department,
        entry.document.title,
        entry.document.number,
    )
    return " ".join(part or "" for part in parts).lower()


@router.get("/findings")
def findings(visit: Reading) -> Response:
    """Show what lint says about the whole catalogue."""
    found = _lint(visit.connection)
    return show(visit, "findings", "/policies/findings", rows=found)


@router.get("/vocabulary")
def vocabulary(visit: Reading) -> Response:
    """Show every field a criterion may ask about."""
    fields = list(load_vocabulary().fields.values())
    return show(
        visit,
        "vocabulary",
        "/policies/vocabulary",
        rows=fields,
        classes=policy_words.CLASS_ZH,
    )


def _lint(connection: Connection, benefit_id: str = "") -> list[Finding]:
    """Lint what is published, each document a file of its own, as it was before publishing."""
    documents: dict[str, list[Benefit]] = {}
    for entry in every_benefit(connection):
        documents.setdefault(entry.document.id, []).append(entry)
    found = lint(Catalogue(files=tuple(_file(documents[key]) for key in sorted(documents))))
    return [f for f in found if not benefit_id or f.benefit == benefit_id]


def _file(entries: list[Benefit]) -> PolicyFile:
    definitions = {d.name: d for entry in entries for d in entry.definitions}
    parameters = {p.code: p for entry in entries for p in entry.parameters}
    return PolicyFile(
        document=entries[-1].document,
        parameters=tuple(parameters[key] for key in sorted(parameters)),
        definitions=tuple(definitions[key] for key in sorted(definitions)),
        benefits=tuple(entries),
    )


def _benefit(visit: Visit, benefit_id: str) -> Benefit:
    try:
        return benefit(visit.connection, benefit_id)
    except UnknownBenefitError:
        raise NotFoundError("事项") from None


@router.get("/{benefit_id}")
def one(visit: Reading, benefit_id: str) -> Response:
    """Show one benefit: document, criteria, amount, materials, cases with results, lint, counts."""
    entry = _benefit(visit, benefit_id)
    words = load_vocabulary()
    sweep, counts = last_counts(visit.connection)
    return show(
        visit,
        "benefit",
        "/policies",
        benefit=entry,
        state=state_of(entry, visit),
        criteria=policy_words.criteria_words(entry, words),
        amount=policy_words.amount_words(entry.amount, words),
        scopes=policy_words.SCOPE_ZH,
        stacking=policy_words.STACKING_ZH,
        certainty=CERTAINTY,
        cases=list(zip(entry.cases, run_cases([entry]), strict=True)),
        findings=_lint(visit.connection, benefit_id),
        sweep=sweep,
        counts=counts.get(benefit_id),
    )


@router.get("/{benefit_id}/source")
def source(visit: Reading, benefit_id: str) -> Response:
    """Show one benefit as the YAML it is kept as."""
    entry = _benefit(visit, benefit_id)
    return show(visit, "source", "/policies", benefit=entry, text=write_policy(_file([entry])))
