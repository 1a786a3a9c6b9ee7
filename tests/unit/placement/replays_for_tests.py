"""Small worlds for tests of the replay."""

from __future__ import annotations

from typing import Any

from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Market
from tradewind.placement.replay.series import Series
from tradewind.placement.replay.world import MANY, Option, Place, ReplayJob, Room, World

HOUR = 3600
DOLLAR = 1_000_000
EIGHT = Room(milli_accelerators=8000)


def rented(
    market: Market = Market.ON_DEMAND,
    *,
    price: int | Series = 3 * DOLLAR,
    up: Series | None = None,
    **more: Any,
) -> Place:
    """A place of a market, at three dollars an hour, billed by the second."""
    rate = Rate(micro_per_unit=0, per=Quantity.HOUR, **more.pop("rule", {}))
    prices = Series.constant(price) if isinstance(price, int) else price
    return Place(name=more.pop("name", str(market)), market=market, rate=rate, price=prices, up=up, **more)


def owned(*machines: Room, price: int = DOLLAR, **more: Any) -> Place:
    """Own machines at one dollar per kWh."""
    return Place(
        name="own",
        market=Market.OWNED,
        rate=Rate(micro_per_unit=0, per=Quantity.KWH),
        price=Series.constant(price),
        machines=machines or (EIGHT,),
        **more,
    )


def option(place: int, hours: float = 1.0, **more: Any) -> Option:
    """So many hours at this place; what a plan expects is three dollars an hour unless said."""
    run_s = round(hours * HOUR)
    return Option(place=place, run_s=run_s, **{"expected_micro": 3 * DOLLAR * run_s // HOUR, **more})


def job(name: str, arrival_s: int, *options: Option, **more: Any) -> ReplayJob:
    """One job."""
    return ReplayJob(name=name, arrival_s=arrival_s, options=options, **more)


def world(places: list[Place], *jobs: ReplayJob, **more: Any) -> World:
    """All of it."""
    return World(places=tuple(places), jobs=jobs, **more)


def up_between(*spans: tuple[int, int]) -> Series:
    """As many machines as wanted in these spans of seconds, none outside."""
    points = [(0, 0)]
    for start, end in spans:
        points += [(start, MANY), (end, 0)]
    return Series.of(points)
