"""Fits the estimator to samples: the surfaces, what is usual of each recipe, and the spreads around predictions."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.accuracy.forms import FORMS, NOISE, ROUNDS, SLOPES
from benchmarks.accuracy.samples import Sample
from tradewind.estimate.calibration import (
    IMAGE_REFERENCE,
    IMAGES,
    RUN_RECIPES,
    RUNS,
    Calibration,
    Usual,
    surface_for,
    task_of,
    work_scale,
)
from tradewind.estimate.presets import completed
from tradewind.estimate.surface import Part, Row, fit_surface

#: Rows of one setting beyond the third add nothing that the middle of three did not say.
_MOST_TRUST: Final = 3.0
#: Rows from controlled suites repeat within a few percent; those of many submitters do not.
_TRUST: Final = {"lambda": 4.0, "torchvision": 4.0}


@dataclass(frozen=True, slots=True)
class Fitted:
    """The learned parts of each surface, to fit folds with at little cost."""

    parts: Mapping[str, tuple[Part, ...]]
    noise: Mapping[str, float]


def is_usable(sample: Sample) -> bool:
    """Whether a sample can teach: its accelerator is known, and so is its rate and the work of one unit."""
    if sample.accelerator is None or sample.rate <= 0:
        return False
    whole = completed(sample.workload)
    surface = surface_for(whole)
    if surface == IMAGES and sample.accelerator.key != IMAGE_REFERENCE:
        return False
    if surface == RUNS and whole.recipe not in RUN_RECIPES:
        return False
    return surface not in (RUNS, IMAGES) or whole.forward_gflops_per_unit is not None


def fit(samples: Sequence[Sample], learned: Fitted | None = None) -> tuple[Calibration, Fitted]:
    """Surfaces through the usable samples; with `learned` the variances stay as they were."""
    usable = [sample for sample in samples if is_usable(sample)]
    usual = _usual(samples)
    bare = Calibration(
        surfaces={}, usual=usual, spreads={}, accelerators=frozenset(), workloads=frozenset()
    )
    rows: dict[str, list[tuple[Row, float, float]]] = defaultdict(list)
    for group in _merged(usable).values():
        sample = group[0]
        workload, accelerator = completed(sample.workload), sample.accelerator
        assert accelerator is not None
        surface = surface_for(workload)
        row, _ = bare.row_of(workload, accelerator, sample.count, sample.nodes)
        if row is None:
            continue
        value = statistics.median(math.log(each.rate / each.count) for each in group)
        trust = min(len(group), _MOST_TRUST) ** 0.5 * _TRUST.get(workload.recipe or "", 1.0)
        rows[surface].append((row, value + work_scale(workload, accelerator, surface), trust))
    surfaces, parts, noise = {}, {}, {}
    for surface, points in rows.items():
        surfaces[surface] = fit_surface(
            [row for row, _, _ in points],
            [value for _, value, _ in points],
            learned.parts[surface] if learned and surface in learned.parts else FORMS[surface],
            slopes=SLOPES[surface],
            trust=[trust for _, _, trust in points],
            noise=learned.noise[surface] if learned and surface in learned.noise else NOISE[surface],
            rounds=0 if learned and surface in learned.parts else ROUNDS[surface],
        )
        parts[surface], noise[surface] = surfaces[surface].parts, surfaces[surface].noise
    made = replace(
        bare,
        surfaces=surfaces,
        accelerators=frozenset(s.accelerator.key for s in usable if s.accelerator),
        workloads=frozenset(task_of(completed(s.workload), surface_for(s.workload)) for s in usable),
    )
    return made, Fitted(parts, noise)


def _usual(samples: Iterable[Sample]) -> dict[str, Usual]:
    units, batches = defaultdict(list), defaultdict(list)
    for sample in samples:
        workload = completed(sample.workload)
        if surface_for(workload) != RUNS:
            continue
        task = task_of(workload, RUNS)
        if sample.units:
            units[task].append(sample.units)
        batch = workload.micro_batch or (workload.global_batch or 0.0) / sample.count
        if batch:
            batches[task].append(batch)
    return {
        task: Usual(
            units=statistics.median(units[task]) if task in units else None,
            batch=statistics.median(batches[task]) if task in batches else None,
        )
        for task in sorted({*units, *batches})
    }


def _merged(samples: Iterable[Sample]) -> dict[tuple[object, ...], list[Sample]]:
    """Samples of one setting together: only batches and settings that differ are different rows."""
    found: dict[tuple[object, ...], list[Sample]] = defaultdict(list)
    for sample in samples:
        w = sample.workload
        batch = w.micro_batch or (w.global_batch or 0.0) / sample.count
        rest = replace(w, micro_batch=None, global_batch=None, units=None)
        close = round(math.log(batch) * 6) if batch and surface_for(w) == RUNS else batch
        found[rest, close, sample.accelerator_key, sample.count, sample.nodes].append(sample)
    return found
