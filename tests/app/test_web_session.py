"""Sign-in, sign-out, language, forged cookies and requests from other sites."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, update

from app.auth import Grant
from app.db import transaction
from app.roles import Role
from app.settings import Settings
from app.tables import users
from app.web.guard import CONTENT_SECURITY_POLICY
from app.web.session import SESSION_COOKIE, Cookies
from tests.app.web import PASSWORD, add_person, make_client, sign_in


@pytest.fixture
def client(engine: Engine, settings: Settings) -> TestClient:
    """A site with one supervisor."""
    made = make_client(engine, settings)
    add_person(engine, "wang", [Grant(role=Role.SUPERVISOR)])
    return made


def test_right_password_signs_in_with_a_cookie_scripts_cannot_read(client: TestClient) -> None:
    answer = client.post("/sign-in", data={"username": "wang", "password": PASSWORD})
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert client.get("/supervision").status_code == 200


def test_wrong_password_says_so_and_signs_nobody_in(client: TestClient) -> None:
    answer = client.post("/sign-in", data={"username": "wang", "password": "no"})
    assert answer.status_code == 422
    assert "用户名或口令不对" in answer.text
    assert SESSION_COOKIE not in client.cookies


def test_one_press_sign_in_works_in_a_demo_only(client: TestClient) -> None:
    answer = client.post("/sign-in", data={"username": "wang", "demo": "1"})
    assert answer.status_code == 422


def test_sign_out_forgets(client: TestClient) -> None:
    sign_in(client, "wang")
    client.post("/sign-out")
    assert client.get("/supervision").status_code == 303


def test_signed_out_visitor_is_sent_to_sign_in_and_back(client: TestClient) -> None:
    answer = client.get("/supervision/times")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/supervision/times"
    back = client.post(
        "/sign-in",
        data={"username": "wang", "password": PASSWORD, "next": "/supervision/times"},
    )
    assert back.headers["location"] == "/supervision/times"


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_sign_in_never_leads_to_another_site(client: TestClient, where: str) -> None:
    answer = client.post("/sign-in", data={"username": "wang", "password": PASSWORD, "next": where})
    assert answer.headers["location"] == "/supervision"


def test_cookie_signed_with_another_key_is_nobody(client: TestClient) -> None:
    forged = Cookies("another key")._session.dumps("wang")
    client.cookies.set(SESSION_COOKIE, forged)
    assert client.get("/supervision").status_code == 303


def test_person_made_inactive_is_out_at_once(client: TestClient, engine: Engine) -> None:
    sign_in(client, "wang")
    with transaction(engine) as connection:
        connection.execute(update(users).values(active=False))
    assert client.get("/supervision").status_code == 303


def test_language_is_remembered_and_shown(client: TestClient) -> None:
    assert '<html lang="zh-CN"' in client.get("/items").text
    client.post("/language", data={"language": "en", "next": "/items"})
    page = client.get("/items").text
    assert '<html lang="en"' in page
    assert "Benefits" in page


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"sec-fetch-site": "none"}, 303),
        ({"origin": "http://testserver"}, 303),
        ({}, 303),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_changes_are_taken_from_our_own_pages_only(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/sign-out", headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/", "/items", "/sign-in", "/nothing", "/api/v1/health"])
def test_every_answer_carries_the_content_policy(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_unknown_page_is_a_page_and_unknown_api_a_problem(client: TestClient) -> None:
    page = client.get("/nothing")
    assert page.status_code == 404
    assert "没有找到" in page.text
    problem = client.get("/api/v1/nothing")
    assert problem.status_code == 404
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["status"] == 404
