"""What connected places offer now. A provider that does not answer keeps what it said last, for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Protocol

import structlog

from tradewind.control.context import Context
from tradewind.control.far_nodes import offers_of_far_nodes
from tradewind.domain.errors import ProviderError
from tradewind.domain.offers import Offer

log = structlog.get_logger(__name__)
_FRESH: Final = timedelta(seconds=30)
_TOO_OLD: Final = timedelta(minutes=10)


class _Offering(Protocol):
    async def list_offers(self) -> list[Offer]: ...


class LiveOffers:
    """Offers of connected places, asked for again when they are older than half a minute."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: dict[str, tuple[float, list[Offer]]] = {}
        self._tariff = context.tariff

    async def own(self) -> list[Offer]:
        """The machines at hand."""
        context = self._context
        if self._tariff is not context.tariff:
            # What machines at hand cost was set anew.
            self._tariff = context.tariff
            for name in context.backends:
                self._kept.pop(name, None)
        here = [each for name, place in context.backends.items() for each in await self._of(name, place)]
        if not context.far:
            return here
        return here + await context.store.read(lambda tx: offers_of_far_nodes(tx, context.tariff))

    async def market(self) -> list[Offer]:
        """What can be rented, as far as it is available; nothing where no machine could be reached afterwards."""
        found: list[Offer] = []
        if not self._context.can_rent:
            return found
        # A copy: a provider may be connected or disconnected while another one answers.
        for name, provider in list(self._context.machines.items()):
            found += [each for each in await self._of(name, provider) if each.is_available]
        return found

    async def _of(self, name: str, place: _Offering) -> list[Offer]:
        now = self._context.clock.monotonic()
        at, offers = self._kept.get(name, (float("-inf"), []))
        if now - at <= _FRESH.total_seconds():
            return offers
        try:
            offers = await place.list_offers()
        except (ProviderError, OSError) as error:
            log.warning("offers.not_answered", provider=name, error=repr(error))
            return offers if now - at <= _TOO_OLD.total_seconds() else []
        self._kept[name] = (now, offers)
        return offers
