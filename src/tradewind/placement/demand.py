"""What a job needs of one node, in numbers that can be added up and subtracted."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from tradewind.domain.offers import Accelerator
from tradewind.spec.models import JobSpec
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


def demand_of(spec: JobSpec) -> Demand:
    """What the job file asks for; one processor where it asks for none."""
    wanted = spec.resources
    cpus = wanted.cpus.value if wanted.cpus else 1.0
    memory = int(wanted.memory.value) if wanted.memory else 0
    return Demand(math.ceil(cpus * 1000), memory, wanted.accelerators)


def normal_name(name: str) -> str:
    """An accelerator's name without the words and signs that vendors add: `NVIDIA GeForce RTX 4090` is `rtx4090`."""
    lowered = re.sub(r"nvidia|geforce|tesla|amd|radeon|instinct|graphics|gpu|hbm\d\w*", " ", name.lower())
    return re.sub(r"[^a-z0-9]", "", lowered)


def matches(request: AcceleratorRequest, accelerator: Accelerator) -> bool:
    """True if this accelerator is what was asked for: every part of the asked name is part of its name."""
    have = normal_name(accelerator.name)
    parts = [part for part in re.split(r"[^a-z0-9]+", request.name.lower()) if part]
    return all(normal_name(part) in have for part in parts)


def pick_accelerators(demand: Demand, free: tuple[Accelerator, ...]) -> tuple[Accelerator, ...] | None:
    """Which of the free accelerators the job would hold: none if it asks for none; None if they do not suffice."""
    if not demand.accelerators:
        return ()
    for request in demand.accelerators:
        fitting = [each for each in free if matches(request, each)]
        if len(fitting) >= request.count:
            return tuple(fitting[: math.ceil(request.count)])
    return None
