"""Plans over a market: connected places beside everything that could be had elsewhere.

Loaded only when there is a market to look at, because it needs numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tradewind.control.draft_places import write_key
from tradewind.control.plan_views import own_offer_view
from tradewind.control.planning import plan_here
from tradewind.control.views import money_view
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.errors import NotFoundError
from tradewind.domain.money import worst_case_micro
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Exclusion, Offer, SelfTermination
from tradewind.domain.schemas import ExclusionView, OfferView
from tradewind.domain.schemas_plan import (
    BandView,
    ChangeView,
    CostPartsView,
    ExclusionGroup,
    PlaceView,
    PlanView,
    RegretView,
)
from tradewind.estimate.band import Band
from tradewind.estimate.power import Watts
from tradewind.hardware.names import short_name
from tradewind.placement.candidates import Own, Surroundings
from tradewind.placement.choose import fit_offer, hourly_micro
from tradewind.placement.demand import demand_of, node_count, pick_accelerators, titles_of
from tradewind.placement.estimates import JobEstimates, Place, terms_of
from tradewind.placement.gangs import find_gangs
from tradewind.placement.picks import Pick
from tradewind.placement.plan import Ask, MarketPlan, plan_any
from tradewind.placement.wanted import Wanted, wanted_of
from tradewind.providers.about import all_abouts, find_about
from tradewind.spec.models import JobSpec
from tradewind.spec.parts import Strategy


def make_market_plan(
    tx: Transaction,
    spec: JobSpec,
    offers: list[Offer],
    table: OfferTable,
    estimates: JobEstimates,
    rentable: frozenset[str] = frozenset(),
    together: frozenset[str] = frozenset(),
) -> PlanView:
    """The plan for a job file among machines at hand (`offers`) and a market, of which `rentable` are connected.

    `together` are the providers of which an attempt can have several machines.
    """
    specs, watts = spec.alternatives(), Drawn()
    found = [_own_of(each, index, offers, estimates, watts) for index, each in enumerate(specs)]
    connected = {offer.provider for offer in offers}
    wanted = [replace(wanted_of(each, tx.now), together=together) for each in specs]

    def plan_for(asked: Sequence[Wanted]) -> MarketPlan:
        return plan_any(
            _without(table, connected),
            [
                Ask(wanted=one, terms=terms_of(each), own=own, own_excluded=excluded, title=title)
                for each, one, title, (own, excluded) in zip(
                    specs, asked, titles_of(spec), found, strict=True
                )
            ],
            Surroundings(
                runnable=rentable | connected,
                kilowatts=Place.kilowatts,
                grams_per_kwh=Place.grams_per_kwh,
                endless=endless_providers(),
                now=tx.now,
            ),
            is_ordered=spec.resources.ordered,
            hours=estimates.hours if estimates.says_something else None,
            fits=estimates.fits,
        )

    plan, warnings = plan_for(wanted), []
    if plan.chosen is None and spec.constraints.deadline is not None:
        # As when it is placed: a job that cannot be in time is not left waiting for that.
        late = plan_for([replace(each, deadline_h=None, strategy=Strategy.FASTEST) for each in wanted])
        if late.chosen is not None:
            plan = late
            warnings.append("no connected place ends it by its deadline: it goes where it ends soonest")
    view = _view(tx, spec, plan, watts, estimates)
    view.warnings = warnings + view.warnings
    view.excluded = [
        ExclusionView(
            provider=each.offer.provider,
            instance_type=each.offer.instance_type,
            constraint=each.constraint,
            explanation=f"{title}: {each.explanation}" if title else each.explanation,
        )
        for title, (_, excluded) in zip(titles_of(spec), found, strict=True)
        for each in excluded
    ]
    view.warnings += [note for note in estimates.notes if note not in view.warnings]
    return view


#: Watts of the share that a job would hold of a machine at hand, by the machine and the alternative.
Drawn = dict[tuple[int, int], Watts]


def _own_of(
    spec: JobSpec, index: int, offers: Sequence[Offer], estimates: JobEstimates, watts: Drawn
) -> tuple[list[Own], list[Exclusion]]:
    """The machines at hand that fit one alternative, and why others do not; notes what is drawn there."""
    own: list[Own] = []
    nodes = node_count(spec)
    if nodes > 1:
        gangs, excluded = find_gangs(spec, offers)
        for gang in gangs:
            band = estimates.hours_at(gang.offer, gang.held, nodes)
            own.append(own_candidate(gang.offer, gang.watts, band, nodes))
            watts[id(gang.offer), index] = gang.watts
        return own, excluded
    excluded, demand = [], demand_of(spec)
    for offer in offers:
        fit = fit_offer(spec, demand, offer)
        if isinstance(fit, Exclusion):
            excluded.append(fit)
            continue
        held = pick_accelerators(demand, offer.accelerators) or ()
        own.append(own_candidate(offer, fit, estimates.hours_at(offer, held)))
        watts[id(offer), index] = fit
    return own, excluded


def own_candidate(offer: Offer, watts: Watts, band: Band | None, nodes: int = 1) -> Own:
    """A machine at hand, or so many together, with what the job costs on a share that draws these watts."""
    hours = 0.0 if band is None else band.p50
    cost = worst_case_micro(offer.rate, watts.expected, hours * 3600)
    cost_p90 = 0 if band is None else worst_case_micro(offer.rate, watts.busy, band.p90 * 3600)
    hourly = hourly_micro(offer.rate, watts.expected)
    grams = offer.grams_co2e_per_kwh
    return Own(
        offer=offer,
        hours=band,
        hourly_micro=hourly,
        cost_p50_micro=hourly if band is None else cost,
        cost_p90_micro=hourly if band is None else max(cost, cost_p90),
        wall_p50_h=hours,
        wall_p90_h=0.0 if band is None else band.p90,
        carbon_g=None if grams is None or band is None else watts.expected / 1000 * hours * grams,
        nodes=nodes,
    )


def _without(table: OfferTable, providers: set[str]) -> OfferTable:
    """The table without rows of these providers: what they offer is known at first hand."""
    import numpy as np

    known = np.array([name in providers for name in table.words["provider"]], dtype=np.bool_)
    if not known.any():
        return table
    is_known = known[table.codes["provider"]]
    return table.take(np.flatnonzero(~is_known)) if is_known.any() else table


def endless_providers() -> frozenset[str]:
    """Where a machine that is lost goes on costing money."""
    abouts = all_abouts().values()
    return frozenset(
        each.id for each in abouts if each.kind != "owned" and each.self_termination is SelfTermination.NONE
    )


def _view(
    tx: Transaction, spec: JobSpec, plan: MarketPlan, watts: Drawn, estimates: JobEstimates
) -> PlanView:
    chosen = plan.chosen
    if chosen is None:
        view = PlanView(
            id=tx.new_id(ids.PLAN), job_name=spec.name, chosen=None, reason=plan.reason, hours_source=""
        )
    elif (own := watts.get((id(chosen.offer), chosen.alternative))) is not None:
        view = plan_here(tx, spec.alternative(chosen.alternative), chosen.offer, own, estimates)
        view.reason = plan.reason
    else:
        view = _rented(tx, spec, plan, chosen)
    if plan.best_anywhere is not None:
        view.best_anywhere, view.best_reason = _place(plan.best_anywhere, watts), plan.best_reason
    view.place = None if chosen is None else _place(chosen, watts)
    view.more_places = [_place(each, watts) for each in plan.shares[1:]]
    view.runners_up = [_place(each, watts) for each in plan.runners_up]
    view.exclusions = [
        ExclusionGroup(
            constraint=each.constraint,
            count=each.count,
            explanation=each.explanation,
            examples=list(each.examples),
        )
        for each in plan.exclusions
    ]
    view.what_would_change = [
        ChangeView(
            constraint=each.constraint,
            text=each.text,
            price_per_hour=money_view(each.hourly_micro, "USD"),
            cost=None if each.cost_p50_micro is None else money_view(each.cost_p50_micro, "USD"),
        )
        for each in plan.changes
    ]
    view.regret = _regret(plan)
    view.offers_seen, view.offers_fitting = plan.offers_seen, plan.offers_fitting
    return view


def _rented(tx: Transaction, spec: JobSpec, plan: MarketPlan, chosen: Pick) -> PlanView:
    measures = chosen.measures
    band = chosen.hours
    return PlanView(
        id=tx.new_id(ids.PLAN),
        job_name=spec.name,
        chosen=_offer_view(chosen),
        reason=plan.reason,
        hours=None if band is None else band.p50,
        hours_source="unknown: the job file does not say how long it takes" if band is None else band.basis,
        cost_estimate=None if measures.cost_p50_micro is None else money_view(measures.cost_p50_micro, "USD"),
        cost_max=None
        if spec.constraints.budget_micro_usd is None
        else money_view(spec.constraints.budget_micro_usd, "USD"),
        carbon_grams_estimate=measures.carbon_g,
    )


def _place(pick: Pick, watts: Drawn) -> PlaceView:
    measures, cost, offer = pick.measures, pick.cost, pick.offer
    own = watts.get((id(offer), pick.alternative))
    return PlaceView(
        key=write_key(offer),
        offer=_offer_view(pick) if own is None else own_offer_view(offer, own),
        tasks=pick.tasks,
        nodes=pick.nodes,
        hours=None if pick.hours is None else _band(pick.hours),
        cost=None if measures.cost_p50_micro is None else money_view(measures.cost_p50_micro, "USD"),
        cost_p10=None if pick.cost_p10_micro is None else money_view(pick.cost_p10_micro, "USD"),
        cost_p90=None if measures.cost_p90_micro is None else money_view(measures.cost_p90_micro, "USD"),
        cost_parts=None
        if cost is None or own is not None
        else CostPartsView(
            **{
                name: money_view(getattr(cost.parts, name), cost.currency)
                for name in ("compute", "setup", "storage", "egress", "interruptions")
            }
        ),
        wall_hours=measures.wall_p50_h,
        setup_minutes=measures.setup_min,
        energy_kwh=_energy(pick, own),
        carbon_grams=measures.carbon_g,
        risk=round(measures.risk, 3),
        risk_reasons=list(pick.risk_reasons),
        is_pareto=pick.is_pareto,
        is_runnable=pick.is_runnable,
        how_to_connect=None if pick.is_runnable else _how_to_connect(offer.provider),
        better=list(pick.better),
        worse=list(pick.worse),
        price_source=offer.source,
        price_seen_at=offer.seen_at,
        availability=offer.availability.value,
        notes=[] if cost is None or own is not None else list(cost.notes),
    )


def _energy(pick: Pick, own: Watts | None) -> float | None:
    if pick.hours is None:
        return None
    if own is not None:
        return own.expected / 1000 * pick.hours.p50
    drawn = Place.kilowatts(pick.offer.accelerator, pick.offer.accelerator_count)
    return None if drawn is None else drawn * pick.hours.p50 * pick.nodes


def _offer_view(pick: Pick) -> OfferView:
    offer = pick.offer
    name = (
        None if offer.accelerator is None else f"{short_name(offer.accelerator)}:{offer.accelerator_count:g}"
    )
    price = money_view(pick.measures.hourly_micro, offer.rate.currency)
    return OfferView(
        provider=offer.provider,
        region=offer.region,
        instance_type=offer.instance_type,
        market=offer.market,
        accelerators=name,
        cpus=offer.cpus,
        memory_bytes=offer.memory_bytes,
        price_per_hour=price,
        price_per_hour_max=price,
        grams_co2e_per_hour=None,
    )


def _band(band: Band) -> BandView:
    return BandView(p10=band.p10, p50=band.p50, p90=band.p90, layer=band.layer.value, basis=band.basis)


def _regret(plan: MarketPlan) -> RegretView | None:
    found = plan.regret
    if found is None:
        return None
    return RegretView(
        cost_p90=money_view(found.cost_p90_micro, "USD"),
        regret_p90=money_view(found.regret_p90_micro, "USD"),
        if_interrupted=None
        if found.if_interrupted_micro is None
        else money_view(found.if_interrupted_micro, "USD"),
    )


def _how_to_connect(provider: str) -> str:
    try:
        about = find_about(provider)
    except NotFoundError:
        return f"nothing is known of {provider} but its prices"
    if not about.can_run:
        return f"this version compares prices of {about.title}, but cannot run jobs there yet"
    return f"`tradewind connect {about.id}`"
