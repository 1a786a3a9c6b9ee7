"""How price sources ask over HTTP: limits on size and pages, rows that are checked, one vocabulary of errors.

Nothing here repeats a request: how often to try again is the caller's to decide. No error holds a credential, a
query or anything that a server sent.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.prices import Wire

if TYPE_CHECKING:
    import httpx2

log = structlog.get_logger(__name__)
#: A number of processors, gigabytes, accelerators: what is beyond is no number of anything.
Quantity = Annotated[float, Field(ge=0, le=1_000_000_000)]
Count = Annotated[int, Field(ge=0, le=1024)]
M = TypeVar("M", bound="Row")
#: Pages of one answer after which a list is taken for endless.
MAX_PAGES: Final = 1000
MAX_BYTES: Final = 64 << 20
_LONGEST_WAIT_S: Final = 86_400.0
_FAULTS: Final = {
    400: ProviderFault.INVALID,
    401: ProviderFault.CREDENTIALS,
    402: ProviderFault.BALANCE,
    403: ProviderFault.PERMISSION,
    404: ProviderFault.NOT_FOUND,
    422: ProviderFault.INVALID,
    429: ProviderFault.RATE_LIMIT,
}
_HINTS: Final = {
    ProviderFault.CREDENTIALS: "check that the key is right and has not been revoked",
    ProviderFault.PERMISSION: "check what the key may do, and that the account is active",
    ProviderFault.BALANCE: "the account needs credit",
    ProviderFault.RATE_LIMIT: "it will be asked again later",
}


class Row(BaseModel):
    """One row of somebody's price list. Keys that are not named are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, defer_build=True)


def base_url(wire: Wire, default: str) -> str:
    """Where to ask: the source's setting `base_url`, else the vendor's own address. Without a slash at the end."""
    return str(wire.settings.get("base_url") or default).rstrip("/")


def credential(wire: Wire, name: str) -> str:
    """A credential that the source needs. Raises ProviderError where it is not there, or cannot be one."""
    value = optional_credential(wire, name)
    if not value:
        raise ProviderError(
            ProviderFault.CREDENTIALS, f"{name} is not set", hint=f"set {name} to ask for prices"
        )
    return value


def optional_credential(wire: Wire, name: str) -> str:
    """One that the source can do without; empty where it is not there. Raises ProviderError where it cannot be one."""
    value = wire.credentials.get(name, "").strip()
    if not (value.isascii() and value.isprintable()):
        raise ProviderError(
            ProviderFault.CREDENTIALS,
            f"{name} holds characters that no key has",
            hint="copy it again, without line breaks",
        )
    return value


@asynccontextmanager
async def asking(
    wire: Wire,
    method: str,
    url: str,
    *,
    params: Mapping[str, str | int] | None = None,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[httpx2.Response]:
    """An answer whose status is good and whose body is still to be read.

    Raises:
        ProviderError: nobody answers, the connection breaks while it is read, or the status is not 2xx.
    """
    import httpx2

    where = _place(url)
    try:
        async with wire.http.stream(
            method,
            url,
            params=params,
            json=body,
            headers={"accept": "application/json", **(headers or {})},
            # A key in a header of its own would travel along to wherever a redirection leads.
            follow_redirects=not wire.credentials,
        ) as answer:
            if not answer.is_success:
                raise _refusal(answer, where, wire)
            yield answer
    except httpx2.TimeoutException:
        raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{where} did not answer in time") from None
    except (httpx2.TransportError, httpx2.StreamError) as fault:
        what = type(fault).__name__
        raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{where} cannot be reached ({what})") from None
    except (httpx2.InvalidURL, httpx2.DecodingError, UnicodeError) as fault:
        what = type(fault).__name__
        raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{where} cannot be read ({what})") from None


async def ask(
    wire: Wire,
    method: str,
    url: str,
    *,
    params: Mapping[str, str | int] | None = None,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The JSON object that a request is answered with.

    Raises:
        ProviderError: as `asking`; and when the body is larger than 64 MiB or is no JSON object.
    """
    where = _place(url)
    async with asking(wire, method, url, params=params, body=body, headers=headers) as answer:
        content = await read_body(answer, where)
    try:
        value = await wire.offload(json.loads, content)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{where} did not send a JSON object")
    return value


async def read_body(answer: httpx2.Response, where: str, most: int = MAX_BYTES) -> bytes:
    """The whole body. Raises ProviderError when it is larger than `most` bytes."""
    parts: list[bytes] = []
    size = 0
    async for chunk in answer.aiter_bytes():
        size += len(chunk)
        if size > most:
            raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{where} sent more than {_readable(most)}")
        parts.append(chunk)
    return b"".join(parts)


def _readable(size: int) -> str:
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size} bytes"


def rows_of(answer: Mapping[str, Any], key: str, where: str) -> list[Any]:
    """The list under a key. Raises ProviderError where there is none: a price list without its rows is no answer."""
    rows = answer.get(key)
    if not isinstance(rows, list):
        raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{where} sent no list of {key}")
    return rows


class Sieve:
    """Reads rows one by one: those that do not fit are left out and counted."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.read_count = 0
        self.skipped_count = 0

    def read(self, model: type[M], raw: object) -> M | None:
        """The row, or None where it does not have what it must have."""
        self.read_count += 1
        try:
            return model.model_validate(raw)
        except (ValidationError, RecursionError):
            self.skipped_count += 1
            return None

    def skip(self) -> None:
        """Counts a row out that was read, and then turned out to be no sense."""
        self.skipped_count += 1

    def finish(self) -> None:
        """Notes in the log how many rows did not fit.

        Raises:
            ProviderError: more than half did not: then the list has another form now.
        """
        if self.skipped_count:
            log.info("prices.rows_left_out", source=self.title, count=self.skipped_count, of=self.read_count)
        if self.skipped_count * 2 > self.read_count:
            raise ProviderError(
                ProviderFault.PROVIDER_FAULT,
                f"{self.skipped_count} of {self.read_count} rows of {self.title} cannot be read",
                hint="its form may have changed; look for a newer version of Tradewind",
            )


def too_many_pages(where: str) -> ProviderError:
    """For a list whose pages do not end."""
    return ProviderError(ProviderFault.PROVIDER_FAULT, f"{where} has more than {MAX_PAGES} pages")


def _place(url: str) -> str:
    """Host and path: a query may hold a key."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname or ''}{parts.path}"
    except ValueError:
        return "an address that cannot be read"


def fault_of(status: int) -> ProviderFault:
    """What a status that is no success means, where the vendor says no more."""
    if 400 <= status < 500:
        return _FAULTS.get(status, ProviderFault.INVALID)
    return ProviderFault.PROVIDER_FAULT


def hint_of(fault: ProviderFault) -> str | None:
    """What a user can do about it."""
    return _HINTS.get(fault)


def _refusal(answer: httpx2.Response, where: str, wire: Wire) -> ProviderError:
    fault = fault_of(answer.status_code)
    phrase = (
        HTTPStatus(answer.status_code).phrase if answer.status_code in set(HTTPStatus) else "unknown status"
    )
    return ProviderError(
        fault,
        f"{where} answered {answer.status_code} {phrase}",
        hint=hint_of(fault),
        retry_after_s=retry_after_s(answer.headers.get("retry-after"), wire)
        if fault in {ProviderFault.RATE_LIMIT, ProviderFault.PROVIDER_FAULT}
        else None,
    )


def retry_after_s(text: str | None, wire: Wire) -> float | None:
    """What a `Retry-After` header asks for, in seconds. Seconds or a date, as HTTP has it; None where it is neither."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return min(float(text), _LONGEST_WAIT_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - wire.clock.now()).total_seconds(), 0.0), _LONGEST_WAIT_S)
