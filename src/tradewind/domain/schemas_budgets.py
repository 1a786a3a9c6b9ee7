"""Budgets as they travel over HTTP. Amounts are integer micro-units with a currency; times are UTC."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from tradewind.domain.budgets import DEFAULT_THRESHOLDS, Action, Period, Scope
from tradewind.domain.money import MAX_AMOUNT
from tradewind.domain.schemas import Answer, MoneyView, Schema
from tradewind.domain.schemas_shown import ActionView, BadgeView, Tone
from tradewind.domain.units import parse_money_micro, parse_price_micro_per_hour

MAX_MICRO: Final = MAX_AMOUNT * 1_000

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Micro = Annotated[int, Field(ge=0, le=MAX_MICRO)]
Target = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]


def _sorted(thresholds: list[int]) -> list[int]:
    return sorted(set(thresholds))


Thresholds = Annotated[
    list[Annotated[int, Field(ge=1, le=1000)]], Field(max_length=10), AfterValidator(_sorted)
]


def _in_micro(values: Any) -> Any:
    """Amounts as people write them (`$1,000`, `$4/h`) stand for their millionths."""
    if not isinstance(values, dict):
        return values
    found = dict(values)
    for written, micro, parse in (
        ("amount", "amount_micro", parse_money_micro),
        ("max_cost_per_hour", "max_hourly_micro", parse_price_micro_per_hour),
    ):
        text = found.pop(written, None)
        if text is None:
            continue
        if found.get(micro) is not None:
            raise ValueError(f"{written} and {micro} say the same: write one of them")
        if not isinstance(text, str | int | float) or isinstance(text, bool):
            raise ValueError(f"{written} has to be an amount of dollars, for example $100")
        found[micro] = parse(text)
    return found


class _WithAmounts(Schema):
    """Takes `amount` and `max_cost_per_hour` as people write them, too."""

    _amounts = model_validator(mode="before")(_in_micro)


class BudgetRequest(_WithAmounts):
    """A new budget. Without an amount it only limits rate and number, or only watches for anomalies.

    `amount` (`$1,000`) and `max_cost_per_hour` (`$4/h`) may stand for `amount_micro` and `max_hourly_micro`.
    """

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


class BudgetPatch(_WithAmounts):
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


class MeterPart(Answer):
    """A part of the amount, in per cent of it; what is above the amount is more than a hundred together."""

    name: Literal["spent", "running", "reserved"]
    label: str
    amount: MoneyView
    percent: float


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
    badge: BadgeView | None = None
    #: What the caller may do with it.
    permitted: list[ActionView] = Field(default_factory=list)
    #: `project default, a month`.
    scope_text: str = ""
    #: `$412.10 of $1,000.00 (41 %)`.
    used_text: str = ""
    #: When it is used up, or how much is left by the end.
    forecast_text: str = ""
    #: What happens at the amount and at the other limits, a sentence each.
    what_happens: list[str] = Field(default_factory=list)
    meter: list[MeterPart] = Field(default_factory=list)


class BudgetPage(Answer):
    """Budgets by name."""

    items: list[BudgetView]
    #: What the caller may do beside: `create`.
    permitted: list[ActionView] = Field(default_factory=list)
    #: Why nothing, where that is so.
    explanation: str | None = None


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


class BurnPoint(Answer):
    """What is used, and what is left of the amount, at a time: known, or foreseen."""

    at: datetime
    used: MoneyView
    left: MoneyView | None = None


class PastPeriod(Answer):
    """An earlier period of the same length, and whether the amount would have held."""

    label: str
    since: datetime
    until: datetime
    spent: MoneyView
    percent: float | None = None
    is_reached: bool = False


class BudgetDetail(BudgetView):
    """A budget with its days and what was told of it, newest first."""

    days: list[BurnDownDay] = Field(default_factory=list)
    notices: list[NoticeView] = Field(default_factory=list)
    #: From now in a straight line to the end of the period, and on the way where the amount is used up.
    foreseen: list[BurnPoint] = Field(default_factory=list)
    #: Newest first.
    past: list[PastPeriod] = Field(default_factory=list)


class EffectView(Answer):
    """Something that a budget would do as soon as it is set."""

    text: str
    tone: Tone


class BudgetPreview(Answer):
    """How a budget would stand and what it would do, without anything being set."""

    view: BudgetView
    effects: list[EffectView]
    #: Newest first.
    past: list[PastPeriod]
    #: `it would have been reached in 2 of the 6 months before`.
    past_text: str
