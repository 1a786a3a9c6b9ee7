"""Hours known on one accelerator, carried over to another where nothing is known of the workload but its kind."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.band import Band, Layer
from tradewind.estimate.features import accelerator_row, precision_class
from tradewind.estimate.workload import Family
from tradewind.hardware.accelerators import AcceleratorModel

_DEVIATE: Final = 1.2816
#: What a second accelerator of a node brings, by doubling: on switched links, and without them.
_LOSS_PER_DOUBLING: Final = {True: 0.02, False: 0.07}
#: And by doubling of nodes.
_LOSS_PER_NODE_DOUBLING: Final = 0.05
_SPREAD_PER_DOUBLING: Final = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponents:
    """Speed goes as matrix rate and bandwidth to these powers; `spread` is the deviation that stays, per unit of
    distance between two accelerators."""

    matrix: float
    bandwidth: float
    spread: float


@cache
def exponents() -> Mapping[str, Exponents]:
    """Learned powers by family; under "" those for any workload."""
    text = files("tradewind.estimate").joinpath("data", "exponents.json").read_text(encoding="utf-8")
    record: Mapping[str, Any] = json.loads(text)
    return {name: Exponents(**each) for name, each in record["families"].items()}


def speed_ratio(
    measured_on: AcceleratorModel,
    to: AcceleratorModel,
    *,
    measured_count: float = 1.0,
    count: float = 1.0,
    measured_nodes: int = 1,
    nodes: int = 1,
    family: Family | None = None,
    precision: str | None = None,
) -> tuple[float, float]:
    """How many times faster the second place is than the first, and the deviation of that in logarithm."""
    kind = precision_class(precision)
    here, there = accelerator_row(to, kind), accelerator_row(measured_on, kind)
    powers = exponents().get(family.value if family else "", exponents()[""])
    matrix = float(here["matrix"]) - float(there["matrix"])
    bandwidth = float(here["bandwidth"]) - float(there["bandwidth"])
    value = powers.matrix * matrix + powers.bandwidth * bandwidth
    value += _scaling(to, count, nodes) - _scaling(measured_on, measured_count, measured_nodes)
    distance = math.hypot(matrix, bandwidth)
    spread = 0.0 if measured_on.key == to.key else powers.spread * math.sqrt(0.3 + distance)
    doublings = abs(math.log2(count / measured_count)) + abs(math.log2(nodes / measured_nodes))
    return math.exp(value), math.hypot(spread, _SPREAD_PER_DOUBLING * doublings)


def _scaling(model: AcceleratorModel, count: float, nodes: int) -> float:
    """Logarithm of the speed of `count` accelerators over that of one."""
    per_node = count / nodes
    loss = _LOSS_PER_DOUBLING[accelerator_row(model, "half")["switched"] == 1.0]
    inside = math.log2(per_node) if per_node > 1 else 0.0
    return (
        math.log(count) + inside * math.log1p(-loss) + math.log2(nodes) * math.log1p(-_LOSS_PER_NODE_DOUBLING)
    )


def scale_hours(
    hours: float,
    measured_on: AcceleratorModel,
    to: AcceleratorModel,
    *,
    measured_count: float = 1.0,
    count: float = 1.0,
    nodes: int = 1,
    family: Family | None = None,
    precision: str | None = None,
) -> Band:
    """Hours here of a job that the user says takes `hours` there.

    On the very same accelerators the user's figure stands as it is, with layer `stated`.

    Raises:
        InvalidInputError: hours or counts that are not positive.
    """
    if min(hours, measured_count, count, nodes) <= 0 or not math.isfinite(hours):
        raise InvalidInputError(
            f"cannot scale {hours:g} hours on {measured_count:g} to {count:g} accelerators",
            hint="give hours and counts above 0",
        )
    if measured_on.key == to.key and measured_count == count and nodes == 1:
        return Band(p10=hours, p50=hours, p90=hours, layer=Layer.STATED, basis="your own figure")
    ratio, spread = speed_ratio(
        measured_on,
        to,
        measured_count=measured_count,
        count=count,
        nodes=nodes,
        family=family,
        precision=precision,
    )
    factor = math.exp(_DEVIATE * spread)
    middle = hours / ratio
    return Band(
        p10=middle / factor,
        p50=middle,
        p90=middle * factor,
        layer=Layer.FAMILY,
        basis=f"your {hours:g} h on {measured_count:g} x {measured_on.key}, scaled by matrix rate and bandwidth",
    )
