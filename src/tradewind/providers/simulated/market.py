"""What a simulated cloud has and asks for it, as functions of time: capacity that comes and goes, prices that move."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Steps:
    """A value that changes at given times: `values[i]` holds from `times[i]` on; `times[0]` is the beginning."""

    times: tuple[datetime, ...]
    values: tuple[int, ...]

    @classmethod
    def constant(cls, value: int, start: datetime) -> Steps:
        """The same value for ever."""
        return cls((start,), (value,))

    @classmethod
    def of_series(cls, series: list[int], start: datetime, gap_s: float) -> Steps:
        """A series of one value per tick, as availability traces have it; it is repeated three times."""
        times, values = [start], [series[0]]
        for position, value in enumerate(series * 3):
            if value != values[-1]:
                times.append(start + timedelta(seconds=gap_s * position))
                values.append(value)
        return cls(tuple(times), tuple(values))

    def at(self, moment: datetime) -> int:
        """The value then."""
        return self.values[max(bisect_right(self.times, moment) - 1, 0)]

    def changes(self, after: datetime, until: datetime) -> list[tuple[datetime, int]]:
        """The changes later than `after` and not later than `until`."""
        first, last = bisect_right(self.times, after), bisect_right(self.times, until)
        return list(zip(self.times[first:last], self.values[first:last], strict=True))

    def falls_below(self, level: int, after: datetime) -> datetime | None:
        """When the value is first below this level, later than `after`."""
        first = bisect_right(self.times, after)
        for at, value in zip(self.times[first:], self.values[first:], strict=True):
            if value < level:
                return at
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """One kind of machine in one zone, on the terms of one market.

    `capacity` is how many there are in all; where it falls below what is rented on spot terms, those are taken back.
    """

    region: str
    zone: str
    instance_type: str
    accelerator: str | None
    accelerator_count: float
    market: str
    cpus: float
    memory_bytes: int
    price_micro_per_hour: Steps
    capacity: Steps
