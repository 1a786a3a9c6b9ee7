"""What was observed of spot at odd moments, as rows of looks at even ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from tradewind.placement.spot.durations import PRIOR_RATES
from tradewind.placement.spot.values import Bools, Floats

#: What is older is not looked at.
_OLDEST: Final = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Observation:
    """Whether spot could be had at a moment."""

    at: datetime
    is_available: bool


def rows_of(
    observations: Sequence[Sequence[Observation]], is_up: Sequence[bool], now: datetime, tick_s: float
) -> tuple[Bools, list[int]]:
    """Rows of looks (looks x zones) every `tick_s` up to now, and the first row at which each zone was known.

    An observation holds until the next one of its zone. Before the first one a zone is as at the first.
    """
    recent = [
        sorted((each for each in zone if now - _OLDEST <= each.at < now), key=lambda each: each.at)
        for zone in observations
    ]
    ages_s = [[(now - each.at).total_seconds() for each in zone] for zone in recent]
    looks = 1 + max((int(zone[0] // tick_s) for zone in ages_s if zone), default=0)
    rows = np.zeros((looks, len(observations)), np.bool_)
    known_from = []
    row_ages_s = np.arange(looks - 1, -1, -1) * tick_s
    for number, (zone, ages) in enumerate(zip(recent, ages_s, strict=True)):
        known_from.append(looks - 1 - (int(ages[0] // tick_s) if ages else 0))
        if zone:
            values = np.array([each.is_available for each in zone])
            last = np.searchsorted(-np.array(ages), -row_ages_s, side="right") - 1
            rows[:, number] = values[np.maximum(last, 0)]
        else:
            rows[:, number] = is_up[number]
        rows[-1, number] = is_up[number]
    return rows, known_from


def prior_rates(interruptions_per_hour: float | None) -> Floats | None:
    """Rates for a zone of which a table says how often it interrupts; None: nothing is known."""
    if interruptions_per_hour is None:
        return None
    rate = max(interruptions_per_hour, 1e-6) / 3600
    return np.array([PRIOR_RATES, np.full_like(PRIOR_RATES, rate)])
