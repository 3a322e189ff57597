"""What a refusal or an error looks like: a page for people, problem+json for the API."""

from __future__ import annotations

from http import HTTPStatus
from uuid import uuid4

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app import errors
from app.db import read
from app.web.page import page
from app.web.visit import FaceClosedError, NotFoundError, SignInNeededError, open_visit
from ledger.errors import LedgerError
from matching.errors import MatchingError, UnknownEnterpriseError
from policies.errors import PolicyError, UnknownBenefitError

log = structlog.get_logger()

STATUS: dict[type[Exception], int] = {
    SignInNeededError: 401,
    FaceClosedError: 403,
    NotFoundError: 404,
    errors.NotAllowedError: 403,
    errors.UnknownClaimError: 404,
    errors.AppError: 409,
    LedgerError: 409,
    MatchingError: 409,
    UnknownEnterpriseError: 404,
    PolicyError: 409,
    UnknownBenefitError: 404,
}
"""Refusals and the status they answer with; a class counts for its subclasses."""

TITLES = {
    401: "请先登录",
    403: "没有权限",
    404: "没有找到",
    405: "不支持的操作",
    409: "现在不能这样办",
    422: "填写有误",
    500: "系统出错",
}


def status_of(error: Exception) -> int:
    """Return the status of the nearest class in the table, 500 when there is none."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def code_of(error: Exception) -> str:
    """Return the machine-readable code of a refusal: its class name in kebab case."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


def problem(status: int, code: str, detail: str) -> JSONResponse:
    """Return an RFC 9457 answer."""
    return JSONResponse(
        {
            "type": f"urn:huiqitong:problem:{code}",
            "title": TITLES.get(status) or HTTPStatus(status).phrase,
            "status": status,
            "code": code,
            "detail": detail,
        },
        status_code=status,
        media_type="application/problem+json",
    )


def answer(request: Request, status: int, code: str, detail: str) -> Response:
    """Answer a refusal in the form the caller reads."""
    if request.url.path.startswith("/api/"):
        response: Response = problem(status, code, detail)
        if status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = 'Basic realm="huiqitong", charset="UTF-8"'
        return response
    if status == HTTPStatus.UNAUTHORIZED:
        return RedirectResponse(f"/sign-in?next={request.url.path}", status_code=303)
    with read(request.app.state.engine) as connection:
        return page(
            open_visit(request, connection),
            "error.html",
            status=status,
            code=status,
            title=TITLES.get(status, HTTPStatus(status).phrase),
            detail=detail,
        )


def install(app: FastAPI) -> None:
    """Register the handlers for every refusal of the table and for what nobody foresaw."""

    def refused(request: Request, error: Exception) -> Response:
        return answer(request, status_of(error), code_of(error), str(error))

    for kind in STATUS:
        app.add_exception_handler(kind, refused)

    def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = TITLES.get(error.status_code, str(error.detail))
        return answer(request, error.status_code, f"http-{error.status_code}", detail)

    def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        parts = ["/".join(str(p) for p in e["loc"][1:]) + f": {e['msg']}" for e in error.errors()]
        return answer(request, 422, "malformed", "；".join(parts))

    def unforeseen(request: Request, error: Exception) -> Response:
        reference = uuid4().hex[:12]
        log.error("unforeseen", reference=reference, path=request.url.path, exc_info=error)
        detail = f"系统没有办成，请稍后重试；仍不行请把编号 {reference} 告诉我们"
        return answer(request, 500, "unforeseen", detail)

    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(Exception, unforeseen)
