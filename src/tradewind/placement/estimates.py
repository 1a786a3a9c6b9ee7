"""The one place where a job file's `estimate` meets the room that works it out.

What works it out brings tables with it, and is loaded when a job first needs it: a server that is asked nothing of the
kind stays small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from statistics import median
from typing import TYPE_CHECKING, Final

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.offers import Accelerator, Offer
from tradewind.domain.units import BYTES_PER_GIB
from tradewind.estimate.band import Band, Layer
from tradewind.estimate.run_terms import RunTerms
from tradewind.estimate.workload import Family, Workload
from tradewind.hardware.accelerators import AcceleratorModel, all_models
from tradewind.hardware.names import fulfils, identify
from tradewind.placement.demand import refuse_several
from tradewind.spec.models import JobSpec
from tradewind.spec.parts import Estimate

if TYPE_CHECKING:
    from tradewind.estimate.hours import Run

#: How far repeated runs of the same work on the same accelerators lie apart, one in ten each way (MLPerf training
#: results of other submitters with the same workload, accelerator and count: 14.6 % at P90).
REPEAT_SPREAD: Final = 0.146
#: How far the pace of a run that stopped early may be off the whole, each way. Ours, not measured.
PACE_SPREAD: Final = 0.1
#: Stands for work of which only earlier runs are known.
_ANY_WORK: Final = Workload(family=Family.OTHER)


class JobEstimates:
    """Answers for one job file: how long on which accelerators, and whether it fits into their memory.

    `history` are earlier runs of the same job (`estimate.hours.Run`), which count more than anything that is worked
    out; `probes` are runs that stopped early, with the hours that their pace implied. Answers are kept for as long as
    the process lives: they depend on the job file, those runs and the accelerator alone.
    """

    def __init__(self, spec: JobSpec, history: Sequence[Run] = (), probes: Sequence[Run] = ()) -> None:
        self._said = spec.estimate
        self._history = tuple(history)
        self._probes = tuple(probes)
        self.notes: list[str] = []
        self._workload = self._read_workload()

    @property
    def says_something(self) -> bool:
        """False where the job file and its history leave the length open: places then compare by the hour."""
        return bool(self._history or self._probes) or (
            self._said is not None and bool(self._said.hours or self._workload)
        )

    def hours(self, accelerator: str | None, count: float, nodes: int = 1) -> Band | None:
        """Hours on `count` accelerators of this kind on each of so many nodes; None: nobody can say."""
        if not self.says_something:
            return None
        return _hours(self._said, self._workload, self._history, self._probes, accelerator, count, nodes)

    @property
    def workload(self) -> Workload | None:
        """What is trained, where the job file names a known model and how much of it."""
        return self._workload

    def fits(self, accelerator: str | None, count: float, nodes: int = 1) -> bool | None:
        """False where the model cannot fit into the memory of these accelerators; None: nobody can say."""
        if self._workload is None or accelerator is None:
            return None
        return _fits(self._workload, accelerator, count, nodes)

    def hours_at(self, offer: Offer, held: Sequence[Accelerator], nodes: int = 1) -> Band | None:
        """Hours on a machine at hand, or on so many alike, of which the job would hold these accelerators.

        A user's own hours for a machine's accelerators stand even where the job asks for none of them.
        """
        seen = held or (offer.accelerators if self._workload is None else ())
        if not seen:
            return self.hours(None, 1.0, nodes)
        first = identify(seen[0].name, seen[0].memory_bytes / BYTES_PER_GIB)
        return self.hours(first.key, float(len(held)) or 1.0, nodes)

    def _read_workload(self) -> Workload | None:
        said = self._said
        if said is None or said.model is None:
            return None
        from tradewind.estimate.presets import workload_of

        try:
            made = workload_of(
                said.model,
                method=said.method,
                tokens=said.tokens,
                samples=said.samples,
                epochs=said.epochs,
                sequence_length=said.sequence_length,
                image_size=said.image_size,
                global_batch=said.batch,
                precision=said.precision,
            )
        except InvalidInputError as error:
            self.notes.append(f"{error.message}: {error.hint}" if error.hint else error.message)
            return None
        if made.units is None:
            self.notes.append(
                f"how much {said.model} is trained on is not said: add `tokens`, or `samples` and `epochs`"
            )
            return None
        return made


@lru_cache(maxsize=65536)
def _hours(
    said: Estimate | None,
    workload: Workload | None,
    history: tuple[Run, ...],
    probes: tuple[Run, ...],
    accelerator: str | None,
    count: float,
    nodes: int,
) -> Band | None:
    model = all_models().get(accelerator or "")
    # A pace that was seen on this very accelerator says more than whole runs on another.
    for runs, layer in (
        (_on(accelerator, history), Layer.HISTORY),
        (_on(accelerator, probes), Layer.PROBE),
        (history, Layer.HISTORY),
        (probes, Layer.PROBE),
    ):
        band = _of_runs(runs, layer, workload or _ANY_WORK, model, accelerator, count, nodes)
        if band is not None:
            return band
    if said is not None and said.hours is not None:
        return _stated(said.hours, said.on, accelerator, count, nodes)
    if workload is None or model is None:
        return None
    from tradewind.estimate.hours import estimate_hours

    return estimate_hours(workload, model, count * nodes, nodes=nodes)


def _of_runs(
    runs: tuple[Run, ...],
    layer: Layer,
    work: Workload,
    model: AcceleratorModel | None,
    accelerator: str | None,
    count: float,
    nodes: int,
) -> Band | None:
    """What earlier runs say: of this accelerator or, where its speed is known, of others."""
    band: Band | None = None
    if model is not None and runs:
        from tradewind.estimate.hours import estimate_hours

        band = estimate_hours(work, model, count * nodes, nodes=nodes, history=runs)
    elif here := _on(accelerator, runs):
        # A machine without accelerators, or with some that nobody knows: its own runs tell of it, no others do.
        said = "1 earlier run" if len(here) == 1 else f"{len(here)} earlier runs"
        middle = median(run.hours for run in here)
        band = replace(stated_band(middle, f"{said} of this job here"), layer=Layer.HISTORY)
    if band is None or layer is Layer.HISTORY:
        return band
    return replace(
        band,
        p10=band.p10 / (1 + PACE_SPREAD),
        p90=band.p90 * (1 + PACE_SPREAD),
        layer=layer,
        basis=f"the pace of {band.basis} that stopped early",
    )


def _on(accelerator: str | None, runs: tuple[Run, ...]) -> tuple[Run, ...]:
    return tuple(run for run in runs if run.accelerator_key == (accelerator or ""))


def _stated(hours: float, on: str | None, accelerator: str | None, count: float, nodes: int) -> Band | None:
    """The user's own hours: as they are where they were measured, carried over where the accelerator is known."""
    if on is None:
        return stated_band(hours, "the job file's estimate")
    if accelerator is None:
        return None
    measured = identify(on)
    is_same_number = measured.count in (None, count * nodes)
    if fulfils(on, accelerator) and is_same_number:
        return stated_band(hours, "the job file's estimate")
    there, here = measured.model, all_models().get(accelerator)
    if there is None or here is None:
        return None
    from tradewind.estimate.hours import scale_hours

    all_here = count * nodes
    return scale_hours(
        hours, there, here, measured_count=measured.count or all_here, count=all_here, nodes=nodes
    )


@lru_cache(maxsize=65536)
def _fits(workload: Workload, accelerator: str, count: float, nodes: int) -> bool | None:
    model = all_models().get(accelerator)
    if model is None:
        return None
    from tradewind.estimate.memory import Verdict, estimate_memory

    if 0 < count < 1:
        # A part of an accelerator has that part of its memory.
        model = replace(model, memory_gb=model.memory_gb * count)
    try:
        found = estimate_memory(workload, model, max(int(count), 1), nodes=nodes)
    except InvalidInputError:
        return None
    return found.verdict is not Verdict.DOES_NOT_FIT


def stated_band(hours: float, basis: str) -> Band:
    """A user's own figure, with the spread that repeated runs of the same work show."""
    return Band(
        p10=hours / (1 + REPEAT_SPREAD),
        p50=hours,
        p90=hours * (1 + REPEAT_SPREAD),
        layer=Layer.STATED,
        basis=basis,
    )


def terms_of(spec: JobSpec) -> RunTerms:
    """What one alternative takes and leaves beside its hours, as far as the job file says."""
    refuse_several(spec)
    estimate, checkpoints, disk = spec.estimate, spec.checkpoints, spec.resources.disk
    return RunTerms(
        data_gb=(estimate.dataset_gb or 0.0) if estimate is not None else 0.0,
        data_location=estimate.dataset_in if estimate is not None else None,
        checkpoint_every_s=None if checkpoints is None else max(checkpoints.every.total_seconds(), 1.0),
        disk_gb=disk.value / 1e9 if disk is not None else 0.0,
    )


class Place:
    """What a machine elsewhere draws and emits, by what is known of its accelerators and its region."""

    @staticmethod
    @lru_cache(maxsize=16384)
    def kilowatts(accelerator: str | None, count: float) -> float | None:
        """Of one node while it trains, at the wall, without cooling the building; None: nothing is known of it."""
        if accelerator is None or not count:
            return None
        from tradewind.estimate.energy import node_watts

        return node_watts(all_models().get(accelerator), count).p50 / 1000

    @staticmethod
    @lru_cache(maxsize=65536)
    def grams_per_kwh(provider: str, region: str) -> float | None:
        """Grams CO2e per kilowatt-hour at the machine, cooling of the building included; None: nobody says."""
        from tradewind.estimate.carbon import carbon_intensity, pue

        return carbon_intensity(provider, region).g_per_kwh * pue(provider).p50
