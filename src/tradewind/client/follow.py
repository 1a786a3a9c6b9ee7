"""Streams that survive the server: what arrives is handed on once, in order, across any number of reconnections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from tradewind.client.exchange import Exchange, Parameters
from tradewind.client.sse import SseEvent, SseReader
from tradewind.domain.errors import TradewindError, UnreachableError
from tradewind.domain.schemas import JobView
from tradewind.domain.schemas_records import EventView, LogChunk

#: How long a stream keeps trying to find the server again before it gives up.
GIVE_UP_AFTER_S: Final = 600.0
_QUEUE_BATCHES: Final = 16


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """From here on, log chunks belong to this attempt."""

    attempt: int
    status: str


@dataclass(frozen=True, slots=True)
class JobEnded:
    """The last thing a stream says: the job as it ended, or as it is where the stream was not to be followed."""

    job: JobView


@dataclass(frozen=True, slots=True)
class ContactLost:
    """The server went away; the stream keeps trying. Said once per loss."""

    error: TradewindError


@dataclass(frozen=True, slots=True)
class ContactRegained:
    """The stream goes on where it stopped."""


LogItem = LogChunk | AttemptStarted | JobEnded | ContactLost | ContactRegained
WatchItem = LogItem | EventView


async def follow(
    exchange: Exchange, path: str, parameters: Parameters | None = None, *, is_endless: bool
) -> AsyncGenerator[list[SseEvent] | ContactLost | ContactRegained]:
    """Batches of events until `event: end`. A stream that is not `is_endless` may also simply stop.

    A connection that breaks is made again from the last id. Raises what the server answers otherwise, and
    UnreachableError after `GIVE_UP_AFTER_S` without contact.
    """
    last_id = ""
    failures = 0
    lost_at = 0.0
    while True:
        error: TradewindError
        try:
            headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
            async with exchange.stream(path, parameters=parameters, headers=headers) as response:
                reader = SseReader(last_id)
                async for piece in response.aiter_raw():
                    # Not before: something that accepts connections and drops them is not the server.
                    if failures:
                        failures = 0
                        yield ContactRegained()
                    if events := reader.feed(piece):
                        yield events
                        last_id = reader.last_id
                        if events[-1].event == "end":
                            return
            if not is_endless:
                return
            error = UnreachableError("the server closed the stream before the job had ended")
        except UnreachableError as broken:
            error = broken
        now = exchange.clock.monotonic()
        failures += 1
        if failures == 1:
            lost_at = now
            yield ContactLost(error)
        elif now - lost_at > GIVE_UP_AFTER_S:
            raise UnreachableError(
                f"no contact with the server for {GIVE_UP_AFTER_S / 60:.0f} minutes; jobs go on without it",
                causes=error.causes,
                hint=error.hint,
            )
        exchange.forget_address()
        await exchange.clock.sleep(exchange.pause_s(failures))


async def follow_logs(
    exchange: Exchange, job: str, parameters: Parameters, *, is_endless: bool
) -> AsyncGenerator[list[LogItem]]:
    """Log chunks of a job, with the starts of attempts between them and the job at the end."""
    path = f"/api/v1/jobs/{quote(job, safe='')}/logs"
    async with aclosing(follow(exchange, path, parameters, is_endless=is_endless)) as batches:
        async for batch in batches:
            if isinstance(batch, list):
                yield [item for event in batch if (item := _read_log_event(event)) is not None]
            else:
                yield [batch]


async def follow_events(exchange: Exchange, job: str, after: int = 0) -> AsyncGenerator[list[WatchItem]]:
    """Events of a job from `after` on, until it has ended."""
    parameters = {"after": after} if after else None
    path = f"/api/v1/jobs/{quote(job, safe='')}/events/stream"
    async with aclosing(follow(exchange, path, parameters, is_endless=True)) as batches:
        async for batch in batches:
            if isinstance(batch, list):
                yield [EventView.model_validate_json(event.data) for event in batch if event.event == "event"]
            else:
                yield [batch]


async def watch(exchange: Exchange, job: str) -> AsyncGenerator[list[WatchItem]]:
    """Everything that happens to a job, as it happens: events and log chunks; `JobEnded` comes last."""
    queue: asyncio.Queue[list[WatchItem] | BaseException | None] = asyncio.Queue(_QUEUE_BATCHES)

    async def pump(source: AsyncGenerator[list[Any]], keep: Callable[[WatchItem], bool]) -> None:
        try:
            async with aclosing(source):
                async for batch in source:
                    if kept := [item for item in batch if keep(item)]:
                        await queue.put(kept)
            await queue.put(None)
        except TradewindError as error:
            await queue.put(error)

    logs = follow_logs(exchange, job, {"follow": True}, is_endless=True)
    # The log stream alone speaks of lost contact, so that each loss is said once.
    tasks = [
        asyncio.create_task(pump(follow_events(exchange, job), lambda item: isinstance(item, EventView))),
        asyncio.create_task(pump(logs, lambda _: True)),
    ]
    end: list[WatchItem] = []
    try:
        open_streams = len(tasks)
        while open_streams:
            batch = await queue.get()
            if isinstance(batch, BaseException):
                raise batch
            if batch is None:
                open_streams -= 1
                continue
            end += [item for item in batch if isinstance(item, JobEnded)]
            rest: list[WatchItem] = [item for item in batch if not isinstance(item, JobEnded)]
            if rest:
                yield rest
        yield end
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _read_log_event(event: SseEvent) -> LogItem | None:
    if event.event == "log":
        fields = json.loads(event.data)
        at = fields.get("at")
        # Validation per chunk would cost more than reading it does; the server has made it from the same schema.
        return LogChunk.model_construct(
            attempt=fields["attempt"],
            stream=fields["stream"],
            rank=fields.get("rank", 0),
            offset=fields["offset"],
            end=fields["end"],
            at=datetime.fromisoformat(at) if at else None,
            text=fields["text"],
            dropped=fields.get("dropped", 0),
        )
    if event.event == "attempt":
        fields = json.loads(event.data)
        return AttemptStarted(int(fields["attempt"]), str(fields.get("status", "")))
    if event.event == "end":
        return JobEnded(JobView.model_validate_json(event.data))
    return None
