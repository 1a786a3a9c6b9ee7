"""Money divided by time: what of an interval's amount falls between two times. Pure; parts add up to the whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Piece:
    """Money that was used up evenly between two times."""

    started_at: datetime
    ended_at: datetime
    micro: int
    label: str = ""


def share(piece: Piece, start: datetime, end: datetime) -> int:
    """What of it falls from `start` up to `end`. One that takes no time is wholly at its end."""
    if piece.ended_at <= piece.started_at:
        return piece.micro if start <= piece.ended_at < end else 0
    return _until(piece, end) - _until(piece, start)


def windows(pieces: Iterable[Piece], until: datetime, width: timedelta, count: int) -> list[int]:
    """What fell into each of `count` windows of this width, the last of which ends at `until`. Oldest first."""
    found = [0] * count
    first = until - width * count
    for piece in pieces:
        low = max((piece.started_at - first) // width, 0)
        high = min((piece.ended_at - first) // width + 1, count)
        for number in range(low, high):
            start = first + number * width
            found[number] += share(piece, start, start + width)
    return found


def _until(piece: Piece, at: datetime) -> int:
    if at <= piece.started_at:
        return 0
    if at >= piece.ended_at:
        return piece.micro
    part, whole = at - piece.started_at, piece.ended_at - piece.started_at
    return piece.micro * (part // _MICROSECOND) // (whole // _MICROSECOND)
