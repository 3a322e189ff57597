"""The pages in a real browser: quiet console, no sideways scrolling, keyboard, no JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page
from sqlalchemy import Engine

from app.auth import Grant
from app.roles import Role
from app.settings import Settings
from tests.app.web import PASSWORD, add_person, add_role, make_client
from tests.app.web_city import FIRM, build_city
from tests.browser.conftest import DESK, PHONE, OpenPage
from tests.serving import serving

HOME = f"/firm/{FIRM}"
FIRM_PAGES = [
    HOME,
    f"{HOME}/offers/test-award",
    f"{HOME}/missing",
    f"{HOME}/questions/rent_paid?period=2025",
    f"{HOME}/claims",
    f"{HOME}/data",
    f"{HOME}/inbox",
]
PUBLIC_PAGES = ["/", "/items", "/items/test-award", "/progress", "/results", "/sign-in"]
DESK_PAGES = {
    Role.HANDLER: ["/desk", "/desk/claims", "/desk/waiting", "/desk/findings", "/desk/firms"],
    Role.RECONCILER: [
        *["/finance", "/finance/plans", "/finance/packages", "/finance/payables"],
        *["/finance/days", "/finance/breaks", "/finance/book"],
    ],
    Role.SUPERVISOR: [
        *["/supervision", "/supervision/times", "/supervision/notices", "/supervision/batches"],
        *["/supervision/links", "/supervision/access"],
        *["/policies", "/policies/test-rent", "/policies/vocabulary", "/policies/findings"],
    ],
}


@pytest.fixture
def address(sqlite_engine: Engine, settings: Settings, tmp_path: Path) -> Iterator[str]:
    """The small city, served on a port of its own."""
    client = make_client(sqlite_engine, settings)
    build_city(sqlite_engine, tmp_path / "files")
    for role in DESK_PAGES:
        add_role(sqlite_engine, role)
    add_person(sqlite_engine, "checker", [Grant(role=Role.FINANCE_CHECKER)])
    with serving(client.app) as base:
        yield base


def sign_in(page: Page, address: str, username: str) -> None:
    page.goto(f"{address}/sign-in")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.click(".sign-in__form button")
    page.wait_for_url(lambda url: "/sign-in" not in url)


def look(page: Page, address: str, paths: list[str]) -> None:
    """Open each page; nothing may stick out sideways or lack its one heading."""
    for path in paths:
        answer = page.goto(address + path)
        assert answer is not None
        assert answer.status == 200, path
        page.wait_for_load_state("networkidle")
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path} sticks out by {wide} px"
        assert page.locator("h1").count() == 1, path
        unnamed = page.evaluate(
            "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
            ".filter(e => !e.labels.length && !e.ariaLabel).map(e => e.outerHTML)"
        )
        assert unnamed == [], path


def test_firm_on_a_phone(browser_page: OpenPage, address: str) -> None:
    page = browser_page(PHONE)
    look(page, address, PUBLIC_PAGES)
    sign_in(page, address, "agent")
    look(page, address, FIRM_PAGES)


@pytest.mark.parametrize("role", list(DESK_PAGES))
def test_desks_on_a_screen_and_on_a_phone(browser_page: OpenPage, address: str, role: Role) -> None:
    for width in (DESK, PHONE):
        page = browser_page(width)
        sign_in(page, address, role.value)
        look(page, address, DESK_PAGES[role])


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
def test_firm_confirms_with_two_presses(
    browser_page: OpenPage, address: str, scripts: bool
) -> None:
    page = browser_page(PHONE, java_script_enabled=scripts)
    sign_in(page, address, "agent")
    page.click("text=核对并确认")
    page.click("text=确认金额和账户")
    page.wait_for_url(lambda url: "/claims/HQ" in url)
    assert "企业确认金额与账户" in page.inner_text("main")


def test_question_is_answered_by_keyboard_alone(browser_page: OpenPage, address: str) -> None:
    page = browser_page(DESK)
    sign_in(page, address, "agent")
    page.goto(f"{address}{HOME}/questions/rent_paid?period=2025")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")
    page.focus("#value")
    page.keyboard.type("60000")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}{HOME}")
    assert "房租补贴" in page.inner_text("main")


def test_catalogue_filters_while_typing(browser_page: OpenPage, address: str) -> None:
    page = browser_page(DESK)
    page.goto(f"{address}/items")
    page.locator("#q").press_sequentially("房租")
    page.wait_for_url(lambda url: "q=" in url)
    assert page.locator("#rows a").count() == 1


def test_select_all_ticks_every_case(browser_page: OpenPage, address: str) -> None:
    firm = browser_page(PHONE)
    sign_in(firm, address, "agent")
    firm.goto(f"{address}{HOME}/offers/test-award")
    firm.click("text=确认金额和账户")
    firm.wait_for_url(lambda url: "/claims/HQ" in url)
    desk = browser_page(DESK)
    sign_in(desk, address, Role.HANDLER.value)
    desk.check("[data-check-all]")
    assert desk.locator("input[name=claim_no]:checked").count() == 1
    desk.click("text=同意所选")
    desk.wait_for_url(lambda url: "step=check" in url)
    assert "通过 1 件" in desk.inner_text("main")
