"""Errors as application/problem+json (RFC 9457)."""

from __future__ import annotations

import errno
import uuid
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tradewind.api.web import PAGES, sign_in_page, wants_page
from tradewind.domain.errors import (
    AuthenticationError,
    InvalidInputError,
    NoRoomError,
    NotFoundError,
    TradewindError,
)
from tradewind.domain.schemas_server import Problem

log = structlog.get_logger(__name__)


def problem_response(error: TradewindError, scope: Mapping[str, Any]) -> Response:
    """The answer for an error that a user can understand."""
    problem = Problem(
        type=f"urn:tradewind:error:{error.code}",
        title=(type(error).__doc__ or "").split(".")[0].strip(),
        status=error.http_status,
        detail=error.message,
        code=error.code,
        hint=error.hint,
        causes=list(error.causes),
        errors=error.details,
        request_id=scope.get("tradewind.request_id"),
    )
    headers = {"www-authenticate": "Bearer"} if error.http_status == 401 else None
    return Response(
        problem.model_dump_json(),
        status_code=error.http_status,
        media_type="application/problem+json",
        headers=headers,
    )


def install(app: FastAPI) -> None:
    """Makes every error of the application a problem document."""

    @app.exception_handler(TradewindError)
    async def on_known(request: Request, error: TradewindError) -> Response:
        if isinstance(error, AuthenticationError) and wants_page(request.scope, dict(request.headers)):
            return sign_in_page(f"{error.message[:1].upper()}{error.message[1:]}.")
        return problem_response(error, request.scope)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        details: list[dict[str, str | int | None]] = [
            {"where": ".".join(str(part) for part in fault["loc"]), "message": str(fault["msg"])}
            for fault in error.errors()
        ]
        first = details[0] if details else {"where": "request", "message": "is invalid"}
        message = f"{first['where']}: {first['message']}"
        return problem_response(InvalidInputError(message, details=details), request.scope)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        # Of a path that only the pages' route takes: there is nothing there for another method, either.
        is_page = getattr(request.scope.get("route"), "name", None) == PAGES
        if error.status_code == 404 or (error.status_code == 405 and is_page):
            known = NotFoundError(f"there is nothing at {request.url.path}", hint="/docs lists what there is")
            return problem_response(known, request.scope)
        if error.status_code == 400:
            text = "cannot be read: it is not the JSON that is expected here"
            details: list[dict[str, str | int | None]] = [{"where": "body", "message": text}]
            return problem_response(InvalidInputError(f"body: {text}", details=details), request.scope)
        return Response(
            Problem(
                type="about:blank",
                title=str(error.detail),
                status=error.status_code,
                detail=str(error.detail),
                code="TW-E100",
            ).model_dump_json(),
            status_code=error.status_code,
            media_type="application/problem+json",
            headers=dict(error.headers or {}),
        )

    @app.exception_handler(OperationalError)
    @app.exception_handler(OSError)
    async def on_no_room(request: Request, error: OperationalError | OSError) -> Response:
        if (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)) or "is full" in str(
            error
        ):
            full = NoRoomError(
                "the server's disk is full; nothing was changed by this request",
                hint="free some space in the state folder; jobs that run go on",
            )
            return problem_response(full, request.scope)
        return await on_bug(request, error)

    @app.exception_handler(Exception)
    async def on_bug(request: Request, error: Exception) -> Response:
        request_id = uuid.uuid4().hex
        log.error("request.failed", request_id=request_id, path=request.url.path, exc_info=error)
        problem = Problem(
            type="urn:tradewind:error:TW-E100",
            title="Internal error",
            status=500,
            detail="the server hit a bug; nothing was changed by this request",
            code="TW-E100",
            hint="`tradewind server logs` has the details under the request id",
            request_id=request_id,
        )
        return Response(problem.model_dump_json(), status_code=500, media_type="application/problem+json")
