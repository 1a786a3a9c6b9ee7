"""Machines at hand that together are the nodes of one attempt: on one network, each with a share of the same kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tradewind.domain.money import rate_of_all
from tradewind.domain.offers import Accelerator, Exclusion, Offer
from tradewind.estimate.power import Watts
from tradewind.hardware.names import identify
from tradewind.placement.choose import Choice, choose_any, fit_offer, hourly_micro
from tradewind.placement.demand import Demand, demand_of, node_count, pick_accelerators
from tradewind.spec.models import JobSpec

#: The accelerators that are free of a machine for this demand; None: it has no room now.
Room = Callable[[Offer], tuple[Accelerator, ...] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGang:
    """Machines at hand in the order of their ranks. `offer` stands for all of them together."""

    offers: tuple[Offer, ...]
    offer: Offer
    #: Of the shares that the job would hold of all of them.
    watts: Watts
    #: What it would hold of the first; of the others it is the same kind and number.
    held: tuple[Accelerator, ...]
    has_room: bool


def choose_gang(spec: JobSpec, offers: list[Offer]) -> Choice:
    """The cheapest of the gangs that fulfil every constraint; of alternatives in an order, of the first with one."""
    return choose_any(spec, lambda each: _choose_gang(each, offers))


def _choose_gang(spec: JobSpec, offers: list[Offer]) -> Choice:
    gangs, excluded = find_gangs(spec, offers)
    if not gangs:
        reasons = "; ".join(f"{each.offer.instance_type}: {each.explanation}" for each in excluded[:3])
        return Choice(
            offer=None,
            watts=Watts(0, 0),
            price_micro_per_hour=0,
            price_max_micro_per_hour=0,
            excluded=excluded,
            reason=f"no connected place can run it ({reasons})" if reasons else "no place is connected",
        )
    best = min(gangs, key=lambda each: hourly_micro(each.offer.rate, each.watts.expected))
    return Choice(
        offer=best.offer,
        watts=best.watts,
        price_micro_per_hour=hourly_micro(best.offer.rate, best.watts.expected),
        price_max_micro_per_hour=hourly_micro(best.offer.rate, best.watts.busy),
        excluded=excluded,
        reason=f"{len(best.offers)} machines of yours on one network",
    )


@dataclass(frozen=True, slots=True)
class _Fitting:
    offer: Offer
    watts: Watts
    held: tuple[Accelerator, ...]
    has_room: bool


def find_gangs(
    spec: JobSpec, offers: Sequence[Offer], room: Room | None = None
) -> tuple[list[OwnGang], list[Exclusion]]:
    """The best gang of each network and kind of machine, and why machines are in none.

    `room` says what is free now: machines with room come first, and then the cheaper ones. Without it all are free.
    """
    nodes, demand = node_count(spec), demand_of(spec)
    fitting: dict[tuple[str, str, str], dict[tuple[str, int], list[_Fitting]]] = defaultdict(
        lambda: defaultdict(list)
    )
    excluded: list[Exclusion] = []
    for offer in offers:
        if offer.network is None:
            said = f"needs {nodes} nodes; this machine is one"
            excluded.append(Exclusion(offer=offer, constraint="resources.nodes", explanation=said))
            continue
        found = _fit(spec, demand, offer, room)
        if isinstance(found, Exclusion):
            excluded.append(found)
        else:
            fitting[offer.provider, offer.region, offer.network][_kind(found.held)].append(found)
    gangs = []
    for (_, _, network), kinds in sorted(fitting.items()):
        large = {kind: members for kind, members in kinds.items() if len(members) >= nodes}
        gangs += [_gang(members, nodes) for _, members in sorted(large.items())]
        if not large:
            most = max(len(members) for members in kinds.values())
            there = "1 machine that fits is" if most == 1 else f"{most} machines of one kind that fit are"
            said = f"needs {nodes} nodes on one network; {there} on {network}"
            excluded += [
                Exclusion(offer=each.offer, constraint="resources.nodes", explanation=said)
                for members in kinds.values()
                for each in members
            ]
    limit = spec.constraints.max_price_micro_usd_per_hour
    for gang in gangs if limit is not None else ():
        if hourly_micro(gang.offer.rate, gang.watts.expected) > (limit or 0):
            said = "all of its nodes together cost more per hour than max_price"
            excluded.append(Exclusion(offer=gang.offer, constraint="constraints.max_price", explanation=said))
    dear = {id(each.offer) for each in excluded}
    return [each for each in gangs if id(each.offer) not in dear], excluded


def _fit(spec: JobSpec, demand: Demand, offer: Offer, room: Room | None) -> _Fitting | Exclusion:
    watts = fit_offer(spec, demand, offer)
    if isinstance(watts, Exclusion):
        return watts
    held = pick_accelerators(demand, offer.accelerators) or ()
    free = held if room is None else room(offer)
    return _Fitting(offer, watts, held if free is None else free, free is not None)


def _kind(held: tuple[Accelerator, ...]) -> tuple[str, int]:
    """What has to be the same on all nodes: ranks that wait for each other are as fast as the slowest."""
    return (identify(held[0].name).key if held else "", len(held))


def _gang(members: list[_Fitting], nodes: int) -> OwnGang:
    def order(each: _Fitting) -> tuple[bool, int, str]:
        return (
            not each.has_room,
            hourly_micro(each.offer.rate, each.watts.expected),
            each.offer.instance_type,
        )

    chosen = sorted(members, key=order)[:nodes]
    first = chosen[0].offer
    offers = tuple(each.offer for each in chosen)
    watts = Watts(sum(each.watts.idle for each in chosen), sum(each.watts.busy for each in chosen))
    grams = [each.grams_co2e_per_kwh for each in offers if each.grams_co2e_per_kwh is not None]
    together = replace(
        first,
        instance_type=" + ".join(each.instance_type for each in offers),
        cpus=min(each.cpus for each in offers),
        memory_bytes=min(each.memory_bytes for each in offers),
        disk_bytes=min(each.disk_bytes for each in offers),
        rate=rate_of_all([each.rate for each in offers], [each.watts.expected for each in chosen]),
        grams_co2e_per_kwh=max(grams) if grams else None,
    )
    return OwnGang(
        offers=offers,
        offer=together,
        watts=watts,
        held=chosen[0].held,
        has_room=all(each.has_room for each in chosen),
    )
