"""The site: one FastAPI application made from settings, with every face mounted."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.assets_manifest import STATIC
from app.db import make_engine
from app.settings import Settings
from app.web import (
    api,
    author,
    department,
    failures,
    finance,
    portal,
    public,
    sign_in,
    supervision,
)
from app.web.guard import guard
from app.web.session import Cookies

YEAR_SECONDS = 365 * 24 * 3600


class HashedFiles(StaticFiles):
    """Files whose names carry a hash of their content: cached for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve a file with a year of caching."""
        response = await super().get_response(path, scope)
        if response.status_code == 200 and path.startswith("dist/"):
            response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
        return response


def create_app(settings: Settings, engine: Engine | None = None) -> FastAPI:
    """Build the site on the settings' database, or on an engine that is already open."""
    app = FastAPI(
        title="惠企通 API",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.engine = engine or make_engine(settings.url)
    app.state.cookies = Cookies(settings.signing_key())
    app.add_middleware(BaseHTTPMiddleware, dispatch=guard)
    app.mount("/static", HashedFiles(directory=STATIC), name="static")
    failures.install(app)
    for face in (public, sign_in, portal, author, department, finance, supervision, api):
        app.include_router(_router_of(face))
    return app


def _router_of(face: Any) -> Any:
    return face.router
