"""Signing in and out, and choosing the language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from app import auth, installation
from app.auth import User
from app.roles import DEPARTMENT_ROLES, FINANCE_ROLES, LABELS_ZH, POLICY_ROLES, Role
from app.web.access import faces_of
from app.web.finance_figures import purse_names
from app.web.firm_data import known_firm
from app.web.page import page
from app.web.session import LANGUAGE_COOKIE, LANGUAGES, YEAR_SECONDS
from app.web.visit import Reading, Visit

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
    story: str


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
    if demo and username in {p.username for g in demo_people(visit) for p in g.people}:
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
    """Return the people the demo prints as its sign-ins, by face, each with what they do."""
    mark = installation.get(visit.connection, "demo") or {}
    by_title: dict[str, list[DemoPerson]] = {}
    for entry in mark.get("sign_ins", ()):
        person = auth.user(visit.connection, entry["username"])
        if person is None or not person.grants:
            continue
        role = person.grants[0].role
        title = next(title for title, roles in GROUPS if role in roles)
        by_title.setdefault(title, []).append(
            DemoPerson(
                username=person.username,
                name=person.display_name,
                role=_where(person, visit),
                story=entry.get("story", ""),
            )
        )
    return [
        DemoGroup(title=title, people=tuple(by_title[title]))
        for title, _ in GROUPS
        if title in by_title
    ]


def _where(person: User, visit: Visit) -> str:
    grant = person.grants[0]
    if grant.uscc:
        known = known_firm(visit.connection, grant.uscc)
        return known.name if known else grant.uscc
    labels = "、".join(dict.fromkeys(LABELS_ZH[g.role] for g in person.grants))
    places = {g.department or g.purse for g in person.grants}
    place = places.pop() if len(places) == 1 else ""
    names = purse_names(visit.connection)
    return f"{names.get(place, place)} {labels}".strip()
