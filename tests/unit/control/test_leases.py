"""Leases: one holder at a time, no lost wake-up, nothing written by one who lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.conftest import HandClock
from tests.unit.jobs_for_tests import add_job
from tradewind.control import leases
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import JobRow, StaleRowError
from tradewind.db.store import SqlStore, Transaction

LEASE = timedelta(seconds=30)


async def _due_job(store: SqlStore, caller: Caller) -> JobRow:
    def add(tx: Transaction) -> JobRow:
        job = add_job(tx, caller)
        leases.wake(tx, tables.jobs, job.id)
        return job

    return await store.run(add)


async def _claim(store: SqlStore, token: str) -> list[JobRow]:
    return await store.run(lambda tx: leases.claim(tx, JobRow, token, LEASE, 10))


async def test_one_holder_at_a_time_until_the_lease_runs_out(
    store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    job = await _due_job(store, caller)
    assert [row.id for row in await _claim(store, "a")] == [job.id]
    assert await _claim(store, "b") == []
    clock.advance(31)
    assert [row.id for row in await _claim(store, "b")] == [job.id]


async def test_who_lost_the_lease_can_neither_read_extend_nor_release(
    store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    await _due_job(store, caller)
    (row,) = await _claim(store, "a")
    clock.advance(31)
    await _claim(store, "b")
    with pytest.raises(StaleRowError):
        await store.run(lambda tx: leases.reread(tx, JobRow, row.id, "a"))
    with pytest.raises(StaleRowError):
        await store.run(lambda tx: leases.release(tx, tables.jobs, row, "a", None))
    assert not await store.run(lambda tx: leases.extend(tx, tables.jobs, row.id, "a", LEASE))
    assert await store.run(lambda tx: leases.extend(tx, tables.jobs, row.id, "b", LEASE))


async def test_a_lease_that_ran_out_is_not_used_even_if_nobody_took_it(
    store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    await _due_job(store, caller)
    (row,) = await _claim(store, "a")
    clock.advance(31)
    with pytest.raises(StaleRowError):
        await store.run(lambda tx: leases.reread(tx, JobRow, row.id, "a"))


async def test_a_wake_up_during_a_step_is_not_lost(store: SqlStore, caller: Caller, clock: HandClock) -> None:
    job = await _due_job(store, caller)
    (row,) = await _claim(store, "a")
    await store.run(lambda tx: leases.wake(tx, tables.jobs, job.id))
    await store.run(lambda tx: leases.release(tx, tables.jobs, row, "a", tx.now + timedelta(hours=1)))
    assert [each.id for each in await _claim(store, "b")] == [job.id]


async def test_a_released_row_is_due_when_it_was_said_to_be(
    store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    await _due_job(store, caller)
    (row,) = await _claim(store, "a")
    await store.run(lambda tx: leases.release(tx, tables.jobs, row, "a", tx.now + timedelta(seconds=60)))
    due = await store.read(lambda tx: leases.next_due(tx, tables.jobs))
    assert due == clock.now() + timedelta(seconds=60)
    assert await _claim(store, "b") == []
    clock.advance(60)
    assert len(await _claim(store, "b")) == 1


async def test_nothing_is_due_when_nothing_is_planned(store: SqlStore, caller: Caller) -> None:
    await store.run(lambda tx: add_job(tx, caller))
    assert await store.read(lambda tx: leases.next_due(tx, tables.jobs)) is None
