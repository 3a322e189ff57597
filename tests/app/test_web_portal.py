"""The enterprise's pages and the department's, from the offer to the approval, over HTTP."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, insert, select

from app.db import read, transaction
from app.roles import Role
from app.settings import Settings
from app.tables import access_log, claims, notices
from matching.tables import records
from tests.app.web import NOON, add_role, make_client, sign_in
from tests.app.web_city import ACCOUNT, FIRM, OTHER, build_city

HOME = f"/firm/{FIRM}"
CONFIRM = {"shown_fen": "10000000", "account_no": ACCOUNT}


@pytest.fixture
def site(engine: Engine, settings: Settings, tmp_path: Path) -> TestClient:
    """The small city with its agents."""
    client = make_client(engine, settings)
    build_city(engine, tmp_path / "files")
    return client


@pytest.fixture
def firm(site: TestClient) -> TestClient:
    """The small city, its first firm's agent signed in."""
    sign_in(site, "agent")
    return site


def count(engine: Engine, table: object) -> int:
    with read(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def test_agent_with_one_firm_goes_straight_to_it(firm: TestClient) -> None:
    assert firm.get("/firm").headers["location"] == HOME
    assert firm.get("/").headers["location"] == "/firm"


def test_home_shows_the_sum_and_each_certain_benefit(firm: TestClient) -> None:
    page = firm.get(HOME).text
    assert 'hero__figure">¥100,000' in page
    assert "注册奖励" in page
    assert "1 项还差一点信息" in re.sub(r"<[^>]+>", "", page)


def test_detail_shows_criterion_value_source_and_confirmation(firm: TestClient) -> None:
    page = firm.get(f"{HOME}/offers/test-award").text
    assert "逐条核对" in page
    assert "第二条" in page
    assert "青山湖区" in page
    assert "截至 2026-06-30" in page
    assert "•••• 2345" in page
    assert "政府已有，免交" in page


def test_full_account_number_stands_in_the_confirmation_form_alone(firm: TestClient) -> None:
    for path in (HOME, f"{HOME}/data", f"{HOME}/claims"):
        assert ACCOUNT not in firm.get(path).text
    shown = re.sub(r'value="[^"]*"', "", firm.get(f"{HOME}/offers/test-award").text)
    assert ACCOUNT not in shown


def test_confirming_opens_a_case_with_its_course(firm: TestClient) -> None:
    answer = firm.post(f"{HOME}/offers/test-award/confirm", data=CONFIRM)
    assert answer.status_code == 303
    page = firm.get(answer.headers["location"])
    assert "企业确认金额与账户" in page.text
    assert "待审定" in page.text
    assert "未支付" in page.text
    assert "已确认，办件编号" in page.text
    assert "已确认，办件编号" not in firm.get(answer.headers["location"]).text


def test_confirming_twice_or_another_amount_is_a_conflict_in_words(firm: TestClient) -> None:
    wrong = firm.post(f"{HOME}/offers/test-award/confirm", data=CONFIRM | {"shown_fen": "1"})
    assert wrong.status_code == 409
    assert "不一致" in wrong.text
    assert firm.post(f"{HOME}/offers/test-award/confirm", data=CONFIRM).status_code == 303
    again = firm.post(f"{HOME}/offers/test-award/confirm", data=CONFIRM)
    assert again.status_code == 409
    assert "已有办件" in again.text


def test_account_of_another_firm_is_not_taken(firm: TestClient) -> None:
    foreign = CONFIRM | {"account_no": "6222999999999999"}
    assert firm.post(f"{HOME}/offers/test-award/confirm", data=foreign).status_code == 409


def test_question_answered_turns_undetermined_into_eligible(firm: TestClient) -> None:
    assert f"{HOME}/questions/rent_paid" in firm.get(f"{HOME}/missing").text
    form = firm.get(f"{HOME}/questions/rent_paid?period=2025").text
    assert "房租补贴" in form
    answer = firm.post(f"{HOME}/questions/rent_paid", data={"value": "60,000", "period": "2025"})
    assert answer.headers["location"] == HOME
    page = firm.get(HOME).text
    assert "新符合：房租补贴" in page
    assert "¥30,000" in page


@pytest.mark.parametrize("typed", ["", "很多", "-5"])
def test_answer_that_is_no_amount_comes_back_with_the_reason(
    firm: TestClient, engine: Engine, typed: str
) -> None:
    before = count(engine, records)
    answer = firm.post(f"{HOME}/questions/rent_paid", data={"value": typed, "period": "2025"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert count(engine, records) == before


def test_field_a_department_holds_is_no_question_to_the_firm(firm: TestClient) -> None:
    assert firm.get(f"{HOME}/questions/registered_capital").status_code == 404
    posted = firm.post(f"{HOME}/questions/registered_capital", data={"value": "99999999"})
    assert posted.status_code == 404


def test_near_miss_says_until_when_to_wait(firm: TestClient) -> None:
    page = firm.get(f"{HOME}/missing").text
    assert "老店奖励" in page
    assert "2028-03-01" in page


def test_data_page_names_source_and_date(firm: TestClient) -> None:
    page = firm.get(f"{HOME}/data").text
    assert "注册资本" in page
    assert "800 万元" in page
    assert "市场监督管理部门" in page


def test_inbox_counts_unread_and_marks_what_was_opened(firm: TestClient, engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(
            insert(notices).values(
                uscc=FIRM,
                benefit_id="test-award",
                benefit_version=1,
                kind="offer",
                reason="eligible/2026",
                title="可享: 注册奖励",
                body="正文",
                created_at=NOON,
            )
        )
    assert "nav-bottom__count" in firm.get(f"{HOME}/inbox").text
    assert "正文" in firm.get(f"{HOME}/inbox/1").text
    assert "nav-bottom__count" not in firm.get(f"{HOME}/inbox").text


PATHS = [
    "",
    "/offers/test-award",
    "/missing",
    "/questions/rent_paid?period=2025",
    "/claims",
    "/data",
    "/inbox",
]


@pytest.mark.parametrize("path", PATHS)
def test_another_firms_pages_do_not_exist(firm: TestClient, path: str) -> None:
    assert firm.get(f"/firm/{OTHER}{path}").status_code == 404


def test_another_firms_case_does_not_exist_under_ones_own_address(
    firm: TestClient, engine: Engine
) -> None:
    firm.post(f"{HOME}/offers/test-award/confirm", data=CONFIRM)
    with read(engine) as connection:
        number = connection.execute(select(claims.c.claim_no)).scalar_one()
    sign_in(firm, "other")
    assert firm.get(f"/firm/{OTHER}/claims/{number}").status_code == 404
    assert firm.get(f"{HOME}/claims/{number}").status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_pages_in_english_keep_their_structure(firm: TestClient, path: str) -> None:
    firm.cookies.set("hqt_language", "en")
    page = firm.get(HOME + path)
    assert page.status_code == 200
    assert '<html lang="en"' in page.text


def test_department_decides_with_different_people_and_looks_are_logged(
    firm: TestClient, engine: Engine
) -> None:
    confirmed = firm.post(f"{HOME}/offers/test-award/confirm", data=CONFIRM)
    number = confirmed.headers["location"].rpartition("/")[2]
    for role in (Role.HANDLER, Role.REVIEWER, Role.HEAD):
        add_role(engine, role)
    sign_in(firm, Role.REVIEWER.value)
    assert "没有待办理的办件" in firm.get("/desk").text
    for role, step in ((Role.HANDLER, "check"), (Role.REVIEWER, "review"), (Role.HEAD, "approve")):
        sign_in(firm, role.value)
        assert number in firm.get("/desk").text
        page = firm.get(f"/desk/claims/{number}").text
        assert "审定金额" in page
        assert ACCOUNT not in page
        done = firm.post(
            "/desk/decide", data={"step": step, "decision": "agree", "claim_no": [number]}
        )
        assert done.status_code == 303
        assert "1 件" in firm.get("/desk").text
    assert count(engine, access_log) == 3
    sign_in(firm, "agent")
    page = firm.get(f"{HOME}/claims/{number}").text
    assert "负责人审定" in page
    assert "¥100,000" in page


def test_refusal_needs_a_reason(firm: TestClient, engine: Engine) -> None:
    confirmed = firm.post(f"{HOME}/offers/test-award/confirm", data=CONFIRM)
    number = confirmed.headers["location"].rpartition("/")[2]
    sign_in(firm, add_role(engine, Role.HANDLER))
    refuse = {"step": "check", "decision": "refuse"}
    firm.post(f"/desk/claims/{number}/decide", data=refuse)
    assert "不同意须写明理由" in firm.get(f"/desk/claims/{number}").text
    firm.post(f"/desk/claims/{number}/decide", data=refuse | {"note": "材料不实"})
    assert "材料不实" in firm.get(f"/desk/claims/{number}").text


def test_officer_sees_a_firm_only_for_a_stated_purpose(firm: TestClient, engine: Engine) -> None:
    sign_in(firm, add_role(engine, Role.HANDLER))
    found = firm.get("/desk/firms", params={"q": "云栖"}).text
    assert FIRM in found
    assert "8000000" not in found
    assert firm.post(f"/desk/firms/{FIRM}", data={"purpose": ""}).status_code == 422
    assert count(engine, access_log) == 0
    page = firm.post(f"/desk/firms/{FIRM}", data={"purpose": "核对注册资本"}).text
    assert "800 万元" in page
    assert count(engine, access_log) == 1


def test_public_sees_progress_and_results_masked(firm: TestClient, engine: Engine) -> None:
    confirmed = firm.post(f"{HOME}/offers/test-award/confirm", data=CONFIRM)
    number = confirmed.headers["location"].rpartition("/")[2]
    firm.cookies.clear()
    page = firm.get("/progress", params={"no": number.lower()}).text
    assert "企业确认金额与账户" in page
    assert "云栖精密" not in page
    assert firm.get("/progress", params={"no": "HQ0000"}).status_code == 404
    assert "注册奖励" in firm.get("/items").text
    assert "第二条" in firm.get("/items/test-award").text
    assert firm.get("/items/nothing").status_code == 404


def test_author_reads_the_rule_its_source_and_findings(site: TestClient, engine: Engine) -> None:
    sign_in(site, add_role(engine, Role.AUTHOR))
    assert "注册奖励" in site.get("/policies").text
    only = site.get("/policies", params={"mode": "apply"}).text
    assert "老店奖励" in only
    assert "注册奖励" not in only
    page = site.get("/policies/test-rent").text
    assert "最高" in page
    assert "不低于 1万元" in page
    assert "id: test-rent" in site.get("/policies/test-rent/source").text
    assert site.get("/policies/findings").status_code == 200
    assert site.get("/policies/nothing").status_code == 404


def test_htmx_gets_the_content_alone(site: TestClient, engine: Engine) -> None:
    part = site.get("/items", headers={"hx-request": "true", "hx-target": "rows"})
    assert part.status_code == 200
    assert "<html" not in part.text
    assert 'id="rows"' in part.text
