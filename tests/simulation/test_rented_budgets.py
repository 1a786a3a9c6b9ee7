"""Limits over rented machines, with clouds and servers that go wrong: they hold, and nobody waits for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.simulation.fleet import Fleet
from tests.simulation.loop import run_simulated
from tests.simulation.scenario import make_scenario, play, work_of
from tests.simulation.test_budgets import limits_hold
from tradewind.control.budget_desk import add_budget
from tradewind.control.budget_standing import standing_of
from tradewind.db import tables
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.store import Transaction
from tradewind.domain.schemas_budgets import BudgetRequest

SEEDS = (3, 5, 11)
BUDGETS: tuple[dict[str, Any], ...] = (
    {"name": "one", "scope": "team", "max_concurrent_jobs": 1},
    # Never used up here, but asked at every launch and every renewal.
    {"name": "wide", "scope": "user", "amount_micro": 10_000_000_000, "action": "stop_all", "period": "day"},
    {"name": "told", "amount_micro": 1_000_000, "thresholds": [1, 50, 100]},
)


class LimitedFleet(Fleet):
    """A fleet whose team runs one job at a time."""

    async def create(self) -> None:
        await super().create()
        for each in BUDGETS:
            request = BudgetRequest.model_validate(each)
            await self.store.run(lambda tx, request=request: add_budget(tx, self.caller, request))  # type: ignore[misc]
        self.store.check_invariants = self.check

    def check(self, tx: Transaction) -> None:
        """What always holds, and the limits."""
        self.watcher.check_always(tx)
        limits_hold(tx)


@pytest.mark.parametrize("seed", SEEDS)
def test_limits_hold_over_rented_machines(tmp_path: Path, seed: int) -> None:
    scenario = make_scenario(seed)
    fleet = LimitedFleet(
        seed,
        tmp_path,
        scenario.profiles,
        lambda request: work_of(seed, request),
        replicas=scenario.replicas,
        accidents=scenario.accidents,
    )

    def look(tx: Transaction) -> None:
        ledger = tables.ledger
        rows = list(tx.execute(select(ledger.c.amount_micro, ledger.c.kind)))
        budget = BudgetRow.of(tx.execute(BudgetRow.select().where(BudgetRow.table.c.name == "wide")).one())
        standing = standing_of(tx, budget, fleet.replicas[0].context.tariff)
        # Nothing runs any more: nothing is used up or held, and what is spent is what the ledger has of jobs.
        assert (standing.running_micro, standing.reserved_micro, standing.job_count) == (0, 0, 0)
        assert standing.spent_micro <= sum(row.amount_micro for row in rows)

    async def main() -> None:
        try:
            await play(fleet, scenario)
            await fleet.store.read(look)
        finally:
            await fleet.close()

    run_simulated(seed, main())
