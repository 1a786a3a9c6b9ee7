"""A whole number that changes at known times: a price, or how many machines there are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Series:
    """`values[i]` holds from `times[i]` (virtual seconds, rising) until the next; the first holds before, too."""

    times: tuple[int, ...]
    values: tuple[int, ...]

    @classmethod
    def constant(cls, value: int) -> Self:
        """The same at all times."""
        return cls((0,), (value,))

    @classmethod
    def of(cls, points: Iterable[tuple[int, int]]) -> Self:
        """From times and values; of equal times the last counts, and what repeats itself is left out.

        Raises:
            ValueError: there are no points.
        """
        times: list[int] = []
        values: list[int] = []
        for time, value in sorted(points, key=lambda point: point[0]):
            if times and times[-1] == time:
                values[-1] = value
            else:
                times.append(time)
                values.append(value)
        if not times:
            raise ValueError("a series needs at least one point")
        keep = [place for place in range(len(times)) if place == 0 or values[place] != values[place - 1]]
        return cls(tuple(times[place] for place in keep), tuple(values[place] for place in keep))

    @property
    def is_constant(self) -> bool:
        return len(self.times) == 1

    def at(self, time: int) -> int:
        """The value at this time."""
        return self.values[max(bisect_right(self.times, time) - 1, 0)]

    def next_change(self, time: int) -> int | None:
        """When it changes next, after this time; None: never."""
        place = bisect_right(self.times, time)
        # Before the first point the first value holds already, so that arriving at it is no change.
        place = max(place, 1)
        return self.times[place] if place < len(self.times) else None

    def stretches(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Seconds and value of each part of the time from start to end, in order."""
        while start < end:
            change = self.next_change(start)
            stop = end if change is None else min(change, end)
            yield stop - start, self.at(start)
            start = stop
