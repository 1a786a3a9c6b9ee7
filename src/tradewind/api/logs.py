"""Logs: live and resumable by offset, or as the very bytes that the process wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Header, Query
from pydantic import AwareDatetime, Field
from starlette.responses import Response, StreamingResponse

from tradewind.api.services import CallerOf, Services, ServicesOf
from tradewind.api.sse import KEEP_ALIVE, KEEP_ALIVE_S, compact, message, stream
from tradewind.control.jobs import find_attempt
from tradewind.control.rank_views import find_part
from tradewind.control.ranks import name_of_rank
from tradewind.control.submitting import find_job
from tradewind.control.views import job_views
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, JobRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import InvalidInputError, NotFoundError
from tradewind.domain.status import AttemptStatus, has_ended
from tradewind.storage.logs import STREAMS, AttemptLogs, whole_characters

router = APIRouter(tags=["logs"])
Stream = Literal["setup", "stdout", "stderr"]
_CHUNK_BYTES: Final = 1 << 18
_RAW_BYTES: Final = 1 << 20
#: What the database and the file system can count to.
_LARGEST: Final = 2**63 - 1
#: How long to wait between looks at a file: short after output, longer when it is silent.
_SHORTEST_LOOK_S: Final = 0.02
_LONGEST_LOOK_S: Final = 0.25


@dataclass(slots=True)
class Cursor:
    """Where a reader is: the attempt's number and an offset per stream. Travels as the SSE id."""

    attempt: int
    offsets: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STREAMS, 0))

    def __str__(self) -> str:
        return ":".join(str(value) for value in (self.attempt, *(self.offsets[name] for name in STREAMS)))

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Reads an SSE id. Raises InvalidInputError."""
        parts = text.split(":")
        is_number = [part.isascii() and part.isdecimal() and len(part) < 19 for part in parts]
        if len(parts) != 1 + len(STREAMS) or not all(is_number):
            raise InvalidInputError(
                f"{text!r} is not a log position", hint="leave Last-Event-ID out to start anew"
            )
        numbers = [int(part) for part in parts]
        return cls(numbers[0], dict(zip(STREAMS, numbers[1:], strict=True)))


@router.get("/jobs/{reference}/logs")
async def follow_logs(
    reference: str,
    services: ServicesOf,
    caller: CallerOf,
    attempt: Annotated[int | None, Field(ge=1, le=_LARGEST)] = None,
    only: Annotated[list[Stream] | None, Query(alias="stream")] = None,
    rank: Annotated[int, Field(ge=0, le=_LARGEST)] = 0,
    tail: Annotated[int | None, Field(ge=0, le=_LARGEST)] = None,
    since: AwareDatetime | None = None,
    follow: bool = False,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Log lines as `event: log`; with `follow`, until the job ends, over all its attempts. Of one rank."""
    store = services.context.store
    job = await store.read(lambda tx: find_job(tx, caller, reference))
    streams = tuple(only or STREAMS)
    if last_event_id:
        cursor = Cursor.parse(last_event_id)
    else:
        first = await store.read(lambda tx: find_part(tx, job.id, attempt, rank))
        cursor = Cursor(first.number if first else (attempt or 1))
        if first is not None and (tail is not None or since is not None):
            await services.context.offload(_skip, _logs(services, first, rank), cursor, streams, tail, since)
    pinned = attempt is not None
    reader = _Reader(services, caller, job.id, streams, cursor, rank=rank, follow=follow, pinned=pinned)
    return stream(reader.run())


@router.get("/jobs/{reference}/logs/raw", response_class=Response)
async def raw_logs(
    reference: str,
    services: ServicesOf,
    caller: CallerOf,
    stream: Stream = "stdout",
    attempt: Annotated[int | None, Field(ge=1, le=_LARGEST)] = None,
    rank: Annotated[int, Field(ge=0, le=_LARGEST)] = 0,
    offset: Annotated[int, Field(ge=0, le=_LARGEST)] = 0,
    limit: Annotated[int | None, Field(ge=1, le=_LARGEST)] = None,
) -> StreamingResponse:
    """The bytes of one stream from an offset to where it ends now; dropped ranges are left out."""
    store = services.context.store
    job = await store.read(lambda tx: find_job(tx, caller, reference))
    row = await store.read(lambda tx: find_part(tx, job.id, attempt, rank))
    if row is None:
        raise NotFoundError(f"job {job.name!r} has no such attempt yet")
    logs = _logs(services, row, rank)
    end = logs.size_bytes(stream)
    if limit is not None:
        end = min(end, offset + limit)

    async def pieces() -> AsyncIterator[bytes]:
        position = offset
        while position < end:
            at, size = position, min(_RAW_BYTES, end - position)
            piece = await services.context.offload(logs.read, stream, at, size)
            if piece.end == position:
                return
            position = piece.end
            if piece.data:
                yield piece.data

    return StreamingResponse(
        pieces(), media_type="application/octet-stream", headers={"x-next-offset": str(max(end, offset))}
    )


def _logs(services: Services, attempt: AttemptRow, rank: int) -> AttemptLogs:
    context = services.context
    directory = context.attempt_directory(name_of_rank(attempt.id, rank))
    return AttemptLogs(directory, attempt.observed.get("dropped"), context.log_cap_bytes)


def _skip(
    logs: AttemptLogs, cursor: Cursor, streams: tuple[str, ...], tail: int | None, since: datetime | None
) -> None:
    for name in STREAMS:
        offset = 0
        if name not in streams:
            continue
        if since is not None:
            offset = max(offset, logs.offset_since(name, since))
        if tail is not None:
            offset = max(offset, logs.tail_offset(name, tail))
        cursor.offsets[name] = offset


class _Reader:
    """Reads a job's logs from a cursor on, attempt after attempt."""

    def __init__(
        self,
        services: Services,
        caller: Caller,
        job_id: str,
        streams: tuple[str, ...],
        cursor: Cursor,
        *,
        rank: int,
        follow: bool,
        pinned: bool,
    ) -> None:
        self._services = services
        self._caller = caller
        self._job_id = job_id
        self._streams = streams
        self._cursor = cursor
        self._rank = rank
        self._follow = follow
        self._pinned = pinned

    async def run(self) -> AsyncIterator[bytes]:
        context = self._services.context
        look_s, silent_s, announced = _SHORTEST_LOOK_S, 0.0, -1
        with context.store.wakeups.subscribe(f"job:{self._job_id}") as woken:
            while True:
                woken.clear()
                # State is read before the bytes: whatever was written before an end is then seen with it.
                job, attempt, newer = await context.store.read(self._state)
                if attempt is not None and announced != attempt.number:
                    announced = attempt.number
                    data = compact({"attempt": attempt.number, "status": attempt.status})
                    yield message("attempt", data, str(self._cursor))
                ended = attempt is not None and has_ended(attempt.status)
                progressed = False
                if attempt is not None:
                    async for chunk in self._drain(attempt, final=ended):
                        progressed = True
                        yield chunk
                if ended and newer and not self._pinned:
                    self._cursor = Cursor(self._cursor.attempt + 1)
                    continue
                if (
                    not self._follow
                    or (ended and self._pinned)
                    or (has_ended(job.status) and (ended or attempt is None))
                ):
                    view = await context.store.read(
                        lambda tx, row=job: job_views(context, tx, self._caller, [row])[0]  # type: ignore[misc]
                    )
                    yield message("end", view.model_dump_json(), str(self._cursor))
                    return
                if progressed:
                    look_s, silent_s = _SHORTEST_LOOK_S, 0.0
                await context.clock.wait(woken, look_s)
                silent_s += look_s
                look_s = min(look_s * 1.5, _LONGEST_LOOK_S)
                if silent_s > KEEP_ALIVE_S:
                    silent_s = 0.0
                    yield KEEP_ALIVE

    def _state(self, tx: Transaction) -> tuple[JobRow, AttemptRow | None, bool]:
        job = JobRow.get(tx, self._job_id)
        attempt = find_part(tx, self._job_id, self._cursor.attempt, self._rank)
        newest = find_attempt(tx, self._job_id, None)
        return job, attempt, newest is not None and newest.number > self._cursor.attempt

    async def _drain(self, attempt: AttemptRow, *, final: bool) -> AsyncIterator[bytes]:
        logs = _logs(self._services, attempt, self._rank)
        offload = self._services.context.offload
        started = attempt.status not in (AttemptStatus.CREATING,)
        for name in self._streams if started else ():
            while True:
                offset = self._cursor.offsets[name]
                if logs.size_bytes(name) <= offset:
                    break
                chunk = await offload(self._chunk, logs, name, offset, attempt.number, final)
                if chunk is None:
                    break
                yield chunk

    def _chunk(self, logs: AttemptLogs, name: str, offset: int, number: int, final: bool) -> bytes | None:
        size = logs.size_bytes(name)
        piece = logs.read(name, offset, _CHUNK_BYTES)
        at_end = len(piece.data) < _CHUNK_BYTES
        # What comes behind a piece that ends too soon was dropped, and with it the rest of a cut character.
        is_cut = at_end and piece.end < size
        length = len(piece.data) if is_cut or (final and at_end) else whole_characters(piece.data)
        if piece.dropped:
            length = 0
        elif length == 0:
            return None
        end = piece.end if piece.dropped else offset + length
        seen_at = logs.time_at(name, offset)
        self._cursor.offsets[name] = end
        data = {
            "attempt": number,
            "stream": name,
            "rank": self._rank,
            "offset": offset,
            "end": end,
            "at": seen_at.isoformat() if seen_at else None,
            "text": piece.data[:length].decode("utf-8", errors="replace"),
            "dropped": piece.dropped,
        }
        return message("log", compact(data), str(self._cursor))
