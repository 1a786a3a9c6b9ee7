"""What was foretold of a job beside what came, and what the next one learns from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from tests.unit.conftest import HandClock
from tests.unit.jobs_for_tests import RATE, add_attempt, add_job
from tradewind.control.money_views import money_view
from tradewind.control.predicting import (
    Foretold,
    close_prediction,
    fingerprint_of,
    keep_prediction,
    past_runs,
    recent_outcomes,
    split_runs,
)
from tradewind.control.prediction_views import prediction_view, show_hours
from tradewind.control.records import fold
from tradewind.db import price_tables, tables
from tradewind.db.owners import Caller
from tradewind.db.rows import JobRow
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.schemas import PredictionView
from tradewind.domain.status import AttemptStatus, JobStatus
from tradewind.estimate.band import Band, Layer
from tradewind.spec.models import JobSpec

GPU = {"name": "NVIDIA L4", "memory_bytes": 24 << 30}
OFFER: dict[str, Any] = {"rate": RATE, "watts_idle": 10.0, "watts_max": 100.0, "provider": "simulated"}
BAND = Band(p10=1.8, p50=2.0, p90=2.3, layer=Layer.HISTORY, basis="3 earlier runs of this job on L4")
START = datetime(2026, 1, 1, tzinfo=UTC)


def spec_of(**keys: Any) -> JobSpec:
    return JobSpec.model_validate({"version": 1, "name": "test", "run": "true", **keys})


def place(
    tx: Transaction, caller: Caller, foretold: Foretold, *, gpus: int = 1, **keys: Any
) -> tuple[JobRow, str]:
    """A job that was placed on so many GPUs, and its first attempt."""
    job = add_job(tx, caller, **keys)
    offer = {**OFFER, "accelerators": [GPU] * gpus}
    attempt = add_attempt(tx, job, offer=offer)
    keep_prediction(tx, job, JobSpec.model_validate(job.spec), attempt.id, offer, foretold)
    return job, attempt.id


def ran(
    tx: Transaction,
    attempt_id: str,
    hours: float,
    *,
    progress: list[tuple[float, float]] | None = None,
    **columns: Any,
) -> None:
    """The attempt began at START and took so long; `progress` as (seconds after it, fraction done)."""
    records = [
        {"t": START.timestamp() + seconds, "type": "progress", "fraction": fraction}
        for seconds, fraction in progress or []
    ]
    values: dict[str, Any] = {
        "status": AttemptStatus.SUCCEEDED,
        "started_at": START,
        "ended_at": START + timedelta(hours=hours),
        "observed": fold({}, records).observed,
    }
    tx.execute(
        tables.attempts.update().where(tables.attempts.c.id == attempt_id).values(**(values | columns))
    )


def row_of(tx: Transaction, job: JobRow) -> Any:
    table = price_tables.predictions
    return tx.execute(select(table).where(table.c.job_id == job.id)).one()


def view_of(tx: Transaction, job: JobRow) -> PredictionView:
    view = prediction_view(tx, job.id, "USD")
    assert view is not None
    return view


def test_limits_tags_retries_and_beliefs_leave_the_work_the_same() -> None:
    plain = spec_of(estimate={"hours": 3})
    same = spec_of(
        estimate={"hours": 4, "on": "H100", "dataset_gb": 3},
        constraints={"max_duration": "60s", "budget": "$3"},
        tags={"probe": "60s"},
        retry={"interruptions": 0, "failures": 0},
        priority="high",
    )
    assert fingerprint_of(plain) == fingerprint_of(same)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"run": "false"},
        {"env": {"LR": "0.1"}},
        {"estimate": {"model": "resnet-50", "samples": 10}},
        {"estimate": {"model": "resnet-50", "samples": 11}},
    ],
)
def test_what_changes_the_work_changes_what_it_is_known_by(change: dict[str, Any]) -> None:
    assert fingerprint_of(spec_of()) != fingerprint_of(spec_of(**change))
    others = {fingerprint_of(spec_of(estimate={"model": "resnet-50", "samples": n})) for n in (10, 11)}
    assert len(others) == 2


async def test_a_finished_run_is_what_the_next_learns_from(store: SqlStore, caller: Caller) -> None:
    def story(tx: Transaction) -> None:
        job, attempt = place(tx, caller, Foretold(hours=BAND), gpus=2)
        assert past_runs(tx, caller.project_id, fingerprint_of(spec_of())) == []
        ran(tx, attempt, 2.1)
        close_prediction(tx, job, JobStatus.SUCCEEDED)
        [run] = past_runs(tx, caller.project_id, fingerprint_of(spec_of()))
        assert run.hours == pytest.approx(2.1)
        assert (run.accelerator, run.accelerator_count, run.is_complete) == ("L4", 2, True)
        assert past_runs(tx, "another project", fingerprint_of(spec_of())) == []
        assert past_runs(tx, caller.project_id, fingerprint_of(spec_of(name="other"))) == []
        [outcome] = recent_outcomes(tx, caller)
        assert outcome.error == pytest.approx(0.1 / 2.1)

    await store.run(story)


async def test_the_newest_runs_come_first_and_old_ones_not_at_all(
    store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    for number in range(25):
        clock.advance(60)

        def story(tx: Transaction, hours: float = number + 1.0) -> None:
            job, attempt = place(tx, caller, Foretold())
            ran(tx, attempt, hours)
            close_prediction(tx, job, JobStatus.SUCCEEDED)

        await store.run(story)
    runs = await store.read(lambda tx: past_runs(tx, caller.project_id, fingerprint_of(spec_of())))
    assert [run.hours for run in runs] == [pytest.approx(25.0 - n) for n in range(20)]


@pytest.mark.parametrize("outcome", [JobStatus.FAILED, JobStatus.CANCELLED])
async def test_the_pace_of_a_run_that_did_not_finish_stands_for_the_whole(
    store: SqlStore, caller: Caller, outcome: JobStatus
) -> None:
    def story(tx: Transaction) -> None:
        job, attempt = place(tx, caller, Foretold(hours=BAND))
        # A minute of start-up to the first report at 10 %, then 1 % in a minute.
        ran(tx, attempt, 0.1, progress=[(60, 0.1), (90, 0.105), (120, 0.11)])
        close_prediction(tx, job, outcome)
        [run] = past_runs(tx, caller.project_id, fingerprint_of(spec_of()))
        assert not run.is_complete
        assert run.hours * 3600 == pytest.approx(60 + 0.9 * 6000)
        finished, stopped = split_runs([run])
        assert (finished, len(stopped)) == ([], 1)
        view = view_of(tx, job)
        assert view.implied_hours == pytest.approx(run.hours)
        assert view.error is None
        assert (
            view.text
            == "estimated 2.0 h (1.8 h to 2.3 h); it did not finish; at its pace all of it takes 1.5 h"
        )
        assert recent_outcomes(tx, caller) == []

    await store.run(story)


@pytest.mark.parametrize(
    "progress",
    [
        [],
        [(60, 0.1)],
        [(60, 0.1), (65, 0.2)],
        [(60, 0.1), (600, 0.1)],
        [(60, 0.1), (90, 0.9), (91, 0.05), (120, 0.95)],
    ],
    ids=["none", "one report", "too short", "no progress", "a bar for each epoch"],
)
async def test_nothing_is_implied_by_too_little(
    store: SqlStore, caller: Caller, progress: list[tuple[float, float]]
) -> None:
    def story(tx: Transaction) -> None:
        job, attempt = place(tx, caller, Foretold())
        ran(tx, attempt, 1.0, progress=progress)
        close_prediction(tx, job, JobStatus.FAILED)
        assert past_runs(tx, caller.project_id, fingerprint_of(spec_of())) == []
        assert view_of(tx, job).implied_hours is None

    await store.run(story)


async def test_a_resumed_attempt_implies_the_whole_by_its_own_share(store: SqlStore, caller: Caller) -> None:
    def story(tx: Transaction) -> None:
        job, attempt = place(tx, caller, Foretold())
        ran(tx, attempt, 0.1, progress=[(0, 0.5), (36, 0.51)], resumed_from="ckpt_1")
        close_prediction(tx, job, JobStatus.CANCELLED)
        [run] = past_runs(tx, caller.project_id, fingerprint_of(spec_of()))
        assert run.hours == pytest.approx(1.0)

    await store.run(story)


async def test_attempts_add_up_and_two_kinds_of_machine_teach_nothing(
    store: SqlStore, caller: Caller
) -> None:
    def story(tx: Transaction) -> None:
        job, first = place(tx, caller, Foretold(hours=BAND))
        other = {**OFFER, "accelerators": [{"name": "NVIDIA A10", "memory_bytes": 24 << 30}]}
        second = add_attempt(tx, job, 2, offer=other)
        ran(tx, first, 1.0, progress=[(0, 0.0), (60, 0.1)])
        ran(tx, second.id, 1.5, progress=[(0, 0.5), (60, 0.6)])
        close_prediction(tx, job, JobStatus.SUCCEEDED)
        row = row_of(tx, job)
        assert (row.outcome, row.actual_hours, row.implied_hours) == ("moved", 2.5, None)
        assert past_runs(tx, caller.project_id, fingerprint_of(spec_of())) == []
        assert recent_outcomes(tx, caller) == []
        assert view_of(tx, job).text.startswith(
            "took 2.5 h on more than one kind of machine; estimated 2.0 h"
        )

    await store.run(story)


async def test_a_second_placement_changes_nothing_and_a_second_end_neither(
    store: SqlStore, caller: Caller
) -> None:
    def story(tx: Transaction) -> None:
        job, attempt = place(tx, caller, Foretold(hours=BAND))
        keep_prediction(tx, job, spec_of(), attempt, OFFER, Foretold())
        assert row_of(tx, job).hours["p50"] == 2.0
        ran(tx, attempt, 2.0)
        close_prediction(tx, job, JobStatus.SUCCEEDED)
        ran(tx, attempt, 9.0)
        close_prediction(tx, job, JobStatus.FAILED)
        assert (row_of(tx, job).outcome, row_of(tx, job).actual_hours) == ("succeeded", 2.0)

    await store.run(story)


async def test_the_end_of_a_job_that_was_never_placed_writes_nothing(store: SqlStore, caller: Caller) -> None:
    def story(tx: Transaction) -> None:
        job = add_job(tx, caller)
        close_prediction(tx, job, JobStatus.CANCELLED)
        assert prediction_view(tx, job.id, "USD") is None

    await store.run(story)


def forecast() -> Foretold:
    cost = Band(p10=1e5, p50=120_000.0, p90=2e5, layer=Layer.HISTORY, basis="")
    return Foretold(hours=BAND, cost_micro=cost, energy_kwh=BAND.scaled(0.3))


async def test_before_the_end_a_job_says_what_is_expected(store: SqlStore, caller: Caller) -> None:
    def story(tx: Transaction) -> None:
        job, _ = place(tx, caller, forecast())
        view = view_of(tx, job)
        assert view.text == (
            "estimated 2.0 h (1.8 h to 2.3 h), $0.12, 0.6 kWh, from 3 earlier runs of this job on L4"
        )
        assert view.hours is not None
        assert (view.hours.p50, view.hours.layer, view.cost) == (2.0, "history", money_view(120_000))
        assert (view.actual_hours, view.error, view.implied_hours) == (None, None, None)

    await store.run(story)


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (2.1, "took 2.1 h: 5 % longer than estimated"),
        (1.0, "took 1.0 h: 50 % shorter than estimated"),
        (2.0, "took 2.0 h: as estimated"),
        (8.0, "took 8.0 h: 4 times the estimate"),
    ],
)
async def test_after_the_end_it_says_how_good_that_was(
    store: SqlStore, caller: Caller, hours: float, text: str
) -> None:
    def story(tx: Transaction) -> None:
        job, attempt = place(tx, caller, forecast())
        ran(tx, attempt, hours)
        close_prediction(tx, job, JobStatus.SUCCEEDED)
        view = view_of(tx, job)
        assert view.text == text
        assert view.error == pytest.approx(abs(hours - 2.0) / hours)

    await store.run(story)


async def test_a_job_of_which_nothing_was_foretold_is_compared_with_nothing(
    store: SqlStore, caller: Caller
) -> None:
    def story(tx: Transaction) -> None:
        job, attempt = place(tx, caller, Foretold())
        assert view_of(tx, job).text == ""
        ran(tx, attempt, 1.0)
        close_prediction(tx, job, JobStatus.SUCCEEDED)
        view = view_of(tx, job)
        assert (view.text, view.error, view.actual_hours) == ("", None, 1.0)
        assert recent_outcomes(tx, caller) == []

    await store.run(story)


@given(st.floats(0, 1e6, allow_nan=False))
def test_lengths_are_short_and_in_a_unit_that_suits_them(hours: float) -> None:
    text = show_hours(hours)
    assert len(text) <= 12
    assert "e" not in text
