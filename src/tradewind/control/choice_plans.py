"""Plans over all alternatives of a job, on machines at hand and on what connected providers offer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from tradewind.control.market_planning import endless_providers, own_candidate
from tradewind.control.nodes import Capacity
from tradewind.control.predicting import PastRun, split_runs
from tradewind.control.refusals import Refusal
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Accelerator, Exclusion, Offer
from tradewind.estimate.power import Watts
from tradewind.placement.candidates import Own, Surroundings
from tradewind.placement.choose import fit_offer
from tradewind.placement.demand import Demand, demand_of, node_count, pick_accelerators, titles_of
from tradewind.placement.estimates import JobEstimates, Place, terms_of
from tradewind.placement.gangs import OwnGang, find_gangs
from tradewind.placement.plan import Ask, MarketPlan, plan_any
from tradewind.placement.wanted import wanted_of
from tradewind.spec.models import JobSpec
from tradewind.spec.parts import Strategy

#: With these a task waits for a machine at hand, though another could be rented at once.
_PATIENT: Final = frozenset({Strategy.CHEAPEST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a place for one task is chosen by."""

    spec: JobSpec
    #: What earlier runs of such a job took.
    history: Sequence[PastRun]
    #: Machines at hand, and what is free of them, by provider and by provider and name.
    own: Sequence[Offer]
    free: Mapping[str, Capacity]
    #: All that is offered, for telling a lack of capacity from a lack of offers, and what of it may be had now.
    market: Sequence[Offer]
    allowed: Sequence[Offer]
    refusals: Sequence[Refusal]
    #: Providers of which an attempt can have several machines.
    together: frozenset[str]
    now: datetime

    def without_deadline(self) -> Situation:
        """The same for a job that ends as soon as can be, whenever that is."""
        if self.spec.constraints.deadline is None:
            return self
        limits = self.spec.constraints.model_copy(update={"deadline": None})
        changes = {"constraints": limits, "strategy": Strategy.FASTEST}
        return replace(self, spec=self.spec.model_copy(update=changes))

    def of_market(self, offers: Sequence[Offer]) -> Situation:
        """The same with nothing but these offers."""
        return replace(self, own=(), allowed=offers, refusals=())


#: Machines at hand that fit one alternative together, and those that are in no such gang.
Gangs = tuple[Sequence[OwnGang], Sequence[Exclusion]]


def plan_at(at: Situation) -> MarketPlan:
    """The plan for one machine or for several together."""
    return plan_several(at, gangs_of(at)) if node_count(at.spec) > 1 else _plan_one(at)


def _plan_one(at: Situation) -> MarketPlan:
    estimates = JobEstimates(at.spec, *split_runs(at.history))
    specs = at.spec.alternatives()
    judged = [_judge_own(each, at) for each in specs]
    # What would have to wait is left out where something else need not, on a machine at hand or a rented one.
    has_other = bool(at.allowed) or any(
        has_room and not isinstance(fit, Exclusion) for each in judged for _, fit, has_room in each
    )
    must_wait = not has_other or _is_patient(at.spec)
    asks: list[Ask] = []
    for spec, title, machines in zip(specs, titles_of(at.spec), judged, strict=True):
        demand = demand_of(spec)
        fitting: list[Own] = []
        excluded: list[Exclusion] = []
        for offer, fit, has_room in machines:
            if isinstance(fit, Exclusion):
                excluded.append(fit)
            elif not has_room and not must_wait:
                excluded.append(Exclusion(offer=offer, constraint="capacity", explanation="it is full now"))
            else:
                held = pick_accelerators(demand, offer.accelerators) or ()
                fitting.append(own_candidate(offer, fit, estimates.hours_at(offer, held)))
        asks.append(
            Ask(
                wanted=wanted_of(spec, at.now),
                terms=terms_of(spec),
                own=fitting,
                own_excluded=excluded,
                title=title,
                why=_why_of(spec, at),
            )
        )
    return _plan_any(at, asks, estimates, own={each.provider for each in at.own})


def plan_several(at: Situation, gangs_of_each: Sequence[Gangs]) -> MarketPlan:
    """The plan for several machines together.

    Args:
        gangs_of_each: for each alternative, what of the machines at hand may be had.
    """
    estimates, nodes = JobEstimates(at.spec, *split_runs(at.history)), node_count(at.spec)
    asks = [
        Ask(
            wanted=replace(wanted_of(spec, at.now), together=at.together),
            terms=terms_of(spec),
            own=[
                own_candidate(gang.offer, gang.watts, estimates.hours_at(gang.offer, gang.held, nodes), nodes)
                for gang in gangs
            ],
            own_excluded=excluded,
            title=title,
            why=_why_of(spec, at),
        )
        for spec, title, (gangs, excluded) in zip(
            at.spec.alternatives(), titles_of(at.spec), gangs_of_each, strict=True
        )
    ]
    own = {gang.offer.provider for gangs, _ in gangs_of_each for gang in gangs}
    return _plan_any(at, asks, estimates, own=own)


def _plan_any(at: Situation, asks: list[Ask], estimates: JobEstimates, *, own: set[str]) -> MarketPlan:
    return plan_any(
        OfferTable.of(list(at.allowed)),
        asks,
        Surroundings(
            runnable=frozenset({each.provider for each in at.allowed} | own),
            kilowatts=Place.kilowatts,
            grams_per_kwh=Place.grams_per_kwh,
            endless=endless_providers(),
            now=at.now,
        ),
        is_ordered=at.spec.resources.ordered,
        hours=estimates.hours if estimates.says_something else None,
        fits=estimates.fits,
    )


def _why_of(spec: JobSpec, at: Situation) -> Callable[[], str | None]:
    """What an alternative is told of places that fit and said no a short while ago."""

    def why() -> str | None:
        refused = [each for each in at.market if any(refusal.concerns(each) for refusal in at.refusals)]
        if not refused:
            return None
        plan = plan_at(replace(at, spec=spec).without_deadline().of_market(refused))
        if plan.chosen is None:
            return None
        fitting = {(pick.offer.provider) for pick in (*plan.shares, *plan.runners_up)}
        said = {
            f"{each.provider}: {each.message}"
            for each in at.refusals
            if each.provider in fitting and any(each.concerns(offer) for offer in refused)
        }
        return f"said no a short while ago ({'; '.join(sorted(said)[:3])})"

    return why


def gangs_of(at: Situation) -> list[Gangs]:
    """For each alternative, the machines at hand that fit it together."""
    return [_gangs_with_room(each, at) for each in at.spec.alternatives()]


def gangs_to_have(at: Situation) -> list[Gangs]:
    """The same without those that would have to wait, where something else need not."""
    found = gangs_of(at)
    has_other = any(each.provider in at.together for each in at.allowed) or (
        len(found) > 1 and any(gang.has_room for gangs, _ in found for gang in gangs)
    )
    return [_only_with_room(*each) for each in found] if has_other and not _is_patient(at.spec) else found


def _gangs_with_room(spec: JobSpec, at: Situation) -> Gangs:
    demand = demand_of(spec)

    def room(offer: Offer) -> tuple[Accelerator, ...] | None:
        capacity = free_of(at.free, offer)
        if capacity is None or not _has_room(capacity, demand):
            return None
        return pick_accelerators(demand, capacity.free_accelerators)

    return find_gangs(spec, at.own, room)


def _only_with_room(gangs: Sequence[OwnGang], excluded: Sequence[Exclusion]) -> Gangs:
    full = [
        Exclusion(offer=each.offer, constraint="capacity", explanation="not all of them have room now")
        for each in gangs
        if not each.has_room
    ]
    return [each for each in gangs if each.has_room], [*excluded, *full]


def _judge_own(spec: JobSpec, at: Situation) -> list[tuple[Offer, Watts | Exclusion, bool]]:
    """Of every machine at hand: how it fits this alternative, and whether it has room now."""
    demand = demand_of(spec)
    return [
        (each, fit_offer(spec, demand, each), _has_room(free_of(at.free, each), demand)) for each in at.own
    ]


def _is_patient(spec: JobSpec) -> bool:
    """Whether it waits for a machine at hand. A job that names what to fall back on does not."""
    return spec.strategy in _PATIENT and not (spec.resources.any_of and spec.resources.ordered)


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
