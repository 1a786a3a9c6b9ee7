"""Finish by a deadline for the least money: which of the offers that fit to be at now, or to wait for spot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from tradewind.control.place_names import place_name
from tradewind.control.predicting import PastRun, split_runs
from tradewind.control.spot_history import Seen
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Market, Offer
from tradewind.estimate.billing import setup_time
from tradewind.estimate.interruptions import interruption_rate
from tradewind.placement.candidates import Surroundings
from tradewind.placement.choose import why_elsewhere
from tradewind.placement.estimates import JobEstimates, terms_of
from tradewind.placement.plan import plan_market
from tradewind.placement.spot.advice import Action, Advice, Candidate, Situation, advise
from tradewind.placement.spot.observed import Observation
from tradewind.placement.wanted import wanted_of
from tradewind.spec.models import JobSpec
from tradewind.spec.parts import Strategy

#: More spot places than so many are not weighed against each other: the cheapest are.
_MOST_SPOT: Final = 8
_MOST_ON_DEMAND: Final = 4
#: What setting up may take beyond nine runs in ten, and noticing that a machine is gone.
_MARGIN: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a job with a deadline stands: the share of its work that is done, and where it is, if anywhere."""

    share_done: float = 0.0
    place: Offer | None = None
    ready_in: timedelta = timedelta(0)
    at_risk: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What to do with a job that has a deadline. `offer` is where to be; None: wait."""

    action: Action
    offer: Offer | None
    explanation: str
    next_look_at: datetime
    arithmetic: dict[str, Any]
    #: Which of the job's alternatives the offer is.
    alternative: int = 0


def rule(
    spec: JobSpec,
    offers: Sequence[Offer],
    standing: Standing,
    history: Sequence[PastRun],
    seen: Mapping[str, Sequence[Seen]],
    now: datetime,
) -> Ruling | None:
    """None where nobody can say how long the job takes, or nothing fits: it is placed like any other then.

    `offers` are those of the market; spot places that are not to be had now say so. `seen` is what was seen of spot
    places, by `place_name`. Where the job has alternatives, all of them are weighed as one.
    """
    deadline = spec.constraints.deadline
    estimates = JobEstimates(spec, *split_runs(history))
    if deadline is None or not estimates.says_something:
        return None
    which = _fitting_any(spec, offers, estimates, now)
    fitting = [offer for offer, _ in which.values()]
    if standing.place is not None and place_name(standing.place) not in {
        place_name(each) for each in fitting
    }:
        fitting = [standing.place, *fitting]
    candidates: list[Candidate] = []
    for offer in fitting:
        band = estimates.hours(offer.accelerator, offer.accelerator_count or 1.0)
        if band is None:
            continue
        setup = setup_time(offer.provider)
        candidates.append(
            Candidate(
                offer=offer,
                hours_left=band.p90 * (1.0 - standing.share_done),
                changeover=timedelta(minutes=setup.billed.p90 + setup.unbilled.p90) + _MARGIN,
                observations=tuple(Observation(at, is_up) for at, is_up in seen.get(place_name(offer), ())),
                interruptions_per_hour=interruption_rate(offer.provider, offer.accelerator).per_hour_p90,
            )
        )
    if not candidates:
        return None
    names = [place_name(each.offer) for each in candidates]
    here = None if standing.place is None else place_name(standing.place)
    advice = advise(
        Situation(
            now=now,
            deadline=deadline,
            candidates=tuple(candidates),
            place=names.index(here) if here in names else None,
            ready_in=standing.ready_in,
            at_risk=standing.at_risk,
        )
    )
    ruling = _ruling(advice, candidates, standing, deadline)
    _, alternative = (None, 0) if ruling.offer is None else which.get(place_name(ruling.offer), (None, 0))
    return replace(ruling, alternative=alternative)


def _ruling(
    advice: Advice, candidates: Sequence[Candidate], standing: Standing, deadline: datetime
) -> Ruling:
    chosen = None if advice.candidate is None else candidates[advice.candidate]
    return Ruling(
        action=advice.action,
        offer=None if chosen is None else chosen.offer,
        explanation=advice.reason,
        next_look_at=advice.next_look_at,
        arithmetic={
            "deadline": deadline.isoformat(),
            "share_done": round(standing.share_done, 4),
            "hours_left_p90": None if chosen is None else round(chosen.hours_left, 4),
            "price_per_hour_micro": None if chosen is None else chosen.offer.rate.micro_per_unit,
            "look_again_by": advice.next_look_at.isoformat(),
            "is_guaranteed": advice.is_guaranteed,
            "weighed": [place_name(each.offer) for each in candidates],
        },
    )


def _fitting_any(
    spec: JobSpec, offers: Sequence[Offer], estimates: JobEstimates, now: datetime
) -> dict[str, tuple[Offer, int]]:
    """What fits any alternative, by its place, with the first that it fits; as many as for a job with only one."""
    found: dict[str, tuple[Offer, int]] = {}
    for index, each in enumerate(spec.alternatives()):
        for offer in _fitting(each, offers, estimates, now):
            found.setdefault(place_name(offer), (offer, index))
    if not spec.resources.any_of:
        return found
    cheap = sorted(found.items(), key=lambda each: (each[1][0].rate.micro_per_unit, each[0]))
    spot = [each for each in cheap if each[1][0].market == Market.SPOT][:_MOST_SPOT]
    steady = [each for each in cheap if each[1][0].market != Market.SPOT][:_MOST_ON_DEMAND]
    return dict([*spot, *steady])


def _fitting(spec: JobSpec, offers: Sequence[Offer], estimates: JobEstimates, now: datetime) -> list[Offer]:
    """Offers that fulfil every other wish: the cheapest kinds, in every zone that has them."""
    limits = spec.constraints.model_copy(update={"deadline": None})
    cheapest = spec.model_copy(update={"constraints": limits, "strategy": Strategy.CHEAPEST})
    found: list[Offer] = []
    for is_spot, most in ((True, _MOST_SPOT), (False, _MOST_ON_DEMAND)):
        some = [each for each in offers if (each.market == Market.SPOT) is is_spot]
        if not some:
            continue
        plan = plan_market(
            # One that is not to be had now may be worth waiting for.
            OfferTable.of([replace(each, is_available=True) for each in some]),
            wanted_of(cheapest, now),
            terms_of(cheapest),
            Surroundings(runnable=frozenset(each.provider for each in some), now=now),
            hours=estimates.hours,
            fits=estimates.fits,
        )
        kinds = {_machine(pick.offer) for pick in (*plan.shares, *plan.runners_up)}
        limit = spec.constraints.max_price_micro_usd_per_hour
        alike = [
            each
            for each in some
            if _machine(each) in kinds
            and (limit is None or each.rate.micro_per_unit <= limit)
            and why_elsewhere(spec, each.provider, each.region, each.market) is None
        ]
        found += sorted(alike, key=lambda each: (each.rate.micro_per_unit, place_name(each)))[:most]
    return found


def _machine(offer: Offer) -> tuple[str, str, str | None, float]:
    """What is the same machine in every zone; some providers have a type with one accelerator or another."""
    return offer.provider, offer.instance_type, offer.accelerator, round(offer.accelerator_count, 3)
