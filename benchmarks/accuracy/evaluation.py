"""Estimates beside measurements: as the estimator ships, or fitted anew without the fold that a row belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.accuracy.fitting import Fitted, fit, is_usable
from benchmarks.accuracy.results import Outcome
from benchmarks.accuracy.samples import Sample
from benchmarks.accuracy.spreads import with_bands
from tradewind.estimate.band import Band
from tradewind.estimate.calibration import WHOLE_RUN, Calibration, surface_for, task_of
from tradewind.estimate.hours import estimate_hours, estimate_throughput
from tradewind.estimate.presets import completed

ACCELERATOR: Final = "accelerator"
WORKLOAD: Final = "workload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """The outcomes, and how many rows could not be estimated, by file and reason."""

    outcomes: list[Outcome]
    left_out: dict[tuple[str, str], int]


def evaluate(samples: Iterable[Sample], calibration: Calibration, fold: str = "") -> Evaluated:
    """What the calibration says of each sample."""
    outcomes: list[Outcome] = []
    left_out: dict[tuple[str, str], int] = defaultdict(int)
    for sample in samples:
        if sample.accelerator is None:
            left_out[sample.file, "accelerator not known"] += 1
            continue
        band = _estimate(sample, calibration)
        if band is None:
            left_out[sample.file, "amount of work not known"] += 1
            continue
        workload = completed(sample.workload)
        outcomes.append(
            Outcome(
                file=sample.file,
                quantity=sample.quantity,
                accelerator=sample.accelerator_key,
                workload=sample.group,
                actual=sample.actual,
                p10=band.p10,
                p50=band.p50,
                p90=band.p90,
                layer=band.layer.value,
                is_accelerator_seen=sample.accelerator.key in calibration.accelerators,
                is_workload_seen=task_of(workload, surface_for(workload)) in calibration.workloads,
                fold=fold,
            )
        )
    return Evaluated(outcomes=outcomes, left_out=dict(left_out))


def _estimate(sample: Sample, calibration: Calibration) -> Band | None:
    assert sample.accelerator is not None
    if sample.quantity == "hours":
        return estimate_hours(
            sample.workload, sample.accelerator, sample.count, nodes=sample.nodes, calibration=calibration
        )
    band = estimate_throughput(
        sample.workload, sample.accelerator, sample.count, nodes=sample.nodes, calibration=calibration
    )
    return band.scaled(sample.actual / sample.rate) if band else None


def cross_validate(
    samples: Sequence[Sample], report: Callable[[str], None] = lambda _: None
) -> tuple[Evaluated, Calibration]:
    """Each sample estimated twice by fits that had not seen it: once without its accelerator, once without its
    workload's group. The variances of the surfaces' parts (some fifty numbers) are learned once, from all samples
    by evidence; every fold then fits its surfaces anew. Also the fit to all samples."""
    whole, learned = fit(samples)
    outcomes: list[Outcome] = []
    left_out: dict[tuple[str, str], int] = defaultdict(int)
    for fold, key_of in ((ACCELERATOR, _accelerator_key), (WORKLOAD, _group)):
        keys = sorted({key_of(sample) for sample in samples if sample.accelerator is not None})
        for key in keys:
            out = [s for s in samples if key_of(s) == key and s.accelerator is not None]
            kept = [s for s in samples if key_of(s) != key]
            if not any(is_usable(sample) for sample in kept):
                continue
            if fold == WORKLOAD and all(sample.workload.unit == WHOLE_RUN for sample in out):
                for sample in out:
                    left_out[sample.file, "amount of work not known"] += 1
                continue
            part = evaluate(out, _refit(kept, out, whole, learned), fold)
            outcomes += part.outcomes
            for reason, number in part.left_out.items():
                left_out[reason] += number
            report(f"without {fold} {key}: {len(part.outcomes)} rows")
    return Evaluated(outcomes=with_bands(samples, outcomes), left_out=dict(left_out)), whole


def _refit(kept: Sequence[Sample], out: Sequence[Sample], whole: Calibration, learned: Fitted) -> Calibration:
    """A fit to `kept` alone; surfaces that no sample left out had part in are taken as they are."""
    touched = {surface_for(completed(sample.workload)) for sample in out if is_usable(sample)}
    here = [sample for sample in kept if surface_for(completed(sample.workload)) in touched]
    bare, _ = fit(here, learned)
    kept_usable = [sample for sample in kept if is_usable(sample)]
    rest = {name: each for name, each in whole.surfaces.items() if name not in touched}
    return replace(
        bare,
        surfaces={**rest, **bare.surfaces},
        usual={**{k: v for k, v in whole.usual.items() if k not in bare.usual and not touched}, **bare.usual},
        spreads=whole.spreads,
        accelerators=frozenset(s.accelerator.key for s in kept_usable if s.accelerator),
        workloads=frozenset(task_of(completed(s.workload), surface_for(s.workload)) for s in kept_usable),
    )


def _accelerator_key(sample: Sample) -> str:
    return sample.accelerator.key if sample.accelerator else sample.accelerator_key


def _group(sample: Sample) -> str:
    return sample.group
