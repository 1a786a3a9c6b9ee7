"""Budgets as they travel over HTTP. Amounts are integer micro-units with a currency; times are UTC."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from tradewind.domain.budgets import DEFAULT_THRESHOLDS, Action, Period, Scope
from tradewind.domain.money import MAX_AMOUNT
from tradewind.domain.schemas import Answer, MoneyView, Schema

MAX_MICRO: Final = MAX_AMOUNT * 1_000

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Micro = Annotated[int, Field(ge=0, le=MAX_MICRO)]
Target = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]


def _sorted(thresholds: list[int]) -> list[int]:
    return sorted(set(thresholds))


Thresholds = Annotated[
    list[Annotated[int, Field(ge=1, le=1000)]], Field(max_length=10), AfterValidator(_sorted)
]


class BudgetRequest(Schema):
    """A new budget. Without an amount it only limits rate and number, or only watches for anomalies."""

    name: Name
    scope: Scope = Scope.PROJECT
    #: Name or id of the project, team or user, or the name of a provider. Default: the caller's own.
    target: Target | None = None
    period: Period = Period.MONTH
    amount_micro: Micro | None = None
    action: Action = Action.NOTIFY
    #: In per cent of the amount: each is told once in a period.
    thresholds: Thresholds = Field(default_factory=lambda: list(DEFAULT_THRESHOLDS))
    #: Names or ids of the caller's channels.
    channels: Annotated[list[Target], Field(max_length=16)] = Field(default_factory=list)
    #: The most that everything in the scope may cost in an hour, at full load.
    max_hourly_micro: Micro | None = None
    max_concurrent_jobs: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    watches_anomalies: bool = True


class BudgetPatch(Schema):
    """What is to be changed of a budget. `clears` takes limits away."""

    amount_micro: Micro | None = None
    period: Period | None = None
    action: Action | None = None
    thresholds: Thresholds | None = None
    channels: Annotated[list[Target], Field(max_length=16)] | None = None
    max_hourly_micro: Micro | None = None
    max_concurrent_jobs: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    watches_anomalies: bool | None = None
    clears: list[Literal["amount", "max_cost_per_hour", "max_concurrent_jobs"]] = Field(default_factory=list)


class ForecastView(Answer):
    """What a period will have cost by its end if things go on as they do; `method` says how that was worked out."""

    amount: MoneyView
    until: datetime
    #: When the amount is used up at this pace; absent where it is not by then.
    runs_out_at: datetime | None = None
    method: str


class BudgetView(Answer):
    """A budget and how it stands."""

    id: str
    name: str
    scope: Scope
    target: str
    period: Period
    period_start: datetime
    period_end: datetime | None = None
    amount: MoneyView | None = None
    action: Action
    thresholds: list[int]
    channels: list[str]
    max_cost_per_hour: MoneyView | None = None
    max_concurrent_jobs: int | None = None
    watches_anomalies: bool
    #: Closed in the period, used up by what runs, and held beyond that.
    spent: MoneyView
    running: MoneyView
    reserved: MoneyView
    #: Of the amount, after all three; below zero where more is used than there is.
    left: MoneyView | None = None
    used_percent: float | None = None
    forecast: ForecastView
    #: What an hour of all that runs costs at full load.
    cost_per_hour: MoneyView
    running_jobs: int
    created_at: datetime
    creator: str
    notes: list[str] = Field(default_factory=list)


class BudgetPage(Answer):
    """Budgets by name."""

    items: list[BudgetView]


class BurnDownDay(Answer):
    """One day of the period: what closed on it, and what was left of the amount at its end."""

    day: date
    spent: MoneyView
    total: MoneyView
    left: MoneyView | None = None


class NoticeView(Answer):
    """Something that was found about a budget, and told on its channels."""

    id: str
    kind: Literal["threshold", "stop", "anomaly"]
    at: datetime
    title: str
    body: str


class BudgetDetail(BudgetView):
    """A budget with its days and what was told of it, newest first."""

    days: list[BurnDownDay] = Field(default_factory=list)
    notices: list[NoticeView] = Field(default_factory=list)
