"""What a project spends this month, and what jobs cost beside what was estimated."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select

from tradewind.control.budget_standing import standing_of
from tradewind.control.budget_views import forecast_view
from tradewind.control.money_views import money_view
from tradewind.db import price_tables, tables
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.owners import Caller, visible_to
from tradewind.db.store import Transaction
from tradewind.domain.budgets import Action, Period, Scope
from tradewind.domain.schemas_cost import CostOutlook, JobCost, JobCostPage
from tradewind.domain.status import JobStatus
from tradewind.estimate.tariff import Tariff

_P: Final = price_tables.predictions


def cost_outlook(tx: Transaction, caller: Caller, tariff: Tariff) -> CostOutlook:
    """The project's month, as a budget of it without an amount would stand."""
    unbounded = BudgetRow(
        id="",
        project_id=caller.project_id,
        creator_id=caller.user_id,
        team_id=caller.team_id,
        name="",
        scope=Scope.PROJECT,
        target=caller.project_id,
        period=Period.MONTH,
        amount_micro=None,
        currency="USD",
        action=Action.NOTIFY,
        thresholds=[],
        channel_ids=[],
        max_hourly_micro=None,
        max_concurrent_jobs=None,
        watches_anomalies=False,
        state={},
        refused_at=None,
        created_at=tx.now,
        next_due_at=None,
        lease_token=None,
        lease_expires_at=None,
        lease_failures=0,
        wakes=0,
    )
    standing = standing_of(tx, unbounded, tariff)
    return CostOutlook(
        project=caller.project_name,
        since=standing.span.start,
        spent=money_view(standing.spent_micro),
        running=money_view(standing.running_micro),
        reserved=money_view(standing.reserved_micro),
        cost_per_hour=money_view(standing.hourly_micro),
        running_jobs=standing.job_count,
        forecast=forecast_view(standing.forecast, "USD"),
    )


def job_costs(tx: Transaction, caller: Caller, since: datetime, until: datetime, limit: int) -> JobCostPage:
    """Jobs that ended in a period, newest first, with what was foretold of each."""
    jobs = tables.jobs
    rows = tx.execute(
        select(_P, jobs.c.name.label("job_name"))
        .join(jobs, jobs.c.id == _P.c.job_id)
        .where(visible_to(caller, _P), _P.c.closed_at >= since, _P.c.closed_at < until)
        .order_by(_P.c.closed_at.desc(), _P.c.id.desc())
    ).all()
    items, estimated_micro, actual_micro, compared = [], 0, 0, 0
    for row in rows:
        estimated = None if row.cost_micro is None else round(row.cost_micro["p50"])
        actual = row.actual_cost_micro
        ratio = None
        if row.outcome == JobStatus.SUCCEEDED and estimated is not None and actual is not None:
            compared, estimated_micro, actual_micro = (
                compared + 1,
                estimated_micro + estimated,
                actual_micro + actual,
            )
            ratio = actual / estimated if estimated else None
        items.append(
            JobCost(
                job=row.job_id,
                name=row.job_name,
                outcome=row.outcome,
                provider=row.provider,
                accelerator=row.accelerator,
                estimated=None if estimated is None else money_view(estimated),
                actual=None if actual is None else money_view(actual),
                ratio=ratio,
                estimated_hours=None if row.hours is None else row.hours["p50"],
                actual_hours=row.actual_hours,
            )
        )
    return JobCostPage(
        items=items[:limit],
        compared_jobs=compared,
        estimated=money_view(estimated_micro),
        actual=money_view(actual_micro),
    )
