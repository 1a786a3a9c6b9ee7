"""One step of a budget: what is told, what is ended, and what is left alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.unit.conftest import HandClock
from tests.unit.jobs_for_tests import a_context, add_attempt, add_job
from tradewind.control.budget_desk import add_budget, change_budget
from tradewind.control.budget_standing import standing_of
from tradewind.control.budgets import BudgetController
from tradewind.control.context import Context
from tradewind.db import budget_tables, price_tables, tables
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.money import MICRO, Quantity, Rate
from tradewind.domain.schemas_budgets import BudgetPatch, BudgetRequest
from tradewind.domain.status import AttemptStatus, Reason
from tradewind.ledger import reservations
from tradewind.ledger.intervals import Interval, close_interval

RATE = {"micro_per_unit": MICRO, "per": "hour", "currency": "USD", "granularity": 1, "minimum": 0}


@pytest.fixture
def context(store: SqlStore, clock: HandClock, tmp_path: Path) -> Context:
    return a_context(store, clock, tmp_path)


def run_at(tx: Transaction, caller: Caller, market: str, provider: str = "lambda") -> AttemptRow:
    """Something that began now, at a dollar an hour, with an hour held."""
    job = add_job(tx, caller, name=market)
    offer = {"rate": RATE, "watts_idle": 0.0, "watts_max": 0.0, "carbon_g_per_kwh": 0.0, "market": market}
    attempt = add_attempt(
        tx, job, status=AttemptStatus.RUNNING, offer=offer, provider=provider, accepted_at=tx.now
    )
    hold = reservations.plan_hold(tx.now, Rate(micro_per_unit=MICRO, per=Quantity.HOUR), 0, None, None)
    assert hold is not None
    reservations.reserve(
        tx,
        project_id=job.project_id,
        creator_id=job.creator_id,
        job_id=job.id,
        attempt_id=attempt.id,
        currency="USD",
        hold=hold,
        provider=provider,
        market=market,
    )
    return attempt


def spend(tx: Transaction, caller: Caller, dollars: float, ago: timedelta, hours: float = 1.0) -> None:
    close_interval(
        tx,
        Interval(
            project_id=caller.project_id,
            creator_id=caller.user_id,
            job_id=None,
            attempt_id=None,
            node_id=None,
            provider="lambda",
            started_at=tx.now - ago - timedelta(hours=hours),
            ended_at=tx.now - ago,
            rate=Rate(micro_per_unit=round(dollars * MICRO / hours), per=Quantity.HOUR),
            energy_j=0,
            carbon_g_per_kwh=0,
            basis="modelled",
            note="",
        ),
    )


async def step(context: Context, budget_id: str) -> None:
    controller = BudgetController(context)
    row = await context.store.read(lambda tx: BudgetRow.get(tx, budget_id))
    apply = await controller.act(row)
    await context.store.run(lambda tx: apply(tx, BudgetRow.get(tx, budget_id)))


async def rows(store: SqlStore, table: Any) -> list[Any]:
    return await store.read(lambda tx: list(tx.execute(select(table).order_by(table.c.id))))


async def test_figures_are_those_of_the_scope(
    context: Context, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    def play(tx: Transaction) -> list[BudgetRow]:
        run_at(tx, caller, "spot")
        run_at(tx, caller, "on_demand", provider="local")
        spend(tx, caller, 3, timedelta(minutes=5))
        return [
            add_budget(
                tx, caller, BudgetRequest.model_validate({"name": name, "amount_micro": 10 * MICRO, **more})
            )
            for name, more in (
                ("project", {}),
                ("lambda", {"scope": "provider", "target": "lambda-labs"}),
                ("other", {"scope": "provider", "target": "runpod"}),
                ("me", {"scope": "user", "target": "ana", "period": "total"}),
            )
        ]

    clock.advance(86_400)
    budgets = await store.run(play)
    clock.advance(1800)
    seen = [
        await store.read(lambda tx, each=each: standing_of(tx, each, context.tariff))  # type: ignore[misc]
        for each in budgets
    ]
    assert [
        (s.spent_micro, s.running_micro, s.reserved_micro, s.hourly_micro, s.job_count) for s in seen
    ] == [
        (3 * MICRO, MICRO, MICRO, 2 * MICRO, 2),
        (3 * MICRO, MICRO // 2, MICRO // 2, MICRO, 1),
        (0, 0, 0, 0, 0),
        (3 * MICRO, MICRO, MICRO, 2 * MICRO, 2),
    ]
    # Half an hour more of both, and the three dollars of the day before over the 29 days that are left.
    forecast = seen[0].forecast.amount_micro
    left_hours = (seen[0].forecast.until - clock.now()).total_seconds() / 3600
    assert forecast == pytest.approx((3 + 1 + 1 + 3 / 24 * left_hours) * MICRO, abs=1000)


async def test_a_spot_stop_leaves_the_rest_alone(
    context: Context, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    def play(tx: Transaction) -> tuple[str, list[str]]:
        attempts = [run_at(tx, caller, market).id for market in ("spot", "on_demand", "owned")]
        request = BudgetRequest.model_validate(
            {"name": "b", "amount_micro": 5 * MICRO, "action": "stop_spot"}
        )
        return add_budget(tx, caller, request).id, attempts

    budget_id, attempts = await store.run(play)
    await step(context, budget_id)
    stops = select(tables.attempts.c.stop_reason).where(tables.attempts.c.id.in_(attempts))
    assert set(await store.read(lambda tx: tx.execute(stops).scalars().all())) == {None}
    # Five dollars at three an hour, less two minutes.
    clock.advance(5 / 3 * 3600 - 118)
    await step(context, budget_id)
    await step(context, budget_id)
    reasons = {row.id: row.stop_reason for row in await rows(store, tables.attempts)}
    assert [reasons[each] for each in attempts] == [Reason.BUDGET, None, None]
    told = {row.title for row in await rows(store, budget_tables.budget_notices)}
    assert told == {
        "Budget b: 80 % used ($4.90 of $5.00 this month)",
        "Budget b is used up: 1 job was told to write a checkpoint and stop",
    }
    events = [
        row.message for row in await rows(store, _by_id(tables.events)) if row.type == "job.budget_reached"
    ]
    assert events == ["budget b is used up ($4.90 of $5.00 this month): told to write a checkpoint and stop"]


async def test_it_is_told_once_on_every_channel_and_anew_after_a_change(
    context: Context, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    def play(tx: Transaction) -> str:
        for name in ("mail", "chat"):
            tx.execute(
                insert(price_tables.notification_channels).values(
                    id=f"chan_{name}", project_id=caller.project_id, creator_id=caller.user_id, name=name, kind="x",
                    url_ciphertext=b"", created_at=tx.now,
                )
            )  # fmt: skip
        spend(tx, caller, 6, timedelta(minutes=1))
        request = BudgetRequest.model_validate(
            {"name": "b", "amount_micro": 10 * MICRO, "channels": ["mail", "chat"]}
        )
        return add_budget(tx, caller, request).id

    clock.advance(86_400)
    budget_id = await store.run(play)
    for _ in range(3):
        await step(context, budget_id)
        clock.advance(60)
    sent = await rows(store, price_tables.notifications)
    assert sorted((row.channel_id, row.title, row.state) for row in sent) == [
        (f"chan_{name}", "Budget b: 50 % used ($6.00 of $10.00 this month)", "pending")
        for name in ("chat", "mail")
    ]
    assert "Forecast: " in sent[0].body
    patch = BudgetPatch(amount_micro=7 * MICRO)
    await store.run(lambda tx: change_budget(tx, caller, "b", patch))
    await step(context, budget_id)
    await step(context, budget_id)
    titles = [row.title for row in await rows(store, price_tables.notifications)][2:]
    assert titles == ["Budget b: 80 % used ($6.00 of $7.00 this month)"] * 2


async def test_unusual_spending_is_told_once_an_episode(
    context: Context, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    def usual(tx: Transaction) -> str:
        for hour in range(12):
            spend(tx, caller, 2, timedelta(hours=hour))
        return add_budget(tx, caller, BudgetRequest(name="watch")).id

    clock.advance(30 * 86_400)
    budget_id = await store.run(usual)
    await step(context, budget_id)
    assert await rows(store, budget_tables.budget_notices) == []
    clock.advance(3600)
    await store.run(lambda tx: spend(tx, caller, 9, timedelta(0)))
    for _ in range(4):
        await step(context, budget_id)
        clock.advance(60)
    (notice,) = await rows(store, budget_tables.budget_notices)
    assert notice.kind == "anomaly"
    assert notice.title == "Budget watch: $9.00 in the last hour, usually $2.00"
    assert "More than $4.00" in notice.body
    # The next hour is quiet: the episode is over, and another one is another message.
    clock.advance(7200)
    await step(context, budget_id)
    await store.run(lambda tx: spend(tx, caller, 9, timedelta(0)))
    clock.advance(660)
    await step(context, budget_id)
    assert len(await rows(store, budget_tables.budget_notices)) == 2


async def test_who_wants_no_watch_is_not_told(
    context: Context, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    def play(tx: Transaction) -> str:
        for hour in range(12):
            spend(tx, caller, 90 if hour == 0 else 2, timedelta(hours=hour))
        return add_budget(tx, caller, BudgetRequest(name="quiet", watches_anomalies=False)).id

    clock.advance(30 * 86_400)
    budget_id = await store.run(play)
    await step(context, budget_id)
    assert await rows(store, budget_tables.budget_notices) == []
    patch = BudgetPatch(watches_anomalies=True)
    await store.run(lambda tx: change_budget(tx, caller, "quiet", patch))
    await step(context, budget_id)
    assert len(await rows(store, budget_tables.budget_notices)) == 1


async def test_an_ended_wait_is_forgotten(context: Context, store: SqlStore, caller: Caller) -> None:
    def play(tx: Transaction) -> str:
        budget = add_budget(tx, caller, BudgetRequest(name="b", max_concurrent_jobs=1))
        table = budget_tables.budgets
        tx.execute(update(table).values(refused_at=tx.now))
        return budget.id

    budget_id = await store.run(play)
    await step(context, budget_id)
    budget = await store.read(lambda tx: BudgetRow.get(tx, budget_id))
    assert budget.refused_at is None


def _by_id(table: Any) -> Any:
    return select(*table.c, table.c.position.label("id")).subquery()
