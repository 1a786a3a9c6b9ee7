"""Chooses a place for one task among machines at hand and what connected providers offer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from tradewind.control.deadlines import Ruling, Standing, rule
from tradewind.control.market_planning import endless_providers, own_candidate
from tradewind.control.nodes import Capacity
from tradewind.control.predicting import PastRun, split_runs
from tradewind.control.refusals import Refusal
from tradewind.control.spot_history import Seen
from tradewind.domain.money import format_money
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Accelerator, Exclusion, Market, Offer
from tradewind.domain.status import Reason
from tradewind.estimate.band import Band
from tradewind.placement.candidates import Own, Surroundings
from tradewind.placement.choose import fit_offer
from tradewind.placement.demand import Demand, demand_of, node_count, pick_accelerators
from tradewind.placement.estimates import JobEstimates, Place, terms_of
from tradewind.placement.gangs import OwnGang, find_gangs
from tradewind.placement.picks import Pick
from tradewind.placement.plan import MarketPlan, plan_market
from tradewind.placement.spot.advice import LOOK_EVERY
from tradewind.placement.wanted import wanted_of
from tradewind.spec.models import JobSpec
from tradewind.spec.parts import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Where a task goes: a machine at hand, an offer to rent, or nowhere yet, with the reason and the next try."""

    is_own: bool = False
    #: What is to be rented; on a machine at hand, that machine.
    offer: Offer | None = None
    #: Several machines at hand that it is to be placed on together, in the order of their ranks.
    members: tuple[Offer, ...] = ()
    #: Whether all of those have room now; else they are kept for it.
    has_room: bool = True
    explanation: str = ""
    reason: Reason | None = None
    next_try_at: datetime | None = None
    warning: str = ""
    hours: Band | None = None
    arithmetic: dict[str, Any] = field(default_factory=dict)
    #: What an hour of the same machine costs on demand; None: it is not to be had so, or nobody says.
    on_demand_micro: int | None = None


#: With these a task waits for a machine at hand, though another could be rented at once.
_PATIENT: Final = frozenset({Strategy.CHEAPEST})


def choose_place(
    spec: JobSpec,
    own: Sequence[Offer],
    allowed: Sequence[Offer],
    market: Sequence[Offer],
    refusals: Sequence[Refusal],
    free: dict[str, Capacity],
    history: Sequence[PastRun],
    now: datetime,
    wish: dict[str, Any] | None = None,
    share_done: float = 0.0,
    seen: Mapping[str, Sequence[Seen]] | None = None,
    together: frozenset[str] = frozenset(),
) -> Chosen:
    """The place by the job's strategy, or the one that a move was decided for, while that is to be had.

    Args:
        allowed: offers of the market that were not refused lately.
        market: all of them, for telling a lack of capacity from a lack of offers.
        free: what is free of the machines at hand, by provider and by provider and name.
        share_done: how much of the work a checkpoint has; with `seen`, what was seen of spot places, it decides
            whether a job with a deadline waits for spot.
        together: providers of which an attempt can have several machines.
    """
    if node_count(spec) > 1:
        return _choose_several(spec, own, allowed, market, refusals, free, history, now, together)
    if wish is not None and now < datetime.fromisoformat(wish["until"]):
        wished = [each for each in allowed if _is_wished(wish, each)]
        plan = _plan(spec, (), wished, free, history, now)
        if plan.chosen is not None:
            return _chosen(plan, plan.chosen, market, "")
    plan = _plan(spec, own, allowed, free, history, now)
    warning = ""
    if plan.chosen is None and spec.constraints.deadline is not None:
        plan = _plan(_without_deadline(spec), own, allowed, free, history, now)
        if plan.chosen is not None:
            warning = "no place ends it by its deadline: it is placed where it ends soonest"
    if plan.chosen is not None and plan.chosen.offer.market != Market.OWNED:
        ruling = rule(
            spec, as_they_are(market, refusals), Standing(share_done=share_done), history, seen or {}, now
        )
        if ruling is not None:
            return _ruled(ruling, plan, warning, now)
    if plan.chosen is not None:
        return _chosen(plan, plan.chosen, market, warning)
    return _nowhere(
        plan, market, refusals, lambda: _plan(_without_deadline(spec), (), market, free, history, now)
    )


def _choose_several(
    spec: JobSpec,
    own: Sequence[Offer],
    allowed: Sequence[Offer],
    market: Sequence[Offer],
    refusals: Sequence[Refusal],
    free: dict[str, Capacity],
    history: Sequence[PastRun],
    now: datetime,
    together: frozenset[str],
) -> Chosen:
    """The place of an attempt on several nodes. It does not wait for spot: what is weighed there is one machine."""
    demand = demand_of(spec)

    def room(offer: Offer) -> tuple[Accelerator, ...] | None:
        capacity = free_of(free, offer)
        if capacity is None or not _has_room(capacity, demand):
            return None
        return pick_accelerators(demand, capacity.free_accelerators)

    gangs, excluded = find_gangs(spec, own, room)
    rentable = [each for each in market if each.provider in together]
    if spec.strategy not in _PATIENT and any(each.provider in together for each in allowed):
        excluded += [
            Exclusion(offer=each.offer, constraint="capacity", explanation="not all of them have room now")
            for each in gangs
            if not each.has_room
        ]
        gangs = [each for each in gangs if each.has_room]

    def planned(spec: JobSpec, offers: Sequence[Offer], gangs: Sequence[OwnGang]) -> MarketPlan:
        return _plan_several(spec, offers, gangs, excluded, history, now, together)

    plan, warning = planned(spec, allowed, gangs), ""
    if plan.chosen is None and spec.constraints.deadline is not None:
        plan = planned(_without_deadline(spec), allowed, gangs)
        if plan.chosen is not None:
            warning = "no place ends it by its deadline: it is placed where it ends soonest"
    if plan.chosen is not None:
        chosen = _chosen(plan, plan.chosen, market, warning)
        gang = next((each for each in gangs if each.offer is chosen.offer), None)
        return chosen if gang is None else replace(chosen, members=gang.offers, has_room=gang.has_room)
    return _nowhere(plan, rentable, refusals, lambda: planned(_without_deadline(spec), rentable, ()))


def _plan_several(
    spec: JobSpec,
    market: Sequence[Offer],
    gangs: Sequence[OwnGang],
    excluded: Sequence[Exclusion],
    history: Sequence[PastRun],
    now: datetime,
    together: frozenset[str],
) -> MarketPlan:
    estimates, nodes = JobEstimates(spec, *split_runs(history)), node_count(spec)
    fitting = [
        own_candidate(each.offer, each.watts, estimates.hours_at(each.offer, each.held, nodes), nodes)
        for each in gangs
    ]
    return plan_market(
        OfferTable.of(list(market)),
        replace(wanted_of(spec, now), together=together),
        terms_of(spec),
        Surroundings(
            runnable=frozenset({each.provider for each in market} | {each.offer.provider for each in gangs}),
            kilowatts=Place.kilowatts,
            grams_per_kwh=Place.grams_per_kwh,
            endless=endless_providers(),
            now=now,
        ),
        hours=estimates.hours if estimates.says_something else None,
        fits=estimates.fits,
        own=fitting,
        own_excluded=excluded,
    )


def _nowhere(
    plan: MarketPlan,
    market: Sequence[Offer],
    refusals: Sequence[Refusal],
    if_nobody_refused: Callable[[], MarketPlan],
) -> Chosen:
    """Why there is no place now."""
    refused = [each for each in refusals if any(each.concerns(offer) for offer in market)]
    if refused and if_nobody_refused().chosen is not None:
        until = min(each.until for each in refused)
        said = "; ".join(sorted({f"{each.provider}: {each.message}" for each in refused})[:3])
        return Chosen(
            reason=Reason.NO_CAPACITY,
            explanation=f"every place that fits said no a short while ago ({said})",
            next_try_at=until,
        )
    return Chosen(reason=Reason.NO_OFFER, explanation=plan.reason.removeprefix("no offer: "))


def as_they_are(market: Sequence[Offer], refusals: Sequence[Refusal]) -> list[Offer]:
    """The market as it is known to be: spot places that said no a while ago are not to be had, others are left out."""
    found = []
    for offer in market:
        if not any(each.concerns(offer) for each in refusals):
            found.append(offer)
        elif offer.market == Market.SPOT:
            found.append(replace(offer, is_available=False))
    return found


def _ruled(ruling: Ruling, plan: MarketPlan, warning: str, now: datetime) -> Chosen:
    if ruling.offer is None:
        return Chosen(
            reason=Reason.WAITING_FOR_SPOT,
            explanation=f"waiting for spot: {ruling.explanation}",
            next_try_at=min(ruling.next_look_at, now + LOOK_EVERY),
        )
    return Chosen(
        offer=ruling.offer,
        explanation=ruling.explanation,
        warning=warning,
        hours=None if plan.chosen is None else plan.chosen.hours,
        arithmetic=ruling.arithmetic,
    )


def _chosen(plan: MarketPlan, pick: Pick, market: Sequence[Offer], warning: str) -> Chosen:
    if pick.offer.market == Market.OWNED:
        return Chosen(
            is_own=True, offer=pick.offer, explanation=plan.reason, warning=warning, hours=pick.hours
        )
    return Chosen(
        offer=original(pick.offer, market),
        explanation=plan.reason,
        warning=warning,
        hours=pick.hours,
        arithmetic={
            "price_per_hour": format_money(pick.measures.hourly_micro),
            "cost_p50_micro": pick.measures.cost_p50_micro,
            "cost_p90_micro": pick.measures.cost_p90_micro,
            "hours_p50": None if pick.hours is None else pick.hours.p50,
            "runners_up": [
                {
                    "place": f"{each.offer.provider}/{each.offer.zone or each.offer.region}/{each.offer.instance_type}",
                    "market": each.offer.market,
                    "cost_p50_micro": each.measures.cost_p50_micro,
                    "price_per_hour_micro": each.measures.hourly_micro,
                }
                for each in plan.runners_up
            ],
        },
    )


def on_demand_price(offer: Offer, market: Sequence[Offer]) -> int | None:
    """What an hour of the same machine in the same region costs on demand; None where it is not offered so."""
    if offer.market == Market.ON_DEMAND:
        return offer.rate.micro_per_unit
    same = [
        each
        for each in market
        if each.market == Market.ON_DEMAND
        and (each.provider, each.region, each.instance_type)
        == (offer.provider, offer.region, offer.instance_type)
        and each.rate.currency == offer.rate.currency
    ]
    # The same zone first.
    same.sort(key=lambda each: (each.zone != offer.zone, each.rate.micro_per_unit))
    return same[0].rate.micro_per_unit if same else None


def original(offer: Offer, market: Sequence[Offer]) -> Offer:
    """The provider's own offer behind a row of the table, with its rule of billing."""
    key = place_of(offer)
    return next(each for each in market if place_of(each) == key)


def place_of(offer: Offer) -> tuple[str, str, str | None, str, str]:
    """What tells one offer of a provider from another."""
    return offer.provider, offer.region, offer.zone, offer.instance_type, offer.market


def _plan(
    spec: JobSpec,
    own: Sequence[Offer],
    market: Sequence[Offer],
    free: dict[str, Capacity],
    history: Sequence[PastRun],
    now: datetime,
) -> MarketPlan:
    estimates = JobEstimates(spec, *split_runs(history))
    demand = demand_of(spec)
    fitting: list[Own] = []
    excluded: list[Exclusion] = []
    fits = [(offer, fit_offer(spec, demand, offer)) for offer in own]
    with_room = [each for each, _ in fits if _has_room(free_of(free, each), demand)]
    # What would have to wait is left out where something else need not, on a machine at hand or a rented one.
    has_other = bool(market) or any(
        not isinstance(fit, Exclusion) and each in with_room for each, fit in fits
    )
    is_patient = spec.strategy in _PATIENT
    for offer, fit in fits:
        if isinstance(fit, Exclusion):
            excluded.append(fit)
        elif has_other and not is_patient and offer not in with_room:
            excluded.append(Exclusion(offer=offer, constraint="capacity", explanation="it is full now"))
        else:
            held = pick_accelerators(demand, offer.accelerators) or ()
            fitting.append(own_candidate(offer, fit, estimates.hours_at(offer, held)))
    return plan_market(
        OfferTable.of(list(market)),
        wanted_of(spec, now),
        terms_of(spec),
        Surroundings(
            runnable=frozenset({each.provider for each in (*own, *market)}),
            kilowatts=Place.kilowatts,
            grams_per_kwh=Place.grams_per_kwh,
            endless=endless_providers(),
            now=now,
        ),
        hours=estimates.hours if estimates.says_something else None,
        fits=estimates.fits,
        own=fitting,
        own_excluded=excluded,
    )


def _is_wished(wish: dict[str, Any], offer: Offer) -> bool:
    names = ("provider", "region", "zone", "instance_type", "market")
    return all(wish[name] is None or wish[name] == getattr(offer, name) for name in names)


def free_of(free: Mapping[str, Capacity], offer: Offer) -> Capacity | None:
    """What is free of a machine at hand: by its name, else by its provider, where that has only one."""
    return free.get(f"{offer.provider}/{offer.instance_type}", free.get(offer.provider))


def _has_room(capacity: Capacity | None, demand: Demand) -> bool:
    return (
        capacity is not None
        and demand.milli_cpus <= capacity.free_milli_cpus
        and demand.memory_bytes <= capacity.free_bytes
        and pick_accelerators(demand, capacity.free_accelerators) is not None
    )


def _without_deadline(spec: JobSpec) -> JobSpec:
    if spec.constraints.deadline is None:
        return spec
    limits = spec.constraints.model_copy(update={"deadline": None})
    return spec.model_copy(update={"constraints": limits, "strategy": Strategy.FASTEST})
