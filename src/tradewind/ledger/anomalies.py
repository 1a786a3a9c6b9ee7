"""Whether what was spent lately is out of the ordinary. Pure.

The last hour (day) is held against the hours of the week (the days of the four weeks) before it in which anything was
spent at all: above their median by six times their spread, above twice their median, and above a floor. The spread is
the median distance from the median, scaled to a standard deviation. So neither a single dear hour nor long quiet times
in between move the mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

#: How many spreads above the median are out of the ordinary.
SPREADS: Final = 6.0
#: Turns a median distance into a standard deviation, where values are spread normally.
_TO_DEVIATION: Final = 1.4826
#: Fewer windows with anything in them are no custom yet.
LEAST_WINDOWS: Final = 6


@dataclass(frozen=True, slots=True)
class Piece:
    """Money that was used up evenly between two times."""

    started_at: datetime
    ended_at: datetime
    micro: int
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """What is usual in a window, and above what it is not any more."""

    median_micro: int
    limit_micro: int


def windows(pieces: Iterable[Piece], until: datetime, width: timedelta, count: int) -> list[int]:
    """What fell into each of `count` windows of this width, the last of which ends at `until`. Oldest first.

    A piece is divided by time; its parts add up to it, to the last millionth.
    """
    found = [0] * count
    first = until - width * count
    for piece in pieces:
        start, end = piece.started_at, piece.ended_at
        if end <= first or start >= until:
            continue
        if end <= start:
            found[min((start - first) // width, count - 1)] += piece.micro
            continue
        low = max((start - first) // width, 0)
        high = min(-(-(end - first) // width), count)
        for number in range(low, high):
            window = first + number * width
            found[number] += _share(piece, window + width) - _share(piece, window)
    return found


def custom_of(history: Sequence[int], floor_micro: int) -> Custom | None:
    """What the windows before say is usual; None while too few of them had anything in them."""
    used = [each for each in history if each > 0]
    if len(used) < LEAST_WINDOWS:
        return None
    middle = median(used)
    spread = median(abs(each - middle) for each in used) * _TO_DEVIATION
    limit = max(middle + SPREADS * spread, 2 * middle, floor_micro)
    return Custom(median_micro=round(middle), limit_micro=round(limit))


def _share(piece: Piece, at: datetime) -> int:
    """What of a piece was used up by a time."""
    if at <= piece.started_at:
        return 0
    if at >= piece.ended_at:
        return piece.micro
    part, whole = at - piece.started_at, piece.ended_at - piece.started_at
    microsecond = timedelta(microseconds=1)
    return piece.micro * (part // microsecond) // (whole // microsecond)
