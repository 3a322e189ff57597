"""A real browser: `browser_page(width)` opens a page; at the end its console must be clean."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser import chromium

PHONE = 390
DESK = 1440

OpenPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever stands in this folder drives a browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium per worker; without one the test is skipped, but not in CI."""
    found = chromium.find()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium: run python -m tests.browser.chromium")
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=found.executable,
            args=list(chromium.ARGUMENTS),
            env={**os.environ, **found.environment},
        )
        yield launched
        launched.close()


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens pages of a given width; fails if any wrote an error to its console.

    `browser_page(PHONE)` and `browser_page(DESK)` are the two sizes that matter. Each call has
    cookies of its own. A test that expects errors empties the list `page.console_errors`.
    """
    contexts: list[BrowserContext] = []
    errors: list[list[str]] = []

    def open_page(width: int = PHONE, **options: object) -> Page:
        phone = width < 600
        context = browser.new_context(
            viewport={"width": width, "height": 844 if phone else 900},
            device_scale_factor=2 if phone else 1,
            is_mobile=phone,
            has_touch=phone,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            reduced_motion="reduce",
            **options,  # type: ignore[arg-type]
        )
        context.set_default_timeout(10_000)
        page = context.new_page()
        heard: list[str] = []
        page.on(
            "console",
            lambda message: heard.append(message.text) if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.console_errors = heard  # type: ignore[attr-defined]
        contexts.append(context)
        errors.append(heard)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for heard in errors for text in heard] == []
