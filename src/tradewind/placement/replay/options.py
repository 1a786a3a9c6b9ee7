"""What a job would take at one place, from the same rules that plans go by."""

from __future__ import annotations

from dataclasses import replace

from tradewind.domain.money import divide_half_even, worst_case_micro
from tradewind.domain.offers import Exclusion, Market, Offer
from tradewind.estimate.amounts import HOURS_PER_MONTH, MB_PER_GB, whole_mb, whole_seconds
from tradewind.estimate.band import Band
from tradewind.estimate.billing import billing_rule_of
from tradewind.estimate.cost import estimate_cost
from tradewind.estimate.cost_hours import RunHours
from tradewind.estimate.place_fees import place_fees
from tradewind.estimate.run_terms import RunTerms
from tradewind.estimate.traffic import Traffic
from tradewind.placement.candidates import Own
from tradewind.placement.choose import fit_offer, hourly_micro
from tradewind.placement.demand import demand_of, pick_accelerators
from tradewind.placement.estimates import Place as Surroundings
from tradewind.placement.replay.shapes import Shape
from tradewind.placement.replay.world import Option, Room


def rented_option(place: int, offer: Offer, band: Band, terms: RunTerms, *, is_observed: bool) -> Option:
    """What a run takes there. Left alone, it costs and lasts to the micro-dollar and second what a plan says of it.

    `is_observed`: it is known when it could be had, so no waiting for capacity is assumed.
    """
    rule = billing_rule_of(offer.provider, offer.instance_type, bool(offer.accelerator_count))
    run = RunHours.of(replace(offer, market=Market.ON_DEMAND), band, terms, None, rule)
    wait_h = 0.0 if is_observed else run.wait_50
    run_s = whole_seconds(run.train_50)
    billed_s = whole_seconds(run.setup_50 + run.train_50)
    all_s = whole_seconds(wait_h + run.boot_50 + run.setup_50 + run.train_50)
    traffic = Traffic.of(offer, terms)
    planned = estimate_cost(offer, band, terms)
    kilowatts = Surroundings.kilowatts(offer.accelerator, offer.accelerator_count)
    return Option(
        place=place,
        run_s=max(run_s, 1),
        lead_s=max(all_s - billed_s, 0),
        wait_s=min(whole_seconds(wait_h), max(all_s - billed_s, 0)),
        setup_s=billed_s - run_s,
        nodes=terms.nodes,
        watts=None if kilowatts is None else kilowatts * 1000,
        traffic_micro=traffic.planned_micro(run.train_50, is_free_left=True),
        again_micro=traffic.again_micro(1),
        disk_micro_per_hour=_disks(offer, terms),
        expected_micro=planned.p50_micro,
    )


def owned_option(place: int, offer: Offer, shape: Shape, machines: int) -> tuple[Option, Own] | str:
    """What a job would hold of machines like this one, and how a plan sees it; or why it cannot run there."""
    demand = demand_of(shape.spec)
    watts = fit_offer(shape.spec, demand, offer)
    if isinstance(watts, Exclusion):
        return f"{offer.instance_type}: {watts.explanation}"
    nodes = shape.wanted.nodes_min
    if nodes > machines:
        return f"{offer.instance_type}: {nodes} nodes asked for, {machines} there"
    held = pick_accelerators(demand, offer.accelerators) or ()
    band = shape.lengths.hours_at(offer, held)
    if band is None:
        return f"{offer.instance_type}: nobody can say how long it takes there"
    cost = worst_case_micro(offer.rate, watts.expected, band.p50 * 3600) * nodes
    option = Option(
        place=place,
        run_s=max(whole_seconds(band.p50), 1),
        nodes=nodes,
        room=Room(1000 * len(held), demand.milli_cpus, demand.memory_bytes),
        watts=watts.expected,
        expected_micro=cost,
    )
    own = Own(
        offer=offer,
        hours=band,
        hourly_micro=hourly_micro(offer.rate, watts.expected) * nodes,
        cost_p50_micro=cost,
        cost_p90_micro=max(cost, worst_case_micro(offer.rate, watts.busy, band.p90 * 3600) * nodes),
        wall_p50_h=band.p50,
        wall_p90_h=band.p90,
    )
    return option, own


def _disks(offer: Offer, terms: RunTerms) -> int:
    """Micro-dollars per hour of what is needed beyond the machines' own disks, as plans count it."""
    beside = max(whole_mb(terms.disk_gb) - offer.disk_bytes // 1_000_000, 0)
    price = place_fees(offer.provider).storage_micro_per_gb_month
    return terms.nodes * divide_half_even(beside * price, MB_PER_GB * HOURS_PER_MONTH)
