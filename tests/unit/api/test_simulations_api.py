"""Simulations over HTTP: mixes, traces, past jobs, spot files and recorded prices."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import update

from tests.unit.api.test_estimates_api import add_run
from tests.unit.conftest import HandClock
from tests.unit.offers_for_tests import an_offer
from tradewind.catalog.snapshot import compare_and_pack
from tradewind.control import simulating
from tradewind.control.price_desk import stored_import, write_import
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.schemas_offers import PriceImport

# The web framework sets an alias on bodies that its own schema library then says has no effect.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.UnsupportedFieldAttributeWarning")

JOB: dict[str, Any] = {
    "name": "train",
    "resources": {"accelerators": "RTX 4090"},
    "estimate": {"hours": 2, "on": "RTX 4090"},
    "checkpoints": {"path": "ckpt", "every": "10m"},
}
MIX: dict[str, Any] = {
    "version": 1,
    "own": ["1x RTX 4090:1"],
    "jobs": [{"job": JOB, "count": 3, "every": "1h"}],
}
SPOT = {
    "us-east-1a.json": json.dumps(
        {"metadata": {"gap_seconds": 600, "gpu": "V100"}, "data": [1] * 6 + [0] * 6 + [1] * 200}
    )
}


async def ask(api: httpx2.AsyncClient, **order: Any) -> dict[str, Any]:
    response = await api.post("/simulations", json=order)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def refuse(api: httpx2.AsyncClient, **order: Any) -> dict[str, Any]:
    response = await api.post("/simulations", json=order)
    assert response.status_code == 422, response.text
    problem: dict[str, Any] = response.json()
    return problem


async def test_policies_are_set_side_by_side_over_own_machines(api: httpx2.AsyncClient) -> None:
    answer = await ask(api, mix=MIX, policies=["owned-only"], market=False, detail=True)
    (row,) = answer["policies"]
    assert (answer["jobs"], row["ended"], row["policy"]) == (3, 3, "owned-only")
    # One machine: they come at 0, 1 and 2 h, take two hours each, and end at 2, 4 and 6 h.
    assert [job["waiting_hours"] for job in answer["details"]] == [0, 1, 2]
    assert row["waiting_hours_mean"] == 1
    assert row["owned_use"] == 1
    assert row["cost"] == row["owned_cost"]
    assert sum(job["cost"]["micro"] for job in answer["details"]) == row["cost"]["micro"]
    assert answer["notes"][0].startswith("a simulated cost is not a bill")


async def test_the_market_takes_what_own_machines_have_no_room_for(api: httpx2.AsyncClient) -> None:
    answer = await ask(api, mix=MIX, policies=["owned-first", "on-demand-only", "owned-only"], seed=4)
    first, rented, own = answer["policies"]
    assert answer["seed"] == 4
    assert own["cost"]["micro"] < first["cost"]["micro"] < rented["cost"]["micro"]
    assert own["waiting_hours_mean"] > first["waiting_hours_mean"]
    assert rented["owned_use"] == 0
    assert answer["best"] == "owned-only"
    assert await ask(api, mix=MIX, policies=["owned-first", "on-demand-only", "owned-only"], seed=4) == answer


async def test_a_trace_is_replayed_against_spot_zones(api: httpx2.AsyncClient) -> None:
    trace = {"content": "arrival_s,gpus,v100_h\n0,1,2\n60,1,1\n", "filename": "t.csv", "deadline_factor": 10}
    spot = {"files": SPOT, "spot_price": 1.0, "on_demand_price": 3.0}
    answer = await ask(
        api, trace=trace, spot=spot, own=[], policies=["spot-greedy", "on-demand-only"], detail=True
    )
    greedy, steady = answer["policies"]
    # The zone is down in the second hour.
    assert greedy["interruptions"] == 2
    assert greedy["missed_deadlines"] == 0
    assert greedy["deadlines"] == 2
    assert greedy["cost"]["micro"] < steady["cost"]["micro"]
    assert any(note.startswith("assumed: the trace's jobs write a checkpoint") for note in answer["notes"])
    assert len(answer["places"]) == 2


async def test_jobs_that_fit_nowhere_are_counted_with_the_reason(api: httpx2.AsyncClient) -> None:
    mix = {"version": 1, "jobs": [{"job": JOB | {"resources": {"accelerators": "RTX 4090:64"}}, "count": 7}]}
    answer = await ask(api, mix=mix, own=["none"], policies=["cheapest"])
    (left,) = answer["left_out"]
    assert left["jobs"] == 7
    assert "64" in left["reason"]
    assert answer["policies"][0]["ended"] == 0
    assert answer["best"] is None


async def test_why_jobs_did_not_end_under_one_policy_is_said(api: httpx2.AsyncClient) -> None:
    job = JOB | {"resources": {"accelerators": "RTX 4090", "providers": ["local"]}}
    mix = MIX | {"jobs": [{"job": job, "count": 2}]}
    answer = await ask(api, mix=mix, policies=["owned-only", "on-demand-only"])
    assert [row["ended"] for row in answer["policies"]] == [2, 0]
    (note,) = [note for note in answer["notes"] if note.startswith("on-demand-only: 2 jobs did not end: ")]
    assert "offers will do" in note


async def test_past_jobs_are_replayed_beside_how_it_was(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    job_id = await add_run(store, caller, 3.0)

    def end(tx: Transaction) -> None:
        times = {"started_at": tx.now, "ended_at": tx.now + timedelta(hours=3)}
        tx.execute(update(tables.jobs).where(tables.jobs.c.id == job_id).values(status="succeeded", **times))

    await store.run(end)
    clock.advance(86_400)
    answer = await ask(api, history_days=7, own=["1x L4:1"], policies=["owned-first"])
    actual, simulated = answer["policies"]
    assert actual["policy"] == "as it was"
    assert (actual["jobs"], simulated["jobs"], answer["best"]) == (1, 1, "owned-first")
    assert simulated["run_hours"] == pytest.approx(3.0)


async def test_without_past_jobs_a_history_is_refused(api: httpx2.AsyncClient) -> None:
    problem = await refuse(api, history_days=7)
    assert "has succeeded" in problem["detail"]


async def test_recorded_prices_decide_where_jobs_would_have_gone(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    """An offer that was dear until twelve hours ago takes the jobs that come after."""

    async def record(price: float) -> None:
        more: dict[str, Any] = {"accelerator": "L40S", "accelerator_memory_gb": 48.0, "seen_at": clock.now()}
        steady = an_offer(2.0, instance_type="steady", **more)
        moving = an_offer(price, instance_type="moving", **more)
        order = PriceImport(name="mine", format="price-file", content="x")
        now = clock.now()

        def write(tx: Transaction) -> None:
            known, packed = stored_import(tx, caller, "mine", ())
            write_import(tx, caller, order, known, compare_and_pack(packed, [steady, moving], "mine", now))

        await store.run(write)

    await record(3.0)
    clock.advance(12 * 3600)
    await record(1.0)
    clock.advance(12 * 3600)
    job = JOB | {"resources": {"accelerators": "L40S", "spot": "never", "providers": ["lambda"]},
                 "estimate": {"hours": 1, "on": "L40S"}}  # fmt: skip
    mix = {"version": 1, "jobs": [{"job": job, "count": 2, "every": "18h"}]}
    answer = await ask(
        api, mix=mix, own=["none"], policies=["cheapest"], prices="history", price_days=1, detail=True
    )
    places = [each["places"][0].split()[-1] for each in answer["details"]]
    assert places == ["steady", "moving"]
    assert any("recorded prices of" in note and ", 1 of which moved" in note for note in answer["notes"])


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({}, "needs one of a mix, a trace or your own history"),
        ({"mix": MIX, "history_days": 3}, "needs one of"),
        ({"mix": MIX, "policies": ["luckiest"]}, "no policy is called 'luckiest'"),
        ({"mix": MIX, "own": ["4x Unobtainium"]}, "no accelerator is known by this name"),
        ({"mix": {"version": 1}}, "mix: 1 problem"),
        ({"trace": {"content": "arrival_s,hours\nx,1\n", "filename": "jobs.csv"}, "own": []}, "jobs.csv: 1 problem"),
        ({"trace": {"content": "arrival_s,hours\n0,1\n", "filename": "jobs.csv"}, "own": []}, "which accelerators"),
        ({"mix": MIX, "spot": {"files": {"a.json": "["}}}, "a.json: line 1"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said(api: httpx2.AsyncClient, order: dict[str, Any], said: str) -> None:
    assert said in (await refuse(api, **order))["detail"]


async def test_too_much_is_refused(api: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulating, "MOST_LOOKS", 5)
    assert (
        "more than 5 steps" in (await refuse(api, mix=MIX, market=False, policies=["owned-only"]))["detail"]
    )
    monkeypatch.setattr(simulating, "MOST_CHARACTERS", 5)
    trace = {"content": "arrival_s,hours\n0,1\n"}
    assert "5 is the most" in (await refuse(api, trace=trace))["detail"]


async def test_faults_of_a_trace_have_line_and_column(api: httpx2.AsyncClient) -> None:
    problem = await refuse(api, trace={"content": "arrival_s,hours\n0,x\n", "filename": "jobs.csv"})
    fault = problem["errors"][0]
    assert (fault["line"], fault["column"], fault["message"]) == (2, 2, "'x' is not a number")


async def test_a_third_simulation_at_once_is_asked_to_wait(api: httpx2.AsyncClient) -> None:
    transport: Any = api._transport
    transport.app.state.simulations_running = 2
    response = await api.post("/simulations", json={"mix": MIX})
    assert response.status_code == 409
    transport.app.state.simulations_running = 0
    await ask(api, mix=MIX, market=False, policies=["owned-only"])
    assert transport.app.state.simulations_running == 0
