"""What was spent over a range, as one page shows it: by day and group, beside the range before, and what was saved."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from tradewind.domain.schemas import Answer, CostRow, MoneyView
from tradewind.domain.schemas_shown import BadgeView

Step = Literal["day", "week", "month"]


class GroupChoice(Answer):
    """Something that spend can be grouped by."""

    name: str
    label: str


class CostGroup(CostRow):
    """Spend of one group, with its share of the whole and its figures as text."""

    #: What it is called where the value is empty too.
    label: str
    share: float
    share_text: str
    hours_text: str
    energy_text: str
    carbon_text: str
    #: How the amount is known: `estimated` from prices, `metered`, or `billed` by an invoice.
    known_by: BadgeView
    #: The parameters of the list of jobs that shows what is behind it; None: no list does.
    jobs_query: dict[str, str] | None = None


class CostSeries(Answer):
    """One group over time: an amount for each step, in millionths."""

    key: str
    label: str
    micro: list[int]
    #: The same as text.
    texts: list[str]
    total: MoneyView


class Before(Answer):
    """The range of the same length before, and how this one compares."""

    since: datetime
    until: datetime
    amount: MoneyView
    #: `18 % more than in the 30 days before`.
    text: str
    #: This range over that one, less one; None: nothing was spent then.
    change: float | None = None


RangeName = Literal["today", "7d", "30d", "90d", "month", "last_month", "year"]


class KnownBy(Answer):
    """A part of the amount by how it is known."""

    name: Literal["estimated", "metered", "billed"]
    label: str
    amount: MoneyView
    share: float
    explanation: str


class Savings(Answer):
    """What the same work would have cost otherwise."""

    against: Literal["on_demand", "local"]
    label: str
    is_comparable: bool
    #: Of what could be compared.
    actual: MoneyView
    otherwise: MoneyView
    saved: MoneyView
    percent: float | None = None
    #: The figure in a few words: `$44.95 saved`.
    headline: str
    text: str
    #: On what the figure rests, and what it leaves out.
    basis: str


class IdleWaste(Answer):
    """What rented machines cost while they had no job."""

    amount: MoneyView
    share: float
    hours_text: str
    text: str
    help: str


class RangeChoice(Answer):
    """A range that can be asked for by its name."""

    name: str
    label: str


class CostOverview(Answer):
    """Everything that one page of costs shows of a range."""

    since: datetime
    until: datetime
    by: str
    only: dict[str, str]
    step: Step
    #: Where each step begins, in UTC.
    starts: list[date]
    series: list[CostSeries]
    #: Round amounts for the axis of a chart of the sums of each step, from nothing upwards.
    ticks: list[MoneyView]
    rows: list[CostGroup]
    #: How many groups there are beyond those rows.
    more_rows: int = 0
    total: CostGroup
    before: Before
    known_by: list[KnownBy]
    #: Used up by what runs and not in the ledger yet; it counts when it ends.
    running: MoneyView
    running_jobs: int
    cost_per_hour: MoneyView
    savings: list[Savings]
    idle: IdleWaste
    groups: list[GroupChoice]
    ranges: list[RangeChoice]
    notes: list[str] = Field(default_factory=list)
