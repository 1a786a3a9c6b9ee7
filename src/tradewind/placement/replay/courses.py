"""How the price of an offer went, and whether it could be had."""

from __future__ import annotations

from dataclasses import dataclass

from tradewind.placement.replay.series import Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Of one row of an offer table, in seconds since the beginning. `price` is micro-dollars per machine and hour.

    `up`: how many machines could be had; None: as many as wanted. `is_observed`: `up` was seen and is not a guess,
    so that no interruptions are drawn beside it and no waiting for capacity is assumed.
    """

    price: Series
    up: Series | None = None
    is_observed: bool = False
