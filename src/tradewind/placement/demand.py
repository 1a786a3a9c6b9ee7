"""What a job needs of one node, in numbers that can be added up and subtracted."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tradewind.domain.offers import Accelerator
from tradewind.domain.units import BYTES_PER_GIB
from tradewind.hardware.mig import find_profile
from tradewind.hardware.names import fulfils, identify
from tradewind.spec.models import JobSpec, NodeRange
from tradewind.spec.resources import AcceleratorRequest


@dataclass(frozen=True, slots=True)
class Demand:
    """Processors in thousandths, memory in bytes, and the accelerators that will do (any one of them)."""

    milli_cpus: int
    memory_bytes: int
    accelerators: tuple[AcceleratorRequest, ...]

    @property
    def cpus(self) -> float:
        """Processors."""
        return self.milli_cpus / 1000


def node_count(spec: JobSpec) -> int:
    """How many nodes an attempt has; the fewest that an elastic job is content with."""
    nodes = spec.resources.nodes
    return nodes.min if isinstance(nodes, NodeRange) else nodes


def titles_of(spec: JobSpec) -> tuple[str, ...]:
    """What each of a job's alternatives is called; the only one has no name."""
    named = spec.resources.any_of
    return tuple(f"alternative {number} ({each})" for number, each in enumerate(named, 1)) or ("",)


def refuse_several(spec: JobSpec) -> None:
    """Keeps a job with alternatives from being taken for what is written beside them. Raises ValueError."""
    if spec.resources.any_of:
        raise ValueError(f"job {spec.name!r} has alternatives: ask for each of `spec.alternatives()`")


def demand_of(spec: JobSpec) -> Demand:
    """What one alternative of the job file asks for; one processor where it asks for none."""
    refuse_several(spec)
    wanted = spec.resources
    cpus = wanted.cpus.value if wanted.cpus else 1.0
    memory = int(wanted.memory.value) if wanted.memory else 0
    return Demand(math.ceil(cpus * 1000), memory, wanted.accelerators)


def matches(request: AcceleratorRequest, accelerator: Accelerator) -> bool:
    """True if this accelerator is what was asked for, or can be cut into the slice that was."""
    memory_gb = accelerator.memory_bytes / BYTES_PER_GIB
    if request.name and not fulfils(request.name, accelerator.name, memory_gb):
        return False
    return (
        request.mig is None
        or find_profile(identify(accelerator.name, memory_gb).key, request.mig) is not None
    )


def pick_accelerators(demand: Demand, free: tuple[Accelerator, ...]) -> tuple[Accelerator, ...] | None:
    """Which of the free accelerators the job would hold: none if it asks for none; None if they do not suffice."""
    if not demand.accelerators:
        return ()
    for request in demand.accelerators:
        fitting = [each for each in free if matches(request, each)]
        if len(fitting) >= request.count:
            return tuple(fitting[: math.ceil(request.count)])
    return None
