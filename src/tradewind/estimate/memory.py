"""How much accelerator memory a training run needs, item by item, and whether a device has it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.architecture import architecture_of
from tradewind.estimate.band import Band, Layer
from tradewind.estimate.frameworks import framework_named
from tradewind.estimate.layer_memory import layer_items
from tradewind.estimate.memory_calibration import Calibration, shipped_calibration
from tradewind.estimate.transformer_memory import MemoryItem, transformer_items
from tradewind.estimate.workload import Family, Workload
from tradewind.hardware.accelerators import AcceleratorModel

#: A data sheet's GB of accelerator memory are 2^30 bytes.
GB_PER_SHEET_GB: Final = 1.073741824
#: Of the memory on the sheet, what a driver leaves: GDDR with error correction gives a sixteenth to it (a 24 GB A10G
#: shows 22.5); high-bandwidth memory and consumer boards lose only what the driver itself takes.
CORRECTED_SHARE: Final = 0.93
USUAL_SHARE: Final = 0.985
#: GB that a process takes for itself on a device before it allocates anything, and for talking to others.
CONTEXT_GB: Final = 0.5
COLLECTIVES_GB: Final = 0.6
#: What the caching allocator holds beyond what is allocated (fragmentation): 3 to 10 % is usual.
ALLOCATOR_SHARE: Final = 0.04
#: Measured over predicted, for families whose formula has not been calibrated.
UNCALIBRATED_SPREAD: Final = (0.65, 1.5)
#: How much further a band reaches, each way, where the model's shape is only assumed from its size.
ASSUMED_SHAPE_FACTOR: Final = 1.1


class Verdict(StrEnum):
    """Whether a device has the memory."""

    FITS = "fits"  #: the p90 is within what is usable
    TIGHT = "tight"  #: the band straddles what is usable
    DOES_NOT_FIT = "does_not_fit"  #: the p10 is already more


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEstimate:
    """What one device needs, in GB of 10^9 bytes.

    `items` add up to `total.p50`. `allocated` is what the training program would report as its peak; `total` adds the
    process's context and the allocator's slack, and is what the device must have.
    """

    items: tuple[MemoryItem, ...]
    allocated: Band
    total: Band
    usable_gb: float
    verdict: Verdict

    @property
    def is_safe(self) -> bool:
        """True where nine runs in ten would fit."""
        return self.verdict is Verdict.FITS


def estimate_memory(
    workload: Workload,
    accelerator: AcceleratorModel,
    count: int = 1,
    *,
    nodes: int = 1,
    calibration: Calibration | None = None,
) -> MemoryEstimate:
    """The memory of each of `count` accelerators on each of `nodes` machines that train together.

    `switches.find_switches` says what would make it fit.

    Raises:
        InvalidInputError: the model's size, or what its activations follow from, is not known.
    """
    devices = count * nodes
    if devices < 1 or (workload.micro_batch is not None and not workload.micro_batch > 0):
        raise InvalidInputError(
            "a run needs at least one accelerator and a positive batch",
            hint=f"got {count} accelerators on {nodes} nodes and a micro-batch of {workload.micro_batch}",
        )
    items, low, high, basis = _items(workload, devices, calibration or shipped_calibration("memory"))
    amount = sum(item.gb for item in items)
    layer = Layer.ROOFLINE if _is_transformer(workload) else Layer.FAMILY
    allocated = Band(p10=amount * low, p50=amount, p90=amount * high, layer=layer, basis=basis)
    context = CONTEXT_GB + (COLLECTIVES_GB if devices > 1 else 0.0)
    total = Band(
        p10=allocated.p10 * (1 + ALLOCATOR_SHARE) + context,
        p50=allocated.p50 * (1 + ALLOCATOR_SHARE) + context,
        p90=allocated.p90 * (1 + ALLOCATOR_SHARE) + context,
        layer=layer,
        basis=basis,
    )
    usable = usable_gb(accelerator)
    return MemoryEstimate(
        items=(
            *items,
            MemoryItem(name="context", gb=context, note="the process's own, before it allocates anything"),
            MemoryItem(
                name="slack", gb=amount * ALLOCATOR_SHARE, note="held by the allocator, between blocks"
            ),
        ),
        allocated=allocated,
        total=total,
        usable_gb=usable,
        verdict=judge(total, usable),
    )


def judge(total: Band, usable: float) -> Verdict:
    """Whether a need is met by so many usable GB."""
    if total.p90 <= usable:
        return Verdict.FITS
    return Verdict.DOES_NOT_FIT if total.p10 > usable else Verdict.TIGHT


def usable_gb(accelerator: AcceleratorModel) -> float:
    """GB of 10^9 bytes that a driver leaves to programs."""
    is_consumer = accelerator.title.startswith(("GeForce", "TITAN", "Radeon"))
    is_corrected = accelerator.memory_type.startswith("GDDR") and not is_consumer
    share = CORRECTED_SHARE if is_corrected else USUAL_SHARE
    return accelerator.memory_gb * GB_PER_SHEET_GB * share


def _is_transformer(workload: Workload) -> bool:
    """Language models, and encoders where no activations are stated: both are stacks of equal layers over tokens."""
    if workload.family is Family.LLM:
        return True
    return workload.family is Family.ENCODER and workload.activations_m_per_unit is None


def _items(
    workload: Workload, devices: int, calibration: Calibration
) -> tuple[tuple[MemoryItem, ...], float, float, str]:
    """The ledger as the program counts it, the ends of its band over its middle, and what it rests on."""
    if not _is_transformer(workload):
        low, high = UNCALIBRATED_SPREAD
        return layer_items(workload, devices), low, high, "weights, state and activations; not calibrated yet"
    architecture = architecture_of(workload)
    items = transformer_items(workload, architecture, devices, calibration)
    low, high = calibration.spread(framework_named(workload.framework).name)
    low, high = min(low, 1.0), max(high, 1.0)
    basis = "weights, state and activations by formula, corrected by measured fine-tunings"
    if not architecture.is_known:
        low, high = low / ASSUMED_SHAPE_FACTOR, high * ASSUMED_SHAPE_FACTOR
        basis += "; the model's shape is assumed from its size"
    return items, low, high, basis
