"""The price of electricity is set while jobs run: what has begun keeps its rate, what begins has the new one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from tests.simulation.loop import run_simulated
from tests.simulation.world import World
from tradewind.db import tables
from tradewind.domain.money import JOULES_PER_KWH, divide_half_even
from tradewind.domain.status import JobStatus
from tradewind.providers.simulated import Behaviour


def test_an_interval_keeps_the_rate_it_began_with(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(1, tmp_path, lambda _request: Behaviour(runs_for=timedelta(minutes=10)))
        await world.create()
        world.start()
        first = await world.submit(name="before")
        await asyncio.sleep(60)
        assert (await world.job(first)).status is JobStatus.RUNNING
        world.context.use_tariff(
            replace(world.context.tariff, micro_usd_per_kwh=900_000, carbon_g_per_kwh=50.0)
        )
        second = await world.submit(name="after")
        await world.until_ended(first, second)
        ledger = tables.ledger
        rows = await world.store.read(lambda tx: list(tx.execute(select(ledger))))
        by_job = {row.job_id: row for row in rows}
        assert len(rows) == 2
        for job, rate, grams in ((first, 200_000, 400_000), (second, 900_000, 50_000)):
            row = by_job[job]
            assert row.energy_j > 0
            assert row.rate_micro_per_unit == rate
            assert row.amount_micro == divide_half_even(row.energy_j * rate, JOULES_PER_KWH)
            assert row.carbon_mg == divide_half_even(row.energy_j * grams, JOULES_PER_KWH)
        await world.kill()
        world.store.close()

    run_simulated(1, story())
