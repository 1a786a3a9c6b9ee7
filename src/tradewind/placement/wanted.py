"""What a job asks of a market: the numbers that rows of an offer table are held against."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tradewind.domain.units import BYTES_PER_GIB
from tradewind.placement.demand import refuse_several
from tradewind.spec.models import JobSpec, NodeRange
from tradewind.spec.parts import Strategy
from tradewind.spec.resources import Spot

#: Between the nodes of one cluster, where nothing is known of the job's gradients. Assumed: below it even a small
#: model spends most of a step waiting for them.
LEAST_NETWORK_GBIT_PER_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Per node unless said otherwise. Zero and None mean that anything will do; hours count from now."""

    #: Any of these will do: name as in a job file, and how many per node.
    accelerators: tuple[tuple[str, float], ...] = ()
    nodes_min: int = 1
    nodes_max: int = 1
    cpus: float = 0.0
    memory_gib: float = 0.0
    disk_gib: float = 0.0
    providers: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    spot: Spot = Spot.AUTO
    #: Of all nodes together, per hour.
    max_price_micro: int | None = None
    #: Of the whole job.
    budget_micro: int | None = None
    deadline_h: float | None = None
    max_duration_h: float | None = None
    min_reliability: float | None = None
    #: Between nodes; matters only with more than one.
    network_gbit_per_s: float = LEAST_NETWORK_GBIT_PER_S
    #: Of these providers several machines that reach each other can be had together; None: of all of them.
    together: frozenset[str] | None = None
    #: Independent ones; each needs nodes of its own.
    tasks: int = 1
    strategy: Strategy = Strategy.BALANCED
    #: `provider` or `provider/region`; None: with the user.
    data_location: str | None = None


def wanted_of(spec: JobSpec, now: datetime | None = None) -> Wanted:
    """What one alternative of a job file asks for; its deadline counts from `now`, and does not count without one."""
    refuse_several(spec)
    resources, limits, estimate = spec.resources, spec.constraints, spec.estimate
    nodes = resources.nodes
    least, most = (nodes.min, nodes.max) if isinstance(nodes, NodeRange) else (nodes, nodes)
    deadline_h = None
    if limits.deadline is not None and now is not None:
        deadline_h = (limits.deadline - now).total_seconds() / 3600
    return Wanted(
        accelerators=tuple((each.name, each.count) for each in resources.accelerators),
        nodes_min=least,
        nodes_max=most,
        cpus=resources.cpus.value if resources.cpus else 0.0,
        memory_gib=resources.memory.value / BYTES_PER_GIB if resources.memory else 0.0,
        disk_gib=resources.disk.value / BYTES_PER_GIB if resources.disk else 0.0,
        providers=resources.providers,
        regions=resources.regions,
        spot=resources.spot,
        max_price_micro=limits.max_price_micro_usd_per_hour,
        budget_micro=limits.budget_micro_usd,
        deadline_h=deadline_h,
        max_duration_h=limits.max_duration.total_seconds() / 3600 if limits.max_duration else None,
        min_reliability=limits.min_reliability,
        tasks=count_tasks(spec),
        strategy=spec.strategy,
        data_location=estimate.dataset_in if estimate is not None else None,
    )


def count_tasks(spec: JobSpec) -> int:
    """How many independent tasks a job file makes: every combination of its sweep."""
    if not spec.sweep:
        return 1
    sizes = [
        len(values) if isinstance(values, list) else values.range[1] - values.range[0]
        for values in spec.sweep.values()
    ]
    return math.prod(sizes)


def needed_gbit_per_s(gradient_bytes: float, step_s: float, nodes: int) -> float:
    """The network that keeps gradients from holding up a step.

    A ring all-reduce sends `2 (n - 1) / n` times the gradients through each node's link, and can overlap with the
    step's own arithmetic: the link is fast enough if it is done within one step.
    """
    if nodes < 2 or step_s <= 0:
        return 0.0
    return 2 * (nodes - 1) / nodes * gradient_bytes * 8 / 1e9 / step_s
