"""Budgets as the API shows them."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Final

from sqlalchemy import and_, select

from tradewind.control.budget_desk import budgets_of, find_budget
from tradewind.control.budget_standing import Standing, standing_of
from tradewind.control.money_views import money_view
from tradewind.db import budget_tables, price_tables, tables
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.owners import Caller
from tradewind.db.store import Transaction
from tradewind.domain.budgets import Action, Scope
from tradewind.domain.schemas_budgets import (
    BudgetDetail,
    BudgetPage,
    BudgetView,
    BurnDownDay,
    ForecastView,
    NoticeView,
)
from tradewind.estimate.tariff import Tariff
from tradewind.ledger.forecast import METHOD, Forecast
from tradewind.ledger.limits import in_scope

#: Of a budget without an end, the newest days are shown.
_MOST_DAYS: Final = 92
_MOST_NOTICES: Final = 50


def budget_page(tx: Transaction, caller: Caller, tariff: Tariff) -> BudgetPage:
    """The budgets of the caller's team, by name."""
    return BudgetPage(items=[budget_view(tx, each, tariff) for each in budgets_of(tx, caller)])


def budget_view(tx: Transaction, budget: BudgetRow, tariff: Tariff) -> BudgetView:
    """A budget and how it stands now."""
    standing = standing_of(tx, budget, tariff)
    amount, bound = budget.amount_micro, standing.used_micro + standing.reserved_micro

    def money(micro: int) -> object:
        return money_view(micro, budget.currency)

    channels = price_tables.notification_channels
    names = tx.execute(
        select(channels.c.name).where(channels.c.id.in_(budget.channel_ids)).order_by(channels.c.name)
    )
    users = tables.users
    creator = tx.execute(select(users.c.name).where(users.c.id == budget.creator_id)).scalar_one()
    told = list(names.scalars())
    return BudgetView.model_validate(
        {
            "id": budget.id,
            "name": budget.name,
            "scope": budget.scope,
            "target": _target(tx, budget),
            "period": budget.period,
            "period_start": standing.span.start,
            "period_end": standing.span.end,
            "amount": None if amount is None else money(amount),
            "action": budget.action,
            "thresholds": budget.thresholds,
            "channels": told,
            "max_cost_per_hour": None if budget.max_hourly_micro is None else money(budget.max_hourly_micro),
            "max_concurrent_jobs": budget.max_concurrent_jobs,
            "watches_anomalies": budget.watches_anomalies,
            "spent": money(standing.spent_micro),
            "running": money(standing.running_micro),
            "reserved": money(standing.reserved_micro),
            "left": None if amount is None else money(amount - bound),
            "used_percent": round(100 * standing.used_micro / amount, 1) if amount else None,
            "forecast": forecast_view(standing.forecast, budget.currency),
            "cost_per_hour": money(standing.hourly_micro),
            "running_jobs": standing.job_count,
            "created_at": budget.created_at,
            "creator": creator,
            "notes": _notes(budget, standing, has_channel=bool(told)),
        },
        from_attributes=True,
    )


def budget_detail(tx: Transaction, caller: Caller, reference: str, tariff: Tariff) -> BudgetDetail:
    """A budget with the days of its period and what was told of it. Raises NotFoundError."""
    budget = find_budget(tx, caller, reference)
    view = budget_view(tx, budget, tariff)
    return BudgetDetail(**dict(view), days=_days(tx, budget, view), notices=_told(tx, budget))


def forecast_view(seen: Forecast, currency: str) -> ForecastView:
    """A forecast with the way it was worked out."""
    return ForecastView(
        amount=money_view(seen.amount_micro, currency),
        until=seen.until,
        runs_out_at=seen.runs_out_at,
        method=METHOD,
    )


def _target(tx: Transaction, budget: BudgetRow) -> str:
    if budget.scope is Scope.PROVIDER:
        return budget.target
    table = {Scope.PROJECT: tables.projects, Scope.TEAM: tables.teams, Scope.USER: tables.users}[budget.scope]
    return str(tx.execute(select(table.c.name).where(table.c.id == budget.target)).scalar() or budget.target)


def _days(tx: Transaction, budget: BudgetRow, view: BudgetView) -> list[BurnDownDay]:
    """Every day from the start of the period until today; intervals count where they ended."""
    ledger = tables.ledger
    rows = tx.execute(
        select(ledger.c.ended_at, ledger.c.amount_micro).where(
            and_(
                in_scope(budget, ledger),
                ledger.c.currency == budget.currency,
                ledger.c.ended_at >= view.period_start,
                ledger.c.ended_at <= tx.now,
            )
        )
    ).all()
    by_day: defaultdict[date, int] = defaultdict(int)
    for row in rows:
        by_day[row.ended_at.date()] += row.amount_micro
    today = tx.now.date()
    day = max(view.period_start.date(), min(by_day, default=today), today - timedelta(days=_MOST_DAYS - 1))
    if view.period_end is not None:
        day = max(view.period_start.date(), today - timedelta(days=_MOST_DAYS - 1))
    total = sum(micro for each, micro in by_day.items() if each < day)
    days = []
    while day <= today:
        total += by_day[day]
        left = None if budget.amount_micro is None else budget.amount_micro - total
        days.append(
            BurnDownDay(
                day=day,
                spent=money_view(by_day[day], budget.currency),
                total=money_view(total, budget.currency),
                left=None if left is None else money_view(left, budget.currency),
            )
        )
        day += timedelta(days=1)
    return days


def _told(tx: Transaction, budget: BudgetRow) -> list[NoticeView]:
    table = budget_tables.budget_notices
    rows = tx.execute(
        select(table).where(table.c.budget_id == budget.id).order_by(table.c.id.desc()).limit(_MOST_NOTICES)
    )
    return [
        NoticeView(id=row.id, kind=row.kind, at=row.created_at, title=row.title, body=row.body)
        for row in rows
    ]


def _notes(budget: BudgetRow, standing: Standing, *, has_channel: bool) -> list[str]:
    notes = []
    runs_out = standing.forecast.runs_out_at
    if budget.amount_micro is not None and standing.used_micro >= budget.amount_micro:
        notes.append("used up")
    elif runs_out is not None:
        notes.append(f"at this pace used up on {runs_out:%Y-%m-%d}")
    if budget.refused_at is not None:
        notes.append("jobs wait because of it")
    if budget.action is Action.NOTIFY and not has_channel and budget.amount_micro is not None:
        notes.append("it has no channel and holds nothing back: nobody is told")
    return notes
