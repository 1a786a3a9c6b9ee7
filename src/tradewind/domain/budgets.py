"""The words of budgets: whose cost they count, over which time, and what happens at their limit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """Whose cost is counted."""

    PROJECT = "project"
    TEAM = "team"
    USER = "user"
    PROVIDER = "provider"


class Period(StrEnum):
    """Over which time, in UTC."""

    DAY = "day"
    WEEK = "week"  #: from Monday
    MONTH = "month"
    TOTAL = "total"  #: for good


class Action(StrEnum):
    """What happens at the amount. All but `NOTIFY` let nothing begin that what is left may not cover."""

    NOTIFY = "notify"
    BLOCK_NEW = "block_new"  #: what runs goes on
    STOP_SPOT = "stop_spot"  #: what runs on spot machines is told to write a checkpoint and stop
    STOP_ALL = "stop_all"  #: so is everything else


#: Actions that end what runs.
STOPPING: Final = frozenset({Action.STOP_SPOT, Action.STOP_ALL})
DEFAULT_THRESHOLDS: Final = (50, 80, 100)
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WORDS: Final = {
    Period.DAY: "today",
    Period.WEEK: "this week",
    Period.MONTH: "this month",
    Period.TOTAL: "in all",
}
_EACH: Final = {Period.DAY: "a day", Period.WEEK: "a week", Period.MONTH: "a month", Period.TOTAL: "in all"}


@dataclass(frozen=True, slots=True)
class Span:
    """A period: from `start` up to `end`, which is no part of it; None: it does not end."""

    start: datetime
    end: datetime | None


def span_of(period: Period, at: datetime) -> Span:
    """The period that this time lies in."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period is Period.DAY:
        return Span(day, day + timedelta(days=1))
    if period is Period.WEEK:
        start = day - timedelta(days=day.weekday())
        return Span(start, start + timedelta(days=7))
    if period is Period.MONTH:
        start = day.replace(day=1)
        return Span(start, (start + timedelta(days=31)).replace(day=1))
    return Span(_BEGINNING, None)


def now_in(period: Period) -> str:
    """`this month`."""
    return _WORDS[period]


def each(period: Period) -> str:
    """`a month`."""
    return _EACH[period]
