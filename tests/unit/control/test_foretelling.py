"""What is foretold of a job in the moment it is placed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from tests.unit.control.test_predicting import spec_of
from tests.unit.jobs_for_tests import RATE, add_attempt, add_job
from tradewind.control import foretelling
from tradewind.control.foretelling import foretell
from tradewind.control.money import rate_of
from tradewind.control.predicting import Foretold, close_prediction, keep_prediction
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.offers import Accelerator
from tradewind.domain.status import JobStatus
from tradewind.estimate.power import Watts
from tradewind.spec.models import JobSpec

WATTS = Watts(100.0, 500.0)
OFFER: dict[str, Any] = {"rate": RATE, "watts_idle": 100.0, "watts_max": 500.0, "provider": "local"}


def gpu(name: str, index: int = 0) -> Accelerator:
    return Accelerator(name=name, memory_bytes=24 << 30, index=index, uuid=f"GPU-{index}", tdp_watts=72.0)


def told(tx: Transaction, caller: Caller, spec: JobSpec, *held: Accelerator) -> Foretold:
    return foretell(tx, caller.project_id, spec, held, rate_of(OFFER), WATTS)


def run_once(tx: Transaction, caller: Caller, spec: JobSpec, hours: float, *names: str) -> None:
    """A finished run of the job."""
    job = add_job(tx, caller, **spec.model_dump(mode="json", exclude_unset=True, exclude={"version"}))
    offer = {**OFFER, "accelerators": [{"name": name, "memory_bytes": 24 << 30} for name in names]}
    attempt = add_attempt(tx, job, offer=offer, started_at=tx.now, ended_at=tx.now + timedelta(hours=hours))
    keep_prediction(tx, job, spec, attempt.id, offer, Foretold())
    close_prediction(tx, job, JobStatus.SUCCEEDED)


async def test_nothing_is_said_of_a_job_that_says_nothing_and_never_ran(
    store: SqlStore, caller: Caller
) -> None:
    assert await store.run(lambda tx: told(tx, caller, spec_of())) == Foretold()


async def test_stated_hours_give_money_and_energy_by_the_share_it_holds(
    store: SqlStore, caller: Caller
) -> None:
    found = await store.run(lambda tx: told(tx, caller, spec_of(estimate={"hours": 10})))
    assert found.hours is not None
    assert found.energy_kwh is not None
    assert found.cost_micro is not None
    assert (found.hours.p50, found.hours.layer) == (10, "stated")
    # 100 W, and three quarters of what is above; at $0.20 per kWh.
    assert found.energy_kwh.p50 == pytest.approx(4.0)
    assert found.cost_micro.p50 == pytest.approx(800_000)
    assert found.cost_micro.p10 < found.cost_micro.p50 < found.cost_micro.p90


async def test_a_run_on_the_same_accelerators_is_what_counts(store: SqlStore, caller: Caller) -> None:
    spec = spec_of(name="same", estimate={"hours": 10})

    def story(tx: Transaction) -> None:
        run_once(tx, caller, spec, 2.0, "NVIDIA L4")
        here = told(tx, caller, spec, gpu("NVIDIA L4")).hours
        assert here is not None
        assert here.layer == "history"
        assert here.p50 == pytest.approx(2.0)
        two = told(tx, caller, spec, gpu("NVIDIA L4"), gpu("NVIDIA L4", 1)).hours
        assert two is not None
        assert 1.0 <= two.p50 < 2.0
        faster = told(tx, caller, spec, gpu("NVIDIA A10")).hours
        assert faster is not None
        assert (faster.layer, faster.p50 < 2.0) == ("history", True)
        # On what nobody knows, the user's own figure is all there is.
        unknown = told(tx, caller, spec, gpu("XPU9000")).hours
        assert unknown is not None
        assert (unknown.layer, unknown.p50) == ("stated", 10)

    await store.run(story)


async def test_a_run_on_an_accelerator_that_nobody_knows_tells_of_that_one(
    store: SqlStore, caller: Caller
) -> None:
    spec = spec_of(name="odd")

    def story(tx: Transaction) -> None:
        run_once(tx, caller, spec, 2.0, "XPU9000")
        same = told(tx, caller, spec, gpu("XPU9000")).hours
        assert same is not None
        assert same.p50 == pytest.approx(2.0)
        assert told(tx, caller, spec, gpu("NVIDIA L4")) == Foretold()
        assert told(tx, caller, spec) == Foretold()

    await store.run(story)


async def test_an_estimate_that_cannot_be_made_never_keeps_a_job_from_its_place(
    store: SqlStore, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def __init__(self, *_: object) -> None:
            raise InvalidInputError("a fault of ours")

    monkeypatch.setattr(foretelling, "JobEstimates", Broken)
    assert await store.run(lambda tx: told(tx, caller, spec_of(estimate={"hours": 1}))) == Foretold()


async def test_placing_a_job_of_which_nothing_is_known_asks_one_question(
    store: SqlStore, caller: Caller
) -> None:
    def story(tx: Transaction) -> int:
        with (
            patch.object(tx, "execute", wraps=tx.execute) as executed,
            patch.object(tx, "fetch", wraps=tx.fetch) as fetched,
        ):
            told(tx, caller, spec_of())
        return executed.call_count + fetched.call_count

    assert await store.run(story) == 1
