"""Turns an error answer into the error a caller can catch."""

from __future__ import annotations

import json

import httpx2

from tradewind.domain.errors import (
    BY_CODE,
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    TimedOutError,
    TooLargeError,
    TradewindError,
    UnreachableError,
)

#: For answers that are not ours: a proxy's page, or a server that is not Tradewind.
_BY_STATUS: dict[int, type[TradewindError]] = {
    400: InvalidInputError,
    401: AuthenticationError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    413: TooLargeError,
    422: InvalidInputError,
    429: UnreachableError,
    502: UnreachableError,
    503: UnreachableError,
    504: TimedOutError,
}


def to_error(response: httpx2.Response) -> TradewindError:
    """The error that a read, unsuccessful response stands for."""
    try:
        problem = json.loads(response.content)
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or "code" not in problem:
        return _from_stranger(response)
    code = str(problem["code"])
    message = str(
        problem.get("detail") or problem.get("title") or f"the server answered {response.status_code}"
    )
    kind = BY_CODE.get(code)
    if kind is None:
        kind = _BY_STATUS.get(response.status_code, TradewindError)
        if kind is UnreachableError or code != TradewindError.code:
            message = f"{message} ({code})"
    errors = problem.get("errors")
    causes = problem.get("causes")
    error = kind(
        message,
        hint=problem.get("hint"),
        causes=tuple(str(cause) for cause in causes) if isinstance(causes, list) else (),
        details=[entry for entry in errors if isinstance(entry, dict)] if isinstance(errors, list) else None,
    )
    if problem.get("request_id"):
        error.add_note(f"request {problem['request_id']}")
    return error


def _from_stranger(response: httpx2.Response) -> TradewindError:
    kind = _BY_STATUS.get(response.status_code, TradewindError)
    url = response.request.url
    place = f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}{url.path}"
    reason = f" {response.reason_phrase}" if response.reason_phrase else ""
    return kind(
        f"{place} answered {response.status_code}{reason}",
        hint="is this a Tradewind server? Check the address with `tradewind server status`",
    )
