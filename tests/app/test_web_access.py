"""Which role opens which face, cell by cell."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.auth import Grant
from app.roles import Role
from app.settings import Settings
from app.web.access import ACCESS, FACES, Face
from tests.app.web import DAY, add_person, add_role, make_client, sign_in

ROOTS = {link.face: link.href for link in FACES}
OFFICERS = [role for role in Role if role is not Role.AGENT]


@pytest.mark.parametrize("role", OFFICERS)
def test_each_role_enters_its_faces_and_no_other(
    engine: Engine, settings: Settings, role: Role
) -> None:
    client = make_client(engine, settings)
    sign_in(client, add_role(engine, role))
    for face, href in ROOTS.items():
        wanted = 200 if role in ACCESS[face] else 403
        assert client.get(href).status_code == wanted, (role, face)


@pytest.mark.parametrize("href", list(ROOTS.values()))
def test_nobody_enters_signed_out(engine: Engine, settings: Settings, href: str) -> None:
    client = make_client(engine, settings)
    assert client.get(href).status_code == 303


def test_every_role_opens_some_face() -> None:
    assert {role for roles in ACCESS.values() for role in roles} == set(Role)


def test_administrator_decides_on_no_money() -> None:
    assert Role.ADMINISTRATOR not in ACCESS[Face.DESK] | ACCESS[Face.FINANCE]


def test_grant_that_ended_yesterday_opens_nothing(engine: Engine, settings: Settings) -> None:
    client = make_client(engine, settings)
    ended = DAY.replace(day=29)
    add_person(engine, "li", [Grant(role=Role.SUPERVISOR, valid_until=ended)])
    sign_in(client, "li")
    assert client.get("/supervision").status_code == 403


PATHS = [
    "/desk", "/desk/claims", "/desk/waiting", "/desk/findings", "/desk/firms",
    "/finance", "/finance/plans", "/finance/packages", "/finance/payables", "/finance/days",
    "/finance/days/2026-06-30", "/finance/breaks", "/finance/book",
    "/policies", "/policies/findings", "/policies/vocabulary",
    "/supervision", "/supervision/times", "/supervision/notices", "/supervision/batches",
    "/supervision/links", "/supervision/access",
    "/", "/items", "/progress", "/results", "/sign-in",
]  # fmt: skip
ROLE_FOR = {
    "desk": Role.HANDLER,
    "finance": Role.RECONCILER,
    "policies": Role.AUTHOR,
    "supervision": Role.SUPERVISOR,
}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_of_an_empty_installation_has_words(
    engine: Engine, settings: Settings, language: str, tmp_path: Path
) -> None:
    client = make_client(engine, settings)
    for role in ROLE_FOR.values():
        add_role(engine, role)
    for path in PATHS:
        wanted = ROLE_FOR.get(path.split("/")[1])
        client.cookies.clear()
        if wanted is not None:
            sign_in(client, wanted.value)
        client.cookies.set("hqt_language", language)
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "<h1" in answer.text, path
        assert 'id="main"' in answer.text, path
