"""What a project spends this month, and what jobs cost beside what was estimated."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select

from tradewind.control.budget_standing import standing_of
from tradewind.control.budget_views import forecast_view
from tradewind.control.money_views import money_view
from tradewind.control.prediction_views import apart, show_hours
from tradewind.db import price_tables, tables
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.owners import Caller, visible_to
from tradewind.db.store import Transaction
from tradewind.domain.budgets import Action, Period, Scope
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.money import format_money
from tradewind.domain.schemas_cost import CostOutlook, JobCost, JobCostPage
from tradewind.domain.schemas_shown import BadgeView, Icon, Tone
from tradewind.domain.status import JobStatus
from tradewind.estimate.tariff import Tariff
from tradewind.ledger.reports import amounts_of_jobs

_P: Final = price_tables.predictions
_OUTCOMES: Final[dict[str, tuple[str, Tone, Icon]]] = {
    JobStatus.SUCCEEDED.value: ("Succeeded", "good", "check"),
    JobStatus.FAILED.value: ("Failed", "bad", "cross"),
    JobStatus.CANCELLED.value: ("Cancelled", "quiet", "stop"),
    "moved": ("Moved", "quiet", "swap"),
}


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


def job_costs(
    tx: Transaction,
    caller: Caller,
    since: datetime,
    until: datetime,
    limit: int,
    cursor: str | None = None,
) -> JobCostPage:
    """Jobs that ended in a period, newest first, with what was foretold of each. Raises InvalidInputError."""
    jobs = tables.jobs
    within = (visible_to(caller, _P), _P.c.closed_at >= since, _P.c.closed_at < until)
    rows = tx.execute(
        select(_P, jobs.c.name.label("job_name"))
        .join(jobs, jobs.c.id == _P.c.job_id)
        .where(*within)
        .order_by(_P.c.closed_at.desc(), _P.c.id.desc())
    ).all()
    # The rent of a machine is settled after its job has ended, and so after the prediction was closed.
    settled = amounts_of_jobs(tx, select(_P.c.job_id).where(*within))
    start = 0
    if cursor is not None:
        start = 1 + next((place for place, row in enumerate(rows) if row.id == cursor), -1)
        if not start:
            raise InvalidInputError("the cursor is none", hint="begin with the first page")
    compared = [row for row in rows if _is_compared(row, settled)]
    estimated = sum(_estimated(row) or 0 for row in compared)
    actual = sum(_actual(row, settled) or 0 for row in compared)
    page = rows[start : start + limit]
    return JobCostPage(
        items=[_job_cost(row, settled) for row in page],
        compared_jobs=len(compared),
        estimated=money_view(estimated),
        actual=money_view(actual),
        next_cursor=page[-1].id if start + limit < len(rows) else None,
        total=len(rows),
        text=_together(len(compared), estimated, actual),
    )


def _is_compared(row: Row[Any], settled: dict[str, int]) -> bool:
    return row.outcome == JobStatus.SUCCEEDED and None not in (_estimated(row), _actual(row, settled))


def _actual(row: Row[Any], settled: dict[str, int]) -> int | None:
    known: int | None = row.actual_cost_micro
    return settled.get(row.job_id, known)


def _estimated(row: Row[Any]) -> int | None:
    return None if row.cost_micro is None else round(row.cost_micro["p50"])


def _job_cost(row: Row[Any], settled: dict[str, int]) -> JobCost:
    estimated, actual = _estimated(row), _actual(row, settled)
    ratio = actual / estimated if _is_compared(row, settled) and estimated and actual is not None else None
    hours = None if row.hours is None else row.hours["p50"]
    label, tone, icon = _OUTCOMES.get(row.outcome, (str(row.outcome), "quiet", "question"))
    if ratio is not None:
        text = apart(ratio, "more", "less")
    elif estimated is None:
        text = "nothing was estimated"
    else:
        text = "did not finish: not compared" if row.outcome != JobStatus.SUCCEEDED else "not compared"
    return JobCost(
        job=row.job_id,
        name=row.job_name,
        outcome=row.outcome,
        provider=row.provider,
        accelerator=row.accelerator,
        estimated=None if estimated is None else money_view(estimated),
        actual=None if actual is None else money_view(actual),
        ratio=ratio,
        estimated_hours=hours,
        actual_hours=row.actual_hours,
        ended_at=row.closed_at,
        badge=BadgeView(label=label, tone=tone, icon=icon),
        text=text,
        estimated_hours_text="" if hours is None else show_hours(hours),
        actual_hours_text="" if row.actual_hours is None else show_hours(row.actual_hours),
    )


def _together(count: int, estimated_micro: int, actual_micro: int) -> str:
    if not count or not estimated_micro:
        return "no job that finished in this range had been estimated"
    jobs = "1 job" if count == 1 else f"{count:,} jobs"
    return (
        f"{jobs} that finished cost {format_money(actual_micro)}, estimated {format_money(estimated_micro)}: "
        f"{apart(actual_micro / estimated_micro, 'more', 'less')}"
    )
