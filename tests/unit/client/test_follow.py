"""Streams across lost connections: nothing missing, nothing twice."""

from __future__ import annotations

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.client.fakes import FakeClock, FakeEntropy, FakeServer, Pieces, event, job, log, problem, sse
from tradewind.client.asynchronous import AsyncClient
from tradewind.client.endpoint import FixedEndpoint
from tradewind.client.follow import AttemptStarted, ContactLost, ContactRegained, JobEnded
from tradewind.domain.errors import NotFoundError, UnreachableError
from tradewind.domain.schemas_records import EventView, LogChunk

LOGS = "/api/v1/jobs/digits/logs"
EVENTS = "/api/v1/jobs/digits/events/stream"


def make_client(server: FakeServer, clock: FakeClock | None = None) -> AsyncClient:
    return AsyncClient(
        endpoint=FixedEndpoint("http://tradewind.test", None),
        transport=server.transport,
        clock=clock or FakeClock(),
        entropy=FakeEntropy(),
    )


async def test_a_stream_is_taken_up_at_the_last_id() -> None:
    server = FakeServer()
    half = sse("log", log("never finished\n", 4), "c2")[:-5]
    server.on_stream(
        LOGS,
        Pieces(
            [sse("attempt", {"attempt": 1, "status": "running"}), sse("log", log("one\n", 0), "c1"), half],
            breaks=True,
        ),
        Pieces([sse("log", log("two\n", 4), "c2"), sse("end", job())]),
    )
    items = [item async for batch in make_client(server).logs("digits", follow_on=True) for item in batch]
    assert [type(item) for item in items] == [
        AttemptStarted, LogChunk, ContactLost, ContactRegained, LogChunk, JobEnded,
    ]  # fmt: skip
    assert "".join(item.text for item in items if isinstance(item, LogChunk)) == "one\ntwo\n"
    first, second = server.requests
    assert "Last-Event-ID" not in first.headers
    assert second.headers["Last-Event-ID"] == "c1"
    assert first.url.params["follow"] == "true"


async def test_a_stream_that_is_closed_early_is_taken_up_again() -> None:
    server = FakeServer()
    server.on_stream(LOGS, Pieces([sse("log", log("a", 0), "1")]), Pieces([sse("end", job())]))
    items = [item async for batch in make_client(server).logs("digits", follow_on=True) for item in batch]
    assert isinstance(items[-1], JobEnded)
    assert len(server.requests) == 2


async def test_what_is_not_followed_may_simply_stop() -> None:
    server = FakeServer()
    server.on_stream(LOGS, Pieces([sse("log", log("a", 0), "1")]))
    items = [item async for batch in make_client(server).logs("digits", tail_lines=3) for item in batch]
    assert [type(item) for item in items] == [LogChunk]
    (request,) = server.requests
    assert dict(request.url.params) == {"follow": "false", "tail": "3"}


async def test_a_refusal_is_raised() -> None:
    server = FakeServer()
    server.on("GET", LOGS, problem("TW-E400", 404, "there is no job digits"))
    with pytest.raises(NotFoundError, match="there is no job digits"):
        async for _ in make_client(server).logs("digits", follow_on=True):
            pass


async def test_it_gives_up_after_ten_minutes_and_says_so_once() -> None:
    server, clock = FakeServer(), FakeClock()
    server.on("GET", LOGS, httpx2.ConnectError("refused"))
    losses = 0
    batches = make_client(server, clock).logs("digits", follow_on=True)
    try:
        async for batch in batches:
            losses += sum(isinstance(item, ContactLost) for item in batch)
    except UnreachableError as error:
        message = error.message
    assert message.startswith("no contact with the server for 10 minutes")
    assert losses == 1
    assert 600 < sum(clock.slept) < 620
    assert max(clock.slept) == 5.0


@settings(max_examples=60)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=10), st.sets(st.integers(1, 2000), max_size=6))
async def test_whatever_breaks_the_bytes_arrive_once(texts: list[str], cuts: set[int]) -> None:
    """A server that keeps a log and starts after Last-Event-ID; each connection breaks at another byte."""
    chunks, offset = [], 0
    for number, text in enumerate(texts, 1):
        chunks.append((number, log(text, offset)))
        offset += len(text.encode())
    breaks = sorted(cuts)

    def serve(request: httpx2.Request) -> httpx2.Response:
        seen = int(request.headers.get("Last-Event-ID", "0"))
        stream = b"".join(sse("log", chunk, str(number)) for number, chunk in chunks if number > seen)
        stream += sse("end", job())
        if not breaks:
            return httpx2.Response(200, stream=Pieces([stream]))
        return httpx2.Response(200, stream=Pieces([stream[: breaks.pop(0)]], breaks=True))

    server = FakeServer()
    server.on("GET", LOGS, serve)
    got = [
        item
        async for batch in make_client(server).logs("digits", follow_on=True)
        for item in batch
        if isinstance(item, LogChunk)
    ]
    assert [item.text for item in got] == texts


async def test_watch_merges_events_and_output_and_ends_with_the_job() -> None:
    server = FakeServer()
    server.on_stream(
        EVENTS,
        Pieces([sse("event", event(1, "submitted"), "1")], breaks=True),
        Pieces([sse("event", event(2, "running"), "2"), sse("end", {})]),
    )
    server.on_stream(LOGS, Pieces([sse("log", log("hello\n", 0), "c1"), sse("end", job())]))
    items = [item async for batch in make_client(server).watch("digits") for item in batch]
    assert [item.message for item in items if isinstance(item, EventView)] == ["submitted", "running"]
    assert [item.text for item in items if isinstance(item, LogChunk)] == ["hello\n"]
    assert isinstance(items[-1], JobEnded)
    assert sum(isinstance(item, JobEnded) for item in items) == 1
    # The log stream was never lost, and it alone reports contact.
    assert not any(isinstance(item, ContactLost) for item in items)


async def test_watch_raises_what_one_stream_raises() -> None:
    server = FakeServer()
    server.on("GET", EVENTS, problem("TW-E400", 404, "gone"))
    server.on_stream(LOGS, Pieces([sse("end", job())]))
    with pytest.raises(NotFoundError, match="gone"):
        async for _ in make_client(server).watch("digits"):
            pass


async def test_something_that_only_accepts_connections_is_not_the_server() -> None:
    server, clock = FakeServer(), FakeClock()
    server.on_stream(LOGS, *[Pieces([])] * 8, Pieces([sse("end", job())]))
    items = [
        item async for batch in make_client(server, clock).logs("digits", follow_on=True) for item in batch
    ]
    assert [type(item) for item in items] == [ContactLost, ContactRegained, JobEnded]
    assert clock.slept == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


async def test_a_stream_that_is_left_early_gives_its_connection_back() -> None:
    server = FakeServer()
    closed: list[bool] = []

    class Watched(Pieces):
        async def aclose(self) -> None:
            closed.append(True)

    server.on_stream(LOGS, Watched([sse("log", log("a", 0), "1"), sse("log", log("b", 1), "2")]))
    batches = make_client(server).logs("digits", follow_on=True)
    await anext(batches)
    await batches.aclose()  # type: ignore[attr-defined]
    assert closed == [True]
