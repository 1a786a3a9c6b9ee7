"""Nodes as the web app shows them: badges, slots, why they are kept, what may be done, what an hour costs."""

from __future__ import annotations

from typing import Any

import httpx2
from sqlalchemy import insert, select, update

from tests.unit.api.test_nodes_api import offer as offer
from tests.unit.api.test_nodes_api import rented
from tests.unit.conftest import HandClock
from tests.unit.control.test_health_desk import BROKEN
from tests.unit.jobs_for_tests import add_attempt, add_job
from tradewind.control.context import Context
from tradewind.control.node_lists import STATE
from tradewind.control.node_words import BADGES, state_of
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import NodeRow
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.money import MICRO
from tradewind.domain.offers import Offer
from tradewind.domain.status import AttemptStatus, NodeDesired, NodeStatus, Reason

GPUS = [
    {"uuid": f"GPU-{number}", "name": "NVIDIA L4", "index": number, "memory_bytes": 24 << 30}
    for number in range(4)
]


async def own_machine(store: SqlStore, caller: Caller, **seen: Any) -> str:
    """A machine at hand with four GPUs, of which a job holds the first; the node's id."""

    def lay(tx: Transaction) -> str:
        job = add_job(tx, caller, name="train")
        sample = {
            "at": tx.now.timestamp(),
            "gpus": [{"uuid": "GPU-0", "util_percent": 80, "memory_bytes": 12 << 30}],
        }
        attempt = add_attempt(
            tx, job, status=AttemptStatus.RUNNING, accepted_at=tx.now, observed={"sample": sample}
        )
        tx.execute(
            insert(tables.allocations).values(
                id="alloc_1", project_id=caller.project_id, creator_id=caller.user_id, attempt_id=attempt.id,
                node_id=attempt.node_id, milli_cpus=4000, memory_bytes=1, accelerators=["GPU-0"], created_at=tx.now,
            )
        )  # fmt: skip
        broken = add_attempt(
            tx, add_job(tx, caller, name="broken"), status=AttemptStatus.INTERRUPTED, reason=Reason.GPU_ERROR,
            ended_at=tx.now, observed=BROKEN,
        )  # fmt: skip
        tx.execute(
            update(tables.attempts).where(tables.attempts.c.id == broken.id).values(node_id=attempt.node_id)
        )
        inventory = {"cpus": 16, "memory_bytes": 64 << 30, "cpu_model": "Model", "accelerators": GPUS, **seen}
        tx.execute(
            update(tables.nodes)
            .where(tables.nodes.c.id == attempt.node_id)
            .values(name="gpu1", provider="local", inventory=inventory)
        )
        return attempt.node_id

    return await store.run(lay)


async def test_each_accelerator_says_who_has_it(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller
) -> None:
    ben = {"uuid": "GPU-2", "user": "ben", "pid": 4711, "memory_bytes": 11 << 30, "command": "python"}
    node_id = await own_machine(store, caller, in_use=[ben])
    view = (await api.get(f"/nodes/{node_id}")).json()
    first = view["accelerators"][0]
    assert (first["use"], first["label"], first["utilisation_percent"]) == ("held", "held by train", 80)
    assert view["accelerators"][2]["use"] == "others"
    assert "ben" in view["accelerators"][2]["label"]
    assert view["accelerators"][2]["memory_text"] == "11.0 GB of 24 GB"
    assert view["accelerators"][3]["use"] == "free"
    assert view["accelerators"][0]["memory_text"] == "12.0 GB of 24 GB"
    assert (view["accelerators_held"], view["badge"]["label"]) == (1, "In use")
    assert view["summary"] == "4 × NVIDIA L4, 16 CPUs, 64 GB memory"
    assert view["kept_because"] == "a machine of your own"
    assert view["permitted"] == []
    assert [each["job_name"] for each in view["tenancies"]] == ["train"]


async def test_a_broken_accelerator_is_at_rest(
    api: httpx2.AsyncClient,
    store: SqlStore,
    caller: Caller,
    clock: HandClock,
) -> None:
    node_id = await own_machine(store, caller)
    slots = (await api.get(f"/nodes/{node_id}")).json()["accelerators"]
    assert (slots[1]["use"], slots[1]["badge"]["label"]) == ("resting", "Unhealthy")
    assert "before 00:15 UTC" in slots[1]["label"]
    clock.advance(901)
    assert (await api.get(f"/nodes/{node_id}")).json()["accelerators"][1]["use"] == "free"


async def test_what_a_rented_machine_is_and_what_may_be_done(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, clock: HandClock, offer: Offer
) -> None:
    node_id = await rented(store, caller, offer, runs=True)
    clock.advance(3600)
    view = (await api.get(f"/nodes/{node_id}")).json()
    assert [each["use"] for each in view["accelerators"]] == ["held"]
    assert (view["badge"]["label"], view["price_text"], view["cost_text"]) == (
        "In use",
        "$1.00/h",
        "$1.00 so far",
    )
    assert view["kept_because"] == "test holds it; it is given back when that ends"
    stop, at_once = view["permitted"]
    assert (stop["id"], at_once["id"], at_once["is_destructive"]) == ("stop", "stop_now", True)
    assert "writes a checkpoint" in stop["confirm"] or "write a checkpoint and stop" in stop["confirm"]
    assert "no checkpoint yet: all that it did is lost" in at_once["confirm"]
    assert {fact["name"] for fact in view["facts"]} >= {"Hardware", "Billing", "Provider"}
    assert "never heard of again" in view["ends_by_itself"]
    assert view["usage"]["allocated_percent"] == 100.0


async def test_an_idle_machine_says_until_when_it_is_kept(
    api: httpx2.AsyncClient, context: Context, store: SqlStore, caller: Caller, clock: HandClock, offer: Offer
) -> None:
    node_id = await rented(store, caller, offer, runs=False)

    def let_go(tx: Transaction) -> None:
        table = tables.nodes
        values = {"attempt_id": None, "job_id": None, "observed": {"idle_since": tx.now.isoformat()}}
        tx.execute(update(table).where(table.c.id == node_id).values(**values))
        tx.execute(update(tables.allocations).values(released_at=tx.now))

    await store.run(let_go)
    clock.advance(60)
    view = (await api.get(f"/nodes/{node_id}")).json()
    assert view["badge"]["label"] == "Idle"
    assert view["idle_until"] == "2026-01-01T00:00:00Z"
    assert view["kept_because"].startswith("no job has it: kept")
    assert [each["use"] for each in view["accelerators"]] == ["idle"]
    page = (await api.get("/nodes")).json()
    (part,) = page["burn"]["parts"]
    assert (part["name"], part["machines"], part["per_hour"]["text"]) == ("idle", 1, "$1.00")


async def test_lists_are_narrowed_counted_and_paged_by_the_server(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, clock: HandClock, offer: Offer
) -> None:
    await own_machine(store, caller)
    made = [await rented(store, caller, offer, runs=True) for _ in range(3)]
    clock.advance(60)
    page = (await api.get("/nodes", params={"limit": 2})).json()
    assert page["total"] == page["matching"] == 5
    seen = [each["id"] for each in page["items"]]
    while page["next_cursor"]:
        page = (await api.get("/nodes", params={"limit": 2, "cursor": page["next_cursor"]})).json()
        seen += [each["id"] for each in page["items"]]
    assert len(seen) == len(set(seen)) == 5
    assert seen[2:] == sorted(made, reverse=True)
    own = (await api.get("/nodes", params={"kind": "own"})).json()
    assert [(each["name"], each["count"]) for each in own["facets"]["kinds"]] == [("rented", 3), ("own", 2)]
    assert own["matching"] == 2
    used = (await api.get("/nodes", params={"state": "in_use", "provider": ["local"]})).json()
    assert [each["name"] for each in used["items"]] == ["gpu1"]
    assert used["burn"]["per_hour"]["micro"] == 3 * MICRO
    for bad in ({"state": "lost"}, {"cursor": "x"}, {"kind": "theirs"}):
        assert (await api.get("/nodes", params=bad)).status_code == 422


async def test_the_state_that_lists_are_narrowed_by_is_the_one_that_is_shown(
    store: SqlStore, caller: Caller, offer: Offer
) -> None:
    node_id = await rented(store, caller, offer, runs=True)

    def each_way(tx: Transaction) -> list[tuple[str, str]]:
        table, found = tables.nodes, []
        for status in NodeStatus:
            for desired in NodeDesired:
                for lost in (None, tx.now):
                    for is_rented in (True, False):
                        for released in (None, tx.now):
                            tx.execute(update(tables.allocations).values(released_at=released))
                            tx.execute(
                                update(table)
                                .where(table.c.id == node_id)
                                .values(status=status, desired=desired, lost_since=lost, is_rented=is_rented)
                            )
                            told = tx.execute(select(STATE).where(table.c.id == node_id)).scalar_one()
                            node = NodeRow.of(tx.execute(NodeRow.select().where(table.c.id == node_id)).one())
                            found.append((told, state_of(node, is_held=released is None)))
        return found

    ways = await store.run(each_way)
    assert all(told == shown for told, shown in ways)
    assert {told for told, _ in ways} == set(BADGES)


async def test_other_projects_nodes_are_not_there(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, offer: Offer
) -> None:
    node_id = await rented(store, caller, offer, runs=True)

    def move(tx: Transaction) -> None:
        team = tx.execute(select(tables.teams.c.id)).scalar_one()
        tx.execute(
            insert(tables.projects).values(id="proj_z", team_id=team, name="theirs", created_at=tx.now)
        )
        for table in (tables.nodes, tables.reservations, tables.tasks):
            tx.execute(update(table).values(project_id="proj_z"))

    await store.run(move)
    assert (await api.get(f"/nodes/{node_id}")).status_code == 404
    page = (await api.get("/nodes")).json()
    assert (page["items"], page["total"], page["burn"]["per_hour"]["micro"]) == ([], 0, 0)
