"""What a department's desk reads from the claims: counts, pages, findings still open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, or_, select

from app.auth import User
from app.claims import Claim, claims_by_no
from app.tables import approvals, claims, clearances
from app.web.lines import Rows
from app.work.decide import STEP_FROM, STEP_ROLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What waits beside decisions: cases without money, findings nobody cleared."""

    waiting: int
    findings: int


def counts(connection: Connection, departments: Sequence[str]) -> Counts:
    """Count what waits in some departments."""
    waiting = connection.execute(
        select(func.count()).where(_mine(departments), claims.c.state == "waiting")
    ).scalar_one()
    findings = connection.execute(
        select(func.count())
        .select_from(clearances.join(claims, claims.c.claim_no == clearances.c.claim_no))
        .where(_mine(departments), clearances.c.state == "open")
    ).scalar_one()
    return Counts(waiting=waiting, findings=findings)


def count_waiting_steps(connection: Connection, person: User) -> int:
    """Count the cases that wait for a step this person may take."""
    total = 0
    for step, state in STEP_FROM.items():
        places = [g.department for g in person.grants if g.role is STEP_ROLE[step]]
        if not places:
            continue
        taken = select(approvals.c.claim_no).where(approvals.c.username == person.username)
        total += connection.execute(
            select(func.count()).where(
                _mine(places), claims.c.state == state.value, claims.c.claim_no.not_in(taken)
            )
        ).scalar_one()
    return total


def states(connection: Connection, departments: Sequence[str]) -> Rows:
    """Count the department's cases by state."""
    return connection.execute(
        select(claims.c.state, func.count().label("tally"))
        .where(_mine(departments))
        .group_by(claims.c.state)
        .order_by(claims.c.state)
    ).all()


def count_claims(connection: Connection, departments: Sequence[str], state: str, text: str) -> int:
    """Count the cases a filter leaves."""
    query = select(func.count()).select_from(claims).where(*_filter(departments, state, text))
    return int(connection.execute(query).scalar_one())


def claims_page(
    connection: Connection,
    departments: Sequence[str],
    state: str,
    text: str,
    *,
    offset: int,
    limit: int,
) -> list[Claim]:
    """Return a page of the cases a filter leaves, newest first."""
    numbers = connection.execute(
        select(claims.c.claim_no)
        .where(*_filter(departments, state, text))
        .order_by(claims.c.opened_at.desc(), claims.c.claim_no)
        .offset(offset)
        .limit(limit)
    ).scalars()
    return claims_by_no(connection, list(numbers))


def open_findings(connection: Connection, departments: Sequence[str]) -> Rows:
    """Return findings that nobody has cleared, with their cases, oldest first."""
    return connection.execute(
        select(
            clearances,
            claims.c.firm_name,
            claims.c.uscc,
            claims.c.due_fen,
            claims.c.department,
        )
        .join(claims, claims.c.claim_no == clearances.c.claim_no)
        .where(_mine(departments), clearances.c.state == "open")
        .order_by(clearances.c.found_at, clearances.c.id)
    ).all()


def _mine(departments: Sequence[str]) -> ColumnElement[bool]:
    if "" in departments:
        return claims.c.department == claims.c.department
    return claims.c.department.in_(departments)


def _filter(departments: Sequence[str], state: str, text: str) -> list[ColumnElement[bool]]:
    conditions = [_mine(departments)]
    if state:
        conditions.append(claims.c.state == state)
    if text.strip():
        wanted = text.strip()
        conditions.append(
            or_(
                claims.c.claim_no == wanted,
                claims.c.uscc == wanted,
                claims.c.firm_name.contains(wanted, autoescape=True),
            )
        )
    return conditions
