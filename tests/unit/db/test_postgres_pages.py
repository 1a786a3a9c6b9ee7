"""What pages of money and nodes ask, on both databases: the same questions give the same answers."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert

from tests.unit.conftest import HandClock
from tests.unit.db.conftest import AnyStore
from tests.unit.jobs_for_tests import add_attempt, add_job
from tradewind.control.budget_preview import preview_budget
from tradewind.control.budget_views import budget_page
from tradewind.control.costing import job_costs
from tradewind.control.node_detail import node_detail
from tradewind.control.node_lists import Wanted, node_page
from tradewind.control.overview import Range, cost_overview
from tradewind.control.queue_views import queue_page
from tradewind.db import tables
from tradewind.db.owners import Caller, ensure_defaults
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.money import MICRO
from tradewind.domain.schemas_budgets import BudgetRequest
from tradewind.domain.status import AttemptStatus
from tradewind.estimate.tariff import Tariff
from tradewind.ledger.reports import GROUPS, ON_DEMAND

TARIFF = Tariff(micro_usd_per_kwh=1, carbon_g_per_kwh=1.0, price_note="", carbon_note="")
RATE = {"micro_per_unit": MICRO, "per": "hour", "currency": "USD", "granularity": 1, "minimum": 0}


def lay(tx: Transaction, caller: Caller) -> str:
    """A spot machine that a job has, an hour of it that is closed, and a job that waits; the node's id."""
    job = add_job(tx, caller, name="train", tags={"paper": "a"})
    add_job(tx, caller, name="waits")
    # More than 32 bits of millionths an hour.
    offer = {"rate": RATE, "market": "spot", ON_DEMAND: 5_000_000_000}
    attempt = add_attempt(
        tx, job, status=AttemptStatus.RUNNING, accepted_at=tx.now, offer=offer, provider="vast"
    )
    owner = {"project_id": caller.project_id, "creator_id": caller.user_id}
    tx.execute(
        insert(tables.allocations).values(
            id="alloc_1", **owner, attempt_id=attempt.id, node_id=attempt.node_id, milli_cpus=1000, memory_bytes=1,
            accelerators=[], created_at=tx.now,
        )
    )  # fmt: skip
    tx.execute(
        insert(tables.ledger).values(
            id=tx.new_id(ids.LEDGER), **owner, job_id=job.id, attempt_id=attempt.id, node_id=attempt.node_id,
            provider="vast", kind="compute", started_at=tx.now - timedelta(hours=2),
            ended_at=tx.now - timedelta(hours=1), duration_ms=3_600_000, quantity=3600, rate_micro_per_unit=MICRO,
            rate_per="hour", amount_micro=MICRO, currency="USD", energy_j=1, carbon_mg=1, basis="modelled", note="",
            accelerator="L4", accelerator_count=1.0,
        )
    )  # fmt: skip
    return attempt.node_id


async def test_costs_nodes_queue_and_budgets(store: AnyStore, clock: HandClock) -> None:
    _, caller = await store.run(lambda tx: ensure_defaults(tx, "ana"))
    clock.advance(86_400 * 40)
    node_id = await store.run(lambda tx: lay(tx, caller))

    def ask(tx: Transaction) -> None:
        since, until = tx.now - timedelta(days=7), tx.now
        for by in (*GROUPS, "tag:paper"):
            only = {"provider": "vast", "kind": "compute", "tag:paper": "a", "day": since.date().isoformat()}
            asked = Range(since=since, until=until, by=by, only={})
            seen = cost_overview(tx, caller, TARIFF, asked)
            assert seen.total.amount.micro == MICRO
            assert seen.savings[0].otherwise.micro == 5_000_000_000
            narrowed = Range(since=since, until=until, by=by, only=only)
            assert cost_overview(tx, caller, TARIFF, narrowed).total.amount.micro == 0
        assert job_costs(tx, caller, since, until, 10).items == []
        page = node_page(tx, caller, Wanted(states=("in_use",)), timedelta(0), limit=1, cursor=None)
        assert [each.id for each in page.items] == [node_id]
        assert (
            node_page(tx, caller, Wanted(is_all=True), timedelta(0), limit=1, cursor=f"0-{node_id}").items
            == []
        )
        assert len(node_detail(tx, caller, node_id, timedelta(0)).bill) == 1
        waits = queue_page(tx, caller, limit=1, cursor=None)
        rest = queue_page(tx, caller, limit=1, cursor=waits.next_cursor)
        assert [each.position for each in (*waits.items, *rest.items)] == [1, 2]
        assert {each.name for each in (*waits.items, *rest.items)} == {"train", "waits"}
        request = BudgetRequest.model_validate({"name": "b", "amount": "$1", "period": "day"})
        assert preview_budget(tx, caller, request, TARIFF).view.amount is not None
        assert budget_page(tx, caller, TARIFF).items == []

    await store.read(ask)
