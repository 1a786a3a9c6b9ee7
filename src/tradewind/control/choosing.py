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
from tradewind.estimate.power import Watts
from tradewind.placement.candidates import Own, Surroundings
from tradewind.placement.choose import fit_offer
from tradewind.placement.demand import Demand, demand_of, node_count, pick_accelerators, titles_of
from tradewind.placement.estimates import JobEstimates, Place, terms_of
from tradewind.placement.gangs import OwnGang, find_gangs
from tradewind.placement.picks import Pick
from tradewind.placement.plan import Ask, MarketPlan, plan_any
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
    #: Micro-dollars for all of it, with setting up; None: nobody can say.
    cost_micro: Band | None = None
    arithmetic: dict[str, Any] = field(default_factory=dict)
    #: What an hour of the same machine costs on demand; None: it is not to be had so, or nobody says.
    on_demand_micro: int | None = None
    #: Which of the job's alternatives it is.
    alternative: int = 0


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
        plan = _plan(spec, (), wished, free, history, now, refusals, market)
        if plan.chosen is not None:
            return _chosen(plan, plan.chosen, market, "")
    plan = _plan(spec, own, allowed, free, history, now, refusals, market)
    warning = ""
    if plan.chosen is None and spec.constraints.deadline is not None:
        plan = _plan(_without_deadline(spec), own, allowed, free, history, now, refusals, market)
        if plan.chosen is not None:
            warning = "no place ends it by its deadline: it is placed where it ends soonest"
    if plan.chosen is not None and plan.chosen.offer.market != Market.OWNED:
        # In order, the first alternative that can be had decides; else the deadline weighs all of them.
        is_one, first = spec.resources.ordered, plan.chosen.alternative
        ruling = rule(
            spec.alternative(first) if is_one else spec,
            as_they_are(market, refusals),
            Standing(share_done=share_done),
            history,
            seen or {},
            now,
        )
        if ruling is not None:
            ruled = _ruled(ruling, plan, warning, now)
            return replace(ruled, alternative=first) if is_one else ruled
    if plan.chosen is not None:
        return _chosen(plan, plan.chosen, market, warning)
    return _nowhere(
        spec, plan, market, refusals, lambda: _plan(_without_deadline(spec), (), market, free, history, now)
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
    found = [_gangs_with_room(each, own, free) for each in spec.alternatives()]
    rentable = [each for each in market if each.provider in together]
    has_other = any(each.provider in together for each in allowed) or (
        len(found) > 1 and any(gang.has_room for gangs, _ in found for gang in gangs)
    )
    if has_other and not _is_patient(spec):
        found = [_only_with_room(*each) for each in found]
    nobody = [((), excluded) for _, excluded in found]

    def planned(spec: JobSpec, offers: Sequence[Offer], own: Sequence[_Gangs]) -> MarketPlan:
        return _plan_several(spec, offers, own, history, now, together, refusals, rentable)

    plan, warning = planned(spec, allowed, found), ""
    if plan.chosen is None and spec.constraints.deadline is not None:
        plan = planned(_without_deadline(spec), allowed, found)
        if plan.chosen is not None:
            warning = "no place ends it by its deadline: it is placed where it ends soonest"
    if plan.chosen is not None:
        chosen = _chosen(plan, plan.chosen, market, warning)
        every = (gang for gangs, _ in found for gang in gangs)
        gang = next((each for each in every if each.offer is chosen.offer), None)
        return chosen if gang is None else replace(chosen, members=gang.offers, has_room=gang.has_room)
    return _nowhere(
        spec, plan, rentable, refusals, lambda: planned(_without_deadline(spec), rentable, nobody)
    )


#: Machines at hand that fit one alternative together, and those that are in no such gang.
_Gangs = tuple[Sequence[OwnGang], Sequence[Exclusion]]


def _gangs_with_room(spec: JobSpec, own: Sequence[Offer], free: dict[str, Capacity]) -> _Gangs:
    demand = demand_of(spec)

    def room(offer: Offer) -> tuple[Accelerator, ...] | None:
        capacity = free_of(free, offer)
        if capacity is None or not _has_room(capacity, demand):
            return None
        return pick_accelerators(demand, capacity.free_accelerators)

    return find_gangs(spec, own, room)


def _only_with_room(gangs: Sequence[OwnGang], excluded: Sequence[Exclusion]) -> _Gangs:
    full = [
        Exclusion(offer=each.offer, constraint="capacity", explanation="not all of them have room now")
        for each in gangs
        if not each.has_room
    ]
    return [each for each in gangs if each.has_room], [*excluded, *full]


def _plan_several(
    spec: JobSpec,
    market: Sequence[Offer],
    own: Sequence[_Gangs],
    history: Sequence[PastRun],
    now: datetime,
    together: frozenset[str],
    refusals: Sequence[Refusal],
    whole: Sequence[Offer],
) -> MarketPlan:
    estimates, nodes = JobEstimates(spec, *split_runs(history)), node_count(spec)
    asks = [
        Ask(
            wanted=replace(wanted_of(each, now), together=together),
            terms=terms_of(each),
            own=[
                own_candidate(gang.offer, gang.watts, estimates.hours_at(gang.offer, gang.held, nodes), nodes)
                for gang in gangs
            ],
            own_excluded=excluded,
            title=title,
            why=_why_of(each, refusals, whole, history, now, together),
        )
        for each, title, (gangs, excluded) in zip(spec.alternatives(), titles_of(spec), own, strict=True)
    ]
    providers = {gang.offer.provider for gangs, _ in own for gang in gangs}
    return plan_any(
        OfferTable.of(list(market)),
        asks,
        Surroundings(
            runnable=frozenset({each.provider for each in market} | providers),
            kilowatts=Place.kilowatts,
            grams_per_kwh=Place.grams_per_kwh,
            endless=endless_providers(),
            now=now,
        ),
        is_ordered=spec.resources.ordered,
        hours=estimates.hours if estimates.says_something else None,
        fits=estimates.fits,
    )


def _why_of(
    spec: JobSpec,
    refusals: Sequence[Refusal],
    market: Sequence[Offer],
    history: Sequence[PastRun],
    now: datetime,
    together: frozenset[str] = frozenset(),
) -> Callable[[], str | None]:
    """What an alternative is told of places that fit and said no a short while ago."""

    def why() -> str | None:
        refused = [each for each in market if any(refusal.concerns(each) for refusal in refusals)]
        if not refused:
            return None
        easy = _without_deadline(spec)
        plan = (
            _plan_several(easy, refused, [((), ())], history, now, together, (), ())
            if node_count(spec) > 1
            else _plan(easy, (), refused, {}, history, now)
        )
        if plan.chosen is None:
            return None
        fitting = {(pick.offer.provider) for pick in (*plan.shares, *plan.runners_up)}
        said = {
            f"{each.provider}: {each.message}"
            for each in refusals
            if each.provider in fitting and any(each.concerns(offer) for offer in refused)
        }
        return f"said no a short while ago ({'; '.join(sorted(said)[:3])})"

    return why


def _nowhere(
    spec: JobSpec,
    plan: MarketPlan,
    market: Sequence[Offer],
    refusals: Sequence[Refusal],
    if_nobody_refused: Callable[[], MarketPlan],
) -> Chosen:
    """Why there is no place now."""
    refused = [each for each in refusals if any(each.concerns(offer) for offer in market)]
    if refused and if_nobody_refused().chosen is not None:
        until = min(each.until for each in refused)
        if spec.resources.any_of:
            return Chosen(
                reason=Reason.NO_CAPACITY,
                explanation=plan.reason.removeprefix("no offer: "),
                next_try_at=until,
            )
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
    pick = plan.chosen
    is_same = pick is not None and place_of(pick.offer) == place_of(ruling.offer)
    return Chosen(
        offer=ruling.offer,
        explanation=ruling.explanation,
        warning=warning,
        hours=None if pick is None else pick.hours,
        cost_micro=_cost_of(pick) if pick is not None and is_same else None,
        arithmetic=ruling.arithmetic,
        alternative=ruling.alternative,
    )


def _chosen(plan: MarketPlan, pick: Pick, market: Sequence[Offer], warning: str) -> Chosen:
    if pick.offer.market == Market.OWNED:
        return Chosen(
            is_own=True,
            offer=pick.offer,
            explanation=plan.reason,
            warning=warning,
            hours=pick.hours,
            cost_micro=_cost_of(pick),
            alternative=pick.alternative,
        )
    return Chosen(
        offer=original(pick.offer, market),
        alternative=pick.alternative,
        explanation=plan.reason,
        warning=warning,
        hours=pick.hours,
        cost_micro=_cost_of(pick),
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


def _cost_of(pick: Pick) -> Band | None:
    costs = (pick.cost_p10_micro, pick.measures.cost_p50_micro, pick.measures.cost_p90_micro)
    if pick.hours is None or None in costs:
        return None
    low, middle, high = (float(each) for each in costs if each is not None)
    # Each is rounded by itself, to what is billed at least.
    low, high = min(low, middle), max(high, middle)
    return Band(p10=low, p50=middle, p90=high, layer=pick.hours.layer, basis="the plan it was placed by")


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
    refusals: Sequence[Refusal] = (),
    whole: Sequence[Offer] = (),
) -> MarketPlan:
    """The plan over the `market`; the `whole` of it, with the refusals, says why an alternative has nothing there."""
    estimates = JobEstimates(spec, *split_runs(history))
    specs = spec.alternatives()
    judged = [_judge_own(each, own, free) for each in specs]
    # What would have to wait is left out where something else need not, on a machine at hand or a rented one.
    has_other = bool(market) or any(
        has_room and not isinstance(fit, Exclusion) for each in judged for _, fit, has_room in each
    )
    asks: list[Ask] = []
    for each, title, machines in zip(specs, titles_of(spec), judged, strict=True):
        demand = demand_of(each)
        fitting: list[Own] = []
        excluded: list[Exclusion] = []
        for offer, fit, has_room in machines:
            if isinstance(fit, Exclusion):
                excluded.append(fit)
            elif has_other and not _is_patient(spec) and not has_room:
                excluded.append(Exclusion(offer=offer, constraint="capacity", explanation="it is full now"))
            else:
                held = pick_accelerators(demand, offer.accelerators) or ()
                fitting.append(own_candidate(offer, fit, estimates.hours_at(offer, held)))
        asks.append(
            Ask(
                wanted=wanted_of(each, now),
                terms=terms_of(each),
                own=fitting,
                own_excluded=excluded,
                title=title,
                why=_why_of(each, refusals, whole, history, now),
            )
        )
    return plan_any(
        OfferTable.of(list(market)),
        asks,
        Surroundings(
            runnable=frozenset({each.provider for each in (*own, *market)}),
            kilowatts=Place.kilowatts,
            grams_per_kwh=Place.grams_per_kwh,
            endless=endless_providers(),
            now=now,
        ),
        is_ordered=spec.resources.ordered,
        hours=estimates.hours if estimates.says_something else None,
        fits=estimates.fits,
    )


def _judge_own(
    spec: JobSpec, own: Sequence[Offer], free: dict[str, Capacity]
) -> list[tuple[Offer, Watts | Exclusion, bool]]:
    """Of every machine at hand: how it fits this alternative, and whether it has room now."""
    demand = demand_of(spec)
    return [(each, fit_offer(spec, demand, each), _has_room(free_of(free, each), demand)) for each in own]


def _is_patient(spec: JobSpec) -> bool:
    """Whether it waits for a machine at hand. A job that names what to fall back on does not."""
    return spec.strategy in _PATIENT and not (spec.resources.any_of and spec.resources.ordered)


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
