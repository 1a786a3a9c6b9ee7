"""Answers "where would it run, what would it cost, and why?" for a job file."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from tradewind.control.context import Context
from tradewind.control.views import money_view
from tradewind.db import tables
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.money import JOULES_PER_KWH, format_money, worst_case_micro
from tradewind.domain.offers import Offer
from tradewind.domain.schemas import ExclusionView, OfferView, PlanView
from tradewind.domain.status import TaskStatus
from tradewind.domain.units import BYTES_PER_GIB, format_duration
from tradewind.hardware.names import fulfils
from tradewind.ledger.reservations import plan_hold
from tradewind.placement.choose import Choice, choose
from tradewind.spec.models import JobSpec


class OfferShelf:
    """What every connected place offers, looked up anew when it is older than `max_age_s`."""

    def __init__(self, context: Context, max_age_s: float = 15.0) -> None:
        self._context = context
        self._max_age_s = max_age_s
        self._taken_at: float | None = None
        self._offers: list[Offer] = []

    async def offers(self) -> list[Offer]:
        """The offers now."""
        now = self._context.clock.monotonic()
        if self._taken_at is None or now - self._taken_at > self._max_age_s:
            offers: list[Offer] = []
            for backend in self._context.backends.values():
                offers += await backend.list_offers()
            self._offers, self._taken_at = offers, now
        return self._offers


def make_plan(tx: Transaction, spec: JobSpec, offers: list[Offer]) -> PlanView:
    """The plan for a job file."""
    choice = choose(spec, offers)
    offer = choice.offer
    if offer is None:
        return PlanView(
            id=tx.new_id(ids.PLAN),
            job_name=spec.name,
            chosen=None,
            reason=choice.reason,
            hours_source="",
            excluded=_excluded(choice),
        )
    hours, hours_source, warnings = _hours(spec, offer)
    estimate = carbon = None
    if hours is not None:
        estimate = worst_case_micro(offer.rate, choice.watts.expected, hours * 3600)
        carbon = choice.watts.expected * hours / 1000 * (offer.grams_co2e_per_kwh or 0)
    cost_max, more = _most(tx, spec, offer, choice, estimate)
    return PlanView(
        id=tx.new_id(ids.PLAN),
        job_name=spec.name,
        chosen=_offer_view(offer, choice),
        reason=choice.reason,
        hours=hours,
        hours_source=hours_source,
        cost_estimate=None if estimate is None else money_view(estimate, offer.rate.currency),
        cost_max=cost_max and money_view(cost_max, offer.rate.currency),
        carbon_grams_estimate=carbon,
        queue_ahead=_queue_ahead(tx),
        excluded=_excluded(choice),
        warnings=[*warnings, *more, *_idle_accelerators(spec, offer)],
    )


def _hours(spec: JobSpec, offer: Offer) -> tuple[float | None, str, list[str]]:
    if spec.estimate is None or spec.estimate.hours is None:
        return None, "unknown: the job file has no `estimate`", []
    on = spec.estimate.on
    if on is None or any(
        fulfils(on, each.name, each.memory_bytes / BYTES_PER_GIB) for each in offer.accelerators
    ):
        return spec.estimate.hours, "the job file's estimate", []
    text = f"the estimate was measured on {on}, which is not here: this version does not carry it over"
    return None, "unknown", [text]


def _most(
    tx: Transaction, spec: JobSpec, offer: Offer, choice: Choice, estimate: int | None
) -> tuple[int | None, list[str]]:
    budget, limit = spec.constraints.budget_micro_usd, spec.constraints.max_duration
    warnings = []
    if plan_hold(tx.now, offer.rate, choice.watts.busy, limit, budget) is None:
        warnings.append("the budget does not cover even a short run: it would be refused")
    if budget is not None and estimate is not None and estimate > budget:
        warnings.append(
            f"the estimate of {format_money(estimate)} is over the budget of {format_money(budget)}"
        )
    if limit is None:
        return budget, warnings
    if spec.estimate is not None and spec.estimate.hours and timedelta(hours=spec.estimate.hours) > limit:
        warnings.append(
            f"the estimate is longer than max_duration ({format_duration(limit)}): it would be stopped"
        )
    most = worst_case_micro(offer.rate, choice.watts.busy, limit.total_seconds())
    return most if budget is None else min(most, budget), warnings


def _idle_accelerators(spec: JobSpec, offer: Offer) -> list[str]:
    if not offer.accelerators or spec.resources.accelerators:
        return []
    names = ", ".join(sorted({each.name for each in offer.accelerators}))
    return [f"the machine has {names}, but the job asks for no accelerator and will see none"]


def _queue_ahead(tx: Transaction) -> int:
    table = tables.tasks
    return int(tx.execute(select(func.count()).where(table.c.status == TaskStatus.WAITING)).scalar_one())


def _offer_view(offer: Offer, choice: Choice) -> OfferView:
    names = [each.name for each in offer.accelerators]
    grams = None
    if offer.grams_co2e_per_kwh is not None:
        grams = choice.watts.expected * 3600 / JOULES_PER_KWH * offer.grams_co2e_per_kwh
    return OfferView(
        provider=offer.provider,
        region=offer.region,
        instance_type=offer.instance_type,
        market=offer.market,
        accelerators=", ".join(f"{name}:{names.count(name)}" for name in sorted(set(names))) or None,
        cpus=offer.cpus,
        memory_bytes=offer.memory_bytes,
        price_per_hour=money_view(choice.price_micro_per_hour, offer.rate.currency),
        price_per_hour_max=money_view(choice.price_max_micro_per_hour, offer.rate.currency),
        grams_co2e_per_hour=grams,
    )


def _excluded(choice: Choice) -> list[ExclusionView]:
    return [
        ExclusionView(
            provider=each.offer.provider,
            instance_type=each.offer.instance_type,
            constraint=each.constraint,
            explanation=each.explanation,
        )
        for each in choice.excluded
    ]
