"""Budgets under simulated time: limits hold after every commit, hard stops reach what runs, and periods turn."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import tests.simulation.clocks as clocks
from tests.simulation.invariants import check_always, check_at_the_end
from tests.simulation.loop import run_simulated
from tests.simulation.world import World
from tradewind.control.budget_desk import add_budget, budgets_of, change_budget, remove_budget
from tradewind.db import budget_tables, tables
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.events import events_after
from tradewind.db.store import Transaction
from tradewind.domain.budgets import STOPPING, Action
from tradewind.domain.schemas_budgets import BudgetPatch, BudgetRequest
from tradewind.domain.status import JobStatus, Reason
from tradewind.ledger.limits import usage_of
from tradewind.providers.base import AttemptRequest
from tradewind.providers.simulated import Behaviour

#: The worst case of one of four processors: 50 W at 0.20 $/kWh, a cent an hour; it draws nine tenths of that.
HOUR = 10_000
SEEDS = random.Random(4).sample(range(10_000), 3)
Story = Callable[[World], Coroutine[Any, Any, None]]


@pytest.fixture(autouse=True)
def evening(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worlds begin an hour before midnight, so that a day's budget turns soon."""
    monkeypatch.setattr(clocks, "START", clocks.START + timedelta(hours=23))


def limits_hold(tx: Transaction) -> None:
    """No limit that has stood since the beginning is exceeded by what is spent and held."""
    for each in tx.execute(BudgetRow.select()):
        budget = BudgetRow.of(each)
        usage = usage_of(tx, budget, tx.now)
        if budget.amount_micro is not None and budget.action in STOPPING:
            assert usage.bound_micro <= budget.amount_micro, (
                f"{budget.name}: {usage} over {budget.amount_micro}"
            )
        if budget.max_hourly_micro is not None:
            assert usage.hourly_micro <= budget.max_hourly_micro, f"{budget.name}: {usage}"
        if budget.max_concurrent_jobs is not None:
            assert len(usage.job_ids) <= budget.max_concurrent_jobs, f"{budget.name}: {usage}"


def play(
    root: Path,
    story: Story,
    behave: Callable[[AttemptRequest], Behaviour],
    *,
    seed: int = 1,
    holds: bool = True,
    is_wild: bool = False,
    **options: Any,
) -> None:
    """Plays a story in a new world, with the limits among what is checked after every commit."""

    async def main() -> None:
        world = World(seed, root, behave, **options)

        def check(tx: Transaction) -> None:
            if is_wild:
                check_always(tx, world.platform)
            if holds:
                limits_hold(tx)

        try:
            await world.create()
            world.store.invariants = check
            world.start()
            await story(world)
            assert await world.failures() == []
            world.raise_violations()
            await world.store.read(lambda tx: check_at_the_end(tx, world.platform))
        finally:
            await world.kill()
            world.store.close()

    run_simulated(seed, main())


async def add(world: World, **values: Any) -> BudgetRow:
    request = BudgetRequest.model_validate({"name": "b", **values})
    return await world.store.run(lambda tx: add_budget(tx, world.caller, request))


async def notices(world: World) -> list[Any]:
    table = budget_tables.budget_notices
    return await world.store.read(lambda tx: list(tx.execute(select(table).order_by(table.c.id))))


def runs_for(**span: float) -> Callable[[AttemptRequest], Behaviour]:
    return lambda _request: Behaviour(runs_for=timedelta(**span))


def test_a_blocked_job_waits_with_a_reason_and_goes_on_when_the_period_turns(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        # An hour is held: a second one does not fit on this day, once forty minutes are spent.
        await add(world, period="day", amount_micro=round(1.35 * HOUR), action="block_new")
        (first,) = await world.until_ended(await world.submit(name="first"))
        blocked = await world.submit(name="second")
        await asyncio.sleep(60)
        job = await world.job(blocked)
        midnight = world.clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        assert (job.status, job.reason) == (JobStatus.QUEUED, Reason.WAITING_FOR_BUDGET)
        assert job.next_try_at == midnight
        assert "budget b has $0.0075 left of $0.014 a day" in (job.explanation or "")
        (second,) = await world.until_ended(blocked, within=timedelta(hours=2))
        assert [each.status for each in (first, second)] == [JobStatus.SUCCEEDED, JobStatus.SUCCEEDED]
        assert second.started_at is not None
        assert timedelta(0) <= second.started_at - midnight < timedelta(minutes=2)
        assert second.next_try_at is None

    play(tmp_path, story, runs_for(minutes=40))


def test_a_hard_stop_reaches_what_runs_and_says_which_budget(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await add(world, name="tight", period="month", amount_micro=round(2.4 * HOUR), action="stop_all")
        ids = [await world.submit(name=f"job-{number}") for number in range(2)]
        jobs = await world.until_ended(*ids, within=timedelta(hours=12))
        assert [(job.status, job.reason) for job in jobs] == [(JobStatus.FAILED, Reason.BUDGET)] * 2
        for job in jobs:
            story_of = await world.store.read(lambda tx, job=job: events_after(tx, job.id, 0, 100))  # type: ignore[misc]
            (said,) = [each for each in story_of if each["type"] == "job.budget_reached"]
            assert "budget tight" in said["message"]
        spent = await world.store.read(
            lambda tx: sum(row.amount_micro for row in tx.execute(select(tables.ledger)))
        )
        # The last part of it was used too.
        assert 2.1 * HOUR < spent <= 2.4 * HOUR

    play(tmp_path, story, runs_for(days=3))


def test_a_budget_that_is_lowered_stops_what_runs_within_minutes(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await add(world, amount_micro=100 * HOUR, action="stop_all")
        job_id = await world.submit()
        await asyncio.sleep(900)
        patch = BudgetPatch(amount_micro=HOUR // 10)
        await world.store.run(lambda tx: change_budget(tx, world.caller, "b", patch))
        (job,) = await world.until_ended(job_id, within=timedelta(minutes=3))
        assert (job.status, job.reason) == (JobStatus.FAILED, Reason.BUDGET)
        titles = [each.title for each in await notices(world)]
        assert any(title.startswith("Budget b is used up: 1 job was told") for title in titles)

    play(tmp_path, story, runs_for(days=3), holds=False)


@pytest.mark.parametrize("action", ["stop_spot", "block_new"])
def test_what_a_budget_does_not_stop_goes_on(tmp_path: Path, action: str) -> None:
    async def story(world: World) -> None:
        await add(world, amount_micro=HOUR, action=action)
        (job,) = await world.until_ended(await world.submit())
        assert job.status is JobStatus.SUCCEEDED
        await asyncio.sleep(60)
        (told,) = await notices(world)
        # The place reports nothing while it runs: what was used is known when it ends, beyond all of it.
        assert told.title == "Budget b: 100 % used ($0.011 of $0.01 this month)"

    play(tmp_path, story, runs_for(minutes=70), holds=False)


def test_thresholds_are_told_once_in_a_period_and_again_in_the_next(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        # A run of ten minutes is half of it.
        await add(world, period="day", amount_micro=HOUR * 3 // 10, action="notify")
        for _ in range(3):
            await world.until_ended(await world.submit())
            await asyncio.sleep(60)
        await asyncio.sleep(1800)
        await world.until_ended(await world.submit())
        await asyncio.sleep(60)
        told = [
            (each.created_at.day, each.title.split(":")[1].split("(")[0].strip())
            for each in await notices(world)
        ]
        # The second run reached two thresholds at once, of which the higher one is told; the third nothing new.
        assert told == [(1, "50 % used"), (1, "100 % used"), (2, "50 % used")]

    play(tmp_path, story, runs_for(minutes=10))


def test_an_end_lets_the_next_one_begin_at_once(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await add(world, max_concurrent_jobs=1)
        ids = [await world.submit(name=f"job-{number}") for number in range(5)]
        await asyncio.sleep(20)
        waiting = [await world.job(each) for each in ids[1:]]
        assert {job.reason for job in waiting} == {Reason.WAITING_FOR_BUDGET}
        assert all(job.next_try_at is not None and job.next_try_at > world.clock.now() for job in waiting)
        began = world.clock.now()
        jobs = await world.until_ended(*ids)
        assert {job.status for job in jobs} == {JobStatus.SUCCEEDED}
        # Five times thirty seconds with little in between: none of them waited for its next try by the clock.
        assert world.clock.now() - began < timedelta(minutes=4)

    play(tmp_path, story, lambda _request: Behaviour())


def test_a_change_or_the_end_of_a_budget_lets_those_begin_who_waited(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await add(world, amount_micro=1, period="total", action="block_new")
        await add(world, name="rate", max_hourly_micro=1)
        job_id = await world.submit()
        await asyncio.sleep(30)
        job = await world.job(job_id)
        assert job.reason is Reason.WAITING_FOR_BUDGET
        assert job.next_try_at is not None
        assert job.next_try_at - world.clock.now() > timedelta(minutes=50)
        patch = BudgetPatch(clears=["amount"])
        await world.store.run(lambda tx: change_budget(tx, world.caller, "b", patch))
        await asyncio.sleep(10)
        assert "budget rate allows $0.000001 an hour" in ((await world.job(job_id)).explanation or "")
        await world.store.run(lambda tx: remove_budget(tx, world.caller, "rate"))
        (job,) = await world.until_ended(job_id, within=timedelta(minutes=2))
        assert job.status is JobStatus.SUCCEEDED

    play(tmp_path, story, lambda _request: Behaviour(), holds=False)


@pytest.mark.parametrize("seed", SEEDS)
def test_limits_hold_whatever_fails_and_is_killed(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    def behave(request: AttemptRequest) -> Behaviour:
        lengths = random.Random(f"{seed} {request.job_name} {request.number}")
        is_taken = lengths.random() < 0.3 and request.number < 3
        return Behaviour(
            runs_for=timedelta(minutes=lengths.choice([1, 3, 6])),
            reason="supervisor_lost" if is_taken else "exited",
            exit_code=None if is_taken else 0,
        )

    async def story(world: World) -> None:
        await add(world, name="rate", scope="user", max_hourly_micro=3 * HOUR)
        await add(world, name="count", scope="provider", target="simulated", max_concurrent_jobs=2)
        await add(
            world,
            name="day",
            scope="team",
            period="day",
            amount_micro=chance.choice([60, 90]) * HOUR // 100,
            action="stop_all",
        )
        ids = [
            await world.submit(name=f"job-{number}", constraints={"max_duration": "15m"})
            for number in range(6)
        ]
        for _ in range(4):
            await asyncio.sleep(chance.uniform(1, 600))
            await world.kill()
            await asyncio.sleep(chance.uniform(0, 60))
            world.start()
        jobs = await world.until_ended(*ids, within=timedelta(hours=30))
        assert {job.status for job in jobs} <= {JobStatus.SUCCEEDED, JobStatus.FAILED}
        assert {job.reason for job in jobs} <= {Reason.EXITED, Reason.BUDGET}
        assert [each.name for each in await world.store.read(lambda tx: budgets_of(tx, world.caller))] == [
            "count",
            "day",
            "rate",
        ]

    play(tmp_path, story, behave, seed=seed, is_wild=seed == SEEDS[0], fault_rate=0.02)


def test_the_words_of_actions_are_complete() -> None:
    assert set(Action) > STOPPING
