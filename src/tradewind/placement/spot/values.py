"""What a policy is told, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


class Where(StrEnum):
    """On which terms a job runs for the time being."""

    WAIT = "wait"  #: nowhere, at no cost
    SPOT = "spot"
    ON_DEMAND = "on_demand"


@dataclass(frozen=True)
class Market:
    """What can be had. Prices are per hour, for all machines of the job together; spot may be gone, on-demand never is.

    `tick_s` is how often a policy looks. In the tick model spot that is there at a look stays until the next.
    `changeover_s` is what it takes, paid, before work goes on at another place or after an interruption.
    """

    zones: tuple[str, ...]
    spot_prices: tuple[float, ...]
    on_demand_prices: tuple[float, ...]
    changeover_s: float
    tick_s: float

    @cached_property
    def cheapest_on_demand(self) -> int:
        """The zone with the cheapest on-demand price."""
        return min(range(len(self.zones)), key=self.on_demand_prices.__getitem__)

    @cached_property
    def on_demand_price(self) -> float:
        """The cheapest on-demand price."""
        return self.on_demand_prices[self.cheapest_on_demand]


@dataclass(frozen=True, slots=True)
class State:
    """A job at one look."""

    market: Market
    #: Work left, in seconds of running.
    left_s: float
    #: Until the deadline.
    time_s: float
    #: Where it is. Spot that is gone has been left already.
    where: Where
    zone: int | None
    #: What is left of the changeover into that place.
    ready_s: float
    #: Whether all machines of the job could be had as spot, by look and zone; the last row is now.
    seen: Bools

    @property
    def slack_s(self) -> float:
        """How long it could stand still if it never changed places again."""
        return self.time_s - self.left_s - self.ready_s

    def is_up(self, zone: int) -> bool:
        """Whether spot can be had there now."""
        return bool(self.seen[-1, zone])


@dataclass(frozen=True, slots=True)
class Decision:
    """Where to be until the next look. `reason` is for people."""

    where: Where
    #: Index into the market's zones; None while waiting.
    zone: int | None
    reason: str


class Policy(Protocol):
    """Made anew for each run. Deterministic: knows no clock and no chance, only the states of its run so far."""

    def decide(self, state: State) -> Decision:
        """Where to be until the next look."""
        ...


def cheapest_up(state: State) -> int | None:
    """The cheapest zone with spot now."""
    prices = state.market.spot_prices
    up = np.flatnonzero(state.seen[-1]).tolist()
    return min(up, key=prices.__getitem__) if up else None


def on_demand(state: State, reason: str) -> Decision:
    """On-demand where it is: the cheapest zone."""
    return Decision(Where.ON_DEMAND, state.market.cheapest_on_demand, reason)
