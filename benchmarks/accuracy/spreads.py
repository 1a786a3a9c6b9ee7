"""How far off predictions are on rows that no fit had seen, and how speed goes with an accelerator's figures."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from benchmarks.accuracy.results import Outcome
from benchmarks.accuracy.samples import Sample
from tradewind.estimate.calibration import RUNS, Calibration, cohort_of, spread_key, surface_for
from tradewind.estimate.features import accelerator_row, precision_class
from tradewind.estimate.presets import completed

_INSIDE: Final = 0.8
_MOST_INSIDE: Final = 0.96
#: Fewer residuals than this say nothing of the ends.
_FEWEST: Final = 10


def spreads_of(
    samples: Sequence[Sample], outcomes: Iterable[Outcome], whole: Calibration
) -> dict[str, tuple[float, float]]:
    """Ends of log(actual over predicted time) by kind of case, from the out-of-fold residuals."""
    cohorts = _cohorts(samples)
    residuals: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for each in outcomes:
        residuals[_kind(each, cohorts)][_left_out(each)].append(_late(each))
    for cohort, groups in _in_sample(samples, whole).items():
        for group, values in groups.items():
            residuals[spread_key(cohort, True, True)][group] += values
    return {
        kind: conformal_ends(groups.values())
        for kind, groups in sorted(residuals.items())
        if sum(map(len, groups.values())) >= _FEWEST
    }


def with_bands(samples: Sequence[Sample], outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes of folds with the bands that the residuals of the other folds give: none helps to make its own."""
    cohorts = _cohorts(samples)
    by_kind: dict[str, list[Outcome]] = defaultdict(list)
    for each in outcomes:
        by_kind[f"{each.fold}/{_kind(each, cohorts)}"].append(each)
    made = []
    for alike in by_kind.values():
        late: dict[str, list[float]] = defaultdict(list)
        for each in alike:
            late[_left_out(each)].append(_late(each))
        ends = {}
        for key in late:
            others = [values for other, values in late.items() if other != key]
            if sum(map(len, others)) >= _FEWEST:
                ends[key] = conformal_ends(others)
        made += [_banded(each, ends[_left_out(each)]) if _left_out(each) in ends else each for each in alike]
    return made


def _banded(outcome: Outcome, ends: tuple[float, float]) -> Outcome:
    low, high = min(ends[0], 0.0), max(ends[1], 0.0)
    if outcome.quantity != "hours":
        low, high = -high, -low
    return replace(outcome, p10=outcome.p50 * math.exp(low), p90=outcome.p50 * math.exp(high))


def _left_out(outcome: Outcome) -> str:
    return outcome.workload if outcome.fold == "workload" else outcome.accelerator


def _late(outcome: Outcome) -> float:
    """Logarithm of actual over predicted time."""
    return math.log(outcome.actual / outcome.p50) * (1 if outcome.quantity == "hours" else -1)


def _cohorts(samples: Sequence[Sample]) -> dict[tuple[str, str], str]:
    found = {}
    for sample in samples:
        workload = completed(sample.workload)
        found[sample.file, sample.group] = cohort_of(workload, surface_for(workload))
    return found


def _kind(outcome: Outcome, cohorts: Mapping[tuple[str, str], str]) -> str:
    cohort = cohorts[outcome.file, outcome.workload]
    return spread_key(cohort, outcome.is_accelerator_seen, outcome.is_workload_seen)


def _in_sample(samples: Sequence[Sample], whole: Calibration) -> dict[str, dict[str, list[float]]]:
    """Where both are seen, repeats of one setting tell the spread: the fit's own residuals, which are a little
    too small, as the fit saw the rows."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        if sample.accelerator is None or sample.rate <= 0:
            continue
        guess = whole.predict(completed(sample.workload), sample.accelerator, sample.count, sample.nodes)
        if guess is not None and guess.is_workload_seen and guess.is_accelerator_seen:
            found[guess.cohort][sample.group].append(math.log(guess.units_per_s / sample.rate))
    return found


def conformal_ends(groups: Iterable[Sequence[float]]) -> tuple[float, float]:
    """The ends that hold eight of ten rows of a group that is still to come.

    Rows of one group (an accelerator, a workload) are off together, so what comes is one more group, not one more
    row: the share held is raised by one part in the number of groups (conformal prediction with groups as the
    exchangeable units).
    """
    known = [values for values in groups if values]
    inside = min(_INSIDE * (len(known) + 1) / len(known), _MOST_INSIDE)
    ranked = sorted(value for values in known for value in values)
    size = len(ranked)
    low = math.floor((1 - inside) / 2 * (size + 1)) - 1
    high = math.ceil((1 + inside) / 2 * (size + 1)) - 1
    return round(ranked[max(low, 0)], 4), round(ranked[min(high, size - 1)], 4)


def exponents_of(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Powers of matrix rate and bandwidth that carry single-device speed over, by family and for all.

    Least squares within each workload and precision, drawn towards 0.45 each as if by two more workloads.
    """
    import numpy as np

    points: dict[str, dict[object, list[tuple[float, float, float]]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        workload = completed(sample.workload)
        if sample.accelerator is None or sample.rate <= 0 or surface_for(workload) != RUNS:
            continue
        kind = precision_class(workload.precision)
        row = accelerator_row(sample.accelerator, kind)
        point = (float(row["matrix"]), float(row["bandwidth"]), math.log(sample.rate / sample.count))
        for family in ("", workload.family.value):
            points[family][
                (workload.recipe, workload.model, kind, sample.count, workload.software_year)
            ].append(point)
    found = {}
    for family, groups in sorted(points.items()):
        left, right = [], []
        for group in groups.values():
            middle = np.mean(np.array(group), axis=0)
            for point in group:
                left.append([point[0] - middle[0], point[1] - middle[1]])
                right.append(point[2] - middle[2])
        a, b = np.array(left), np.array(right)
        prior = np.eye(2) * 2.0
        power = np.linalg.solve(a.T @ a + prior, a.T @ b + prior @ np.array([0.45, 0.45]))
        off = b - a @ power
        found[family] = {
            "matrix": round(max(float(power[0]), 0.0), 3),
            "bandwidth": round(max(float(power[1]), 0.0), 3),
            "spread": round(max(float(np.median(np.abs(off))) * 1.48 * math.sqrt(2), 0.12), 3),
        }
    return found
