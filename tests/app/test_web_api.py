"""The JSON API: pages of lists, one's own firm only, idempotent confirmation, problems with codes."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, select

from app.db import read
from app.settings import Settings
from app.tables import claims
from tests.app.web import DAY, PASSWORD, make_client, sign_in
from tests.app.web_city import ACCOUNT, FIRM, OTHER, build_city

BODY = {"benefit_id": "test-award", "account_no": ACCOUNT, "shown_fen": 10_000_000}
CLAIMS = f"/api/v1/firms/{FIRM}/claims"


@pytest.fixture
def api(engine: Engine, settings: Settings, tmp_path: Path) -> TestClient:
    """The small city on either database, its first firm's agent signed in."""
    client = make_client(engine, settings)
    build_city(engine, tmp_path / "files")
    sign_in(client, "agent")
    return client


def post(api: TestClient, key: str | None, **changes: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return api.post(CLAIMS, json=BODY | changes, headers=headers)


def test_confirmation_is_made_once_and_answered_again(api: TestClient, engine: Engine) -> None:
    first = post(api, "k1")
    assert first.status_code == 201
    assert first.headers["location"] == f"{CLAIMS}/{first.json()['claim_no']}"
    again = post(api, "k1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other_body = post(api, "k1", shown_fen=1)
    assert other_body.status_code == 422
    assert other_body.json()["code"] == "idempotency-key-reused"
    other_key = post(api, "k2")
    assert other_key.status_code == 409
    assert other_key.json()["code"] == "already-claimed"
    with read(engine) as connection:
        assert connection.execute(select(func.count()).select_from(claims)).scalar_one() == 1


def test_a_refused_confirmation_leaves_its_key_free(api: TestClient) -> None:
    assert post(api, "k1", shown_fen=1).json()["code"] == "amount-changed"
    assert post(api, "k1").status_code == 201


@pytest.mark.parametrize(
    ("key", "changes", "status", "code"),
    [
        (None, {}, 400, "idempotency-key-missing"),
        ("k", {"shown_fen": -1}, 422, "malformed"),
        ("k", {"more": 1}, 422, "malformed"),
        ("k", {"benefit_id": "nothing"}, 404, "not-found"),
        ("k", {"benefit_id": "test-age"}, 409, "not-eligible"),
        ("k", {"account_no": "1"}, 409, "no-verified-account"),
    ],
)
def test_each_refusal_is_a_problem_with_its_code(
    api: TestClient, key: str | None, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = post(api, key, **changes)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code


def test_verdict_comes_with_its_tree_and_the_unknown_ones_with_what_is_missing(
    api: TestClient,
) -> None:
    sure = api.get(f"/api/v1/firms/{FIRM}/verdicts/test-award").json()
    assert (sure["verdict"], sure["due_fen"], sure["as_of"]) == ("eligible", 10**7, str(DAY))
    assert sure["explanation"]["root"]["children"]
    open_ = api.get(f"/api/v1/firms/{FIRM}/verdicts/test-rent").json()
    assert (open_["verdict"], open_["missing"]) == ("undetermined", ["rent_paid"])
    assert (open_["due_fen"], open_["award_high_fen"]) == (None, 5_000_000)


def test_claims_show_the_account_by_its_tail_alone(api: TestClient) -> None:
    number = post(api, "k").json()["claim_no"]
    assert ACCOUNT not in api.get(CLAIMS).text
    assert api.get(f"{CLAIMS}/{number}").json()["account_tail"] == ACCOUNT[-4:]


def test_benefits_come_in_pages_that_join_without_gap(api: TestClient) -> None:
    seen: list[str] = []
    cursor = None
    for _ in range(5):
        query = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        answer = api.get("/api/v1/benefits", params=query).json()
        seen += [item["id"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert seen == ["test-age", "test-award", "test-rent"]
    assert api.get("/api/v1/benefits", params={"cursor": "???"}).status_code == 200
    assert api.get("/api/v1/benefits", params={"limit": 0}).status_code == 422


@pytest.mark.parametrize("path", ["verdicts/test-award", "claims", "claims/HQ1"])
def test_another_firm_is_not_there_and_a_stranger_is_asked_who_he_is(
    api: TestClient, path: str
) -> None:
    assert api.get(f"/api/v1/firms/{OTHER}/{path}").status_code == 404
    api.cookies.clear()
    stranger = api.get(f"/api/v1/firms/{FIRM}/{path}")
    assert stranger.status_code == 401
    assert stranger.headers["www-authenticate"].startswith("Basic")


def test_basic_credentials_serve_programs(api: TestClient) -> None:
    api.cookies.clear()

    def basic(password: str) -> dict[str, str]:
        return {"Authorization": "Basic " + b64encode(f"agent:{password}".encode()).decode()}

    assert api.get(CLAIMS, headers=basic(PASSWORD)).status_code == 200
    assert api.get(CLAIMS, headers=basic("wrong")).status_code == 401
    assert api.get(CLAIMS, headers={"Authorization": "Basic %%%"}).status_code == 401


def test_description_is_openapi_3_1_and_lists_no_pages(api: TestClient) -> None:
    described = api.get("/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert all(path.startswith("/api/v1/") for path in described["paths"])
    assert api.get("/docs").status_code == 404


def test_health_says_the_day(api: TestClient) -> None:
    assert api.get("/api/v1/health").json() == {"status": "ok", "business_date": str(DAY)}
