"""Writes that queue up behind one another share a commit, and nothing else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, text

from tradewind.db.opening import open_sqlite
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.clock import SystemClock, SystemEntropy


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    store = SqlStore(open_sqlite(tmp_path / "test.db"), SystemClock(), SystemEntropy())
    yield store
    store.close()


async def create(store: SqlStore) -> None:
    await store.run(lambda tx: tx.execute(text("CREATE TABLE numbers (value INTEGER PRIMARY KEY)")).close())


def insert(tx: Transaction, value: int) -> int:
    tx.execute(text("INSERT INTO numbers VALUES (:value)"), {"value": value})
    tx.wake(f"number:{value}")
    return value


async def numbers(store: SqlStore) -> list[int]:
    return await store.read(
        lambda tx: [row[0] for row in tx.execute(text("SELECT value FROM numbers ORDER BY 1"))]
    )


class Gate:
    """Keeps the writer busy until it is opened, so that what comes after queues up."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self._open = threading.Event()

    def hold(self, _tx: Transaction) -> None:
        self.entered.set()
        assert self._open.wait(10)

    def open(self) -> None:
        self._open.set()


async def hold_writer(store: SqlStore) -> tuple[Gate, asyncio.Task[None]]:
    gate = Gate()
    task = asyncio.create_task(store.run(gate.hold))
    assert await asyncio.to_thread(gate.entered.wait, 10)
    return gate, task


async def test_writes_that_queue_share_one_commit(store: SqlStore) -> None:
    await create(store)
    gate, holder = await hold_writer(store)
    commits = 0

    def count(_connection: object) -> None:
        nonlocal commits
        commits += 1

    event.listen(store._engine, "commit", count)
    writes = [asyncio.create_task(store.run(lambda tx, n=n: insert(tx, n))) for n in range(10)]  # type: ignore[misc]
    await asyncio.sleep(0)
    gate.open()
    await holder
    assert await asyncio.gather(*writes) == list(range(10))
    assert await numbers(store) == list(range(10))
    # The holder's own, and one for all ten.
    assert commits == 2


async def test_one_that_fails_is_undone_alone(store: SqlStore) -> None:
    await create(store)
    gate, holder = await hold_writer(store)

    def fail(tx: Transaction) -> None:
        insert(tx, 2)
        raise LookupError("on purpose")

    with store.wakeups.subscribe("number:2") as woken:
        writes = [
            asyncio.create_task(store.run(lambda tx: insert(tx, 1))),
            asyncio.create_task(store.run(fail)),
            asyncio.create_task(store.run(lambda tx: insert(tx, 3))),
        ]
        await asyncio.sleep(0)
        gate.open()
        await holder
        first, failed, last = await asyncio.gather(*writes, return_exceptions=True)
        assert (first, last) == (1, 3)
        assert isinstance(failed, LookupError)
        assert not woken.is_set()
    assert await numbers(store) == [1, 3]


async def test_a_commit_that_fails_fails_all_of_its_writes(store: SqlStore) -> None:
    await create(store)
    gate, holder = await hold_writer(store)

    def refuse(_connection: object) -> None:
        raise OSError("disk full")

    writes = [asyncio.create_task(store.run(lambda tx, n=n: insert(tx, n))) for n in (1, 2)]  # type: ignore[misc]
    await asyncio.sleep(0)
    event.listen(store._engine, "commit", refuse)
    gate.open()
    outcomes = await asyncio.gather(holder, *writes, return_exceptions=True)
    event.remove(store._engine, "commit", refuse)
    assert [str(outcome) for outcome in outcomes] == ["disk full"] * 3
    assert await numbers(store) == []
    assert await store.run(lambda tx: insert(tx, 4)) == 4


async def test_a_cancelled_caller_does_not_swallow_the_wake_up(store: SqlStore) -> None:
    await create(store)
    gate, holder = await hold_writer(store)
    with store.wakeups.subscribe("number:7") as woken:
        write = asyncio.create_task(store.run(lambda tx: insert(tx, 7)))
        await asyncio.sleep(0)
        write.cancel()
        gate.open()
        await holder
        await asyncio.wait_for(woken.wait(), 10)
    assert write.cancelled()
    assert await numbers(store) == [7]
