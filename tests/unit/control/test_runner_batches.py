"""Outcomes that are applied together: none suffers for another, and who lost a lease loses only its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
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
from tradewind.db.moves import change
from tradewind.db.owners import ensure_defaults
from tradewind.db.rows import JobRow
from tradewind.db.store import Transaction

JOBS = 6


class Together:
    """A controller whose steps all come to an end in the same moment, and then write a tag."""

    row_type = JobRow

    def __init__(self, fail: Callable[[JobRow], bool]) -> None:
        self._fail = fail
        self._all = asyncio.Event()
        self._begun = 0
        #: Jobs applied to in each transaction.
        self.transactions: dict[int, list[str]] = {}

    async def act(self, _row: JobRow) -> Apply[JobRow]:
        self._begun += 1
        if self._begun == JOBS:
            self._all.set()
        await self._all.wait()
        return self._apply

    def _apply(self, tx: Transaction, job: JobRow) -> datetime | None:
        self.transactions.setdefault(id(tx), []).append(job.name)
        change(tx, job, tags={"applied": job.name})
        if self._fail(job):
            raise RuntimeError("on purpose")
        return None


def play(
    fail: Callable[[JobRow], bool], meddle: Callable[[Transaction], None] | None = None
) -> tuple[Together, dict[str, JobRow]]:
    async def main() -> tuple[Together, dict[str, JobRow]]:
        clock, entropy = SimulatedClock(), SeededEntropy(1)
        store = SimulatedStore(clock, entropy)
        caller = (await store.run(lambda tx: ensure_defaults(tx, "ana")))[1]
        controller = Together(fail)

        def add(tx: Transaction) -> list[str]:
            names = [add_job(tx, caller, name=f"job-{number}").id for number in range(JOBS)]
            leases.wake(tx, tables.jobs, *names)
            return names

        ids = await store.run(add)
        if meddle is not None:
            controller._begun -= 1
        loop = asyncio.create_task(LeaseRunner(store, controller, clock, entropy).run())
        await asyncio.sleep(0.2)
        if meddle is not None:
            await store.run(meddle)
            controller._all.set()
        await asyncio.sleep(5)
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        jobs = await store.read(lambda tx: {job.name: job for job in (JobRow.get(tx, each) for each in ids)})
        store.close()
        return controller, jobs

    return run_simulated(1, main())


def test_outcomes_of_one_moment_share_a_transaction() -> None:
    controller, jobs = play(lambda _job: False)
    assert [sorted(names) for names in controller.transactions.values()] == [sorted(jobs)]
    assert all(job.tags == {"applied": name} for name, job in jobs.items())
    assert all(job.lease_token is None and job.next_due_at is None for job in jobs.values())


def test_one_that_fails_does_not_undo_the_others() -> None:
    _, jobs = play(lambda job: job.name == "job-3")
    failed = jobs.pop("job-3")
    assert failed.tags == {}
    assert failed.lease_failures > 0
    assert all(job.tags == {"applied": name} for name, job in jobs.items())
    assert all(job.version == 2 and job.lease_failures == 0 for job in jobs.values())


def test_a_lost_lease_drops_only_its_own_step() -> None:
    def take_away(tx: Transaction) -> None:
        table = tables.jobs
        tx.execute(
            update(table)
            .where(table.c.name == "job-2")
            .values(lease_token="other", lease_expires_at=tx.now + 10 * leases.LEASE)
        )

    controller, jobs = play(lambda _job: False, take_away)
    lost: Any = jobs.pop("job-2")
    assert (lost.tags, lost.lease_token) == ({}, "other")
    assert all(job.tags == {"applied": name} for name, job in jobs.items())
    assert [sorted(names) for names in controller.transactions.values()] == [sorted(jobs)]
