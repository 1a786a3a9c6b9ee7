"""Fits the constants of node power: a handful of physical parameters, held near what is plausible by weak priors.

Least squares on the logarithm of watts, by Gauss-Newton. The priors matter where a fold has hardly any rows: a node
draws 1.2 times its accelerators' TDP, give or take 15 %; power supplies lose 3 %, give or take 2; a run starts slowly
for a minute, give or take one, differing by a minute between those who meter; waiting models lose 10 %, give or take
15. One row is good to 6 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from tradewind.estimate.band import Band
from tradewind.estimate.energy import WAITING_FAMILIES, Cooling, NodePower, node_watts
from tradewind.estimate.workload import Family
from tradewind.hardware.accelerators import AcceleratorModel

#: An air-cooled node of 8 x H100 was metered at 9.4 kW in its 98th percentile, 1.68 times TDP; means of long runs lie
#: 5 % below that percentile.
OVER_TDP_AIR: Final = 9_400 / 5_600 * 0.95
_ROW_SIGMA: Final = 0.06
_STEPS: Final = 60
#: Mean and standard deviation of: log of over-TDP, log of waiting share, log of direct current share, start minutes.
_PRIORS: Final = ((math.log(1.2), 0.15), (math.log(0.9), 0.15), (math.log(0.97), 0.02), (1.0, 1.0))
_START_SPREAD: Final = 1.0
#: Where there are too few rows to tell.
_LEAST_SIGMA: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One row: what ran where, and the mean watts of a node."""

    accelerator: str
    workload: str
    model: AcceleratorModel
    count: float
    nodes: int
    minutes: float | None
    family: Family | None
    cooling: Cooling
    is_direct_current: bool
    metered_by: str
    watts: float


def predict(reading: Reading, constants: NodePower) -> Band:
    """What the estimator says of this row with these constants."""
    return node_watts(
        reading.model,
        reading.count,
        run_minutes=reading.minutes,
        nodes=reading.nodes,
        family=reading.family,
        cooling=reading.cooling,
        is_direct_current=reading.is_direct_current,
        metered_by=reading.metered_by,
        constants=constants,
    )


def fit(readings: Sequence[Reading]) -> NodePower:
    """The constants that these rows and the priors agree on. `sigma` is that of rows whose workload was left out."""
    constants = _fit(readings)
    left_over = []
    for workload in sorted({each.workload for each in readings}):
        without = _fit([each for each in readings if each.workload != workload])
        left_over += [
            math.log(predict(each, without).p50 / each.watts)
            for each in readings
            if each.workload == workload
        ]
    # The median of absolute errors is not moved by a few rows far off; 0.6745 is that of a normal distribution.
    sigma = float(np.median(np.abs(left_over))) / 0.6745 if left_over else _ROW_SIGMA
    return replace(constants, sigma=max(sigma, _LEAST_SIGMA))


def _fit(readings: Sequence[Reading]) -> NodePower:
    rows = [each for each in readings if each.cooling != Cooling.AIR]
    names = sorted({each.metered_by for each in rows})
    values = np.array([mean for mean, _ in _PRIORS] + [_PRIORS[3][0]] * len(names))
    for _ in range(_STEPS):
        here = _residuals(values, rows, names)
        slope = np.empty((len(here), len(values)))
        for i in range(len(values)):
            moved = values.copy()
            moved[i] += 1e-6
            slope[:, i] = (_residuals(moved, rows, names) - here) / 1e-6
        step = np.linalg.lstsq(slope, -here, rcond=None)[0]
        values = values + np.clip(step, -0.5, 0.5)
    return NodePower(
        over_tdp=math.exp(values[0]),
        over_tdp_air=OVER_TDP_AIR,
        start_minutes=max(float(values[3]), 0.0),
        start_minutes_by={name: max(float(values[4 + i]), 0.0) for i, name in enumerate(names)},
        waiting_share=math.exp(values[1]),
        direct_current_share=math.exp(values[2]),
        sigma=_ROW_SIGMA,
    )


def _residuals(
    values: npt.NDArray[np.float64], rows: Sequence[Reading], names: Sequence[str]
) -> npt.NDArray[np.float64]:
    found = [(values[i] - mean) / sigma for i, (mean, sigma) in enumerate(_PRIORS)]
    found += [(values[4 + i] - values[3]) / _START_SPREAD for i in range(len(names))]
    for each in rows:
        start = max(values[4 + names.index(each.metered_by)], 0.0)
        predicted = math.log(each.count * (each.model.tdp_watts or 1.0)) + values[0]
        if each.minutes:
            predicted += math.log(each.minutes / (each.minutes + start))
        if each.nodes > 1 and each.family in WAITING_FAMILIES:
            predicted += values[1]
        if each.is_direct_current:
            predicted += values[2]
        found.append((predicted - math.log(each.watts)) / _ROW_SIGMA)
    return np.array(found)
