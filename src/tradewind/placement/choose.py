"""Chooses among offers, and accounts for every one that was not chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from tradewind.domain.money import Quantity, Rate, format_money, worst_case_micro
from tradewind.domain.offers import Exclusion, Market, Offer
from tradewind.domain.units import format_bytes
from tradewind.estimate.power import Watts, share_of
from tradewind.placement.demand import Demand, demand_of, pick_accelerators, refuse_several, titles_of
from tradewind.spec.models import JobSpec

#: Share of time that a machine stays up, where its provider does not say. Assumed.
ASSUMED_RELIABILITY: Final = {
    Market.OWNED: 0.99,
    Market.ON_DEMAND: 0.99,
    Market.RESERVED: 0.99,
    Market.SPOT: 0.90,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The offer to take, with the hourly price of the share the job would hold (expected and worst), or none."""

    offer: Offer | None
    watts: Watts
    price_micro_per_hour: int
    price_max_micro_per_hour: int
    excluded: list[Exclusion]
    reason: str
    #: Which of the job's alternatives it is.
    alternative: int = 0


def hourly_micro(rate: Rate, watts: float) -> int:
    """What an hour at this draw costs under the rate."""
    return worst_case_micro(rate, watts, 3600)


def choose(spec: JobSpec, offers: list[Offer]) -> Choice:
    """The cheapest offer that fulfils every constraint; of alternatives in an order, of the first that has one."""
    return choose_any(spec, lambda each: _choose_one(each, offers))


def choose_any(spec: JobSpec, choose_one: Callable[[JobSpec], Choice]) -> Choice:
    """The choice for a job that may have alternatives, made from those for each of them."""
    choices = [choose_one(each) for each in spec.alternatives()]
    if len(choices) == 1 and not spec.resources.any_of:
        return choices[0]
    titles = titles_of(spec)
    excluded = [
        replace(exclusion, explanation=f"{title}: {exclusion.explanation}")
        for title, each in zip(titles, choices, strict=True)
        for exclusion in each.excluded
    ]
    found = [index for index, each in enumerate(choices) if each.offer is not None]
    if not found:
        said = "; ".join(f"{title}: {each.reason}" for title, each in zip(titles, choices, strict=True))
        return replace(choices[0], excluded=excluded, reason=said)
    taken = (
        found[0]
        if spec.resources.ordered
        else min(found, key=lambda index: choices[index].price_micro_per_hour)
    )
    said = f"{titles[taken]}: {choices[taken].reason}"
    if spec.resources.ordered:
        said = "; ".join([said, *(f"{titles[index]}: {choices[index].reason}" for index in range(taken))])
    return replace(choices[taken], excluded=excluded, reason=said, alternative=taken)


def _choose_one(spec: JobSpec, offers: list[Offer]) -> Choice:
    demand = demand_of(spec)
    fitting: list[tuple[int, Offer, Watts]] = []
    excluded: list[Exclusion] = []
    for offer in offers:
        found = fit_offer(spec, demand, offer)
        if isinstance(found, Exclusion):
            excluded.append(found)
        else:
            fitting.append((hourly_micro(offer.rate, found.expected), offer, found))
    if not fitting:
        return Choice(
            offer=None,
            watts=Watts(0, 0),
            price_micro_per_hour=0,
            price_max_micro_per_hour=0,
            excluded=excluded,
            reason=_why_none(offers, excluded),
        )
    price, offer, watts = min(fitting, key=lambda each: each[0])
    return Choice(
        offer=offer,
        watts=watts,
        price_micro_per_hour=price,
        price_max_micro_per_hour=hourly_micro(offer.rate, watts.busy),
        excluded=excluded,
        reason=_why(len(fitting), offer),
    )


def why_elsewhere(spec: JobSpec, provider: str, region: str, market: str) -> tuple[str, str] | None:
    """The constraint that keeps a job from a provider, region or market, and a sentence on it; None if nothing does."""
    refuse_several(spec)
    wanted = spec.resources
    if wanted.providers and provider not in wanted.providers:
        return "resources.providers", f"only {', '.join(wanted.providers)} are allowed"
    if wanted.regions and not any(fnmatchcase(region, pattern) for pattern in wanted.regions):
        return "resources.regions", f"region {region} is not in {', '.join(wanted.regions)}"
    if wanted.spot == "only" and market != "spot":
        return "resources.spot", f"it is {market}, not spot"
    return None


def fit_offer(spec: JobSpec, demand: Demand, offer: Offer) -> Watts | Exclusion:
    """The watts of the share that the job would hold of a machine at hand, or why it does not fit."""
    wanted = spec.resources
    elsewhere = why_elsewhere(spec, offer.provider, offer.region, offer.market)
    if elsewhere is not None:
        return Exclusion(offer=offer, constraint=elsewhere[0], explanation=elsewhere[1])
    if demand.cpus > offer.cpus:
        return Exclusion(
            offer=offer,
            constraint="resources.cpus",
            explanation=f"{demand.cpus:g} processors asked for, {offer.cpus:g} there",
        )
    if demand.memory_bytes > offer.memory_bytes:
        return Exclusion(
            offer=offer,
            constraint="resources.memory",
            explanation=f"{format_bytes(demand.memory_bytes)} asked for, {format_bytes(offer.memory_bytes)} there",
        )
    if wanted.disk and wanted.disk.value > offer.disk_bytes:
        return Exclusion(
            offer=offer,
            constraint="resources.disk",
            explanation=f"{format_bytes(wanted.disk.value)} asked for, {format_bytes(offer.disk_bytes)} free",
        )
    held = pick_accelerators(demand, offer.accelerators)
    if held is None:
        there = ", ".join(each.name for each in offer.accelerators) or "none"
        asked = " or ".join(str(each) for each in demand.accelerators)
        return Exclusion(
            offer=offer, constraint="resources.accelerators", explanation=f"{asked} asked for, {there} there"
        )
    machine = Watts(offer.watts_low or 0.0, offer.watts_high or 0.0)
    watts = share_of(machine, offer.cpus, offer.accelerators, demand.cpus, held)
    least, reliability = spec.constraints.min_reliability, reliability_of(offer)
    if least is not None and reliability < least:
        return Exclusion(
            offer=offer,
            constraint="constraints.min_reliability",
            explanation=f"reliability {least:g} asked for, {reliability:g} there",
        )
    limit = spec.constraints.max_price_micro_usd_per_hour
    price = hourly_micro(offer.rate, watts.expected)
    if limit is not None and price > limit:
        return Exclusion(
            offer=offer,
            constraint="constraints.max_price",
            explanation=f"{format_money(price)}/h is over {format_money(limit)}/h; {format_money(price)}/h would do",
        )
    return watts


def reliability_of(offer: Offer) -> float:
    """What the provider says, else what is assumed of its market."""
    return ASSUMED_RELIABILITY[Market(offer.market)] if offer.reliability is None else offer.reliability


def _why(fitting: int, offer: Offer) -> str:
    if fitting == 1:
        return f"{offer.instance_type} is the only connected place that fits ({_terms(offer)})"
    return f"the cheapest of {fitting} places that fit"


def _terms(offer: Offer) -> str:
    if offer.market != Market.OWNED:
        return offer.market
    if offer.rate.per is Quantity.KWH:
        return "your own machine; you pay for electricity only"
    return "your own machine, at the price you gave it"


def _why_none(offers: list[Offer], excluded: list[Exclusion]) -> str:
    if not offers:
        return "no place is connected"
    reasons = "; ".join(f"{each.offer.instance_type}: {each.explanation}" for each in excluded[:3])
    return f"none of {len(offers)} connected places can run it ({reasons})"
