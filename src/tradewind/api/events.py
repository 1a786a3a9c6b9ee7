"""The story of a job, paged or live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header
from pydantic import Field
from starlette.responses import StreamingResponse

from tradewind.api.services import CallerOf, Services, ServicesOf
from tradewind.api.sse import KEEP_ALIVE, KEEP_ALIVE_S, message, stream
from tradewind.control.job_badges import event_badge
from tradewind.control.submitting import find_job
from tradewind.db.events import STREAM, events_after, stream_after
from tradewind.db.owners import Caller
from tradewind.db.rows import JobRow
from tradewind.domain.schemas_records import EventPage, EventView
from tradewind.domain.status import has_ended

router = APIRouter(tags=["events"])
_PAGE = 500
#: What the database can count to.
_LARGEST = 2**63 - 1
After = Annotated[int, Field(ge=0, le=_LARGEST)]


@router.get("/jobs/{reference}/events")
async def list_events(
    reference: str,
    services: ServicesOf,
    caller: CallerOf,
    after: After = 0,
    limit: Annotated[int, Field(ge=1, le=5000)] = _PAGE,
) -> EventPage:
    """Events after a sequence number, in order."""

    def read(tx: Any) -> EventPage:
        job = find_job(tx, caller, reference)
        items = [_view(row) for row in events_after(tx, job.id, after, limit)]
        return EventPage(items=items, next_after=items[-1].seq if items else after)

    return await services.context.store.read(read)


@router.get("/jobs/{reference}/events/stream")
async def stream_events(
    reference: str,
    services: ServicesOf,
    caller: CallerOf,
    after: After = 0,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Events as they happen; ends with `event: end` once the job has ended."""
    job = await services.context.store.read(lambda tx: find_job(tx, caller, reference))
    return stream(_follow(services, job.id, position_of(last_event_id, after)))


def position_of(last_event_id: str | None, after: int) -> int:
    """Where a stream goes on: behind the last message that the client saw, or where it asks for."""
    if not last_event_id or not (last_event_id.isascii() and last_event_id.isdecimal()):
        return after
    return min(int(last_event_id), _LARGEST) if len(last_event_id) < 20 else _LARGEST


@router.get("/events")
async def list_all_events(
    services: ServicesOf,
    caller: CallerOf,
    after: After = 0,
    limit: Annotated[int, Field(ge=1, le=5000)] = _PAGE,
) -> EventPage:
    """Events of all jobs after a position, in the order in which they were committed."""
    rows = await services.context.store.read(lambda tx: stream_after(tx, caller, after, limit))
    items = [_view(row) for row in rows]
    return EventPage(items=items, next_after=items[-1].position if items else after)


@router.get("/events/stream")
async def stream_all_events(
    services: ServicesOf,
    caller: CallerOf,
    after: After = 0,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Events of all jobs as they happen, without end; the id of each is its position."""
    return stream(_follow_all(services, caller, position_of(last_event_id, after)))


async def _follow_all(services: Services, caller: Caller, after: int) -> AsyncIterator[bytes]:
    store, clock = services.context.store, services.context.clock
    with store.wakeups.subscribe(STREAM) as woken:
        while True:
            woken.clear()
            rows = await store.read(lambda tx, start=after: stream_after(tx, caller, start, _PAGE))  # type: ignore[misc]
            for row in rows:
                view = _view(row)
                after = view.position
                yield message("event", view.model_dump_json(), str(view.position))
            if not rows and not await clock.wait(woken, KEEP_ALIVE_S):
                yield KEEP_ALIVE


async def _follow(services: Services, job_id: str, after: int) -> AsyncIterator[bytes]:
    store, clock = services.context.store, services.context.clock
    with store.wakeups.subscribe(f"job:{job_id}") as woken:
        while True:
            woken.clear()
            # The job is read before its events: none can follow the end that is seen here.
            job = await store.read(lambda tx: JobRow.get(tx, job_id))
            rows = await store.read(lambda tx, start=after: events_after(tx, job_id, start, _PAGE))  # type: ignore[misc]
            for row in rows:
                view = _view(row)
                after = view.seq
                yield message("event", view.model_dump_json(), str(view.seq))
            if rows:
                continue
            if has_ended(job.status):
                yield message("end", "{}")
                return
            if not await clock.wait(woken, KEEP_ALIVE_S):
                yield KEEP_ALIVE


def _view(row: dict[str, Any]) -> EventView:
    return EventView(
        position=row["position"],
        job=row["job_id"],
        seq=row["seq"],
        type=row["type"],
        at=row["at"],
        actor=row["actor"],
        message=row["message"],
        data=row["data"],
        badge=event_badge(row["type"]),
    )
