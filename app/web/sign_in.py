"""Signing in and out, and choosing the language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from app import auth
from app.auth import User
from app.roles import DEPARTMENT_ROLES, FINANCE_ROLES, LABELS_ZH, POLICY_ROLES, Role
from app.tables import users
from app.web.access import faces_of
from app.web.page import page
from app.web.session import LANGUAGE_COOKIE, LANGUAGES, YEAR_SECONDS
from app.web.visit import Reading, Visit
from matching.profile_store import enterprise

router = APIRouter(include_in_schema=False)

GROUPS = (
    ("企业", frozenset({Role.AGENT})),
    ("主管部门", frozenset(DEPARTMENT_ROLES)),
    ("财政", frozenset(FINANCE_ROLES)),
    ("政策编制", frozenset(POLICY_ROLES)),
    ("监管与管理", frozenset({Role.SUPERVISOR, Role.AUDITOR, Role.ADMINISTRATOR})),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPerson:
    """A person the demo lets one be."""

    username: str
    name: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoGroup:
    """People of one face."""

    title: str
    people: tuple[DemoPerson, ...]


@router.get("/sign-in")
def sign_in_page(visit: Reading, next: str = "") -> Response:  # noqa: A002 - the usual name in a URL
    """Show the form, and in a demo who one may be."""
    return _form(visit, next)


@router.post("/sign-in")
def sign_in(
    visit: Reading,
    username: Annotated[str, Form()],
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "",  # noqa: A002
    demo: Annotated[bool, Form()] = False,  # noqa: FBT002
) -> Response:
    """Sign a person in with the password; in a demo its made-up people need none."""
    if demo and visit.is_demo:
        person = auth.user(visit.connection, username)
    else:
        person = auth.verify(visit.connection, username, password)
    if person is None:
        return _form(visit, next, username=username, failed=True)
    response = RedirectResponse(_own(next) or home_of(person, visit), status_code=303)
    visit.cookies.sign_in(response, person.username, secure=visit.request.url.scheme == "https")
    return response


@router.post("/sign-out")
def sign_out(visit: Reading) -> Response:
    """Sign out and go to the public start."""
    response = RedirectResponse("/", status_code=303)
    visit.cookies.sign_out(response)
    return response


@router.post("/language")
def choose_language(
    language: Annotated[str, Form()],
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:
    """Remember the language and stay on the page."""
    response = RedirectResponse(_own(next) or "/", status_code=303)
    if language in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_SECONDS, samesite="lax")
    return response


def home_of(person: User, visit: Visit) -> str:
    """Return where a person's work begins: the first face open to them."""
    open_faces = faces_of(person, visit.today)
    return open_faces[0].href if open_faces else "/items"


def _own(where: str) -> str:
    """Return the path when it stays on this site, else nothing."""
    parts = urlsplit(where)
    is_ours = where.startswith("/") and not where.startswith(("//", "/\\"))
    return where if is_ours and not parts.netloc and not parts.scheme else ""


def _form(visit: Visit, next_: str, *, username: str = "", failed: bool = False) -> Response:
    return page(
        visit,
        "sign_in.html",
        status=422 if failed else 200,
        next=_own(next_),
        username=username,
        failed=failed,
        people=demo_people(visit) if visit.is_demo else [],
    )


def demo_people(visit: Visit) -> list[DemoGroup]:
    """Return the people of the demo by face, each with what they do and where."""
    names = visit.connection.execute(
        select(users.c.username).where(users.c.active).order_by(users.c.username)
    ).scalars()
    people = [p for p in (auth.user(visit.connection, name) for name in list(names)) if p]
    groups = []
    for title, roles in GROUPS:
        members = tuple(
            DemoPerson(username=p.username, name=p.display_name, role=_role_of(p, visit))
            for p in people
            if p.grants and p.grants[0].role in roles
        )
        if members:
            groups.append(DemoGroup(title=title, people=members))
    return groups


def _role_of(person: User, visit: Visit) -> str:
    words = []
    for grant in person.grants:
        where = grant.department or grant.purse
        if grant.uscc:
            known = enterprise(visit.connection, grant.uscc)
            where = known.name if known else grant.uscc
        words.append(f"{LABELS_ZH[grant.role]} {where}".strip())
    return "、".join(dict.fromkeys(words))
