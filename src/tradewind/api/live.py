"""One stream for a whole page: what has changed, by topic. The page then asks again for what it shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query
from pydantic import Field
from sqlalchemy import func, select
from starlette.responses import StreamingResponse

from tradewind import __version__
from tradewind.api.events import position_of
from tradewind.api.services import CallerOf, Services, ServicesOf
from tradewind.api.sse import KEEP_ALIVE, KEEP_ALIVE_S, compact, message, stream
from tradewind.control.connection_desk import TOPIC as CONNECTIONS
from tradewind.control.loops import RENTALS
from tradewind.control.own_settings import TOPIC as SETTINGS
from tradewind.control.submitting import find_job
from tradewind.db import budget_tables, price_tables, tables
from tradewind.db.events import STREAM, stream_after
from tradewind.db.owners import Caller, visible_to
from tradewind.db.store import Transaction
from tradewind.domain.errors import InvalidInputError

router = APIRouter(tags=["events"])
_JOBS: Final = "jobs"
_JOB: Final = "job:"
#: More events than this at once: the page looks at everything anew, and goes on behind the last.
_MOST_EVENTS: Final = 500
_MOST_TOPICS: Final = 32
#: Which wake-ups of the control plane mean that a topic may have changed.
_WAKES: Final[dict[str, tuple[str, ...]]] = {
    _JOBS: (STREAM,),
    "nodes": (STREAM, RENTALS, tables.nodes.name),
    "prices": (price_tables.price_sources.name,),
    "alerts": (price_tables.price_alerts.name, price_tables.notifications.name),
    "budgets": (STREAM, budget_tables.budgets.name),
    CONNECTIONS: (CONNECTIONS,),
    SETTINGS: (SETTINGS,),
}


@router.get("/stream")
async def live(
    services: ServicesOf,
    caller: CallerOf,
    topics: Annotated[str, Query(max_length=2000)],
    after: Annotated[int | None, Field(ge=0, le=2**63 - 1)] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """What has changed, by topic, without end: jobs, job:ID, nodes, prices, alerts, budgets, connections,
    settings.

    Topics are named with commas between them. Each message is `event: change` with its `topic`, and the `jobs` that it
    is about. The first is `event: hello`, with the server's time and the position from which a later call goes on.
    """
    wanted = await _read_topics(services, caller, topics)
    start = position_of(last_event_id, -1 if after is None else after)
    return stream(_follow(services, caller, wanted, start))


async def _read_topics(services: Services, caller: Caller, text: str) -> dict[str, tuple[str, ...]]:
    """Each topic with the wake-ups that it follows. Raises InvalidInputError, NotFoundError."""
    names = list(dict.fromkeys(name for name in text.split(",") if name))
    if not names or len(names) > _MOST_TOPICS:
        raise InvalidInputError(f"name between 1 and {_MOST_TOPICS} topics, with commas between them")
    wanted: dict[str, tuple[str, ...]] = {}
    for name in names:
        if name.startswith(_JOB):
            reference = name.removeprefix(_JOB)
            job = await services.context.store.read(lambda tx, it=reference: find_job(tx, caller, it))  # type: ignore[misc]
            wanted[name] = (f"{_JOB}{job.id}",)
        elif name in _WAKES:
            wanted[name] = _WAKES[name]
        else:
            known = ", ".join([*_WAKES, f"{_JOB}ID"])
            raise InvalidInputError(f"{name!r} is not a topic", hint=f"topics are {known}")
    return wanted


async def _follow(
    services: Services, caller: Caller, wanted: dict[str, tuple[str, ...]], start: int
) -> AsyncIterator[bytes]:
    store, clock = services.context.store, services.context.clock
    with ExitStack() as stack:
        subscribe = store.wakeups.subscribe
        any_of = stack.enter_context(subscribe(*{wake for wakes in wanted.values() for wake in wakes}))
        woken = {topic: stack.enter_context(subscribe(*wakes)) for topic, wakes in wanted.items()}
        at = start if start >= 0 else await store.read(lambda tx: _newest(tx, caller))
        hello = {"now": clock.now().isoformat(), "started_at": services.started_at.isoformat()}
        yield message("hello", compact({**hello, "version": __version__, "position": at}), str(at))
        if start >= 0 and _JOBS in woken:
            woken[_JOBS].set()
        while True:
            any_of.clear()
            for topic, event in woken.items():
                if not event.is_set():
                    continue
                event.clear()
                change: dict[str, Any] = {"topic": topic}
                if topic == _JOBS:
                    last = at
                    at, jobs = await store.read(lambda tx, since=last: _changed(tx, caller, since))  # type: ignore[misc]
                    if at == last:
                        continue
                    change["jobs"] = jobs
                yield message("change", compact(change), str(at))
            if not any_of.is_set() and not await clock.wait(any_of, KEEP_ALIVE_S):
                yield KEEP_ALIVE
            # What one commit published, and those right behind it, go together.
            await asyncio.sleep(0)


def _newest(tx: Transaction, caller: Caller) -> int:
    table = tables.events
    tx.write_out()
    found = tx.execute(select(func.max(table.c.position)).where(visible_to(caller, table))).scalar()
    return int(found or 0)


def _changed(tx: Transaction, caller: Caller, after: int) -> tuple[int, list[str] | None]:
    """The newest position, and the jobs with events behind `after`; None: too many to name."""
    rows = stream_after(tx, caller, after, _MOST_EVENTS + 1)
    if len(rows) > _MOST_EVENTS:
        return _newest(tx, caller), None
    if not rows:
        return after, []
    return int(rows[-1]["position"]), sorted({str(row["job_id"]) for row in rows})
