"""The one stream of a page: what it says, and that it goes on where it was cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from tests.unit.jobs_for_tests import add_job
from tradewind.api import live
from tradewind.control.context import Context
from tradewind.db.events import append_event
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore


class Reader:
    """Reads messages of a stream one by one."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source

    async def next(self) -> tuple[str, dict[str, Any], str]:
        """Kind, content and id of the next message."""
        text = (await asyncio.wait_for(anext(self._source), 5)).decode()
        fields = dict(line.split(": ", 1) for line in text.strip().splitlines())
        return fields["event"], json.loads(fields["data"]), fields["id"]


@pytest.fixture
def follow(context: Context, caller: Caller) -> Callable[..., Any]:
    services: Any = SimpleNamespace(context=context, started_at=context.clock.now())

    async def start(*topics: str, at: int = -1) -> Reader:
        wanted = await live._read_topics(services, caller, ",".join(topics))
        return Reader(live._follow(services, caller, wanted, at))

    return start


async def test_changes_name_the_jobs_they_are_about(
    store: SqlStore, caller: Caller, follow: Callable[..., Any]
) -> None:
    job_id = (await store.run(lambda tx: add_job(tx, caller))).id
    reader = await follow("jobs")
    kind, hello, position = await reader.next()
    assert kind == "hello"
    assert hello["position"] == int(position) > 0
    await store.run(lambda tx: append_event(tx, job_id, "note", "something"))
    kind, change, later = await reader.next()
    assert (kind, change) == ("change", {"topic": "jobs", "jobs": [job_id]})
    assert int(later) == int(position) + 1


async def test_a_stream_that_was_cut_goes_on_behind_what_was_seen(
    store: SqlStore, caller: Caller, follow: Callable[..., Any]
) -> None:
    job_id = (await store.run(lambda tx: add_job(tx, caller))).id
    position = (await (await follow("jobs")).next())[2]
    await store.run(lambda tx: append_event(tx, job_id, "note", "while nobody listened"))
    reader = await follow("jobs", at=int(position))
    assert (await reader.next())[0] == "hello"
    assert (await reader.next())[1] == {"topic": "jobs", "jobs": [job_id]}


async def test_after_a_long_absence_everything_is_looked_at_anew(
    store: SqlStore, caller: Caller, follow: Callable[..., Any]
) -> None:
    job_id = (await store.run(lambda tx: add_job(tx, caller))).id

    def tell(tx: Any) -> None:
        for number in range(live._MOST_EVENTS + 5):
            append_event(tx, job_id, "note", str(number))

    await store.run(tell)
    reader = await follow("jobs", at=0)
    await reader.next()
    _, change, position = await reader.next()
    assert change["jobs"] is None
    assert int(position) >= live._MOST_EVENTS + 5


async def test_topics_are_told_apart(store: SqlStore, caller: Caller, follow: Callable[..., Any]) -> None:
    job_id = (await store.run(lambda tx: add_job(tx, caller))).id
    reader = await follow(f"job:{job_id}", "alerts")
    await reader.next()
    await store.run(lambda tx: tx.wake("price_alerts"))
    assert (await reader.next())[1] == {"topic": "alerts"}
    await store.run(lambda tx: tx.wake(f"job:{job_id}"))
    assert (await reader.next())[1] == {"topic": f"job:{job_id}"}


@pytest.mark.parametrize("topics", ["", "weather", ",".join(f"job:{n}" for n in range(40))])
async def test_topics_that_are_none_are_refused(
    connect: Callable[[str], httpx2.AsyncClient], topics: str
) -> None:
    answer = await connect("ana").get("/stream", params={"topics": topics})
    assert answer.status_code == 422


async def test_jobs_of_nobody_cannot_be_followed(connect: Callable[[str], httpx2.AsyncClient]) -> None:
    assert (await connect("ana").get("/stream", params={"topics": "job:job_none"})).status_code == 404
