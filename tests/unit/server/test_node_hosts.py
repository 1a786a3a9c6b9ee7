"""Whose machine a node is, and which servers may work on it."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from tests.unit.jobs_for_tests import a_context, add_attempt, add_job
from tradewind.control import leases
from tradewind.control.context import Context
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, NodeRow
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.clock import SystemClock
from tradewind.providers.base import Inventory
from tradewind.server.wiring import _register

HERE = Inventory(
    name="box", cpus=4, cpu_model="x", memory_bytes=1 << 30, disk_free_bytes=1 << 30, accelerators=(),
    watts_idle=1.0, watts_max=2.0, power_source="model",
)  # fmt: skip
LEASE = timedelta(seconds=30)


def context_on(store: SqlStore, root: Path, host: str | None) -> Context:
    return a_context(store, SystemClock(), root, host=host)


def nodes(tx: Transaction) -> list[tuple[str, str | None]]:
    rows = tx.execute(select(tables.nodes.c.name, tables.nodes.c.host).order_by(tables.nodes.c.id))
    return [(row[0], row[1]) for row in rows]


async def test_each_machine_has_one_node_even_when_two_have_one_name(store: SqlStore, caller: Caller) -> None:
    def play(tx: Transaction) -> None:
        for host in ("machine-1", "machine-2", "machine-1", "machine-2"):
            _register(tx, "local", HERE, host)
        assert sorted(nodes(tx)) == [("box", "machine-1"), ("box-machin", "machine-2")]
        _register(tx, "local", replace(HERE, name="renamed"), "machine-2")
        assert sorted(nodes(tx)) == [("box", "machine-1"), ("renamed", "machine-2")]

    await store.run(play)


async def test_a_server_that_is_alone_keeps_its_node_when_the_machine_is_renamed(
    store: SqlStore, caller: Caller
) -> None:
    def play(tx: Transaction) -> None:
        _register(tx, "local", HERE, None)
        _register(tx, "local", replace(HERE, name="renamed"), None)
        assert nodes(tx) == [("renamed", None)]
        assert tx.execute(select(tables.nodes.c.inventory)).scalar_one()["cpus"] == asdict(HERE)["cpus"]

    await store.run(play)


async def test_what_runs_on_a_machine_is_looked_after_from_there_only(
    store: SqlStore, caller: Caller, tmp_path: Path
) -> None:
    def add(tx: Transaction) -> AttemptRow:
        attempt = add_attempt(tx, add_job(tx, caller))
        tx.execute(update(tables.nodes).values(host="machine-1", next_due_at=tx.now))
        leases.wake(tx, tables.attempts, attempt.id)
        return attempt

    attempt = await store.run(add)
    for host, sees in (("machine-2", []), ("machine-1", [attempt.id])):
        context = context_on(store, tmp_path, host)
        claimed = await store.run(
            lambda tx, context=context: leases.claim(tx, AttemptRow, "t", LEASE, 5, context.drives_attempt())  # type: ignore[misc]
        )
        assert [row.id for row in claimed] == sees
        driven = await store.run(
            lambda tx, context=context: leases.claim(tx, NodeRow, "t", LEASE, 5, context.drives_node())  # type: ignore[misc]
        )
        assert [row.id for row in driven] == ([attempt.node_id] if sees else [])
    alone = context_on(store, tmp_path, None)
    assert alone.drives_attempt() is alone.drives_node() is None
