"""Budgets as the API shows them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import and_, select

from tradewind.control.budget_desk import budgets_of, find_budget
from tradewind.control.budget_past import past_periods
from tradewind.control.budget_standing import Standing, standing_of
from tradewind.control.budget_words import badge_of, forecast_text, permitted, used_text, what_happens
from tradewind.control.money_views import money_view
from tradewind.db import budget_tables, price_tables, tables
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.owners import Caller, is_owner
from tradewind.db.store import Transaction
from tradewind.domain.budgets import Action, Scope, each
from tradewind.domain.schemas import MoneyView
from tradewind.domain.schemas_budgets import (
    BudgetDetail,
    BudgetPage,
    BudgetView,
    BurnDownDay,
    BurnPoint,
    ForecastView,
    MeterPart,
    NoticeView,
)
from tradewind.domain.schemas_shown import ActionView
from tradewind.estimate.tariff import Tariff
from tradewind.ledger.forecast import METHOD, Forecast
from tradewind.ledger.limits import in_scope

#: Of a budget without an end, the newest days are shown.
_MOST_DAYS: Final = 92
_MOST_NOTICES: Final = 50


def budget_page(tx: Transaction, caller: Caller, tariff: Tariff) -> BudgetPage:
    """The budgets of the caller's team, by name."""
    budgets = budgets_of(tx, caller)
    names = names_for(tx, caller, budgets)
    create = [ActionView(id="create", label="New budget")]
    return BudgetPage(
        items=[budget_view(tx, budget, tariff, names) for budget in budgets],
        permitted=create if names.is_owner else [],
        explanation=None if names.is_owner else f"budgets of team {caller.team_name} are set by its owners",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What budgets refer to, by id; and whether whoever asks may change them."""

    channels: dict[str, str]
    users: dict[str, str]
    projects: dict[str, str]
    teams: dict[str, str]
    is_owner: bool


def names_for(tx: Transaction, caller: Caller, budgets: list[BudgetRow]) -> Names:
    """The names of all that these budgets refer to, in a fixed number of queries."""
    channels, users = price_tables.notification_channels, tables.users
    told = {channel for each in budgets for channel in each.channel_ids}
    people = {each.creator_id for each in budgets} | _targets(budgets, Scope.USER)
    return Names(
        channels=_names(tx, channels, told),
        users=_names(tx, users, people),
        projects=_names(tx, tables.projects, _targets(budgets, Scope.PROJECT)),
        teams=_names(tx, tables.teams, _targets(budgets, Scope.TEAM)),
        is_owner=is_owner(tx, caller),
    )


def budget_view(tx: Transaction, budget: BudgetRow, tariff: Tariff, names: Names) -> BudgetView:
    """A budget and how it stands now."""
    return view_of(budget, standing_of(tx, budget, tariff), names)


def view_of(budget: BudgetRow, standing: Standing, names: Names) -> BudgetView:
    """A budget that stands like this."""
    amount, bound = budget.amount_micro, standing.used_micro + standing.reserved_micro

    def money(micro: int) -> MoneyView:
        return money_view(micro, budget.currency)

    told = sorted(names.channels[each] for each in budget.channel_ids if each in names.channels)
    target = _target(budget, names)
    return BudgetView(
        id=budget.id,
        name=budget.name,
        scope=budget.scope,
        target=target,
        period=budget.period,
        period_start=standing.span.start,
        period_end=standing.span.end,
        amount=None if amount is None else money(amount),
        action=budget.action,
        thresholds=budget.thresholds,
        channels=told,
        max_cost_per_hour=None if budget.max_hourly_micro is None else money(budget.max_hourly_micro),
        max_concurrent_jobs=budget.max_concurrent_jobs,
        watches_anomalies=budget.watches_anomalies,
        spent=money(standing.spent_micro),
        running=money(standing.running_micro),
        reserved=money(standing.reserved_micro),
        left=None if amount is None else money(amount - bound),
        used_percent=round(100 * standing.used_micro / amount, 1) if amount else None,
        forecast=forecast_view(standing.forecast, budget.currency),
        cost_per_hour=money(standing.hourly_micro),
        running_jobs=standing.job_count,
        created_at=budget.created_at,
        creator=names.users.get(budget.creator_id, budget.creator_id),
        notes=_notes(budget, standing, has_channel=bool(told)),
        badge=badge_of(budget, standing),
        permitted=permitted(budget, is_owner=names.is_owner),
        scope_text=f"{budget.scope.value} {target}, {each(budget.period)}",
        used_text=used_text(budget, standing),
        forecast_text=forecast_text(budget, standing),
        what_happens=what_happens(budget, told),
        meter=_meter(budget, standing),
    )


def _meter(budget: BudgetRow, standing: Standing) -> list[MeterPart]:
    if not budget.amount_micro:
        return []
    parts: tuple[tuple[Literal["spent", "running", "reserved"], str, int], ...] = (
        ("spent", "closed", standing.spent_micro),
        ("running", "used up by what runs", standing.running_micro),
        ("reserved", "held beyond that", standing.reserved_micro),
    )
    return [
        MeterPart(
            name=name,
            label=label,
            amount=money_view(micro, budget.currency),
            percent=round(100 * micro / budget.amount_micro, 2),
        )
        for name, label, micro in parts
    ]


def budget_detail(tx: Transaction, caller: Caller, reference: str, tariff: Tariff) -> BudgetDetail:
    """A budget with the days of its period and what was told of it. Raises NotFoundError."""
    budget = find_budget(tx, caller, reference)
    standing = standing_of(tx, budget, tariff)
    view = view_of(budget, standing, names_for(tx, caller, [budget]))
    return BudgetDetail(
        **dict(view),
        days=_days(tx, budget, view),
        notices=_told(tx, budget),
        foreseen=_foreseen(budget, standing, tx.now),
        past=past_periods(tx, budget),
    )


def _foreseen(budget: BudgetRow, standing: Standing, now: datetime) -> list[BurnPoint]:
    """The straight line that the date of exhaustion is read from."""
    seen, amount = standing.forecast, budget.amount_micro
    points = [(now, standing.used_micro), (seen.until, seen.amount_micro)]
    if seen.runs_out_at is not None and amount is not None and now < seen.runs_out_at < seen.until:
        points.insert(1, (seen.runs_out_at, amount))
    return [
        BurnPoint(
            at=at,
            used=money_view(micro, budget.currency),
            left=None if amount is None else money_view(amount - micro, budget.currency),
        )
        for at, micro in points
    ]


def forecast_view(seen: Forecast, currency: str) -> ForecastView:
    """A forecast with the way it was worked out."""
    return ForecastView(
        amount=money_view(seen.amount_micro, currency),
        until=seen.until,
        runs_out_at=seen.runs_out_at,
        method=METHOD,
    )


def _target(budget: BudgetRow, names: Names) -> str:
    known = {Scope.PROJECT: names.projects, Scope.TEAM: names.teams, Scope.USER: names.users}
    return known.get(budget.scope, {}).get(budget.target, budget.target)


def _targets(budgets: list[BudgetRow], scope: Scope) -> set[str]:
    return {each.target for each in budgets if each.scope is scope}


def _names(tx: Transaction, table: Any, wanted: set[str]) -> dict[str, str]:
    if not wanted:
        return {}
    rows = tx.execute(select(table.c.id, table.c.name).where(table.c.id.in_(sorted(wanted))))
    return {str(row[0]): str(row[1]) for row in rows}


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
