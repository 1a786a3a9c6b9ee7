"""What a machine draws while it trains, and the electricity a run takes.

Nodes whose accelerators sit on a board of their own (SXM, OAM and the like) are taken as a whole: accelerators,
processors, network and fans together draw a constant multiple of the accelerators' TDP once training is under way
(MLPerf Training power logs of 8 x H100 and 8 x B200 nodes, rounds v4.0 to v5.0: 1.22 within 3 % over ten minutes).
Short runs draw less, because each begins with minutes of loading and compiling. Machines with PCIe cards are added up:
the cards near their TDP, a host of 80 to 150 W for every four, and a power supply that is 90 % efficient.
The fitted constants are in `data/node_power.csv`; `benchmarks/accuracy/power.py` fits them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from tradewind.estimate.band import Band, Layer
from tradewind.estimate.tables import read_rows
from tradewind.estimate.workload import Family
from tradewind.hardware.accelerators import AcceleratorModel

#: Where no TDP is published: a mid-sized data-centre accelerator. Assumed.
UNKNOWN_TDP_WATTS: Final = 300.0
#: Share of TDP that PCIe and consumer cards draw in training: low end, middle, high end.
CARD_SHARE: Final = (0.85, 0.925, 1.0)
#: Watts of the rest of such a machine, per four cards.
HOST_WATTS: Final = (80.0, 115.0, 150.0)
CARDS_PER_HOST: Final = 4
POWER_SUPPLY_EFFICIENCY: Final = 0.9
#: Kinds of model that draw less when spread over nodes: small kernels that wait for each other.
WAITING_FAMILIES: Final = frozenset({Family.CNN, Family.DETECTION, Family.RECOMMENDER, Family.GRAPH})
_CARD_FORMS: Final = ("PCIe", "")
#: Standard deviations from the middle to the ninth decile of a normal distribution.
_NINTH_DECILE: Final = 1.2815515655446004


class Cooling(StrEnum):
    """How a node is cooled: fans draw a good part of the power."""

    LIQUID = "liquid"  #: immersion, or cold plates on everything that gets hot
    AIR = "air"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePower:
    """The constants of nodes with board accelerators."""

    #: Watts of the whole node, at the wall, over the sum of the accelerators' TDP, when training is under way.
    over_tdp: float
    #: The same where fans cool it.
    over_tdp_air: float
    #: Minutes of training that the slow start of a run costs in power: share = minutes / (minutes + this).
    start_minutes: float
    #: The same by who metered: some meter only what is under load, some the whole job.
    start_minutes_by: Mapping[str, float]
    #: What is left of the power in models that wait for each other, over several nodes.
    waiting_share: float
    #: Power after the power supplies over power before them.
    direct_current_share: float
    #: Standard deviation of the natural logarithm of what is left over.
    sigma: float


@cache
def shipped_node_power() -> NodePower:
    """The constants as fitted on the calibration rows."""
    values = {row["name"]: float(row["value"]) for row in read_rows("node_power.csv")}
    prefix = "start_minutes:"
    practices = {name.removeprefix(prefix): values[name] for name in values if name.startswith(prefix)}
    return NodePower(
        over_tdp=values["over_tdp"],
        over_tdp_air=values["over_tdp_air"],
        start_minutes=values["start_minutes"],
        start_minutes_by=practices,
        waiting_share=values["waiting_share"],
        direct_current_share=values["direct_current_share"],
        sigma=values["sigma"],
    )


def node_watts(
    model: AcceleratorModel | None,
    count: float,
    *,
    run_minutes: float | None = None,
    nodes: int = 1,
    family: Family | None = None,
    cooling: Cooling = Cooling.UNKNOWN,
    is_direct_current: bool = False,
    metered_by: str | None = None,
    constants: NodePower | None = None,
) -> Band:
    """Mean watts of one node at the wall over a run, with this many accelerators of this model (None: unknown).

    `run_minutes` None means long. `is_direct_current`: measured behind the power supplies. `metered_by` is for
    comparing with published measurements.
    """
    known = constants or shipped_node_power()
    tdp = UNKNOWN_TDP_WATTS if model is None or model.tdp_watts is None else model.tdp_watts
    is_guess = model is None or model.tdp_watts is None
    slow = known.start_minutes_by.get(metered_by or "", known.start_minutes)
    start = 1.0 if not run_minutes else run_minutes / (run_minutes + slow)
    wall = known.direct_current_share if is_direct_current else 1.0
    if model is not None and model.form in _CARD_FORMS:
        low, middle, high = (
            _machine_with_cards(tdp, count, share, host)
            for share, host in zip(CARD_SHARE, HOST_WATTS, strict=True)
        )
        basis = f"{count:g} cards near their {tdp:g} W, their host and a power supply of 90 %"
        factor = start * (POWER_SUPPLY_EFFICIENCY if is_direct_current else 1.0)
    else:
        middle = tdp * count * (known.over_tdp_air if cooling == Cooling.AIR else known.over_tdp)
        spread = math.exp(_NINTH_DECILE * known.sigma)
        low, high = middle / spread, middle * spread
        if cooling == Cooling.UNKNOWN:
            high = max(high, tdp * count * known.over_tdp_air)
        is_waiting = nodes > 1 and family in WAITING_FAMILIES
        factor = start * wall * (known.waiting_share if is_waiting else 1.0)
        basis = (
            f"{known.over_tdp:.2f} times the TDP of {count:g} x {tdp:g} W, as measured in MLPerf power logs"
        )
    if is_guess:
        low, high = low / 2, high * 2
        basis += "; the TDP is assumed"
    return Band(
        p10=low * factor,
        p50=middle * factor,
        p90=high * factor,
        layer=Layer.FAMILY if is_guess else Layer.MEASURED,
        basis=basis,
    )


def estimate_energy(watts: Band, hours: Band, *, nodes: int = 1) -> Band:
    """Kilowatt-hours that `nodes` machines of this draw take in these hours, without cooling the building."""
    energy = multiply_bands(watts.scaled(nodes / 1_000), hours)
    basis = f"{watts.p50:.0f} W per node for {hours.p50:.2f} h ({watts.basis})"
    return Band(p10=energy.p10, p50=energy.p50, p90=energy.p90, layer=hours.layer, basis=basis)


def multiply_bands(one: Band, other: Band) -> Band:
    """The band of a product of independent quantities: ratios to the middle add as logarithms, squared."""
    p50 = one.p50 * other.p50
    if p50 == 0:
        return Band(p10=0.0, p50=0.0, p90=one.p90 * other.p90, layer=other.layer, basis=other.basis)
    up = math.hypot(_log_ratio(one.p90, one.p50), _log_ratio(other.p90, other.p50))
    down = math.hypot(_log_ratio(one.p50, one.p10), _log_ratio(other.p50, other.p10))
    return Band(
        p10=p50 * math.exp(-down), p50=p50, p90=p50 * math.exp(up), layer=other.layer, basis=other.basis
    )


def _log_ratio(upper: float, lower: float) -> float:
    if upper == lower:
        return 0.0
    return math.inf if lower == 0 else math.log(upper / lower)


def _machine_with_cards(tdp: float, count: float, share: float, host_watts: float) -> float:
    hosts = max(1, math.ceil(count / CARDS_PER_HOST))
    return (tdp * share * count + host_watts * hosts) / POWER_SUPPLY_EFFICIENCY
