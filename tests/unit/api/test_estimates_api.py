"""Estimates over HTTP: what ships answers, earlier runs are found, bad input is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from tests.unit.conftest import HandClock
from tests.unit.jobs_for_tests import RATE, add_attempt, add_job
from tradewind.control.predicting import Foretold, close_prediction, keep_prediction
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.status import AttemptStatus, JobStatus
from tradewind.estimate.band import Band, Layer
from tradewind.spec.models import JobSpec

# The web framework sets an alias on bodies that its own schema library then says has no effect.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.UnsupportedFieldAttributeWarning")

SPEC: dict[str, Any] = {
    "version": 1,
    "name": "train",
    "run": "python train.py",
    "resources": {"accelerators": "L4"},
}


async def add_run(
    store: SqlStore, caller: Caller, hours: float, *, foretold: Foretold | None = None, is_closed: bool = True
) -> str:
    """A run of SPEC on an L4 that took so long."""

    def add(tx: Transaction) -> str:
        job = add_job(tx, caller, **SPEC)
        offer = {"accelerators": [{"name": "NVIDIA L4", "memory_bytes": 24 << 30}], "provider": "local", "rate": RATE,
                 "watts_idle": 1.0, "watts_max": 2.0}  # fmt: skip
        attempt = add_attempt(
            tx,
            job,
            status=AttemptStatus.SUCCEEDED,
            offer=offer,
            started_at=tx.now,
            ended_at=tx.now + timedelta(hours=hours),
        )
        keep_prediction(tx, job, JobSpec.model_validate(job.spec), attempt.id, offer, foretold or Foretold())
        if is_closed:
            close_prediction(tx, job, JobStatus.SUCCEEDED)
        return job.id

    return await store.run(add)


async def test_an_estimate_finds_the_earlier_runs_of_the_project(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller
) -> None:
    before = (await api.post("/estimates", json={"spec": SPEC})).json()
    assert (before["earlier_runs"], before["lines"][0]["hours"]) == (0, None)
    await add_run(store, caller, 3.0)
    after = (await api.post("/estimates", json={"spec": SPEC})).json()
    assert after["earlier_runs"] == 1
    hours = after["lines"][0]["hours"]
    assert (hours["layer"], round(hours["p50"], 6)) == ("history", 3.0)
    changed = {**SPEC, "run": "python other.py"}
    assert (await api.post("/estimates", json={"spec": changed})).json()["earlier_runs"] == 0


async def test_accuracy_is_that_of_finished_jobs(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    assert (await api.get("/estimates/accuracy")).json()["runs"] == 0
    band = Band(p10=1.8, p50=2.0, p90=2.6, layer=Layer.STATED, basis="the job file's estimate")
    await add_run(store, caller, 2.5, foretold=Foretold(hours=band))
    assert (await api.get("/estimates/accuracy")).json() == {
        "runs": 1,
        "median_error": pytest.approx(0.2),
        "within_band": 1.0,
        "text": "the last estimate was 20 % off",
    }


async def test_a_job_shows_what_was_foretold_and_a_list_does_not(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller
) -> None:
    # Attempts of a job are shown once the job points to one of them.
    band = Band(p10=1.8, p50=2.0, p90=2.6, layer=Layer.STATED, basis="the job file's estimate")
    job_id = await add_run(store, caller, 2.0, foretold=Foretold(hours=band), is_closed=False)

    def point(tx: Transaction) -> None:
        attempt = tx.execute(select(tables.attempts.c.id)).scalar_one()
        tx.execute(tables.jobs.update().values(attempt_id=attempt))

    await store.run(point)
    detail = (await api.get(f"/jobs/{job_id}")).json()
    assert detail["prediction"]["text"] == "estimated 2.0 h (1.8 h to 2.6 h), from the job file's estimate"
    listed = (await api.get("/jobs")).json()["items"]
    assert "prediction" not in listed[0]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"spec": {"version": 1}}, 422),
        ({"spec": SPEC, "accelerators": ["XPU9000"]}, 422),
        ({"spec": SPEC, "accelerators": ["H100:0"]}, 422),
        ({"spec": SPEC, "accelerators": [""]}, 422),
        ({"spec": SPEC, "accelerators": ["L4"] * 33}, 422),
        ({"spec": {**SPEC, "estimate": {"hours": -1}}}, 422),
    ],
)
async def test_bad_input_is_refused_with_a_reason(
    api: httpx2.AsyncClient, body: dict[str, Any], status: int
) -> None:
    answer = await api.post("/estimates", json=body)
    assert answer.status_code == status
    assert answer.json()["detail"]
