"""Ways to choose among places, one file each. A strategy takes candidates and gives a recommendation."""

from __future__ import annotations

from typing import Final

from tradewind.placement.strategies.balanced import balanced
from tradewind.placement.strategies.cheapest import cheapest
from tradewind.placement.strategies.cheapest_across import cheapest_across
from tradewind.placement.strategies.data_local import data_local
from tradewind.placement.strategies.fastest import fastest
from tradewind.placement.strategies.geo_distributed import geo_distributed
from tradewind.placement.strategies.hybrid import hybrid
from tradewind.placement.strategies.recommendation import Strategy
from tradewind.placement.strategies.reliable import reliable
from tradewind.spec.parts import Strategy as Name

_ONE_TASK: Final[dict[Name, Strategy]] = {
    Name.CHEAPEST: cheapest,
    Name.FASTEST: fastest,
    Name.BALANCED: balanced,
    Name.RELIABLE: reliable,
    Name.DATA_LOCAL: data_local,
    Name.GEO_DISTRIBUTED: geo_distributed,
    Name.HYBRID: hybrid,
}


def strategy_for(name: Name, tasks: int = 1) -> Strategy:
    """The strategy of this name; the cheapest one spreads independent tasks over providers."""
    return cheapest_across if name is Name.CHEAPEST and tasks > 1 else _ONE_TASK[name]
