"""The first page as it travels: what runs and what it costs, what waits and why, what failed, what to do next."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from tradewind.domain.schemas import Answer, JobView, MoneyView
from tradewind.domain.schemas_shown import BadgeView, Tone


class RunningSummary(Answer):
    """What runs now, and what an hour of it costs."""

    count: int
    starting: int
    text: str
    per_hour: MoneyView
    per_hour_text: str
    #: On what that figure rests.
    per_hour_basis: str
    spent_month: MoneyView
    spent_text: str
    forecast_text: str
    #: The newest.
    items: list[JobView] = Field(default_factory=list)


class JobName(Answer):
    """A job to go to."""

    id: str
    name: str


class WaitingGroup(Answer):
    """Jobs that wait for the same reason."""

    reason: str
    badge: BadgeView
    #: Of the one that has waited longest.
    explanation: str
    count: int
    since: datetime
    next_try_at: datetime | None = None
    #: Those that have waited longest.
    jobs: list[JobName]
    link: str


class WaitingSummary(Answer):
    """What waits, grouped by reason."""

    count: int
    text: str
    groups: list[WaitingGroup] = Field(default_factory=list)


class FailingSummary(Answer):
    """Jobs that failed lately, the newest first."""

    count: int
    since: datetime
    text: str
    items: list[JobView] = Field(default_factory=list)


class HomeBudget(Answer):
    """A budget in a line."""

    id: str
    name: str
    badge: BadgeView
    text: str
    used_percent: float | None
    notes: list[str] = Field(default_factory=list)


class IdleMachine(Answer):
    """A rented machine without a job."""

    id: str
    name: str
    provider: str
    per_hour: MoneyView
    cost: MoneyView
    since: datetime | None
    text: str


class IdleSummary(Answer):
    """Rented machines without a job, and what an hour of them costs."""

    count: int
    per_hour: MoneyView
    text: str
    items: list[IdleMachine] = Field(default_factory=list)


class CheapOffer(Answer):
    """The cheapest offer for something that the user looks for."""

    title: str
    #: Why it is shown: a saved view, an accelerator that was used last, one that many use.
    why: str
    #: Whether anything fits at all.
    is_found: bool
    place: str
    machine: str
    price_text: str
    market: str
    availability: BadgeView | None = None
    seen_at: datetime | None = None
    link: str


class Attention(Answer):
    """Something that wants to be looked at."""

    kind: str
    tone: Tone
    title: str
    text: str
    link: str
    at: datetime | None = None


class ChecklistStep(Answer):
    """Something to do once. Whether it is done is seen from what is there."""

    id: Literal["place", "electricity", "job", "budget", "alert"]
    title: str
    text: str
    is_done: bool
    link: str
    command: str


class Checklist(Answer):
    """What to do first."""

    steps: list[ChecklistStep]
    done: int
    text: str
    is_complete: bool
    #: The user does not want to see it any more.
    is_hidden: bool


class OverviewView(Answer):
    """The first page."""

    at: datetime
    running: RunningSummary
    waiting: WaitingSummary
    failing: FailingSummary
    budgets: list[HomeBudget]
    #: How many there are in all.
    budget_count: int
    idle: IdleSummary
    cheapest: list[CheapOffer]
    attention: list[Attention]
    checklist: Checklist
