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
from tradewind.estimate.surface import Part, Row, Surface, fit_surface

#: Rows of one setting beyond the third add nothing that the middle of three did not say.
_MOST_TRUST: Final = 3.0
#: Rows from controlled suites repeat within a few percent; those of many submitters do not, hours in documents
#: are rounded, and users round to days.
_TRUST: Final = {"lambda": 10.0, "torchvision": 10.0, "nvidia": 0.5, "": 0.15}


@dataclass(frozen=True, slots=True)
class Fitted:
    """The learned parts of each surface, to fit folds with at little cost."""

    parts: Mapping[str, tuple[Part, ...]]
    noise: Mapping[str, float]
    #: How far each setting is to be believed, as the fit to all rows found.
    trust: Mapping[tuple[object, ...], float]


def is_usable(sample: Sample) -> bool:
    """Whether a sample can teach: its accelerator is known, and so is its rate and the work of one unit."""
    if sample.accelerator is None or sample.rate <= 0:
        return False
    whole = completed(sample.workload)
    surface = surface_for(whole)
    if surface == IMAGES and sample.accelerator.key != IMAGE_REFERENCE:
        return False
    if surface == RUNS and whole.recipe not in RUN_RECIPES and whole.recipe is not None:
        return False
    return surface not in (RUNS, IMAGES) or whole.forward_gflops_per_unit is not None


def fit(samples: Sequence[Sample], learned: Fitted | None = None) -> tuple[Calibration, Fitted]:
    """Surfaces through the usable samples; with `learned` the variances stay as they were."""
    usable = [sample for sample in samples if is_usable(sample)]
    usual = _usual(samples)
    bare = Calibration(surfaces={}, usual=usual, spreads={}, accelerators=frozenset(), workloads=frozenset())
    rows: dict[str, list[tuple[Row, float, float]]] = defaultdict(list)
    keys: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for key, group in _merged(usable).items():
        sample = group[0]
        workload, accelerator = completed(sample.workload), sample.accelerator
        assert accelerator is not None
        surface = surface_for(workload)
        row, _ = bare.row_of(workload, accelerator, sample.count, sample.nodes)
        if row is None:
            continue
        value = statistics.median(math.log(each.rate / each.count) for each in group)
        trust = min(len(group), _MOST_TRUST) ** 0.5 * _TRUST.get(workload.recipe or "", 1.0)
        if learned is not None:
            trust = learned.trust.get(key, trust)
        rows[surface].append((row, value + work_scale(workload, accelerator, surface), trust))
        keys[surface].append(key)
    surfaces, parts, noise = {}, {}, {}
    believed: dict[tuple[object, ...], float] = {}
    for surface, points in rows.items():
        known = learned if learned and surface in learned.parts else None
        surfaces[surface], trusts = _robust(surface, points, known)
        believed.update(zip(keys[surface], trusts, strict=True))
        parts[surface], noise[surface] = surfaces[surface].parts, surfaces[surface].noise
    made = replace(
        bare,
        surfaces=surfaces,
        accelerators=frozenset(s.accelerator.key for s in usable if s.accelerator),
        workloads=frozenset(task_of(completed(s.workload), surface_for(s.workload)) for s in usable),
    )
    return made, Fitted(parts, noise, believed)


def _robust(
    surface: str, points: Sequence[tuple[Row, float, float]], known: Fitted | None
) -> tuple[Surface, list[float]]:
    """A surface that a few odd rows do not bend: fitted twice, rows far off the first fit counting for less. Also
    what each row counted for. With `known` one fit is enough: trust and variances are those of the fit to all rows.

    The weights are those of a Student distribution with four degrees of freedom.
    """
    rows, values = [row for row, _, _ in points], [value for _, value, _ in points]
    trust = [each for _, _, each in points]
    parts, noise = (known.parts[surface], known.noise[surface]) if known else (FORMS[surface], NOISE[surface])
    rounds = 0 if known else ROUNDS[surface]
    for turn in (0, 1) if known is None else (1,):
        found = fit_surface(
            rows, values, parts, slopes=SLOPES[surface], trust=trust, noise=noise, rounds=rounds // (1 + turn)
        )
        parts, noise = found.parts, found.noise
        if turn == 0:
            off = [abs(a - b) * t**0.5 for a, b, t in zip(found.predict(rows), values, trust, strict=True)]
            usual = max(statistics.median(off) * 1.48, 1e-3)
            trust = [t * 5 / (4 + (o / usual) ** 2) for t, o in zip(trust, off, strict=True)]
    return found, trust


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
