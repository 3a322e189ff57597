"""The built front end under the content policy of the site, in a real browser."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from app.assets_manifest import STATIC, asset
from tests.browser.conftest import DESK, PHONE, OpenPage
from tests.serving import serving

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

BODY = """
<header class="masthead"><a class="masthead__brand" href="/"><img src="{logo}" alt=""> 惠企通
  <span class="masthead__place">云溪市</span></a><div class="masthead__end">云溪精密</div></header>
<main id="main" class="{face}__main stack">
  <section class="hero"><p>您有 2 项政策可直接兑现</p>
    <p class="hero__figure money">¥128,000.00</p><p>数据截至 2026 年 10 月 31 日</p></section>
  <div class="stats"><a class="stat" href="#"><span class="stat__label">可享</span>
    <span class="stat__value">2</span><span class="stat__note">项</span></a>
    <div class="stat stat--wait"><span class="stat__label">待您确认</span>
    <span class="stat__value">1</span></div></div>
  <article class="card card--eligible"><div class="card__head">
    <h2 class="card__title"><a href="#">高新技术企业认定奖励</a></h2>
    <span class="badge badge--eligible">符合</span></div>
    <p class="card__meta"><span>市科技局</span><span class="badge badge--direct">免申即享</span></p>
    <p class="money money--large">¥100,000.00</p>
    <ul class="reasons"><li class="reason reason--true">高新技术企业证书有效
      <span class="basis">第三条</span></li><li class="reason reason--unknown">近三年无失信记录</li></ul>
    <div class="card__actions"><button class="button" hx-get="/part" hx-target="#answer">确认</button>
      <a class="button button--quiet" href="#">查看依据</a></div></article>
  <p id="answer"></p>
  <hq-chart kind="bar" unit="万元" label="各季度兑现金额"><details><summary>查看数据</summary>
    <div class="table-wrap"><table class="table"><thead><tr><th>季度</th><th class="number">兑现</th>
    <th class="number">预算</th></tr></thead><tbody>
    <tr><th>一季度</th><td class="number">120</td><td class="number">150</td></tr>
    <tr><th>二季度</th><td class="number">180</td><td class="number">200</td></tr>
    </tbody></table></div></details></hq-chart>
  <hq-clause><p class="clause-text">对<mark data-span="1" tabindex="0">首次认定</mark>的企业奖励</p>
    <div class="criterion" data-span="1" id="leaf">首次认定</div></hq-clause>
</main>
<nav class="nav-bottom" aria-label="主导航"><a href="/" aria-current="page">首页</a>
  <a href="#">消息<span class="nav-bottom__count">3</span></a><a href="#">我的</a></nav>
"""


def page(request: Request) -> Response:
    face = request.path_params.get("face", "portal")
    body = BODY.format(face=face, logo=asset("logo.svg"))
    return HTMLResponse(
        f'<!doctype html><html lang="zh-CN" data-theme="light"><head><title>惠企通</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="{asset("logo.svg")}">'
        f'<link rel="stylesheet" href="{asset(face + ".css")}">'
        f'<script type="module" src="{asset("main.js")}"></script>'
        f'<script type="module" src="{asset("chart.js")}"></script></head>'
        f'<body class="{face}">{body}</body></html>',
        headers={"Content-Security-Policy": POLICY},
    )


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    routes = [
        Route("/part", lambda _: HTMLResponse("已确认")),
        Mount("/static", StaticFiles(directory=STATIC)),
        Route("/{face}", page),
    ]
    with serving(Starlette(routes=routes)) as address:
        yield address


@pytest.mark.parametrize(("face", "width"), [("portal", PHONE), ("portal", DESK), ("desk", DESK)])
def test_everything_works_under_the_policy(
    site: str, browser_page: OpenPage, face: str, width: int
) -> None:
    opened = browser_page(width)
    opened.goto(f"{site}/{face}")
    opened.get_by_role("button", name="确认").click()
    opened.get_by_text("已确认").wait_for()
    opened.locator("hq-chart svg").wait_for()
    opened.locator("hq-chart .chart__canvas").hover()
    opened.locator("mark").focus()
    assert "is-lit" in (opened.locator("#leaf").get_attribute("class") or "")
    too_wide = opened.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert not too_wide
