"""Where Google has which machine types and accelerators: price lists speak of regions, machines are rented in zones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from tradewind.domain.clock import Clock
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Availability, Offer
from tradewind.providers.asking import MAX_PAGES, too_many_pages
from tradewind.providers.gcp.instance import Kind, kind_of
from tradewind.providers.rest import Rest

_PER_PAGE: Final = 500
#: What a zone has changes with the months; offers are asked for twice a minute.
_GOOD_FOR_S: Final = 6 * 3600.0
_TYPES: Final = 'name eq "(a2|a3|a4|g2|n1)-.*"'
_MIB: Final = 1 << 20
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shape:
    """Processors and memory of a machine type."""

    cpus: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Places:
    """What there is in each zone."""

    shapes: dict[tuple[str, str], Shape]
    cards: frozenset[tuple[str, str]]

    def shape(self, zone: str, kind: Kind) -> Shape | None:
        """The machine in this zone; None where the zone does not have it, or not its cards."""
        if kind.card is not None and (zone, kind.card) not in self.cards:
            return None
        return self.shapes.get((zone, kind.machine_type))

    def zones(self, region: str) -> list[str]:
        """All zones of a region that have anything."""
        return sorted({zone for zone, _ in self.shapes if region_of(zone) == region})


class KnownPlaces:
    """Asks Google what its zones have, and remembers it for some hours."""

    def __init__(self, api: Rest, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._places: Places | None = None
        self._good_until = float("-inf")

    async def get(self, root: str) -> Places:
        """Raises ProviderError. `root` is the project's path."""
        if self._places is None or self._clock.monotonic() >= self._good_until:
            self._places = await self._ask(root)
            self._good_until = self._clock.monotonic() + _GOOD_FOR_S
        return self._places

    async def _ask(self, root: str) -> Places:
        shapes: dict[tuple[str, str], Shape] = {}
        async for zone, each in scoped(self._api, root, "machineTypes", _TYPES):
            size = Shape(int(each["guestCpus"]), int(each["memoryMb"]) * _MIB)
            shapes[zone, str(each["name"])] = size
        cards = [
            (zone, str(each["name"])) async for zone, each in scoped(self._api, root, "acceleratorTypes")
        ]
        return Places(shapes, frozenset(cards))


async def scoped(
    api: Rest, root: str, what: str, wanted: str | None = None
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Everything of one sort in all zones, page by page, each with its zone.

    Raises:
        ProviderError: also where a zone did not answer: what is not listed may be there all the same.
    """
    query: dict[str, str | int] = {"maxResults": _PER_PAGE}
    if wanted is not None:
        query["filter"] = wanted
    for _ in range(MAX_PAGES):
        page = await api.get(f"{root}/aggregated/{what}", query)
        for scope, part in (page.get("items") or {}).items():
            for each in part.get(what) or []:
                yield scope.removeprefix("zones/"), each
        if page.get("unreachables"):
            where = ", ".join(str(each) for each in page["unreachables"])[:100]
            raise ProviderError(ProviderFault.PROVIDER_FAULT, f"Google could not list all {what}: {where}")
        token = page.get("nextPageToken")
        if not token:
            return
        query["pageToken"] = str(token)
    raise too_many_pages(f"Google's list of {what}")


def offers_in_zones(listed: Iterable[Offer], places: Places) -> list[Offer]:
    """The listed offers of machines that can be rented here, each in every zone where it is to be had.

    What the list has in a zone that does not have it stays, as unavailable. The newest price of each counts.
    """
    best: dict[tuple[str, str | None, str, str], Offer] = {}
    for offer in listed:
        kind = kind_of(offer.instance_type)
        if kind is None:
            continue
        for zone in [offer.zone] if offer.zone else places.zones(offer.region):
            shape = places.shape(zone, kind)
            if shape is None and not offer.zone:
                continue
            here = _in_zone(offer, zone, shape)
            place = (here.region, here.zone, here.instance_type, here.market)
            if place not in best or (best[place].seen_at or _BEFORE_ALL) < (here.seen_at or _BEFORE_ALL):
                best[place] = here
    return list(best.values())


def _in_zone(offer: Offer, zone: str, shape: Shape | None) -> Offer:
    if shape is None:
        return replace(offer, is_available=False, availability=Availability.UNAVAILABLE)
    return replace(offer, zone=zone, cpus=float(shape.cpus), memory_bytes=shape.memory_bytes)


def region_of(zone: str) -> str:
    """`us-central1` of `us-central1-a`."""
    return zone.rpartition("-")[0]
