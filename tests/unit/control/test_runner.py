"""The lease runner under virtual time: errors, long steps, lost leases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from sqlalchemy import update

from tests.simulation.clocks import SeededEntropy, SimulatedClock
from tests.simulation.loop import run_simulated
from tests.simulation.world import SimulatedStore
from tests.unit.jobs_for_tests import add_job
from tradewind.control import leases
from tradewind.control.runner import Apply, LeaseRunner
from tradewind.db import tables
from tradewind.db.owners import ensure_defaults
from tradewind.db.rows import JobRow
from tradewind.db.store import Transaction


class Recorder:
    """A controller that notes when it was asked."""

    row_type = JobRow

    def __init__(self, clock: SimulatedClock, act: Callable[[int], Coroutine[Any, Any, None]]) -> None:
        self._clock = clock
        self._act = act
        self.calls: list[float] = []
        self.applied: list[float] = []

    async def act(self, row: JobRow, /) -> Apply[JobRow]:
        self.calls.append(self._clock.monotonic())
        await self._act(len(self.calls))
        return self._apply

    def _apply(self, tx: Transaction, row: JobRow) -> datetime | None:
        self.applied.append(self._clock.monotonic())
        return None


def play(act: Callable[[int], Coroutine[Any, Any, None]], for_s: float, meddle: Any = None) -> Recorder:
    async def main() -> Recorder:
        clock, entropy = SimulatedClock(), SeededEntropy(1)
        store = SimulatedStore(clock, entropy)
        caller = (await store.run(lambda tx: ensure_defaults(tx, "ana")))[1]
        recorder = Recorder(clock, act)
        loop = asyncio.create_task(LeaseRunner(store, recorder, clock, entropy).run())

        def add(tx: Transaction) -> str:
            job = add_job(tx, caller)
            leases.wake(tx, tables.jobs, job.id)
            return job.id

        job_id = await store.run(add)
        if meddle is not None:
            await meddle(store, job_id)
        await asyncio.sleep(for_s)
        assert not loop.done()
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        store.close()
        return recorder

    return run_simulated(1, main())


def test_a_wake_up_is_followed_at_once() -> None:
    async def act(_call: int) -> None:
        return

    recorder = play(act, 10)
    assert len(recorder.calls) == len(recorder.applied) == 1
    assert recorder.calls[0] < 1


def test_a_failing_step_is_repeated_with_growing_pauses() -> None:
    async def act(call: int) -> None:
        if call < 6:
            raise RuntimeError("on purpose")

    recorder = play(act, 120)
    pauses = [later - earlier for earlier, later in zip(recorder.calls, recorder.calls[1:], strict=False)]
    assert len(recorder.calls) == 6
    assert len(recorder.applied) == 1
    assert pauses[-1] > 3 * pauses[0]


def test_a_step_longer_than_the_lease_keeps_it() -> None:
    async def act(_call: int) -> None:
        await asyncio.sleep(10 * leases.LEASE.total_seconds())

    recorder = play(act, 11 * leases.LEASE.total_seconds())
    assert len(recorder.calls) == len(recorder.applied) == 1


def test_a_step_whose_lease_is_taken_away_is_dropped() -> None:
    async def act(call: int) -> None:
        if call == 1:
            await asyncio.sleep(15)

    async def meddle(store: SimulatedStore, job_id: str) -> None:
        await asyncio.sleep(5)
        table = tables.jobs
        # Another replica holds it now; its lease runs out a minute later.
        await store.run(
            lambda tx: tx.execute(
                update(table)
                .where(table.c.id == job_id)
                .values(lease_token="other", lease_expires_at=tx.now + 2 * leases.LEASE)
            )
        )

    recorder = play(act, 200, meddle)
    assert len(recorder.calls) == 2
    assert len(recorder.applied) == 1
    assert recorder.calls[1] > 60
