"""The other places where a running job could go on, with what the rest of its work takes and costs there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tradewind.control.place_names import place_name, place_of_attempt
from tradewind.control.predicting import split_runs
from tradewind.control.remaining import Remaining
from tradewind.control.running import Running
from tradewind.control.same_offer import original
from tradewind.control.specs import alternative_of
from tradewind.domain.money import divide_half_even
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Offer
from tradewind.estimate.billing import setup_time
from tradewind.estimate.place_fees import traffic_micro_per_gb
from tradewind.placement.candidates import Surroundings
from tradewind.placement.estimates import JobEstimates, terms_of
from tradewind.placement.migration import Alternative
from tradewind.placement.plan import Ask, plan_any
from tradewind.placement.wanted import wanted_of

_BYTES_PER_GB = 10**9


def alternatives_of(
    each: Running, remaining: Remaining, allowed: Sequence[Offer], now: datetime
) -> tuple[list[Alternative], dict[str, Offer]]:
    """The places that the job's own wishes allow, other than where it is, by name."""
    here = place_of_attempt(each.attempt)
    others = [offer for offer in allowed if place_name(offer) != here]
    if not others:
        return [], {}
    estimates = JobEstimates(each.spec, *split_runs(each.history))
    # One that has alternatives in an order does not leave a better one for a cheaper one.
    spec = each.spec.up_to(alternative_of(each.attempt))
    plan = plan_any(
        OfferTable.of(others),
        [Ask(wanted=wanted_of(some, now), terms=terms_of(some)) for some in spec.alternatives()],
        Surroundings(runnable=frozenset(offer.provider for offer in others), now=now),
        is_ordered=False,
        hours=estimates.hours if estimates.says_something else None,
        fits=estimates.fits,
    )
    found: list[Alternative] = []
    offers: dict[str, Offer] = {}
    for pick in (*plan.shares, *plan.runners_up):
        offer = original(pick.offer, others)
        pace = _pace(each, estimates, offer)
        if pace is None:
            continue
        setup = setup_time(offer.provider)
        name = place_name(offer)
        offers[name] = offer
        found.append(
            Alternative(
                place=name,
                micro_per_hour=offer.rate.micro_per_unit,
                hours_left=remaining.hours_left * pace,
                hours_at_stake=remaining.hours_at_stake * pace,
                setup_hours=(setup.billed.p50 + setup.unbilled.p50) / 60,
                egress_micro=_egress(each, offer),
                least_micro=offer.rate.charge(1).micro,
                was_left_lately=name in each.left,
            )
        )
    return found, offers


def _pace(each: Running, estimates: JobEstimates, offer: Offer) -> float | None:
    """How many hours there do the work of one hour here; None: nobody can say."""
    kind, count = (
        each.attempt.offer.get("accelerator"),
        float(each.attempt.offer.get("accelerator_count") or 0),
    )
    if (offer.accelerator, offer.accelerator_count) == (kind, count):
        return 1.0
    here = estimates.hours(kind, count or 1.0)
    there = estimates.hours(offer.accelerator, offer.accelerator_count or 1.0)
    return None if here is None or there is None or here.p50 <= 0 else there.p50 / here.p50


def _egress(each: Running, offer: Offer) -> int:
    """What the last checkpoint costs on its way out of where it is."""
    region = each.attempt.offer.get("region")
    micro, _ = traffic_micro_per_gb(each.attempt.provider, region, offer.provider, offer.region)
    return divide_half_even(each.checkpoint_bytes * micro, _BYTES_PER_GB)
