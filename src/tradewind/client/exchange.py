"""One HTTP exchange with the server: address and token, retries of what may be repeated, errors as our own."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2

from tradewind import __version__
from tradewind.client.endpoint import Endpoint
from tradewind.client.problems import to_error
from tradewind.domain.clock import Clock, Entropy
from tradewind.domain.errors import TradewindError, UnreachableError

TRIES: Final = 4
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
_TIMEOUT: Final = httpx2.Timeout(30.0, connect=5.0)
_PASSING_STATUSES: Final = frozenset({429, 502, 503, 504})
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

#: A list is sent as the same parameter several times.
Parameters = Mapping[str, str | int | float | bool | list[str] | None]


class Exchange:
    """Sends requests. Safe to use from many tasks of one event loop."""

    def __init__(
        self,
        endpoint: Endpoint,
        clock: Clock,
        entropy: Entropy,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.clock = clock
        self._endpoint = endpoint
        self._entropy = entropy
        self._transport = transport
        self._http: httpx2.AsyncClient | None = None
        self._where: tuple[str, str | None] | None = None

    async def close(self) -> None:
        """Closes the connections."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    @property
    def base_url(self) -> str:
        """Where the server is, as far as is known."""
        if self._where is None:
            self._where = self._endpoint.resolve()
        return self._where[0]

    @property
    def is_loopback(self) -> bool:
        """True if the server is on this machine."""
        return httpx2.URL(self.base_url).host in _LOOPBACK

    def forget_address(self) -> None:
        """Makes the next request look for the server again: it may have come back elsewhere."""
        self._where = None

    def new_key(self) -> str:
        """A fresh idempotency key."""
        return self._entropy.token(16).hex()

    def pause_s(self, failures: int) -> float:
        """How long to wait after this many failures in a row: doubling, bounded, with jitter."""
        ceiling = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures - 1, 10))
        return ceiling * (0.5 + self._entropy.uniform() / 2)

    async def request(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters | None = None,
        json: Any = None,
        make_content: Callable[[], AsyncIterable[bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        accepted: frozenset[int] = frozenset(),
    ) -> httpx2.Response:
        """The read response, if it is a success or among `accepted`; anything else is raised.

        Every POST carries an idempotency key, so all requests may be repeated, and are when the connection fails or
        the server says it is not able to answer just now.
        """
        sent_headers = dict(headers or {})
        if method == "POST":
            sent_headers.setdefault("Idempotency-Key", self.new_key())
        timeout = _TIMEOUT if timeout_s is None else httpx2.Timeout(timeout_s, connect=5.0)
        failures = 0
        while True:
            try:
                url, token = self._resolve()
                response = await self._client(url).request(
                    method,
                    url + path,
                    params=_clean(parameters),
                    json=json,
                    content=make_content() if make_content else None,
                    headers=_authorize(sent_headers, token),
                    timeout=timeout,
                )
                if response.is_success or response.status_code in accepted:
                    return response
                error = to_error(response)
                if response.status_code not in _PASSING_STATUSES:
                    raise error
            except httpx2.TransportError as fault:
                error = self.to_unreachable(fault)
            except UnreachableError as not_running:
                error = not_running
            failures += 1
            if failures >= TRIES:
                raise error
            self.forget_address()
            await self.clock.sleep(self.pause_s(failures))

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        *,
        parameters: Parameters | None = None,
        headers: Mapping[str, str] | None = None,
        read_timeout_s: float = 60.0,
    ) -> AsyncIterator[httpx2.Response]:
        """A successful response whose body is still to be read. Not repeated: the caller knows where it stopped.

        Raises UnreachableError when the connection cannot be made or breaks while the body is read.
        """
        try:
            url, token = self._resolve()
            async with self._client(url).stream(
                "GET",
                url + path,
                params=_clean(parameters),
                # Compression would cost more time than loopback or a data centre's network does.
                headers=_authorize({**(headers or {}), "Accept-Encoding": "identity"}, token),
                timeout=httpx2.Timeout(30.0, connect=5.0, read=read_timeout_s),
            ) as response:
                if not response.is_success:
                    await response.aread()
                    raise to_error(response)
                yield response
        except httpx2.TransportError as fault:
            raise self.to_unreachable(fault) from None

    def to_unreachable(self, fault: Exception) -> TradewindError:
        """The error for a connection that failed."""
        where = self._where[0] if self._where else "the server"
        return UnreachableError(
            f"{where} does not answer",
            causes=(f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__,),
            hint="see whether it runs with `tradewind server status`",
        )

    def _resolve(self) -> tuple[str, str | None]:
        if self._where is None:
            self._where = self._endpoint.resolve()
        return self._where

    def _client(self, url: str) -> httpx2.AsyncClient:
        if self._http is None:
            self._http = httpx2.AsyncClient(
                transport=self._transport,
                headers={"User-Agent": f"tradewind/{__version__}"},
                # Certificates take a while to load, and plain HTTP has no use for them; redirects are never followed.
                verify=not url.startswith("http://"),
                # A proxy from the environment must not see what goes to this machine's own server.
                trust_env=httpx2.URL(url).host not in _LOOPBACK,
            )
        return self._http


def _clean(parameters: Parameters | None) -> dict[str, str | list[str]] | None:
    if not parameters:
        return None
    sent: dict[str, str | list[str]] = {}
    for name, value in parameters.items():
        if isinstance(value, list):
            sent[name] = value
        elif value is not None:
            sent[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return sent


def _authorize(headers: Mapping[str, str], token: str | None) -> dict[str, str]:
    return {**headers, **({"Authorization": f"Bearer {token}"} if token else {})}
