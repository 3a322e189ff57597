"""Money over HTTP: approval reserves, three people of finance push, and each page says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert

from app.auth import Grant
from app.db import transaction
from app.roles import Role
from app.settings import Settings
from ledger.budget import BudgetImport, ChangeKind, ChangeRow, PlanRow, import_budget
from ledger.money import Fen
from ledger.tables import breaks
from tests.app.web import DAY, NOON, add_person, add_role, make_client, sign_in
from tests.app.web_city import ACCOUNT, FIRM, build_city

HOME = f"/firm/{FIRM}"
DECISIONS = ((Role.HANDLER, "check"), (Role.REVIEWER, "review"), (Role.HEAD, "approve"))


@pytest.fixture
def site(engine: Engine, settings: Settings, tmp_path: Path) -> TestClient:
    """The small city with a department and finance of one purse, and no budget yet."""
    client = make_client(engine, settings)
    build_city(engine, tmp_path / "files")
    for role, _ in DECISIONS:
        add_role(engine, role)
    for role in (Role.FINANCE_MAKER, Role.FINANCE_CHECKER, Role.FINANCE_RELEASER):
        add_person(engine, role.value, [Grant(role=role, purse="nanchang")])
    add_person(engine, "reconciler", [Grant(role=Role.RECONCILER)])
    return client


def give_budget(engine: Engine) -> None:
    """An allotment of one million yuan with its plan."""
    change = ChangeRow(
        row=2,
        allotment_no="NC-1",
        doc_no="洪财测〔2026〕1号",
        kind=ChangeKind.ISSUED,
        amount_fen=Fen(100_000_000),
        effective_on=DAY,
        fiscal_year=2026,
        division_code="360100",
        agency_code="101",
        agency_name="南昌市工业和信息化局",
        project_code="P1",
        project_name="工业发展专项",
        exp_func_code="2150805",
        gov_bgt_eco_code="50799",
        dep_bgt_eco_code="31299",
        fund_type_code="1",
        purse="nanchang",
        purpose=("industry-award",),
    )
    plan = PlanRow(
        row=3,
        plan_voucher_no="PL-1",
        allotment_no="NC-1",
        plan_month="2026-06",
        plan_amt_fen=Fen(100_000_000),
        use_desc="奖补",
    )
    budget = BudgetImport(
        file_name="指标.xlsx", sha256="0" * 64, as_of=DAY, changes=(change,), plans=(plan,)
    )
    with transaction(engine) as connection:
        import_budget(connection, budget, at=NOON)


def approve(site: TestClient) -> str:
    """Confirm as the firm and decide as three people; returns the number of the case."""
    sign_in(site, "agent")
    confirmed = site.post(
        f"{HOME}/offers/test-award/confirm",
        data={"shown_fen": "10000000", "account_no": ACCOUNT},
    )
    number = confirmed.headers["location"].rpartition("/")[2]
    for role, step in DECISIONS:
        sign_in(site, role.value)
        done = site.post(
            "/desk/decide", data={"step": step, "decision": "agree", "claim_no": [number]}
        )
        assert done.status_code == 303, done.text
    return number


def test_approval_without_budget_waits_and_says_why_on_every_face(site: TestClient) -> None:
    number = approve(site)
    assert number in site.get("/desk/waiting").text
    sign_in(site, "agent")
    page = site.get(f"{HOME}/claims/{number}").text
    assert "为什么还没到账" in page
    assert "¥100,000" in page
    assert "未支付" in page
    sign_in(site, Role.FINANCE_MAKER.value)
    assert "100,000.00" in site.get("/finance/payables").text


def test_three_people_push_and_files_are_written(
    site: TestClient, engine: Engine, settings: Settings
) -> None:
    give_budget(engine)
    number = approve(site)
    sign_in(site, Role.FINANCE_MAKER.value)
    page = site.get("/finance").text
    assert "1,000,000.00" in page
    assert "100,000.00" in page
    assert "校验并组包" in site.get("/finance/packages").text
    made = site.post("/finance/packages", data={"purse": "nanchang"})
    assert made.status_code == 303, made.text
    where = made.headers["location"]
    page = site.get(where).text
    assert number in page
    assert ACCOUNT not in page
    digest = page.partition('name="digest" value="')[2].partition('"')[0]
    assert digest == "", "the maker is offered no further step"
    assert site.post(f"{where}/check", data={"digest": "x"}).status_code == 403
    sign_in(site, Role.FINANCE_CHECKER.value)
    page = site.get(where).text
    digest = page.partition('name="digest" value="')[2].partition('"')[0]
    assert site.post(f"{where}/check", data={"digest": "f" * 64}).status_code == 409
    assert site.post(f"{where}/check", data={"digest": digest}).status_code == 303
    sign_in(site, Role.FINANCE_RELEASER.value)
    released = site.post(f"{where}/release")
    assert released.status_code == 303, released.text
    assert "已送出" in site.get(where).text
    folder = settings.home / "exchange" / "out"
    assert len(list(folder.iterdir())) >= 2
    sign_in(site, "agent")
    assert "推送财政支付申请" in site.get(f"{HOME}/claims/{number}").text


def test_book_is_checked_by_the_other_program_and_the_result_kept(
    site: TestClient, engine: Engine
) -> None:
    give_budget(engine)
    approve(site)
    sign_in(site, "reconciler")
    assert site.post("/finance/book/check", data={"period": "2026-06"}).status_code == 303
    assert "独立核算一致" in site.get("/finance/book").text
    assert site.post("/finance/book/check", data={"period": "../x"}).status_code == 422


def test_break_is_taken_over_then_closed_with_a_reason(site: TestClient, engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(
            insert(breaks).values(
                {
                    "id": "payee:A-1",
                    "found_on": DAY,
                    "class": "payee",
                    "amount_fen": 100,
                    "refs": ["A-1"],
                    "purse": "nanchang",
                    "state": "open",
                    "note": "收款人为某公司 6222000011119999, 付给他人",
                    "found_at": NOON,
                }
            )
        )
    sign_in(site, "reconciler")
    for path in ("/finance/breaks", "/finance/breaks/payee:A-1", f"/finance/days/{DAY}"):
        page = site.get(path).text
        assert "收款人不符" in page
        assert "6222000011119999" not in page
    where = "/finance/breaks/payee:A-1"
    assert site.post(where, data={"note": "", "action": "close"}).status_code == 422
    site.post(where, data={"note": "查明中", "action": "assign"})
    assert "reconciler" in site.get(where).text
    site.post(where, data={"note": "银行已更正", "action": "close"})
    assert "已销号" in site.get(where).text
    assert site.post(where, data={"note": "再来", "action": "close"}).status_code == 409
    sign_in(site, Role.FINANCE_MAKER.value)
    assert site.post(where, data={"note": "不该", "action": "close"}).status_code == 403


def test_unknown_package_break_and_day_are_answered_in_words(site: TestClient) -> None:
    sign_in(site, "reconciler")
    assert site.get("/finance/packages/none").status_code == 404
    assert site.get("/finance/breaks/none:x").status_code == 404
    assert site.get("/finance/days/2026-13-01").status_code == 422
    assert "当日没有勾对" in site.get("/finance/days/2026-01-01").text
