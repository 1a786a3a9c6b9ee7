"""Answers "where would it run, what would it cost, and why?" for a job file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from tradewind.control.context import Context
from tradewind.control.far_nodes import offers_of_far_nodes
from tradewind.control.plan_views import own_offer_view
from tradewind.control.predicting import PastRun, split_runs
from tradewind.control.views import money_view
from tradewind.db import tables
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.money import format_money, worst_case_micro
from tradewind.domain.offers import Offer
from tradewind.domain.schemas import ExclusionView
from tradewind.domain.schemas_plan import PlanView
from tradewind.domain.status import TaskStatus
from tradewind.domain.units import format_duration
from tradewind.estimate.power import Watts
from tradewind.estimate.tariff import Tariff
from tradewind.ledger.reservations import plan_hold
from tradewind.placement.choose import Choice, choose
from tradewind.placement.demand import demand_of, node_count, pick_accelerators
from tradewind.placement.estimates import JobEstimates
from tradewind.placement.gangs import choose_gang
from tradewind.spec.models import JobSpec

if TYPE_CHECKING:
    from tradewind.domain.offer_table import OfferTable


class OfferShelf:
    """What every connected place offers, looked up anew when it is older than `max_age_s`."""

    def __init__(self, context: Context, max_age_s: float = 15.0) -> None:
        self._context = context
        self._max_age_s = max_age_s
        self._taken_at: float | None = None
        self._offers: list[Offer] = []
        self._tariff: Tariff | None = None

    async def offers(self) -> list[Offer]:
        """The offers now."""
        now = self._context.clock.monotonic()
        if self._taken_at is None or now - self._taken_at > self._max_age_s or self._is_repriced():
            offers: list[Offer] = []
            for backend in self._context.backends.values():
                offers += await backend.list_offers()
            if self._context.far:
                tariff = self._context.tariff
                offers += await self._context.store.read(lambda tx: offers_of_far_nodes(tx, tariff))
            self._offers, self._taken_at, self._tariff = offers, now, self._context.tariff
        return self._offers

    def _is_repriced(self) -> bool:
        """True if what machines at hand cost was set anew since the last look."""
        return self._tariff is not self._context.tariff


def make_plan(
    tx: Transaction,
    spec: JobSpec,
    offers: list[Offer],
    table: OfferTable | None = None,
    history: Sequence[PastRun] = (),
    rentable: frozenset[str] = frozenset(),
    together: frozenset[str] = frozenset(),
) -> PlanView:
    """The plan for a job file: among connected places (`offers`), beside everything a market has (`table`).

    `rentable` are the connected providers that rent machines, `history` earlier runs of the same work, from which its
    hours are best known. `together` are those of which several machines of one network can be rented for one attempt.
    """
    estimates = JobEstimates(spec, *split_runs(history))
    if table is not None and len(table):
        # A server that nobody asks for a market must not load what looks at one.
        from tradewind.control.market_planning import make_market_plan

        plan = make_market_plan(tx, spec, offers, table, estimates, rentable, together)
        plan.queue_ahead = _queue_ahead(tx)
        return plan
    choice = choose_gang(spec, offers) if node_count(spec) > 1 else choose(spec, offers)
    if choice.offer is None:
        return PlanView(
            id=tx.new_id(ids.PLAN),
            job_name=spec.name,
            chosen=None,
            reason=choice.reason,
            hours_source="",
            excluded=excluded_views(choice),
        )
    plan = plan_here(tx, spec.alternative(choice.alternative), choice.offer, choice.watts, estimates)
    plan.reason, plan.excluded, plan.queue_ahead = choice.reason, excluded_views(choice), _queue_ahead(tx)
    return plan


def plan_here(
    tx: Transaction, spec: JobSpec, offer: Offer, watts: Watts, estimates: JobEstimates
) -> PlanView:
    """What a job would cost on a machine at hand of which it would hold a share that draws these watts."""
    hours, hours_source, warnings = _hours(spec, offer, estimates)
    estimate = carbon = None
    if hours is not None:
        estimate = worst_case_micro(offer.rate, watts.expected, hours * 3600)
        carbon = watts.expected * hours / 1000 * (offer.grams_co2e_per_kwh or 0)
    cost_max, more = most_it_can_cost(tx, spec, offer, watts, estimate, hours)
    return PlanView(
        id=tx.new_id(ids.PLAN),
        job_name=spec.name,
        chosen=own_offer_view(offer, watts),
        reason="",
        hours=hours,
        hours_source=hours_source,
        cost_estimate=None if estimate is None else money_view(estimate, offer.rate.currency),
        cost_max=None if cost_max is None else money_view(cost_max, offer.rate.currency),
        carbon_grams_estimate=carbon,
        warnings=[*warnings, *more, *_late(tx, spec, hours), *_idle_accelerators(spec, offer)],
    )


def _late(tx: Transaction, spec: JobSpec, hours: float | None) -> list[str]:
    """What to know of a deadline on a machine at hand: nothing there can be had faster for money."""
    deadline = spec.constraints.deadline
    if deadline is None:
        return []
    if hours is None:
        return ["whether it ends by its deadline is not known: the job file does not say how long it takes"]
    ends = tx.now + timedelta(hours=hours)
    if ends <= deadline:
        return []
    return [f"it would end {format_duration(ends - deadline)} after its deadline, waiting not counted"]


def _hours(spec: JobSpec, offer: Offer, estimates: JobEstimates) -> tuple[float | None, str, list[str]]:
    held = pick_accelerators(demand_of(spec), offer.accelerators) or ()
    band = estimates.hours_at(offer, held, node_count(spec))
    if band is not None:
        return band.p50, band.basis, estimates.notes
    if spec.estimate is None:
        return None, "unknown: the job file has no `estimate`, and no earlier run of it is known here", []
    if spec.estimate.on is not None:
        text = (
            f"the estimate was measured on {spec.estimate.on}, which cannot be carried over to this machine"
        )
        return None, "unknown", [text]
    return None, "unknown", estimates.notes or ["how long it takes on this machine is not known"]


def most_it_can_cost(
    tx: Transaction,
    spec: JobSpec,
    offer: Offer,
    watts: Watts,
    estimate: int | None,
    hours: float | None,
) -> tuple[int | None, list[str]]:
    """The most that may be spent before somebody is asked again, and what a user should know of it."""
    budget, limit = spec.constraints.budget_micro_usd, spec.constraints.max_duration
    warnings = []
    if plan_hold(tx.now, offer.rate, watts.busy, limit, budget) is None:
        warnings.append("the budget does not cover even a short run: it would be refused")
    if budget is not None and estimate is not None and estimate > budget:
        warnings.append(
            f"the estimate of {format_money(estimate)} is over the budget of {format_money(budget)}"
        )
    if limit is None:
        return budget, warnings
    if hours is not None and timedelta(hours=hours) > limit:
        warnings.append(
            f"the estimate is longer than max_duration ({format_duration(limit)}): it would be stopped"
        )
    most = worst_case_micro(offer.rate, watts.busy, limit.total_seconds())
    return most if budget is None else min(most, budget), warnings


def _idle_accelerators(spec: JobSpec, offer: Offer) -> list[str]:
    if not offer.accelerators or spec.resources.accelerators:
        return []
    names = ", ".join(sorted({each.name for each in offer.accelerators}))
    return [f"the machine has {names}, but the job asks for no accelerator and will see none"]


def _queue_ahead(tx: Transaction) -> int:
    table = tables.tasks
    return int(tx.execute(select(func.count()).where(table.c.status == TaskStatus.WAITING)).scalar_one())


def excluded_views(choice: Choice) -> list[ExclusionView]:
    """Machines at hand that do not fit."""
    return [
        ExclusionView(
            provider=each.offer.provider,
            instance_type=each.offer.instance_type,
            constraint=each.constraint,
            explanation=each.explanation,
        )
        for each in choice.excluded
    ]
