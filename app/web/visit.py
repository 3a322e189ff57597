"""One request as the pages see it: the person, the day, the language and an open transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Depends, Path
from fastapi.requests import HTTPConnection
from sqlalchemy import Connection, Engine
from starlette.requests import Request

from app import auth, clock, installation
from app.auth import User
from app.db import read, transaction
from app.roles import Role
from app.settings import Settings
from app.web.access import Face, may_enter
from app.web.session import Cookies, language_of


class SignInNeededError(Exception):
    """The page is for people who signed in."""


class FaceClosedError(Exception):
    """No role the person holds opens this face."""


class NotFoundError(Exception):
    """There is nothing here, or nothing this person may know of."""

    def __init__(self, what: str = "页面") -> None:
        super().__init__(f"没有找到这个{what}，或您无权查看")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a page needs to answer one request; ``connection`` is one transaction."""

    request: Request
    connection: Connection
    settings: Settings
    cookies: Cookies
    user: User | None
    today: date
    at: datetime
    language: str
    is_demo: bool

    @property
    def person(self) -> User:
        """The person who signed in; raises SignInNeededError."""
        if self.user is None:
            raise SignInNeededError
        return self.user

    @property
    def username(self) -> str:
        """The user name of the person who signed in."""
        return self.person.username

    def has(self, role: Role, **scope: Any) -> bool:
        """Say whether the visitor holds the role today, for pages that show or hide a button."""
        return self.user is not None and self.user.has(role, on=self.today, **scope)


def open_visit(request: HTTPConnection, connection: Connection) -> Visit:
    """Gather what is known about a request; an inactive person counts as signed out."""
    assert isinstance(request, Request)
    cookies: Cookies = request.app.state.cookies
    username = cookies.username(request)
    today = installation.business_date(connection)
    fixed = today if installation.get(connection, "business_date") else None
    return Visit(
        request=request,
        connection=connection,
        settings=request.app.state.settings,
        cookies=cookies,
        user=auth.user(connection, username) if username else None,
        today=today,
        at=clock.now(fixed=fixed),
        language=language_of(request),
        is_demo=installation.get(connection, "demo") is not None,
    )


def reading(request: Request) -> Iterator[Visit]:
    """A visit that only looks."""
    engine: Engine = request.app.state.engine
    with read(engine) as connection:
        yield open_visit(request, connection)


def writing(request: Request) -> Iterator[Visit]:
    """A visit that changes something: committed before the answer goes out, or not at all."""
    engine: Engine = request.app.state.engine
    with transaction(engine) as connection:
        yield open_visit(request, connection)


Reading = Annotated[Visit, Depends(reading, scope="function")]
Writing = Annotated[Visit, Depends(writing, scope="function")]


def entering(face: Face, visit: Visit) -> Visit:
    """Let a visit into a face; raises SignInNeededError, FaceClosedError."""
    if not may_enter(visit.person, face, visit.today):
        raise FaceClosedError
    return visit


def reading_in(face: Face) -> Callable[[Visit], Visit]:
    """Return a dependency: a visit that looks at pages of one face."""

    def enter(visit: Reading) -> Visit:
        return entering(face, visit)

    return enter


def writing_in(face: Face) -> Callable[[Visit], Visit]:
    """Return a dependency: a visit that changes something in one face."""

    def enter(visit: Writing) -> Visit:
        return entering(face, visit)

    return enter


def firm_of(visit: Visit, uscc: str) -> str:
    """Return the enterprise when the visitor may act for it, else as if it were not there."""
    if not visit.person.has(Role.AGENT, uscc=uscc, on=visit.today):
        raise NotFoundError
    return uscc


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmVisit:
    """A visit of an agent to the pages of one enterprise."""

    visit: Visit
    uscc: str


def reading_firm(visit: Reading, uscc: Annotated[str, Path()]) -> FirmVisit:
    """Dependency: look at pages of the enterprise named in the path."""
    return FirmVisit(visit=visit, uscc=firm_of(visit, uscc))


def writing_firm(visit: Writing, uscc: Annotated[str, Path()]) -> FirmVisit:
    """Dependency: act for the enterprise named in the path."""
    return FirmVisit(visit=visit, uscc=firm_of(visit, uscc))


FirmReading = Annotated[FirmVisit, Depends(reading_firm)]
FirmWriting = Annotated[FirmVisit, Depends(writing_firm)]
