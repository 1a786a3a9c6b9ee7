"""Moves, decisions and sweeps over HTTP, against a simulated cloud."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, update

from tests.simulation.clocks import SeededEntropy
from tests.simulation.test_rented import DOLLAR, cloud, stock
from tests.unit.conftest import HandClock
from tests.unit.jobs_for_tests import add_job, task_of
from tradewind.control.context import Context
from tradewind.control.predicting import Foretold
from tradewind.control.renting import rent
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, JobRow, NodeRow
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.status import AttemptStatus, Reason
from tradewind.providers.simulated import SimulatedCloud, Work
from tradewind.spec.models import JobSpec


@pytest.fixture
def rented(context: Context, clock: HandClock) -> SimulatedCloud:
    """A connected cloud with a dear and a cheap zone; calls take no time."""
    profile = replace(cloud(stock("r0a", 4 * DOLLAR), stock("r1a", DOLLAR)), latency_s=0.0)
    made = SimulatedCloud(clock, SeededEntropy(1), profile, lambda _: Work())
    context.machines["cloud"] = made
    # What cannot be reached is not rented.
    object.__setattr__(context, "reach", lambda _provider, handle, _login: made.host(handle))
    return made


async def _running(store: SqlStore, caller: Caller, place: SimulatedCloud, clock: HandClock) -> str:
    """A job that has run for an hour in the dear zone, of four."""
    offer = next(each for each in await place.list_offers() if each.zone == "r0a")

    def lay(tx: Transaction) -> str:
        job = add_job(tx, caller, estimate={"hours": 4.0})
        spec = JobSpec.model_validate(job.spec)
        made = rent(tx, "inst", job, task_of(tx, job), spec, offer, Foretold())
        assert isinstance(made, str)
        values = {"status": AttemptStatus.RUNNING, "accepted_at": tx.now, "started_at": tx.now}
        tx.execute(update(tables.attempts).where(tables.attempts.c.id == made).values(**values))
        return job.id

    job_id = await store.run(lay)
    clock.advance(3600)
    return job_id


async def test_a_job_that_does_not_run_is_not_moved(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller
) -> None:
    job = await store.run(lambda tx: add_job(tx, caller))
    answer = await api.post(f"/jobs/{job.id}/migrate")
    assert answer.status_code == 409
    assert "only a job that runs can be moved" in answer.json()["detail"]
    assert (await api.get(f"/jobs/{job.id}/decisions")).json() == {"items": []}


async def test_a_move_is_weighed_begun_and_kept(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, rented: SimulatedCloud, clock: HandClock
) -> None:
    job_id = await _running(store, caller, rented, clock)
    tried = (await api.post(f"/jobs/{job_id}/migrate", json={"dry_run": True})).json()
    assert (tried["target"], tried["is_begun"]) == ("cloud/r1a/gpu-1 (on_demand)", False)
    # Three hours are left at 4 $, or at 1 $ with the hour that no checkpoint has, the set-up and the old machine's end.
    assert tried["arithmetic"]["stay_micro"] == 12 * DOLLAR
    assert tried["arithmetic"]["hours_done_again"] == 1.0
    assert 4 * DOLLAR < tried["arithmetic"]["move_micro"] < 5 * DOLLAR
    begun = (await api.post(f"/jobs/{job_id}/migrate", json={"to": "cloud/r1a"})).json()
    assert begun["is_begun"]
    attempt = await store.read(lambda tx: _attempt(tx, job_id))
    assert attempt.stop_reason is Reason.MIGRATED
    wish = await store.read(lambda tx: task_of(tx, JobRow.get(tx, job_id)).wish)
    assert wish is not None
    assert wish["zone"] == "r1a"
    (decision,) = (await api.get(f"/jobs/{job_id}/decisions")).json()["items"]
    assert decision["kind"] == "migrate"
    assert decision["arithmetic"] == begun["arithmetic"]
    again = await api.post(f"/jobs/{job_id}/migrate")
    assert again.status_code == 409


async def test_a_place_that_is_not_there_is_refused(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, rented: SimulatedCloud, clock: HandClock
) -> None:
    job_id = await _running(store, caller, rented, clock)
    answer = await api.post(f"/jobs/{job_id}/migrate", json={"to": "elsewhere"})
    assert answer.status_code == 409
    assert "no other place at elsewhere" in answer.json()["detail"]


async def test_a_sweep_finds_what_belongs_to_nothing_and_only_that(
    api: httpx2.AsyncClient, store: SqlStore, rented: SimulatedCloud, clock: HandClock
) -> None:
    offer = (await rented.list_offers())[0]
    until = clock.now() + timedelta(days=1)
    await rented.create(offer, "inst/node_nobody_knows", until)
    await rented.create(offer, "another-installation/node_x", until)
    tried = (await api.post("/sweeps", json={"dry_run": True})).json()
    assert [each["machine"] for each in tried["orphans"]] == ["inst/node_nobody_knows"]
    assert await store.read(_rented) == []
    assert len((await api.post("/sweeps")).json()["orphans"]) == 1
    (node,) = await store.read(_rented)
    assert (node.status, node.reason) == ("terminating", Reason.ORPHAN)
    assert (await api.post("/sweeps")).json()["orphans"] == []


async def test_a_sweep_without_connections_says_so(api: httpx2.AsyncClient) -> None:
    answer: dict[str, Any] = (await api.post("/sweeps")).json()
    assert (answer["looked_at"], answer["orphans"]) == ([], [])


def _attempt(tx: Transaction, job_id: str) -> AttemptRow:
    return AttemptRow.of(tx.execute(AttemptRow.select().where(tables.attempts.c.job_id == job_id)).one())


def _rented(tx: Transaction) -> list[NodeRow]:
    table = tables.nodes
    ids = tx.execute(select(table.c.id).where(table.c.is_rented)).scalars()
    return [NodeRow.get(tx, each) for each in ids]
