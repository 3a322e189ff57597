"""Templates, rendered with what every page shows: language, person, navigation, messages."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2_fragments import render_block
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.assets_manifest import asset
from app.web import figures
from app.web.access import faces_of
from app.web.session import FLASH_COOKIE
from app.web.visit import Visit
from app.web.words import translator

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


@cache
def environment() -> Environment:
    """Return the template environment: everything escaped, an unknown name is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(figures.FILTERS)
    made.globals["asset"] = asset
    made.globals["share"] = figures.share
    made.globals["ui"] = made.get_template("parts.html").module
    return made


def page(visit: Visit, template: str, /, *, status: int = 200, **context: Any) -> Response:
    """Render a whole page, or only its ``content`` block when htmx asks for a part of it."""
    flash = visit.cookies.flash(visit.request)
    values = frame(visit) | {"flash": flash} | context
    if visit.request.headers.get("hx-request") and visit.request.headers.get("hx-target"):
        body = render_block(environment(), template, "content", values)
    else:
        body = environment().get_template(template).render(values)
    response = HTMLResponse(body, status_code=status)
    response.headers["Vary"] = "Cookie, HX-Request"
    if flash:
        response.delete_cookie(FLASH_COOKIE, httponly=True, samesite="lax")
    return response


def frame(visit: Visit) -> dict[str, Any]:
    """Return what the frame around every page needs."""
    return {
        "visit": visit,
        "user": visit.user,
        "today": visit.today,
        "language": visit.language,
        "is_demo": visit.is_demo,
        "path": visit.request.url.path,
        "faces": faces_of(visit.user, visit.today) if visit.user else [],
        "t": translator(visit.language),
    }


def see(visit: Visit, where: str, message: str = "", kind: str = "good") -> Response:
    """Send the browser on after a change, with a message for the next page."""
    response = RedirectResponse(where, status_code=303)
    if message:
        visit.cookies.put_flash(response, message, kind)
    return response
