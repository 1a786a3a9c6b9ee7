"""Machines that are kept for the next job: what is reused, what is not, and that every second is somebody's."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.simulation.fleet import Fleet
from tests.simulation.test_rented import DOLLAR, cloud, play, steps, stock
from tradewind.db import tables
from tradewind.db.rows import NodeRow
from tradewind.providers.simulated import Work

KEEP = timedelta(minutes=10)
JOB: dict[str, Any] = {"retry": {"failures": 0}}


async def nodes_of(fleet: Fleet) -> list[NodeRow]:
    """The rented machines, in the order in which they were rented."""
    table = tables.nodes
    statement = NodeRow.select().where(table.c.is_rented).order_by(table.c.id)
    return await fleet.store.read(lambda tx: [NodeRow.of(row) for row in tx.execute(statement)])


async def ledger_of(fleet: Fleet) -> dict[str, list[tuple[str, int]]]:
    """The ledger's lines of each machine, in order: kind and seconds."""
    lines = tables.ledger.c
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    statement = select(lines.node_id, lines.kind, lines.quantity).order_by(lines.started_at, lines.id)
    for node_id, kind, seconds in await fleet.store.read(lambda tx: tx.execute(statement).all()):
        found[node_id].append((kind, int(seconds)))
    return found


def test_the_next_job_gets_the_machine_and_each_pays_its_own_part(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(name="first", **JOB)
        await fleet.until_ended()
        await asyncio.sleep(120)
        await fleet.submit(name="second", **JOB)
        await fleet.until_ended()
        await asyncio.sleep(1200)
        (node,) = await nodes_of(fleet)
        assert node.status == "gone"
        kinds = [kind for kind, _ in (await ledger_of(fleet))[node.id]]
        assert kinds == ["compute", "idle", "compute", "idle"]
        seconds = [seconds for kind, seconds in (await ledger_of(fleet))[node.id] if kind == "idle"]
        assert 100 <= seconds[0] <= 140
        assert KEEP.total_seconds() <= seconds[1] <= KEEP.total_seconds() + 60

    play(tmp_path, story, cloud(stock()), work=Work(seconds=60), keep_idle=KEEP)


def test_an_hour_that_was_begun_is_paid_by_who_began_it(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(name="first", **JOB)
        await fleet.until_ended()
        await fleet.submit(name="second", **JOB)
        await fleet.until_ended()
        await asyncio.sleep(1200)
        lines = tables.ledger.c
        statement = select(lines.amount_micro).order_by(lines.started_at, lines.id)
        amounts = await fleet.store.read(lambda tx: tx.execute(statement).scalars().all())
        assert amounts[0] == DOLLAR
        assert sum(amounts) == DOLLAR

    play(tmp_path, story, cloud(stock(), granularity_s=3600), work=Work(seconds=60), keep_idle=KEEP)


def test_a_machine_that_has_become_dear_is_not_taken_over(tmp_path: Path) -> None:
    price = steps((0, 2 * DOLLAR), (150, DOLLAR))

    async def story(fleet: Fleet) -> None:
        await fleet.submit(name="first", **JOB)
        await fleet.until_ended()
        await asyncio.sleep(180)
        await fleet.submit(name="second", **JOB)
        await fleet.until_ended()
        assert len(await nodes_of(fleet)) == 2
        await asyncio.sleep(1500)

    play(tmp_path, story, cloud(stock(micro=price)), work=Work(seconds=60), keep_idle=KEEP)


def test_a_machine_is_not_kept_after_it_let_a_job_down(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(name="first", resources={"spot": "only"}, retry={"interruptions": 50})
        await fleet.until_ended()
        await asyncio.sleep(1500)
        for node in await nodes_of(fleet):
            assert node.status == "gone"

    profile = cloud(stock(market="spot"), spot_mean_life_s=100.0, notice_s=30.0)
    play(tmp_path, story, profile, work=Work(seconds=90), keep_idle=KEEP)
