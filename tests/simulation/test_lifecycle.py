"""The control plane under simulated time: the stories that matter, and random ones with kills at random moments."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select

from tests.simulation.invariants import check_at_the_end
from tests.simulation.loop import run_simulated
from tests.simulation.world import World
from tradewind.control import nodes
from tradewind.db import tables
from tradewind.db.store import Transaction
from tradewind.domain.status import AttemptStatus, JobStatus, Reason
from tradewind.providers.base import AttemptRequest
from tradewind.providers.simulated import Behaviour

Story = Callable[[World], Coroutine[Any, Any, None]]


def play(
    root: Path, story: Story, behave: Callable[[AttemptRequest], Behaviour], *, seed: int = 1, **options: Any
) -> None:
    """Plays a story in a new world and checks what is left at its end."""

    async def main() -> None:
        world = World(seed, root, behave, **options)
        try:
            await world.create()
            world.start()
            await story(world)
            assert await world.failures() == []
            world.raise_violations()
            await world.store.read(lambda tx: check_at_the_end(tx, world.platform))
        finally:
            await world.kill()
            world.store.close()

    run_simulated(seed, main())


def test_a_job_runs_and_succeeds(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        (job,) = await world.until_ended(await world.submit())
        assert job.status is JobStatus.SUCCEEDED
        assert job.exit_code == 0
        assert job.started_at is not None

    play(tmp_path, story, lambda _request: Behaviour())


def test_jobs_run_by_priority_and_age_within_capacity(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        ids = []
        for number, priority in enumerate(("low", "normal", "high", "normal")):
            ids.append(
                await world.submit(name=f"{priority}-{number}", priority=priority, resources={"cpus": 4})
            )
            await asyncio.sleep(1)
        jobs = await world.until_ended(*ids)
        order = [job.name for job in sorted(jobs, key=lambda job: job.started_at or job.created_at)]
        # The first was placed before the others came.
        assert order == ["low-0", "high-2", "normal-1", "normal-3"]

    play(tmp_path, story, lambda _request: Behaviour())


def test_no_more_is_placed_than_can_be_started_soon(tmp_path: Path) -> None:
    """A backlog waits in the queue, where the order is: not on a machine with room for all of it."""
    most = 0

    async def story(world: World) -> None:
        check = world.store.invariants

        def count(tx: Transaction) -> None:
            nonlocal most
            check(tx)
            attempts = tx.execute(select(tables.attempts.c.status)).scalars().all()
            most = max(most, attempts.count(AttemptStatus.CREATING))

        world.store.invariants = count
        ids = [await world.submit(name=f"job-{number}", resources={"cpus": 1}) for number in range(12)]
        jobs = await world.until_ended(*ids)
        assert {job.status for job in jobs} == {JobStatus.SUCCEEDED}

    with patch.object(nodes, "_MOST_UNSTARTED", 4), patch.object(nodes, "_PER_STEP", 2):
        play(tmp_path, story, lambda _request: Behaviour(), cpus=64, latency_s=2.0)
    assert 2 <= most <= 4


def test_a_failure_is_tried_again_by_policy(tmp_path: Path) -> None:
    def behave(request: AttemptRequest) -> Behaviour:
        return Behaviour(exit_code=0 if request.number == 3 else 1)

    async def story(world: World) -> None:
        enough, few = await world.submit(retry={"failures": 2}), await world.submit(retry={"failures": 1})
        first, second = await world.until_ended(enough, few)
        assert first.status is JobStatus.SUCCEEDED
        assert (second.status, second.exit_code, second.reason) == (JobStatus.FAILED, 1, Reason.EXITED)

    play(tmp_path, story, behave)


def test_a_retry_is_not_late_because_a_larger_job_behind_it_has_to_wait(tmp_path: Path) -> None:
    def behave(request: AttemptRequest) -> Behaviour:
        if request.job_name == "long":
            return Behaviour(runs_for=timedelta(minutes=10))
        return Behaviour(exit_code=0 if request.number == 2 else 1, runs_for=timedelta(seconds=1))

    async def story(world: World) -> None:
        long = await world.submit(name="long", resources={"cpus": 3})
        retried = await world.submit(name="retried", resources={"cpus": 1}, retry={"failures": 1})
        large = await world.submit(name="large", resources={"cpus": 4}, retry={"failures": 1})
        await world.until_ended(retried, within=timedelta(seconds=30))
        await world.until_ended(long, large)

    play(tmp_path, story, behave)


def test_an_interruption_is_resumed_and_does_not_count_as_a_failure(tmp_path: Path) -> None:
    def behave(request: AttemptRequest) -> Behaviour:
        return Behaviour() if request.number == 3 else Behaviour(reason="supervisor_lost", exit_code=None)

    async def story(world: World) -> None:
        (job,) = await world.until_ended(await world.submit())
        assert job.status is JobStatus.SUCCEEDED

    play(tmp_path, story, behave)


def test_a_stop_reaches_a_job_wherever_it_is(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        running = await world.submit(resources={"cpus": 4})
        queued = await world.submit()
        await asyncio.sleep(5)
        await world.stop(running)
        await world.stop(queued)
        jobs = await world.until_ended(running, queued)
        assert [job.status for job in jobs] == [JobStatus.CANCELLED, JobStatus.CANCELLED]

    play(tmp_path, story, lambda _request: Behaviour(runs_for=timedelta(days=1)))


def test_a_budget_stops_a_job_before_it_is_overdrawn(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        # The worst case is 50 W for one of four processors at 0.20 $/kWh: a cent an hour.
        (job,) = await world.until_ended(
            await world.submit(constraints={"budget": "$0.002"}), within=timedelta(days=2)
        )
        assert (job.status, job.reason) == (JobStatus.FAILED, Reason.BUDGET)
        spent = await world.store.read(lambda tx: _spent(tx, job.id))
        assert 0 < spent <= 2_000

    play(tmp_path, story, lambda _request: Behaviour(runs_for=timedelta(days=30)))


@pytest.mark.parametrize("limit_s", [45, 600, 7200])
@pytest.mark.parametrize("budget", [{}, {"budget": "$5"}])
def test_a_job_may_use_all_of_its_max_duration(tmp_path: Path, limit_s: int, budget: dict[str, str]) -> None:
    async def story(world: World) -> None:
        (job,) = await world.until_ended(
            await world.submit(constraints={"max_duration": f"{limit_s}s", **budget})
        )
        assert (job.status, job.reason) == (JobStatus.SUCCEEDED, Reason.EXITED)

    play(tmp_path, story, lambda _request: Behaviour(runs_for=timedelta(seconds=limit_s - 3)))


def _spent(tx: Any, job_id: str) -> int:
    from tradewind.ledger.reservations import spent_micro

    return spent_micro(tx, job_id)


def test_a_budget_that_covers_nothing_is_refused_before_anything_starts(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        (job,) = await world.until_ended(await world.submit(constraints={"budget": "$0.00001"}))
        assert (job.status, job.reason) == (JobStatus.FAILED, Reason.BUDGET)
        assert not world.platform.machines

    play(tmp_path, story, lambda _request: Behaviour())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(int(os.environ.get("TRADEWIND_SEEDS", "10"))))
def test_random_kills_and_faults_lose_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    def behave(request: AttemptRequest) -> Behaviour:
        fate = random.Random(f"{seed}/{request.job_name}/{request.number}").random()
        runs_for = timedelta(seconds=5 + 60 * fate)
        if fate < 0.15:
            return Behaviour(reason="supervisor_lost", exit_code=None, runs_for=runs_for)
        if fate < 0.3:
            return Behaviour(exit_code=1, runs_for=runs_for)
        return Behaviour(runs_for=runs_for)

    async def story(world: World) -> None:
        ids = []
        for number in range(12):
            cpus = chance.choice([1, 2, 4])
            ids.append(
                await world.submit(name=f"job-{number}", resources={"cpus": cpus}, retry={"failures": 20})
            )
        stopped = set(chance.sample(ids, 3))
        for _ in range(15):
            await asyncio.sleep(chance.uniform(0.01, 20))
            if chance.random() < 0.7:
                await world.kill()
                await asyncio.sleep(chance.choice([0, 0.5, 40]))
                world.start()
            if stopped and chance.random() < 0.3:
                await world.stop(stopped.pop())
        for job_id in stopped:
            await world.stop(job_id)
        jobs = await world.until_ended(*ids)
        assert {job.status for job in jobs} <= {JobStatus.SUCCEEDED, JobStatus.CANCELLED}

    play(tmp_path, story, behave, seed=seed, fault_rate=0.05)


def test_the_same_seed_tells_the_same_story(tmp_path: Path) -> None:
    def record(folder: Path) -> list[tuple[Any, ...]]:
        folder.mkdir()
        told: list[tuple[Any, ...]] = []

        async def story(world: World) -> None:
            ids = [await world.submit(name=f"job-{number}") for number in range(6)]
            await world.until_ended(*ids)
            from tradewind.db.events import events_after

            for job_id in ids:
                rows = await world.store.read(lambda tx, job=job_id: events_after(tx, job, 0, 100))  # type: ignore[misc]
                told.extend((row["job_id"], row["seq"], row["type"], row["at"]) for row in rows)

        play(folder, story, lambda _request: Behaviour(), seed=7, fault_rate=0.1)
        return told

    assert record(tmp_path / "first") == record(tmp_path / "second")
