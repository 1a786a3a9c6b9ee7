"""The typed client: one method per question the server answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import BaseModel

from tradewind.client import follow
from tradewind.client.alert_calls import AlertCalls
from tradewind.client.connection_calls import ConnectionCalls
from tradewind.client.endpoint import Endpoint, find_endpoint
from tradewind.client.estimate_calls import EstimateCalls
from tradewind.client.exchange import Exchange
from tradewind.client.host_calls import HostCalls
from tradewind.client.money_calls import MoneyCalls
from tradewind.client.move_calls import MoveCalls
from tradewind.client.node_calls import NodeCalls
from tradewind.client.price_calls import PriceCalls
from tradewind.client.settings import load_settings
from tradewind.client.simulation_calls import SimulationCalls
from tradewind.client.token_calls import TokenCalls
from tradewind.domain import schemas, schemas_records, schemas_server
from tradewind.domain.clock import Clock, Entropy, SystemClock, SystemEntropy
from tradewind.domain.errors import TimedOutError, UnreachableError
from tradewind.domain.schemas_plan import PlanRequest, PlanView
from tradewind.domain.status import has_ended

if TYPE_CHECKING:
    from tradewind.client.snapshot import Snapshot

_A = TypeVar("_A", bound=BaseModel)
_API: Final = "/api/v1"
_POLL_S: Final = 30.0
_PIECE_BYTES: Final = 1 << 20
_RAW_LOG_BYTES: Final = 4 << 20


class AsyncClient(
    AlertCalls,
    ConnectionCalls,
    EstimateCalls,
    HostCalls,
    MoneyCalls,
    MoveCalls,
    NodeCalls,
    PriceCalls,
    SimulationCalls,
    TokenCalls,
):
    """Asks a Tradewind server. Without arguments: the configured server, else the local one.

    Every method raises `TradewindError` of the kind that `domain/errors.py` lists. A job is named by its id or by
    its name; a name means the newest job of that name.
    """

    def __init__(
        self,
        server: str | None = None,
        token: str | None = None,
        *,
        endpoint: Endpoint | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
    ) -> None:
        where = endpoint or find_endpoint(load_settings(server=server, token=token))
        self._exchange = Exchange(where, clock or SystemClock(), entropy or SystemEntropy(), transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        await self._exchange.close()

    @property
    def is_loopback(self) -> bool:
        """True if the server is on this machine."""
        return self._exchange.is_loopback

    async def info(self) -> schemas_server.ServerInfo:
        """Who the server is, and as whom it sees the caller."""
        return await self._get(schemas_server.ServerInfo, "/info")

    async def doctor(self) -> schemas_server.DoctorAnswer:
        """What the server found out about itself."""
        return await self._get(schemas_server.DoctorAnswer, "/doctor")

    async def plan(self, spec: dict[str, Any], *, compares: bool = True) -> PlanView:
        """Where this job file would run, what it would cost, and why; beside every other place if it `compares`."""
        request = PlanRequest(spec=spec, compares=compares)
        return await self._post(PlanView, "/plans", request.model_dump(mode="json"))

    async def submit(self, submission: schemas.JobSubmission, *, key: str | None = None) -> schemas.JobDetail:
        """The new job. The same idempotency `key` twice makes one job; without a key, one is made up."""
        body = submission.model_dump(mode="json", exclude_none=True)
        return await self._post(schemas.JobDetail, "/jobs", body, key=key)

    async def submit_batch(
        self, submissions: list[schemas.JobSubmission], *, key: str | None = None
    ) -> schemas.BatchAnswer:
        """Ids of the new jobs, in order. All are accepted or none is."""
        body = schemas.JobBatch(jobs=submissions).model_dump(mode="json", exclude_none=True)
        return await self._post(schemas.BatchAnswer, "/jobs/batch", body, key=key)

    async def jobs(
        self,
        *,
        statuses: Iterable[str] = (),
        name: str | None = None,
        is_active: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> schemas.JobPage:
        """One page of jobs, newest first. With several `statuses`, jobs in any of them."""
        return await self._get(
            schemas.JobPage,
            "/jobs",
            status=list(statuses),
            name=name,
            active=is_active,
            limit=limit,
            cursor=cursor,
        )

    async def job(self, job: str) -> schemas.JobDetail:
        """One job with its tasks, attempts and job file."""
        return await self._get(schemas.JobDetail, f"/jobs/{_quote(job)}")

    async def stop(self, job: str, *, now: bool = False) -> schemas.JobDetail:
        """The job, asked to end: gracefully, or at once with `now`."""
        return await self._post(schemas.JobDetail, f"/jobs/{_quote(job)}/stop", {"now": now})

    async def retry(self, job: str) -> schemas.JobDetail:
        """A new job from the same job file and workdir."""
        return await self._post(schemas.JobDetail, f"/jobs/{_quote(job)}/retry", None)

    async def wait(self, job: str, *, timeout_s: float | None = None) -> schemas.JobDetail:
        """The job once it has ended. Survives restarts of the server.

        Raises:
            TimedOutError: it has not ended within `timeout_s` seconds.
        """
        clock = self._exchange.clock
        deadline = None if timeout_s is None else clock.monotonic() + timeout_s
        failures = 0
        lost_at = 0.0
        while True:
            left = _POLL_S if deadline is None else min(_POLL_S, max(0.0, deadline - clock.monotonic()))
            try:
                response = await self._exchange.request(
                    "GET",
                    f"{_API}/jobs/{_quote(job)}/wait",
                    parameters={"timeout_s": round(left, 3)},
                    timeout_s=left + 30,
                )
            except UnreachableError:
                failures += 1
                lost_at = clock.monotonic() if failures == 1 else lost_at
                if clock.monotonic() - lost_at > follow.GIVE_UP_AFTER_S:
                    raise
                await clock.sleep(self._exchange.pause_s(failures))
            else:
                failures = 0
                answer = schemas.JobDetail.model_validate_json(response.content)
                if has_ended(answer.status):
                    return answer
            if deadline is not None and clock.monotonic() >= deadline:
                raise TimedOutError(
                    f"job {job} has not ended after {timeout_s:g} s", hint=f"tradewind jobs show {job}"
                )

    async def events(
        self, job: str, *, after: int = 0, limit: int | None = None
    ) -> schemas_records.EventPage:
        """Events of a job with a sequence number above `after`."""
        return await self._get(
            schemas_records.EventPage, f"/jobs/{_quote(job)}/events", after=after, limit=limit
        )

    def follow_events(self, job: str, *, after: int = 0) -> AsyncIterator[list[follow.WatchItem]]:
        """Batches of events until the job has ended; survives restarts of the server."""
        return follow.follow_events(self._exchange, job, after)

    def logs(
        self,
        job: str,
        *,
        follow_on: bool = False,
        attempt: int | None = None,
        stream: str | None = None,
        tail_lines: int | None = None,
        since: datetime | None = None,
        rank: int = 0,
    ) -> AsyncIterator[list[follow.LogItem]]:
        """Batches of log chunks, up to now or (with `follow_on`) until the job has ended; of one of its ranks."""
        parameters = {
            "rank": rank or None,
            "follow": follow_on,
            "attempt": attempt,
            "stream": stream,
            "tail": tail_lines,
            "since": since.isoformat() if since else None,
        }
        return follow.follow_logs(self._exchange, job, parameters, is_endless=follow_on)

    def watch(self, job: str) -> AsyncIterator[list[follow.WatchItem]]:
        """Batches of everything that happens to a job; `JobEnded` comes last."""
        return follow.watch(self._exchange, job)

    async def raw_logs(
        self, job: str, stream: str, *, attempt: int | None = None, rank: int = 0
    ) -> AsyncIterator[list[bytes]]:
        """The exact bytes of one stream so far, in pieces: the fastest way to read a log."""
        offset = 0
        while True:
            parameters = {
                "attempt": attempt,
                "stream": stream,
                "rank": rank or None,
                "offset": offset,
                "limit": _RAW_LOG_BYTES,
            }
            response = await self._exchange.request(
                "GET", f"{_API}/jobs/{_quote(job)}/logs/raw", parameters=parameters
            )
            next_offset = int(response.headers.get("X-Next-Offset", offset + len(response.content)))
            if response.content:
                yield [response.content]
            if next_offset <= offset:
                return
            offset = next_offset

    async def metrics(
        self,
        job: str,
        *,
        names: Iterable[str] = (),
        max_points: int | None = None,
        attempt: int | None = None,
    ) -> schemas_records.MetricsAnswer:
        """Metric series of an attempt, the newest unless another is named."""
        return await self._get(
            schemas_records.MetricsAnswer,
            f"/jobs/{_quote(job)}/metrics",
            names=list(names),
            max_points=max_points,
            attempt=attempt,
        )

    async def checkpoints(self, job: str) -> schemas_records.CheckpointPage:
        """Checkpoints of a job, newest first."""
        return await self._get(schemas_records.CheckpointPage, f"/jobs/{_quote(job)}/checkpoints")

    async def artifacts(self, job: str) -> schemas_records.ArtifactPage:
        """Output files of a job, by path."""
        return await self._get(schemas_records.ArtifactPage, f"/jobs/{_quote(job)}/artifacts")

    async def checkpoint_content(self, checkpoint: str) -> AsyncIterator[list[bytes]]:
        """A checkpoint as a tar stream, in pieces."""
        async with self._exchange.stream(f"{_API}/checkpoints/{_quote(checkpoint)}/content") as response:
            async for piece in response.aiter_bytes(_PIECE_BYTES):
                yield [piece]

    async def artifact_content(self, artifact: str) -> AsyncIterator[list[bytes]]:
        """The bytes of an artifact, in pieces."""
        async with self._exchange.stream(f"{_API}/artifacts/{_quote(artifact)}/content") as response:
            async for piece in response.aiter_bytes(_PIECE_BYTES):
                yield [piece]

    async def cost(
        self, *, since: datetime | None = None, until: datetime | None = None, by: Iterable[str] = ()
    ) -> schemas.CostReport:
        """Spend over a period, by group."""
        return await self._get(
            schemas.CostReport,
            "/cost",
            since=since.isoformat() if since else None,
            until=until.isoformat() if until else None,
            by=",".join(by) or None,
        )

    async def upload_workdir(
        self, snapshot: Snapshot, *, on_progress: Callable[[int], None] | None = None
    ) -> schemas.WorkdirAnswer:
        """Stores a workdir archive, unless the server has it. `on_progress` gets the bytes sent so far."""
        path = f"{_API}/workdirs/{snapshot.sha256}"
        known = await self._exchange.request("HEAD", path, accepted=frozenset({404}))
        if known.status_code == 200:
            return schemas.WorkdirAnswer(
                sha256=snapshot.sha256, size_bytes=snapshot.size_bytes, was_known=True
            )
        response = await self._exchange.request(
            "PUT",
            path,
            make_content=lambda: snapshot.read_pieces(on_progress),
            headers={"Content-Type": "application/gzip", "Content-Length": str(snapshot.size_bytes)},
            timeout_s=120,
        )
        return schemas.WorkdirAnswer.model_validate_json(response.content)

    async def session_link(self) -> schemas_server.SessionLink:
        """A one-time link that opens the web application as the caller."""
        return await self._post(schemas_server.SessionLink, "/session-links", None)

    async def _get(
        self, answer: type[_A], path: str, **parameters: str | float | bool | list[str] | None
    ) -> _A:
        response = await self._exchange.request("GET", _API + path, parameters=parameters)
        return answer.model_validate_json(response.content)

    async def _post(self, answer: type[_A], path: str, body: Any, *, key: str | None = None) -> _A:
        headers = {"Idempotency-Key": key} if key else None
        response = await self._exchange.request("POST", _API + path, json=body, headers=headers)
        return answer.model_validate_json(response.content)


def _quote(reference: str) -> str:
    return quote(reference, safe="")
