"""A range of time cut into days, weeks or months, in UTC. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

Step = Literal["day", "week", "month"]
_MOST_DAYS: Final = 92
_MOST_WEEKS: Final = 104
_MICROSECOND: Final = timedelta(microseconds=1)


def step_for(since: datetime, until: datetime) -> Step:
    """The finest step that a chart of the range can still show."""
    days = (until - since).days
    if days <= _MOST_DAYS:
        return "day"
    return "week" if days <= 7 * _MOST_WEEKS else "month"


def start_of(day: date, step: Step) -> date:
    """The first day of the step that a day lies in; weeks begin on Monday."""
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def starts_in(since: datetime, until: datetime, step: Step) -> list[date]:
    """Where every step of the range begins, those too in which nothing was spent."""
    if until <= since:
        return []
    current = start_of(since.astimezone(UTC).date(), step)
    last = (until.astimezone(UTC) - _MICROSECOND).date()
    found = []
    while current <= last:
        found.append(current)
        current = _next(current, step)
    return found


def stepped(days: Iterable[tuple[date, int]], starts: list[date], step: Step) -> list[int]:
    """Amounts of days, added up by step; every day must lie in one of them."""
    place = {start: number for number, start in enumerate(starts)}
    found = [0] * len(starts)
    for day, micro in days:
        found[place[start_of(day, step)]] += micro
    return found


def _next(start: date, step: Step) -> date:
    if step == "month":
        return (start + timedelta(days=32)).replace(day=1)
    return start + timedelta(days=7 if step == "week" else 1)


def range_named(name: str, now: datetime) -> tuple[datetime, datetime]:
    """A range by its name, in whole days of UTC; all but `last_month` end now. Raises KeyError."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if name == "last_month":
        end = today.replace(day=1)
        return (end - timedelta(days=1)).replace(day=1), end
    if name == "month":
        return today.replace(day=1), now
    if name == "year":
        return today.replace(month=1, day=1), now
    return today - timedelta(days={"today": 1, "7d": 7, "30d": 30, "90d": 90}[name] - 1), now


def ticks(most: int, count: int = 4) -> list[int]:
    """Round steps from 0 until at least `most`, about so many."""
    if most <= 0:
        return [0]
    size = 1
    while True:
        for step in (size, 2 * size, 5 * size):
            if step * count >= most:
                return [step * number for number in range(-(-most // step) + 1)]
        size *= 10
