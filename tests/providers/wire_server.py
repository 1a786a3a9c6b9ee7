"""An HTTP server on loopback in which a test decides what goes wrong, and where every exchange is held to a contract.

The real client stack runs against it: sockets, timeouts, connections that break before or after the vendor acted.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlsplit

import h11

from tests.providers.contracts import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an adapter sent. `body` is parsed JSON, the fields of a form where forms are read, or None."""

    method: str
    target: str
    headers: dict[str, str]
    raw: bytes
    body: Any

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The last value of each query parameter."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered. `text` goes out as it is, where a vendor does not answer with JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None

    def encoded(self) -> bytes:
        """The bytes of the body."""
        if self.text is not None:
            return self.text.encode()
        return b"" if self.body is None else json.dumps(self.body).encode()


class Break(StrEnum):
    """How a connection breaks."""

    BEFORE = "before"  #: nothing was done
    AFTER = "after"  #: it was done, and the answer is lost
    TRUNCATED = "truncated"  #: it was done, and half the answer arrives


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next `times` requests that match: a reply in place of the vendor's, or a break.

    `is_published` says that a reply keeps to the contract; gateways, and vendors on bad days, do not.
    """

    what: Reply | Break
    matches: Callable[[Request], bool] = lambda _request: True
    times: int = 1
    is_published: bool = True


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what became of it; None: no answer left the server."""

    request: Request
    reply: Reply | None


Handler = Callable[[Request], Awaitable[Reply]]


class WireServer:
    """Serves one handler on a free port of 127.0.0.1; `problems` are the breaches of the contract."""

    def __init__(self, handler: Handler, contract: Contract | None, *, prefix: str = "") -> None:
        self._handler = handler
        self._contract = contract
        self._prefix = prefix
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.faults: list[Fault] = []
        self.exchanges: list[Exchange] = []
        self.problems: list[str] = []
        #: Whether the fields of a form are a body that the contract knows.
        self.reads_forms = False
        #: Called when a request has arrived and when its answer is about to leave: where a test kills a controller.
        self.on_arrival: Callable[[Request], None] = lambda _request: None
        self.on_departure: Callable[[Request], None] = lambda _request: None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Its base address."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{self._prefix}"

    def count(self, method: str, path_part: str) -> int:
        """How many requests of this method had this in their path."""
        return sum(
            each.request.method == method and path_part in each.request.path for each in self.exchanges
        )

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        while (request := await _next_request(connection, reader, self.reads_forms)) is not None:
            self.on_arrival(request)
            if not await self._respond(connection, writer, request):
                writer.transport.abort()
                return
            if connection.our_state is h11.MUST_CLOSE:
                return
            connection.start_next_cycle()

    async def _respond(
        self, connection: h11.Connection, writer: asyncio.StreamWriter, request: Request
    ) -> bool:
        fault = self._fault_for(request)
        self._check_request(request)
        if fault is not None and fault.what is Break.BEFORE:
            self.exchanges.append(Exchange(request, None))
            return False
        if fault is not None and isinstance(fault.what, Reply):
            reply, is_published = fault.what, fault.is_published
        else:
            reply, is_published = await self._handler(request), True
        if is_published:
            self._check_reply(request, reply)
        self.on_departure(request)
        if fault is not None and fault.what is Break.AFTER:
            self.exchanges.append(Exchange(request, None))
            return False
        self.exchanges.append(Exchange(request, reply))
        data = reply.encoded()
        kind = "text/plain" if reply.text is not None else "application/json"
        headers = [("content-type", kind), ("content-length", str(len(data))), *reply.headers.items()]
        writer.write(connection.send(h11.Response(status_code=reply.status, headers=headers)) or b"")
        if fault is not None and fault.what is Break.TRUNCATED:
            writer.write(data[: len(data) // 2])
            await writer.drain()
            return False
        if data and request.method != "HEAD":
            writer.write(connection.send(h11.Data(data=data)) or b"")
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        return True

    def _fault_for(self, request: Request) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and fault.matches(request):
                fault.times -= 1
                return fault
        return None

    def _check_request(self, request: Request) -> None:
        if self._contract is not None:
            found = self._contract.request(request.method, request.target, request.body)
            self.problems += [f"sent {request.method} {request.target}: {each}" for each in found]

    def _check_reply(self, request: Request, reply: Reply) -> None:
        if self._contract is not None:
            found = self._contract.response(request.method, request.target, reply.status, reply.body)
            self.problems += [
                f"answered {request.method} {request.target} {reply.status}: {each}" for each in found
            ]


async def _next_request(
    connection: h11.Connection, reader: asyncio.StreamReader, reads_forms: bool
) -> Request | None:
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(1 << 16))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return _request(head, bytes(body), reads_forms)
        elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
            return None


def _request(head: h11.Request, raw: bytes, reads_forms: bool) -> Request:
    headers = {name.decode().lower(): value.decode() for name, value in head.headers}
    kind = headers.get("content-type", "")
    body: Any = None
    if raw and "json" in kind:
        body = json.loads(raw)
    elif reads_forms and "x-www-form-urlencoded" in kind:
        body = dict(parse_qsl(raw.decode(), keep_blank_values=True))
    return Request(
        method=head.method.decode(),
        target=head.target.decode(),
        headers=headers,
        raw=raw,
        body=body,
    )
