"""What a period will have cost by its end, if things go on as they do. Pure.

Two parts, added up: what runs goes on at its own pace for as long again as it has run so far, and the rest of the time
brings what the last seven days brought on average. Both end with the period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tradewind.domain.budgets import Span
from tradewind.domain.money import SECONDS_PER_HOUR, divide_half_even

TRAILING: Final = timedelta(days=7)
#: A budget without an end is looked at this far ahead.
HORIZON: Final = timedelta(days=30)
#: Of somebody who began an hour ago nobody knows what a week brings.
_LEAST_HISTORY: Final = timedelta(days=1)
METHOD: Final = (
    "what runs goes on at its pace for as long again as it has run; "
    "beside it comes the mean of what closed in the last 7 days"
)


@dataclass(frozen=True, slots=True)
class Running:
    """Something that runs: what it has used up in this time."""

    accrued_micro: int
    ran: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What the period will have cost by `until`, and when an amount would be used up (None: not by then)."""

    amount_micro: int
    until: datetime
    runs_out_at: datetime | None


def trailing_hourly_micro(closed_micro: int, first_began_at: datetime | None, now: datetime) -> int:
    """The mean per hour of what closed in the last seven days; of a shorter history from its beginning on."""
    if first_began_at is None or closed_micro <= 0:
        return 0
    history = min(max(now - first_began_at, _LEAST_HISTORY), TRAILING)
    return divide_half_even(closed_micro * SECONDS_PER_HOUR, int(history.total_seconds()))


def forecast(
    used_micro: int,
    running: Sequence[Running],
    trailing_micro_per_hour: int,
    span: Span,
    now: datetime,
    amount_micro: int | None = None,
) -> Forecast:
    """Adds the two parts to what is used already."""
    until = now + HORIZON if span.end is None else max(span.end, now)
    left = until - now
    added = divide_half_even(trailing_micro_per_hour * _microseconds(left), _microseconds(timedelta(hours=1)))
    for each in running:
        if each.ran > timedelta(0):
            goes_on = min(each.ran, left)
            added += divide_half_even(each.accrued_micro * _microseconds(goes_on), _microseconds(each.ran))
    return Forecast(
        amount_micro=used_micro + added,
        until=until,
        runs_out_at=_runs_out_at(used_micro, added, left, now, amount_micro),
    )


def _runs_out_at(
    used_micro: int, added_micro: int, left: timedelta, now: datetime, amount_micro: int | None
) -> datetime | None:
    if amount_micro is None:
        return None
    if used_micro >= amount_micro:
        return now
    if used_micro + added_micro < amount_micro:
        return None
    # In a straight line from here to the end of the period.
    return now + left * ((amount_micro - used_micro) / added_micro)


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
