"""The tables that ship with Tradewind: dated prices for when nobody can be asked. They use no network.

`data/offers.csv` is written by `scripts/write_shipped_offers.py`, which also says where each figure came from.
`data/reference_2024.csv` holds the thirteen prices that comparisons of 2024 were made with.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from typing import Final

from tradewind.domain.offers import Market, Offer
from tradewind.providers.normalising import GIB, Machine, make_offer, mark_odd_spot, read_amount
from tradewind.providers.prices import Wire

#: In `flags`: the figure is the provider's mean, median or lowest price of that accelerator, not one machine's.
LEVELS: Final = ("mean", "median", "from")
#: In `flags`: a price per accelerator times their number; a machine of that size was not itself seen in the list.
SCALED: Final = "scaled"


class Shipped:
    """Prices of many providers, each with the day on which it was seen."""

    id = "shipped"
    title = "Table that ships with this version"
    providers: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()
    max_age = timedelta(days=1)
    is_opt_in = False

    async def fetch(self, wire: Wire) -> list[Offer]:
        """Every offer of the table, with `seen_at` at the day of its row."""
        return await wire.offload(read_table, "offers.csv", self.id)


class Reference2024:
    """The reference prices of 2024: for comparisons that ask for them, and where nothing fresher is known."""

    id = "reference-2024"
    title = "Reference prices of 2024"
    providers: tuple[str, ...] = ("runpod", "lambda", "together")
    credentials: tuple[str, ...] = ()
    max_age = timedelta(days=1)
    is_opt_in = False

    async def fetch(self, wire: Wire) -> list[Offer]:
        """Its thirteen offers; the machines around the accelerators are not known."""
        return await wire.offload(read_table, "reference_2024.csv", self.id)


def read_table(name: str, source: str) -> list[Offer]:
    """The offers of one of the tables in `catalog/data`, under the id of a source."""
    text = files("tradewind.catalog").joinpath("data", name).read_text(encoding="utf-8")
    return mark_odd_spot(offer for row in csv.DictReader(text.splitlines()) for offer in _offers(row, source))


def _offers(row: dict[str, str], source: str) -> Iterator[Offer]:
    """On demand and spot; a row without any price is an offer on demand whose price nobody knows."""
    machine = Machine(
        provider=row["provider"],
        region=row["region"],
        zone=row["zone"] or None,
        instance_type=row["instance_type"],
        label=row["label"],
        count=float(row["count"]),
        accelerator_memory_gb=float(row["accelerator_memory_gb"]) if row["accelerator_memory_gb"] else None,
        cpus=float(row["cpus"] or 0),
        memory_bytes=int(float(row["memory_gib"] or 0) * GIB),
        flags=tuple(row["flags"].split(";")) if row["flags"] else (),
    )
    seen_at = datetime.combine(date.fromisoformat(row["as_of"]), time(), tzinfo=UTC)
    if row["on_demand"] or not row["spot"]:
        dollars = read_amount(row["on_demand"])
        yield make_offer(machine, dollars=dollars, market=Market.ON_DEMAND, source=source, seen_at=seen_at)
    if row["spot"]:
        dollars = read_amount(row["spot"])
        yield make_offer(machine, dollars=dollars, market=Market.SPOT, source=source, seen_at=seen_at)
