"""How machine providers talk to a vendor's REST API: one place that knows what a lost answer means.

A call that only reads is repeated a few times. One that changes something is repeated only when it is certain that it
had no effect: nobody could be reached, or the vendor said that it was asked too often. Whatever else goes wrong on the
way leaves it `AMBIGUOUS`, and the caller looks before it does anything.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tradewind.domain.clock import Clock, Entropy
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.asking import MAX_BYTES, fault_of, hint_of, read_body, retry_after_s
from tradewind.providers.prices import Wire
from tradewind.providers.repeating import clean_sentence, repeated

if TYPE_CHECKING:
    import httpx2

#: A vendor's answer to a refused call, told from its status and body. None: the status alone decides.
Classify = Callable[[int, Any], ProviderFault | None]
#: The headers that carry the credentials.
Authorize = Callable[[], Awaitable[Mapping[str, str]]]
#: The vendor's own sentence in a body, where there is one.
Sentence = Callable[[Any], str | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the parsed JSON body (None where there is none) and the headers."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Pace:
    """Keeps calls at least so many seconds apart, in the order in which they ask."""

    def __init__(self, clock: Clock, interval_s: float) -> None:
        self._clock = clock
        self._interval_s = interval_s
        self._free_at = float("-inf")
        self._lock = asyncio.Lock()

    async def turn(self) -> None:
        """Returns when it is this caller's turn."""
        now = self._clock.monotonic()
        at = max(now, self._free_at)
        self._free_at = at + self._interval_s
        if at > now:
            await self._clock.sleep(at - now)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """For calls that wait for other turns too: the next begins so many seconds after this one has ended."""
        async with self._lock:
            await self.turn()
            try:
                yield
            finally:
                self._free_at = self._clock.monotonic() + self._interval_s


class Rest:
    """One vendor's API. `authorize` gives the headers of each call; `classify` knows the vendor's own error codes."""

    def __init__(
        self,
        wire: Wire,
        entropy: Entropy,
        base: str,
        authorize: Authorize,
        *,
        classify: Classify | None = None,
        sentence: Sentence | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._wire = wire
        self._entropy = entropy
        self._base = base.rstrip("/")
        self._authorize = authorize
        self._classify = classify or (lambda _status, _body: None)
        self._sentence = sentence or _usual_sentence
        self._pace = pace

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """The body of an answer to a call that only reads; repeated when it fails for a reason that may pass."""
        return (await self._repeated("GET", path, params, None, is_safe=True)).body

    async def read(self, path: str, body: object, params: Mapping[str, str | int] | None = None) -> Any:
        """As `get`, for searches that are sent by POST."""
        return (await self._repeated("POST", path, params, body, is_safe=True)).body

    async def change(
        self,
        method: str,
        path: str,
        body: object = None,
        params: Mapping[str, str | int] | None = None,
        *,
        is_repeatable: bool = False,
        accepting: tuple[int, ...] = (),
    ) -> Answer:
        """A call that changes something. `is_repeatable` where the vendor makes a second one harmless.

        `accepting` are statuses beyond 2xx that are an answer here, such as the 409 of a name that is taken.

        Raises:
            ProviderError: `AMBIGUOUS` where nobody knows whether it had its effect.
        """
        return await self._repeated(
            method, path, params, body, is_safe=False, is_repeatable=is_repeatable, accepting=accepting
        )

    async def _repeated(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        body: object,
        *,
        is_safe: bool,
        is_repeatable: bool = False,
        accepting: tuple[int, ...] = (),
    ) -> Answer:
        return await repeated(
            lambda: self._once(method, path, params, body, is_safe=is_safe, accepting=accepting),
            self._wire,
            self._entropy,
            is_safe=is_safe,
            is_repeatable=is_repeatable,
        )

    async def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        body: object,
        *,
        is_safe: bool,
        accepting: tuple[int, ...],
    ) -> Answer:
        import httpx2

        headers = {"accept": "application/json", **await self._authorize()}
        if self._pace is not None:
            await self._pace.turn()
        # Until a connection stands nothing can have happened; after that, anything.
        unsure = ProviderFault.PROVIDER_FAULT if is_safe else ProviderFault.AMBIGUOUS
        url = path if path.startswith(("http://", "https://")) else f"{self._base}{path}"
        where = f"{method} {url.split('?')[0].partition('://')[2]}"
        try:
            async with self._wire.http.stream(
                method, url, params=params, json=body, headers=headers, follow_redirects=False
            ) as answer:
                content = await read_body(answer, where, MAX_BYTES)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            what = type(error).__name__
            raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{where} cannot be reached ({what})") from None
        except (httpx2.TransportError, httpx2.StreamError, httpx2.DecodingError) as error:
            raise ProviderError(unsure, f"the answer to {where} was lost ({type(error).__name__})") from None
        except (httpx2.InvalidURL, UnicodeError) as error:
            raise ProviderError(
                ProviderFault.INVALID, f"{where} is no address ({type(error).__name__})"
            ) from None
        parsed = await self._parse(content)
        if answer.is_success or answer.status_code in accepting:
            if content and parsed is None and content.strip() != b"null":
                raise ProviderError(unsure, f"{where} did not answer with JSON")
            return Answer(answer.status_code, parsed, answer.headers)
        raise self._refusal(answer, parsed, where, unsure)

    async def _parse(self, content: bytes) -> Any:
        try:
            return await self._wire.offload(json.loads, content) if content else None
        except (ValueError, RecursionError):
            return None

    def _refusal(
        self, answer: httpx2.Response, body: Any, where: str, unsure: ProviderFault
    ) -> ProviderError:
        status = answer.status_code
        fault = self._classify(status, body)
        if fault is None:
            # A server that failed may have failed after it did what it was asked to.
            fault = unsure if status >= 500 else fault_of(status)
        said = clean_sentence(self._sentence(body), self._wire)
        return ProviderError(
            fault,
            f"{where} answered {status}{f': {said}' if said else ''}",
            hint=hint_of(fault),
            retry_after_s=retry_after_s(answer.headers.get("retry-after"), self._wire),
        )


async def refusing_what_is_unknown(create: Awaitable[Answer]) -> Answer:
    """A create call that names something the vendor does not have is refused, for good: nothing was made.

    Elsewhere `NOT_FOUND` says that a machine is gone; here it is about a region, a type or an image.
    """
    try:
        return await create
    except ProviderError as error:
        if error.fault is not ProviderFault.NOT_FOUND:
            raise
        raise ProviderError(ProviderFault.INVALID, error.message, hint=error.hint) from None


def bearer(token: str) -> Authorize:
    """Headers with a token that does not change."""

    async def authorize() -> Mapping[str, str]:
        return {"authorization": f"Bearer {token}"}

    return authorize


def _usual_sentence(body: Any) -> str | None:
    """Where most vendors put it: `message`, `detail`, or an `error` that is or has one."""
    if not isinstance(body, dict):
        return None
    for name in ("message", "detail", "msg", "title"):
        if isinstance(body.get(name), str):
            return str(body[name])
    error = body.get("error")
    return error if isinstance(error, str) else _usual_sentence(error)
