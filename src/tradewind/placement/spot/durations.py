"""How long spot stays up and down in a zone, by how long it has been so already.

Real times up and down have no constant rate: what has just begun often ends soon, what has lasted for hours lasts on.
So ages are cut into phases, each with a rate of its own: ends seen / time spent in the phase, drawn towards a prior.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tradewind.placement.spot.values import Bools, Floats

#: Where each phase of age begins, in seconds.
PHASE_STARTS_S: Final = np.array([0.0, 400.0, 1200.0, 3600.0, 3 * 3600.0, 9 * 3600.0, 24 * 3600.0])
PHASES: Final = len(PHASE_STARTS_S)
#: Ends per second in each phase where nothing was seen: the longer it has lasted, the longer it lasts.
PRIOR_RATES: Final = np.array([1 / 3600, 1 / 3600, 1 / 5400, 1 / 10800, 1 / 30000, 1 / 60000, 1 / 100000])
#: How many ends the prior counts for in each phase.
PRIOR_ENDS: Final = 3.0
#: Rates are taken so much higher in a chain: a phase shorter than a step still takes a whole one, which makes it slow.
#: Chosen on half of the zones that were at hand; between 1 and 1.5 it moves the cost by half a per cent.
_MADE_UP_FOR_STEPS: Final = 1.25
_LENGTHS_S: Final = np.append(np.diff(PHASE_STARTS_S), np.inf)
DOWN: Final = 0
UP: Final = 1


@dataclass(frozen=True, slots=True)
class Durations:
    """What was seen, in arrays of (down or up) x phase."""

    ends: Floats
    spent_s: Floats

    def __add__(self, other: Durations) -> Durations:
        return Durations(self.ends + other.ends, self.spent_s + other.spent_s)

    def rates(self, prior: Floats = PRIOR_RATES, prior_ends: float = PRIOR_ENDS) -> Floats:
        """Ends per second by (down or up) x phase."""
        return np.asarray((self.ends + prior_ends) / (self.spent_s + prior_ends / prior))


def durations_of(up: Bools, tick_s: float) -> Durations:
    """Counts one zone's history. The last stretch has not ended; the first counts from where it was first seen."""
    ends, spent_s = np.zeros((2, PHASES)), np.zeros((2, PHASES))
    if len(up) == 0:
        return Durations(ends, spent_s)
    changes = np.flatnonzero(up[1:] != up[:-1]) + 1
    bounds = np.concatenate(([0], changes, [len(up)]))
    lengths_s = np.diff(bounds) * tick_s
    kinds = up[bounds[:-1]].astype(np.intp)
    for kind in (DOWN, UP):
        mine = kinds == kind
        inside = np.clip(lengths_s[mine, None] - PHASE_STARTS_S, 0.0, _LENGTHS_S)
        spent_s[kind] = inside.sum(axis=0)
        over = mine.copy()
        over[-1] = False
        ends[kind] = np.bincount(_phases(lengths_s[over]), minlength=PHASES)
    return Durations(ends, spent_s)


def phase_of(age_s: float) -> int:
    """The phase of something that has lasted for so long."""
    return int(np.searchsorted(PHASE_STARTS_S, age_s, side="left")) - 1 if age_s > 0 else 0


def _phases(ages_s: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.asarray(np.maximum(np.searchsorted(PHASE_STARTS_S, ages_s, side="left") - 1, 0), dtype=np.intp)


def ages_of(seen: Bools) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """For each zone: at how many looks in a row, to now, it has been as it is."""
    differs = seen[::-1] != seen[-1]
    first = differs.argmax(axis=0)
    return np.where(differs.any(axis=0), first, len(seen)).astype(np.intp)


def transitions(rates: Floats, step_s: float) -> Floats:
    """The chain over (down phases, up phases) for a step of `step_s`: end, stay in the phase, or grow into the next."""
    size = 2 * PHASES
    matrix = np.zeros((size, size))
    ends = -np.expm1(-_MADE_UP_FOR_STEPS * rates * step_s)
    grows = np.minimum(1.0, step_s / _LENGTHS_S)
    for kind in (DOWN, UP):
        for phase in range(PHASES):
            row = kind * PHASES + phase
            ending, growing = ends[kind, phase], grows[phase]
            matrix[row, (1 - kind) * PHASES] += ending
            matrix[row, row] += (1 - ending) * (1 - growing)
            if phase + 1 < PHASES:
                matrix[row, row + 1] += (1 - ending) * growing
    return matrix


def remaining_up_s(rates: Floats, step_s: float, most_s: float = 24 * 3600.0) -> Floats:
    """How long spot is expected to stay up, by the phase of how long it has been up."""
    expected = np.zeros(PHASES)
    after = 0.0
    ends = -np.expm1(-rates[UP] * step_s)
    for phase in reversed(range(PHASES)):
        grows = min(1.0, step_s / _LENGTHS_S[phase])
        stays = (1 - ends[phase]) * (1 - grows)
        after = (step_s + (1 - ends[phase]) * grows * after) / (1 - stays)
        expected[phase] = after
    return np.minimum(expected, most_s)
