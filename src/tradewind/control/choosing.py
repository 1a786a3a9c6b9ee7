"""Chooses a place for one task among machines at hand and what connected providers offer. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from tradewind.control.choice_plans import Situation, gangs_to_have, plan_at, plan_several
from tradewind.control.deadlines import Ruling, Standing, rule
from tradewind.control.refusals import as_they_are
from tradewind.control.same_offer import original, place_of
from tradewind.control.spot_history import Seen
from tradewind.domain.money import format_money
from tradewind.domain.offers import Market, Offer
from tradewind.domain.status import Reason
from tradewind.estimate.band import Band
from tradewind.placement.demand import node_count
from tradewind.placement.picks import Pick
from tradewind.placement.plan import MarketPlan
from tradewind.placement.spot.advice import LOOK_EVERY


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


_LATE: Final = "no place ends it by its deadline: it is placed where it ends soonest"


def choose_place(
    at: Situation,
    wish: Mapping[str, Any] | None = None,
    share_done: float = 0.0,
    seen: Mapping[str, Sequence[Seen]] | None = None,
) -> Chosen:
    """The place by the job's strategy, or the one that a move was decided for, while that is to be had.

    Args:
        share_done: how much of the work a checkpoint has; with `seen`, what was seen of spot places, it decides
            whether a job with a deadline waits for spot.
    """
    if node_count(at.spec) > 1:
        return _choose_several(at)
    if wish is not None and at.now < datetime.fromisoformat(wish["until"]):
        wished = [each for each in at.allowed if _is_wished(wish, each)]
        plan = plan_at(replace(at, own=(), allowed=wished))
        if plan.chosen is not None:
            return _chosen(plan, plan.chosen, at.market, "")
    plan, warning = plan_at(at), ""
    if plan.chosen is None and at.spec.constraints.deadline is not None:
        plan, warning = plan_at(at.without_deadline()), _LATE
    if plan.chosen is None:
        return _nowhere(at, plan)
    if plan.chosen.offer.market != Market.OWNED:
        ruled = _rule(at, plan, warning, share_done, seen or {})
        if ruled is not None:
            return ruled
    return _chosen(plan, plan.chosen, at.market, warning)


def _rule(
    at: Situation, plan: MarketPlan, warning: str, share_done: float, seen: Mapping[str, Sequence[Seen]]
) -> Chosen | None:
    """What the deadline says of the plan's choice; None for a job without one, or that nobody can foretell."""
    assert plan.chosen is not None
    # In order, the first alternative that can be had decides; else the deadline weighs all of them.
    is_one, first = at.spec.resources.ordered, plan.chosen.alternative
    ruling = rule(
        at.spec.alternative(first) if is_one else at.spec,
        as_they_are(at.market, at.refusals),
        Standing(share_done=share_done),
        at.history,
        seen,
        at.now,
    )
    if ruling is None:
        return None
    ruled = _ruled(ruling, plan, warning, at.now)
    return replace(ruled, alternative=first) if is_one else ruled


def _choose_several(at: Situation) -> Chosen:
    """The place of an attempt on several nodes. It does not wait for spot: what is weighed there is one machine."""
    at = replace(at, market=[each for each in at.market if each.provider in at.together])
    found = gangs_to_have(at)
    plan, warning = plan_several(at, found), ""
    if plan.chosen is None and at.spec.constraints.deadline is not None:
        plan, warning = plan_several(at.without_deadline(), found), _LATE
    if plan.chosen is None:
        return _nowhere(at, plan)
    chosen = _chosen(plan, plan.chosen, at.market, warning)
    every = (gang for gangs, _ in found for gang in gangs)
    gang = next((each for each in every if each.offer is chosen.offer), None)
    return chosen if gang is None else replace(chosen, members=gang.offers, has_room=gang.has_room)


def _nowhere(at: Situation, plan: MarketPlan) -> Chosen:
    """Why there is no place now."""
    refused = [each for each in at.refusals if any(each.concerns(offer) for offer in at.market)]
    if refused and plan_at(at.without_deadline().of_market(at.market)).chosen is not None:
        until = min(each.until for each in refused)
        if at.spec.resources.any_of:
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


def _is_wished(wish: Mapping[str, Any], offer: Offer) -> bool:
    names = ("provider", "region", "zone", "instance_type", "market")
    return all(wish[name] is None or wish[name] == getattr(offer, name) for name in names)
