"""What is foretold of jobs, and learned from them, with the whole control plane running."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from tests.simulation.test_lifecycle import play
from tests.simulation.world import World
from tradewind.control.views import job_detail
from tradewind.db import price_tables
from tradewind.db.rows import JobRow
from tradewind.domain.schemas import PredictionView
from tradewind.domain.status import JobStatus, Reason
from tradewind.providers.simulated import Behaviour


async def prediction_of(world: World, job_id: str) -> PredictionView:
    detail = await world.store.read(
        lambda tx: job_detail(world.context, tx, world.caller, JobRow.get(tx, job_id))
    )
    assert detail.prediction is not None
    return detail.prediction


def test_the_second_run_is_foretold_from_the_first(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        first = await world.submit()
        await world.until_ended(first)
        before = await prediction_of(world, first)
        assert (before.hours, before.text) == (None, "")
        assert before.actual_hours is not None
        assert abs(before.actual_hours * 60 - 5) < 0.1
        second = await world.submit(tags={"try": "2"}, constraints={"max_duration": "2h"})
        await world.until_ended(second)
        after = await prediction_of(world, second)
        assert after.hours is not None
        assert (after.hours.layer, after.hours.basis) == ("history", "1 earlier run of this job here")
        assert after.error is not None
        assert after.error < 0.01
        # The place draws the same 100 W both times, and its price is of energy.
        assert after.actual_cost is not None
        assert after.cost is not None
        assert abs(after.cost.micro - after.actual_cost.micro) <= 0.01 * after.actual_cost.micro
        assert "took 5.0 min: as estimated" in after.text
        stranger = await world.submit(name="stranger")
        await world.until_ended(stranger)
        assert (await prediction_of(world, stranger)).hours is None

    play(tmp_path, story, lambda _request: Behaviour(runs_for=timedelta(minutes=5)))


def test_a_job_that_its_budget_ends_between_two_attempts_is_closed_too(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        job_id = await world.submit(
            retry={"failures": 10}, constraints={"budget": "$0.0001"}, estimate={"hours": 1}
        )
        (job,) = await world.until_ended(job_id)
        assert (job.status, job.reason) == (JobStatus.FAILED, Reason.BUDGET)
        # It ended as it was to be placed once more, not while it ran.
        assert job.explanation is not None
        assert "does not cover even a short run" in job.explanation
        table = price_tables.predictions
        row = await world.store.read(lambda tx: tx.execute(select(table)).one())
        assert (row.outcome, row.closed_at is not None) == ("failed", True)
        assert row.actual_hours > 0

    play(tmp_path, story, lambda _request: Behaviour(exit_code=1, runs_for=timedelta(seconds=6)))


def test_a_job_whose_length_cannot_be_worked_out_runs_all_the_same(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        (job,) = await world.until_ended(
            await world.submit(estimate={"model": "no-such-model", "tokens": "5M"})
        )
        assert job.status is JobStatus.SUCCEEDED
        assert (await prediction_of(world, job.id)).hours is None

    play(tmp_path, story, lambda _request: Behaviour())
