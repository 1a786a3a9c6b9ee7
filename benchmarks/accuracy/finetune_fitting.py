"""Fits a calibration: multipliers of items, drawn to one another and to 1 where rows are few.

The sum of squared log errors plus a penalty for every multiplier's distance from 1, minimised by damped Gauss-Newton;
large errors count by their size, not their square, so that one odd row does not bend the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from tradewind.estimate.memory_calibration import SHARED, Calibration

Row = TypeVar("Row")
Key = tuple[str, str]
#: Steps of the search; it stands still after about ten.
ROUNDS: Final = 15
#: Change of a log multiplier over which derivatives are taken.
NUDGE: Final = 1e-4
#: Rows that a framework needs for a spread of its own.
ENOUGH_ROWS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalty:
    """How many squared log errors one unit of log multiplier costs: the shared one, and a framework's own."""

    shared: float = 0.1
    own: float = 0.3
    #: Log error from which on a row counts linearly.
    robust_from: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Generic[Row]):
    """What is fitted: how a row is predicted and what was measured, for the items that have multipliers."""

    predict: Callable[[Row, Calibration], float]
    actual: Callable[[Row], float]
    framework: Callable[[Row], str]
    items: Sequence[str]
    #: Items that are a program's own habit: their formula stands as it is for a program nobody has measured.
    habits: frozenset[str] = frozenset()

    def error(self, row: Row, calibration: Calibration) -> float:
        """Logarithm of measured over predicted."""
        return log(self.actual(row) / self.predict(row, calibration))


def fit(problem: Problem[Row], rows: Sequence[Row], penalty: Penalty) -> Calibration:
    """The multipliers that bring the predictions of these rows nearest to what was measured."""
    frameworks = sorted({problem.framework(row) for row in rows} - {SHARED})
    keys: list[Key] = [(SHARED, item) for item in problem.items if item not in problem.habits]
    keys += [(framework, item) for framework in frameworks for item in problem.items]
    cost = np.array([penalty.shared if key[0] == SHARED else penalty.own for key in keys])
    theta = np.zeros(len(keys))
    for _ in range(ROUNDS):
        errors, slopes = _linearise(problem, rows, keys, theta)
        weights = np.minimum(1.0, penalty.robust_from / np.maximum(np.abs(errors), 1e-9))
        normal = slopes.T @ (slopes * weights[:, None]) + np.diag(cost)
        step = np.linalg.solve(normal, slopes.T @ (errors * weights) - cost * theta)
        theta = theta + np.clip(step, -0.7, 0.7)
    return Calibration(log_multipliers=_named(keys, theta))


def _named(keys: Sequence[Key], theta: NDArray[np.float64]) -> dict[Key, float]:
    return {key: float(value) for key, value in zip(keys, theta, strict=True)}


def _linearise(
    problem: Problem[Row], rows: Sequence[Row], keys: Sequence[Key], theta: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log errors, and how fast the logarithm of each prediction grows with each log multiplier."""
    base = Calibration(log_multipliers=_named(keys, theta))
    nudged = {
        item: Calibration(
            log_multipliers={
                **base.log_multipliers,
                (SHARED, item): base.log_multipliers.get((SHARED, item), 0.0) + NUDGE,
            }
        )
        for item in problem.items
    }
    errors = np.array([problem.error(row, base) for row in rows])
    slopes = np.zeros((len(rows), len(keys)))
    place = {key: index for index, key in enumerate(keys)}
    for number, row in enumerate(rows):
        for item, calibration in nudged.items():
            slope = (errors[number] - problem.error(row, calibration)) / NUDGE
            for key in ((SHARED, item), (problem.framework(row), item)):
                if key in place:
                    slopes[number, place[key]] = slope
    return errors, slopes


def spread(errors: Sequence[float]) -> tuple[float, float]:
    """The tenth and ninetieth hundredth of measured over predicted, with the correction for a finite sample."""
    ordered = np.sort(np.array(errors))
    reach = min(1.0, 0.9 * (len(ordered) + 1) / len(ordered))
    return exp(float(np.quantile(ordered, 1 - reach))), exp(float(np.quantile(ordered, reach)))


def spreads_of(frameworks: Sequence[str], errors: Sequence[float]) -> dict[str, tuple[float, float]]:
    """Spreads by framework where it has rows enough, and the one of all rows together."""
    found = {SHARED: spread(errors)}
    for framework in set(frameworks) - {SHARED}:
        own = [error for name, error in zip(frameworks, errors, strict=True) if name == framework]
        if len(own) >= ENOUGH_ROWS:
            found[framework] = spread(own)
    return found
