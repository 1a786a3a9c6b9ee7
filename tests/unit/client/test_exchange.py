"""Requests: what is repeated, what is raised, what is sent."""

from __future__ import annotations

import httpx2
import pytest

from tests.unit.client.fakes import FakeClock, FakeEntropy, FakeServer, job, problem
from tradewind.client.asynchronous import AsyncClient
from tradewind.client.endpoint import FixedEndpoint
from tradewind.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    TimedOutError,
    TradewindError,
    UnreachableError,
)
from tradewind.domain.schemas import JobSubmission

JOB = "/api/v1/jobs/digits"


class MovingEndpoint:
    """A server that is somewhere else each time it is looked for."""

    def __init__(self) -> None:
        self.asked = 0

    def resolve(self) -> tuple[str, str | None]:
        self.asked += 1
        return f"http://127.0.0.1:{8000 + self.asked}", f"token-{self.asked}"


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(server: FakeServer, clock: FakeClock) -> AsyncClient:
    endpoint = FixedEndpoint("http://tradewind.test/", "secret")
    return AsyncClient(endpoint=endpoint, transport=server.transport, clock=clock, entropy=FakeEntropy())


async def test_the_token_and_the_version_are_sent(server: FakeServer, client: AsyncClient) -> None:
    server.on("GET", JOB, job())
    found = await client.job("digits")
    assert found.name == "digits"
    (request,) = server.requests
    assert request.headers["Authorization"] == "Bearer secret"
    assert request.headers["User-Agent"].startswith("tradewind/")
    assert "Idempotency-Key" not in request.headers


async def test_a_reference_cannot_change_the_path(server: FakeServer, client: AsyncClient) -> None:
    with pytest.raises(NotFoundError):
        await client.job("../cost?x=1")
    assert server.requests[0].url.raw_path == b"/api/v1/jobs/..%2Fcost%3Fx%3D1"


async def test_a_submission_is_repeated_under_one_key(
    server: FakeServer, client: AsyncClient, clock: FakeClock
) -> None:
    lost = httpx2.ReadError("reset")
    server.on(
        "POST", "/api/v1/jobs", lost, problem("TW-E800", 503, "starting"), httpx2.Response(201, json=job())
    )
    answer = await client.submit(JobSubmission(spec={"name": "digits"}))
    assert answer.id == job()["id"]
    keys = {request.headers["Idempotency-Key"] for request in server.sent("POST", "/api/v1/jobs")}
    assert len(server.requests) == 3
    assert len(keys) == 1
    assert clock.slept == [0.1, 0.2]


async def test_two_submissions_have_two_keys(server: FakeServer, client: AsyncClient) -> None:
    server.on("POST", "/api/v1/jobs", httpx2.Response(201, json=job()))
    for _ in range(2):
        await client.submit(JobSubmission(spec={}))
    first, second = server.requests
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]


async def test_it_gives_up_after_four_tries(server: FakeServer, client: AsyncClient) -> None:
    server.on("GET", JOB, httpx2.ConnectError("connection refused"))
    with pytest.raises(UnreachableError) as caught:
        await client.job("digits")
    assert len(server.requests) == 4
    assert caught.value.message == "http://tradewind.test does not answer"
    assert caught.value.causes == ("ConnectError: connection refused",)
    assert "secret" not in f"{caught.value!r} {caught.value.causes} {caught.value.hint}"


async def test_a_restarted_server_is_found_where_it_is_now(server: FakeServer, clock: FakeClock) -> None:
    server.on("GET", JOB, httpx2.ConnectError("refused"), job())
    client = AsyncClient(
        endpoint=MovingEndpoint(), transport=server.transport, clock=clock, entropy=FakeEntropy()
    )
    await client.job("digits")
    assert [request.url.port for request in server.requests] == [8001, 8002]
    assert server.requests[1].headers["Authorization"] == "Bearer token-2"


async def test_a_mistake_is_not_repeated(server: FakeServer, client: AsyncClient) -> None:
    detail = {"where": "resources.cpus", "line": 3, "column": 5, "message": "too many", "hint": "ask for 2"}
    answer = problem(
        "TW-E200", 422, "1 problem", hint="look", causes=["because"], errors=[detail], request_id="req_1"
    )
    server.on("POST", "/api/v1/plans", answer)
    with pytest.raises(InvalidInputError) as caught:
        await client.plan({})
    error = caught.value
    assert len(server.requests) == 1
    assert (error.message, error.hint, error.causes) == ("1 problem", "look", ("because",))
    assert error.details == [detail]
    assert error.__notes__ == ["request req_1"]


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (problem("TW-E500", 409, "no"), ConflictError, "no"),
        (problem("TW-E777", 409, "new kind"), ConflictError, "new kind (TW-E777)"),
        (problem("TW-E900", 402, "quota"), TradewindError, "quota (TW-E900)"),
        (problem("TW-E100", 500, "broken"), TradewindError, "broken"),
        (
            httpx2.Response(404, text="<html>"),
            NotFoundError,
            "http://tradewind.test/api/v1/jobs/digits answered 404 Not Found",
        ),
        (
            httpx2.Response(500, text="oops"),
            TradewindError,
            "/jobs/digits answered 500 Internal Server Error",
        ),
    ],
)
async def test_answers_become_errors(
    server: FakeServer, client: AsyncClient, answer: httpx2.Response, kind: type[TradewindError], message: str
) -> None:
    server.on("GET", JOB, answer)
    with pytest.raises(TradewindError) as caught:
        await client.job("digits")
    assert type(caught.value) is kind
    assert caught.value.message.endswith(message)


async def test_wait_asks_again_until_the_end(server: FakeServer, client: AsyncClient) -> None:
    running = job(status="running", ended_at=None)
    server.on("GET", f"{JOB}/wait", running, httpx2.ReadError("restart"), running, job())
    assert (await client.wait("digits")).status == "succeeded"
    assert len(server.requests) == 4


async def test_wait_outlives_a_server_that_is_away_for_long(
    server: FakeServer, client: AsyncClient, clock: FakeClock
) -> None:
    server.on("GET", f"{JOB}/wait", *[httpx2.ConnectError("refused")] * 30, job())
    assert (await client.wait("digits")).status == "succeeded"
    assert max(clock.slept) <= 5.0


async def test_wait_ends_at_its_deadline(server: FakeServer, client: AsyncClient, clock: FakeClock) -> None:
    def hold(request: httpx2.Request) -> httpx2.Response:
        clock.slept.append(float(request.url.params["timeout_s"]))
        return httpx2.Response(200, json=job(status="running", ended_at=None))

    server.on("GET", f"{JOB}/wait", hold)
    with pytest.raises(TimedOutError):
        await client.wait("digits", timeout_s=70)
    assert [request.url.params["timeout_s"] for request in server.requests] == ["30.0", "30.0", "10.0"]


async def test_raw_logs_go_on_where_they_stopped(server: FakeServer, client: AsyncClient) -> None:
    content = bytes(range(256)) * 4

    def piece(request: httpx2.Request) -> httpx2.Response:
        offset = int(request.url.params["offset"])
        part = content[offset : offset + 300]
        return httpx2.Response(200, content=part, headers={"X-Next-Offset": str(offset + len(part))})

    server.on("GET", f"{JOB}/logs/raw", piece)
    got = b"".join([part async for batch in client.raw_logs("digits", "stdout", attempt=2) for part in batch])
    assert got == content
    assert {request.url.params["attempt"] for request in server.requests} == {"2"}
