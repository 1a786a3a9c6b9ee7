"""Errors as part of the product.

TradewindError            a code, a sentence, what caused it, what was kept safe, what to do next
├── InvalidInputError     the request or file is wrong                     422   exit 2
│   └── NotSupportedError a key or option whose room is not built yet      422   exit 2
├── AuthenticationError   no valid token or session                        401   exit 3
├── ForbiddenError        known, but not allowed; bad Host or Origin       403   exit 3
├── NotFoundError         no such thing, or not yours                      404   exit 4
├── ConflictError         the state forbids it; budget; idempotency key    409   exit 5
│   └── SecretKeyError    what is sealed cannot be opened, or sealed       409   exit 5
├── NoOfferError          nothing that is connected can run it             409   exit 6
├── TooLargeError         more bytes than the limit                        413   exit 2
├── NoRoomError           the server's disk is full                        507   exit 1
├── TimedOutError         it took longer than allowed                      504   exit 7
├── UnreachableError      the server does not answer                       503   exit 8
└── ProviderError         a provider said no, in the closed vocabulary     502   exit 1
    (capacity, quota, balance, credentials, permission, rate limit, not found, ambiguous, invalid, provider fault)
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class TradewindError(Exception):
    """Something went wrong that a user can understand."""

    code: ClassVar[str] = "TW-E100"
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        causes: tuple[str, ...] = (),
        details: list[dict[str, str | int | None]] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.causes = causes
        #: One entry per fault, where there can be several: `where`, `line`, `column`, `message`, `hint`.
        self.details = details or []


class InvalidInputError(TradewindError):
    """The request or file is wrong."""

    code = "TW-E200"
    http_status = 422
    exit_code = 2


class NotSupportedError(InvalidInputError):
    """Part of the design, not part of this version."""

    code = "TW-E201"


class NoRoomError(TradewindError):
    """The server's disk is full."""

    code = "TW-E101"
    http_status = 507


class TooLargeError(TradewindError):
    """More bytes than the limit."""

    code = "TW-E202"
    http_status = 413
    exit_code = 2


class AuthenticationError(TradewindError):
    """No valid token or session."""

    code = "TW-E300"
    http_status = 401
    exit_code = 3


class ForbiddenError(TradewindError):
    """Known, but not allowed."""

    code = "TW-E301"
    http_status = 403
    exit_code = 3


class NotFoundError(TradewindError):
    """No such thing, or not yours."""

    code = "TW-E400"
    http_status = 404
    exit_code = 4


class ConflictError(TradewindError):
    """The present state forbids it."""

    code = "TW-E500"
    http_status = 409
    exit_code = 5


class SecretKeyError(ConflictError):
    """The key that secrets are sealed with is missing, damaged or another one."""

    code = "TW-E501"


class NoOfferError(TradewindError):
    """No place that is connected can run the job."""

    code = "TW-E600"
    http_status = 409
    exit_code = 6


class TimedOutError(TradewindError):
    """It took longer than allowed."""

    code = "TW-E700"
    http_status = 504
    exit_code = 7


class UnreachableError(TradewindError):
    """The server does not answer."""

    code = "TW-E800"
    http_status = 503
    exit_code = 8


class ProviderFault(StrEnum):
    """Everything a provider can say no with; controllers branch on nothing else."""

    CAPACITY = "capacity"
    QUOTA = "quota"
    BALANCE = "balance"
    CREDENTIALS = "credentials"
    PERMISSION = "permission"
    RATE_LIMIT = "rate_limit"
    NOT_FOUND = "not_found"
    AMBIGUOUS = "ambiguous"  #: the call may or may not have had its effect
    INVALID = "invalid"
    PROVIDER_FAULT = "provider_fault"


class ProviderError(TradewindError):
    """A provider said no."""

    code = "TW-E900"
    http_status = 502

    def __init__(
        self,
        fault: ProviderFault,
        message: str,
        *,
        hint: str | None = None,
        causes: tuple[str, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, causes=causes)
        self.fault = fault
        self.retry_after_s = retry_after_s


BY_CODE: dict[str, type[TradewindError]] = {
    cls.code: cls
    for cls in (
        InvalidInputError, NotSupportedError, TooLargeError, AuthenticationError, ForbiddenError, NotFoundError,
        ConflictError, SecretKeyError, NoOfferError, TimedOutError, UnreachableError, NoRoomError,
    )
}  # fmt: skip
