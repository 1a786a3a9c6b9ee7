"""Nodes over HTTP, against a simulated cloud."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2
import pytest
from sqlalchemy import update

from tests.simulation.clocks import SeededEntropy
from tests.simulation.test_rented import DOLLAR, cloud, stock
from tests.unit.conftest import HandClock
from tests.unit.jobs_for_tests import add_job, task_of
from tradewind.control.predicting import Foretold
from tradewind.control.renting import rent
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, NodeRow
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.offers import Offer
from tradewind.domain.status import AttemptStatus, NodeDesired, NodeStatus, Reason
from tradewind.providers.simulated import SimulatedCloud, Work
from tradewind.spec.models import JobSpec


@pytest.fixture
async def offer(clock: HandClock) -> Offer:
    profile = replace(cloud(stock("r0a", DOLLAR)), latency_s=0.0)
    return (await SimulatedCloud(clock, SeededEntropy(1), profile, lambda _: Work()).list_offers())[0]


async def rented(store: SqlStore, caller: Caller, offer: Offer, *, runs: bool) -> str:
    """A machine that was rented two hours ago for a job; its id."""

    def lay(tx: Transaction) -> str:
        job = add_job(tx, caller)
        made = rent(tx, "inst", job, task_of(tx, job), JobSpec.model_validate(job.spec), offer, Foretold())
        assert isinstance(made, str)
        values = {"status": NodeStatus.READY, "accepted_at": tx.now, "ready_at": tx.now}
        tx.execute(update(tables.nodes).where(tables.nodes.c.attempt_id == made).values(**values))
        if runs:
            running = {"status": AttemptStatus.RUNNING, "accepted_at": tx.now, "started_at": tx.now}
            tx.execute(update(tables.attempts).where(tables.attempts.c.id == made).values(**running))
        return AttemptRow.get(tx, made).node_id

    return await store.run(lay)


async def read(store: SqlStore, node_id: str) -> tuple[NodeRow, AttemptRow]:
    def both(tx: Transaction) -> tuple[NodeRow, AttemptRow]:
        node = NodeRow.get(tx, node_id)
        assert node.attempt_id is not None
        return node, AttemptRow.get(tx, node.attempt_id)

    return await store.read(both)


async def test_a_rented_node_shows_who_holds_it_and_what_it_costs(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, clock: HandClock, offer: Offer
) -> None:
    node_id = await rented(store, caller, offer, runs=True)
    clock.advance(7200)
    view = (await api.get(f"/nodes/{node_id}")).json()
    assert view["cost"]["micro"] == 2 * DOLLAR
    assert view["price_per_hour"]["micro"] == DOLLAR
    assert view["accelerators_held"] == view["accelerator_count"] == 1
    assert [each["status"] for each in view["holders"]] == ["running"]
    assert view["actions"] == ["stop"]
    assert node_id in [each["id"] for each in (await api.get("/nodes")).json()["items"]]


async def test_stopping_lets_the_job_write_a_checkpoint_first(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, offer: Offer
) -> None:
    node_id = await rented(store, caller, offer, runs=True)
    assert (await api.post(f"/nodes/{node_id}/stop")).status_code == 200
    node, attempt = await read(store, node_id)
    assert attempt.stop_reason is Reason.GIVEN_BACK
    assert node.desired is NodeDesired.KEEP
    # Once more, and it is more urgent now.
    await api.post(f"/nodes/{node_id}/stop", json={"now": True})
    node, _ = await read(store, node_id)
    assert (node.desired, node.reason) == (NodeDesired.END, Reason.GIVEN_BACK)


async def test_a_machine_on_which_nothing_runs_yet_is_given_back_at_once(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, offer: Offer
) -> None:
    node_id = await rented(store, caller, offer, runs=False)
    view = (await api.post(f"/nodes/{node_id}/stop")).json()
    assert view["actions"] == []
    assert (await read(store, node_id))[0].desired is NodeDesired.END


async def test_nodes_that_are_not_there_or_not_rented(api: httpx2.AsyncClient, store: SqlStore) -> None:
    assert (await api.get("/nodes/node_00000000000000000000")).status_code == 404
    items = (await api.get("/nodes")).json()["items"]
    for each in items:
        answer = await api.post(f"/nodes/{each['id']}/stop")
        assert answer.status_code == 409
        assert "of your own" in answer.json()["title"] + answer.json()["detail"]


async def test_what_has_ended_is_listed_only_when_asked_for(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, offer: Offer
) -> None:
    node_id = await rented(store, caller, offer, runs=False)
    gone = {"status": NodeStatus.GONE, "reason": Reason.NOT_NEEDED}

    def end(tx: Transaction) -> None:
        tx.execute(update(tables.nodes).where(tables.nodes.c.id == node_id).values(ended_at=tx.now, **gone))

    await store.run(end)
    assert node_id not in [each["id"] for each in (await api.get("/nodes")).json()["items"]]
    shown = [each for each in (await api.get("/nodes?all=true")).json()["items"] if each["id"] == node_id]
    assert shown[0]["explanation"] == "nobody needs the machine any more"


def _device(index: int) -> dict[str, Any]:
    return {
        "name": "A100", "memory_bytes": 80 << 30, "index": index, "uuid": f"GPU-{index}", "vendor": "nvidia",
        "tdp_watts": 400.0,
    }  # fmt: skip


async def test_slots_say_who_has_each_accelerator(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, offer: Offer
) -> None:
    node_id = await rented(store, caller, offer, runs=True)

    async def slots(**values: Any) -> list[dict[str, Any]]:
        table = tables.nodes
        if values:
            await store.run(
                lambda tx: tx.execute(update(table).where(table.c.id == node_id).values(**values)).rowcount
            )
        found: list[dict[str, Any]] = (await api.get(f"/nodes/{node_id}")).json()["accelerators"]
        return found

    node, attempt = await read(store, node_id)
    # It has told nothing yet: as many as it was offered with, all of them its job's.
    offered = {
        **(node.offer or {}),
        "accelerator": "H100",
        "accelerator_count": 2.0,
        "accelerator_memory_gb": 80.0,
    }
    first, second = await slots(offer=offered)
    assert (first["index"], second["index"], first["name"], first["uuid"]) == (0, 1, "H100", None)
    assert first["memory_bytes"] == 80 << 30
    assert {(each["use"], each["job_id"], each["attempt"]) for each in (first, second)} == {
        ("held", attempt.job_id, attempt.id)
    }
    # On a machine at hand a job holds what it was given; another is ana's.
    ana = {
        "uuid": "GPU-2",
        "pid": 4711,
        "user": "ana",
        "command": "python3",
        "memory_bytes": 5,
        "attempt": None,
    }
    inventory = {"accelerators": [_device(index) for index in (3, 1, 0, 2)], "in_use": [ana]}
    await store.run(
        lambda tx: (
            tx.execute(
                update(tables.allocations)
                .where(tables.allocations.c.node_id == node_id)
                .values(accelerators=["GPU-0"])
            ).rowcount
        )
    )
    held, free, others, last = await slots(is_rented=False, inventory=inventory)
    assert [each["index"] for each in (held, free, others, last)] == [0, 1, 2, 3]
    assert (held["use"], held["job_id"], held["label"]) == ("held", attempt.job_id, "held by test")
    assert (free["use"], free["job_id"], free["label"]) == ("free", None, "free")
    assert (others["use"], others["label"]) == ("others", "in use by others: ana (pid 4711)")
    assert others["users"] == [{"pid": 4711, "user": "ana", "command": "python3", "memory_bytes": 5}]
    ignoring = {**offered, "ignores_others": True}
    assert [each["use"] for each in await slots(offer=ignoring)] == ["held", "free", "free", "free"]
