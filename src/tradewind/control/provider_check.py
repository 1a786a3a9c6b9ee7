"""Tries a connected provider on the user's own account: the part of the contract that costs nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tradewind import __version__
from tradewind.control.context import Context
from tradewind.control.money_views import money_view
from tradewind.control.renting import node_key
from tradewind.domain import ids
from tradewind.domain.errors import ConflictError, ProviderError
from tradewind.domain.money import Quantity
from tradewind.domain.offers import Offer
from tradewind.domain.schemas_check import CheapestOffer, CheckStep, ProviderCheck
from tradewind.providers.base import MachineProvider
from tradewind.providers.normalising import NO_PRICE

T = TypeVar("T")
_FAULTS: Final = "it said no: {}"


async def check_provider(context: Context, provider_id: str) -> ProviderCheck:
    """Asks everything that costs nothing, and goes on after what fails.

    Raises:
        ConflictError: it is not connected, or rents no machines.
    """
    provider = context.machines.get(provider_id)
    if provider is None:
        raise ConflictError(
            f"{provider_id} is not connected, or this version rents no machines there",
            hint=f"`tradewind connect {provider_id}` connects it",
        )
    check = _Check(context, provider)
    await check.run()
    return ProviderCheck(
        provider=provider_id, version=__version__, steps=check.steps, cheapest=_cheapest_view(check.cheapest)
    )


class _Check:
    def __init__(self, context: Context, provider: MachineProvider) -> None:
        self._context = context
        self._provider = provider
        self.steps: list[CheckStep] = []
        self.cheapest: Offer | None = None

    async def run(self) -> None:
        provider, context = self._provider, self._context
        # The account's own words stay here: a report is meant to be shown to others.
        await self._try(
            "identity",
            provider.examine,
            lambda account: (
                f"known; {len(account.regions)} regions, {len(account.missing)} permissions missing"
            ),
        )
        offers = await self._try(
            "offers",
            provider.list_offers,
            lambda found: f"{len(found)} offers, {len(_rentable(found))} to be had",
        )
        self.cheapest = min(_rentable(offers or []), key=lambda each: each.rate.micro_per_unit, default=None)
        cheapest = self.cheapest
        if cheapest is not None:
            await self._try(
                "validate", lambda: provider.validate(cheapest), lambda _: "the cheapest one could be rented"
            )
        owned = await self._try(
            "owned",
            provider.list_owned,
            lambda found: f"{len(found)} machines carry this installation's mark",
        )
        unknown = node_key(
            context.installation_id, ids.new_id(ids.NODE, context.clock.now(), context.entropy)
        )
        if owned is not None:
            await self._try(
                "find",
                lambda: provider.find(unknown),
                lambda found: "a machine that was never rented is not found" if found is None else "FOUND",
            )

    async def _try(self, name: str, call: Callable[[], Awaitable[T]], say: Callable[[T], str]) -> T | None:
        began_s = self._context.clock.monotonic()
        result: T | None = None
        try:
            result = await call()
            outcome, message = "passed", say(result)
        except ProviderError as error:
            outcome, message = "failed", _FAULTS.format(error.fault.value)
        took_s = round(self._context.clock.monotonic() - began_s, 3)
        self.steps.append(
            CheckStep(
                name=name,
                outcome="passed" if outcome == "passed" else "failed",
                message=message,
                seconds=took_s,
            )
        )
        return result


def _rentable(offers: list[Offer]) -> list[Offer]:
    return [
        each
        for each in offers
        if each.is_available and each.rate.per is Quantity.HOUR and NO_PRICE not in each.flags
    ]


def _cheapest_view(offer: Offer | None) -> CheapestOffer | None:
    if offer is None:
        return None
    return CheapestOffer(
        instance_type=offer.instance_type,
        region=offer.region,
        zone=offer.zone,
        market=offer.market,
        price_per_hour=money_view(offer.rate.micro_per_unit, offer.rate.currency),
    )
