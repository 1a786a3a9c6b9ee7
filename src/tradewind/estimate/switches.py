"""What would make a training run fit, and what each way costs in time.

A switch is a change of the workload, of the number of accelerators or of their model. Every switch offered was applied
and estimated again: `after` is that estimate, not a saving looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import sqrt
from typing import Final

from tradewind.estimate.finetune import estimate_step
from tradewind.estimate.memory import MemoryEstimate, estimate_memory
from tradewind.estimate.workload import Family, Method, Sharding, Workload
from tradewind.hardware.accelerators import AcceleratorModel, all_models

#: A switch that saves less than this share is not worth a line.
WORTH_SHARE: Final = 0.01
#: Largest number of accelerators that sharding is offered over.
MOST_DEVICES: Final = 64
#: Accelerators that one machine usually has room for.
MOST_PER_NODE: Final = 8
#: Factors on time where no step-time model tells: recomputing the forward pass is a third more work, as many micro-
#: batches at half the size run a little less efficiently, state in host memory crosses the bus once a step (assumed).
CHECKPOINTING_FACTOR: Final = 1.33
SMALLER_BATCH_FACTOR: Final = 1.05
OFFLOAD_FACTOR: Final = 1.4
#: A switch that does the same as another, further.
_WEAKER: Final = {"smallest_batch": "half_batch", "checkpointing": "selective_checkpointing"}
_FREEZABLE: Final = (Method.PRETRAIN, Method.FULL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One change, and the run after it.

    `time_factor` multiplies the accelerator-hours of the same training: hours times accelerators.
    """

    name: str
    explanation: str
    workload: Workload
    accelerator: AcceleratorModel
    count: int
    nodes: int
    after: MemoryEstimate
    time_factor: float
    #: True where something else is learned than before: adapters instead of all weights, a coarser base.
    changes_result: bool = False
    #: True where it takes other accelerators, or more of them, than were asked for.
    changes_hardware: bool = False

    @property
    def makes_it_fit(self) -> bool:
        """True where nine runs in ten would fit after it."""
        return self.after.is_safe


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a run takes place."""

    accelerator: AcceleratorModel
    count: int
    nodes: int

    @property
    def devices(self) -> int:
        return self.count * self.nodes

    def estimate(self, workload: Workload) -> MemoryEstimate:
        return estimate_memory(workload, self.accelerator, self.count, nodes=self.nodes)

    def twice(self) -> _Place:
        """Twice the accelerators: in the same machine while it has room, then as more machines."""
        if self.nodes == 1 and self.count * 2 <= MOST_PER_NODE:
            return replace(self, count=self.count * 2)
        return replace(self, nodes=self.nodes * 2)


def find_switches(
    workload: Workload, accelerator: AcceleratorModel, count: int = 1, *, nodes: int = 1
) -> tuple[Switch, ...]:
    """Changes that need less memory per accelerator, the best first.

    First those that make it fit: of them the ones that train the same thing, on the accelerators asked for, then by
    what they cost in time. Where one change is not enough, several are applied together. Empty for a run that fits.

    Raises:
        InvalidInputError: as `estimate_memory`.
    """
    place = _Place(accelerator=accelerator, count=count, nodes=nodes)
    before = place.estimate(workload)
    if before.is_safe:
        return ()
    found = [*_by_workload(workload, place), *_by_hardware(workload, place)]
    helpful = [
        each
        for each in found
        if each.makes_it_fit or each.after.total.p50 < before.total.p50 * (1 - WORTH_SHARE)
    ]
    return tuple(sorted(helpful, key=_order))


def _order(switch: Switch) -> tuple[bool, bool, bool, float, float]:
    rank = (not switch.makes_it_fit, switch.changes_result, switch.changes_hardware)
    return (*rank, round(switch.time_factor, 3), switch.after.total.p50)


def _by_workload(workload: Workload, place: _Place) -> Iterator[Switch]:
    """Changes of the training on the accelerators asked for: one each, and as many together as it takes."""
    same = list(_same_result(workload, place.devices))
    singles = [_switch(name, why, workload, place, after, place, factor) for name, why, after, factor in same]
    yield from singles
    if not any(each.makes_it_fit for each in singles):
        yield from _together("", workload, place, workload, place)
    for name, why, changed in _other_result(workload):
        single = _switch(name, why, workload, place, changed, place, 1.0, changes_result=True)
        yield single
        if not single.makes_it_fit:
            yield from _together(name, workload, place, changed, place, changes_result=True)


def _by_hardware(workload: Workload, place: _Place) -> Iterator[Switch]:
    """More accelerators that share the state, and the smallest accelerator that would do alone."""
    sharded = workload
    if workload.sharding is not Sharding.TENSOR:
        sharded = replace(workload, sharding=Sharding.FULL)
    wider = place if place.devices > 1 and sharded != workload else place.twice()
    first = wider
    while wider.devices <= MOST_DEVICES:
        after = wider.estimate(sharded)
        if after.is_safe or wider is first:
            why = f"cut weights, gradients and optimizer state over {wider.devices} accelerators"
            yield _switch("shard", why, workload, place, sharded, wider, 1.0)
        if after.is_safe:
            break
        combined = list(_together("shard", workload, place, sharded, wider))
        if combined:
            yield from combined
            break
        wider = wider.twice()
    larger = _smallest_that_fits(workload, place)
    if larger is not None:
        why = f"use {larger.title} with {larger.memory_gb:g} GB"
        factor = _speed(place.accelerator) / _speed(larger)
        yield _switch(
            "larger_accelerator", why, workload, place, workload, replace(place, accelerator=larger), factor
        )


def _switch(
    name: str,
    explanation: str,
    workload: Workload,
    place: _Place,
    changed: Workload,
    changed_place: _Place,
    usual_factor: float,
    *,
    changes_result: bool = False,
) -> Switch:
    """A change with the run after it; `usual_factor` stands in where no step-time model tells the difference."""
    now, then = _seconds_per_unit(workload, place), _seconds_per_unit(changed, changed_place)
    factor = usual_factor if now is None or then is None else then / now
    return Switch(
        name=name,
        explanation=explanation,
        workload=changed,
        accelerator=changed_place.accelerator,
        count=changed_place.count,
        nodes=changed_place.nodes,
        after=changed_place.estimate(changed),
        time_factor=factor,
        changes_result=changes_result,
        changes_hardware=changed_place != place,
    )


def _seconds_per_unit(workload: Workload, place: _Place) -> float | None:
    """Accelerator-seconds per sequence of a language model; None for anything else."""
    band = estimate_step(workload, place.accelerator, place.count, nodes=place.nodes)
    if band is None:
        return None
    sequences = max(workload.global_batch or 0.0, (workload.micro_batch or 1.0) * place.devices)
    return band.p50 * place.devices / sequences


def _together(
    first: str,
    workload: Workload,
    place: _Place,
    start: Workload,
    start_place: _Place,
    *,
    changes_result: bool = False,
) -> Iterator[Switch]:
    """The changes that keep the result, one after the other until it fits; none where all of them do not do."""
    names = [first] if first else []
    changed, factor = start, 1.0
    need = start_place.estimate(start).total.p50
    tried: set[str] = set()
    while True:
        untried = [each for each in _same_result(changed, start_place.devices) if each[0] not in tried]
        if not untried:
            return
        name, _, after, usual_factor = untried[0]
        tried.add(name)
        estimate = start_place.estimate(after)
        if estimate.total.p50 >= need * (1 - WORTH_SHARE):
            continue
        names = [each for each in names if each != _WEAKER.get(name)] + [name]
        changed, need, factor = after, estimate.total.p50, factor * usual_factor
        if estimate.is_safe:
            why = "together: " + ", ".join(each.replace("_", " ") for each in names)
            yield _switch(
                "+".join(names),
                why,
                workload,
                place,
                changed,
                start_place,
                factor,
                changes_result=changes_result,
            )
            return


def _same_result(workload: Workload, devices: int) -> Iterator[tuple[str, str, Workload, float]]:
    """Changes after which the same model is trained on the same batches."""
    is_language_model = workload.family is Family.LLM
    is_trained = workload.method in _FREEZABLE
    if is_language_model and not workload.has_flash_attention:
        yield "flash_attention", "fused attention", replace(workload, has_flash_attention=True), 1.0
    if is_language_model and not workload.has_chunked_loss:
        changed = replace(workload, has_chunked_loss=True)
        yield "chunked_loss", "compute the loss over the vocabulary in pieces", changed, 1.0
    if is_trained and workload.optimizer in ("adamw", "adam"):
        changed = replace(workload, optimizer="adamw8bit")
        yield "adam_8bit", "keep Adam's state in eight bits", changed, 1.0
    if is_language_model and is_trained and not workload.has_fused_backward and workload.global_batch is None:
        changed = replace(workload, has_fused_backward=True)
        yield "fused_backward", "use and free each gradient as soon as it is there", changed, 1.0
    micro = workload.micro_batch or 1.0
    if micro >= 2:
        total = workload.global_batch or micro * devices
        changed = replace(workload, micro_batch=1.0, global_batch=total)
        unit = "sequence" if is_language_model else workload.unit
        explanation = f"one {unit} at a time, accumulated to {total:g}"
        if micro >= 4:
            half = replace(workload, micro_batch=float(micro // 2), global_batch=total)
            yield (
                "half_batch",
                f"{micro // 2:g} at a time, accumulated to {total:g}",
                half,
                SMALLER_BATCH_FACTOR,
            )
        yield "smallest_batch", explanation, changed, SMALLER_BATCH_FACTOR**3
    if is_language_model and not workload.is_checkpointing and not workload.is_checkpointing_selective:
        changed = replace(workload, is_checkpointing_selective=True)
        yield "selective_checkpointing", "compute again what is cheap to compute", changed, 1.05
    if not workload.is_checkpointing:
        changed = replace(workload, is_checkpointing=True)
        yield (
            "checkpointing",
            "compute activations again instead of keeping them",
            changed,
            CHECKPOINTING_FACTOR,
        )
    if is_trained and not workload.is_offloaded:
        changed = replace(workload, is_offloaded=True)
        yield "offload", "keep the optimizer's state in the host's memory", changed, OFFLOAD_FACTOR


def _other_result(workload: Workload) -> Iterator[tuple[str, str, Workload]]:
    """Changes after which something smaller is trained."""
    if workload.family is not Family.LLM:
        return
    common = replace(workload, has_fused_backward=False, is_offloaded=False, trainable_parameters=None)
    if workload.method is Method.FULL:
        yield "lora", "train low-rank adapters beside frozen weights", replace(common, method=Method.LORA)
    if workload.method in (Method.FULL, Method.LORA):
        common = replace(common, trainable_parameters=workload.trainable_parameters)
        if workload.method is Method.FULL:
            common = replace(common, trainable_parameters=None)
        changed = replace(common, method=Method.QLORA, quantization="nf4")
        yield "qlora", "train low-rank adapters beside weights of four bits", changed


def _smallest_that_fits(workload: Workload, place: _Place) -> AcceleratorModel | None:
    """The model of the same vendor with the least memory that would do."""
    own = place.accelerator
    larger = [
        each for each in all_models().values() if each.vendor == own.vendor and each.memory_gb > own.memory_gb
    ]
    for each in sorted(larger, key=lambda model: (model.memory_gb, model.year)):
        if replace(place, accelerator=each).estimate(workload).is_safe:
            return each
    return None


def _speed(accelerator: AcceleratorModel) -> float:
    """Peak and bandwidth in equal parts: what training speed follows best across accelerators."""
    peak = max(accelerator.peak_tflops.values(), default=1.0)
    return sqrt(peak * accelerator.memory_bandwidth_gb_per_s)
