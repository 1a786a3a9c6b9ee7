"""What a run costs on one offer, in all and in parts, and when it would be done.

How amounts come about: hours are turned into whole seconds (nearest) once; each node is billed for set-up and running
together by `Rate.charge`, which rounds once, half to even. Traffic is counted in whole MB (nearest), disks by the
micro-dollar per hour; each amount is rounded once, half to even.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from tradewind.domain.billing import BillingRule
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.money import SECONDS_PER_HOUR, Quantity, Rate, divide_half_even
from tradewind.domain.offers import Market, Offer
from tradewind.estimate.amounts import (
    HOURS_PER_MONTH,
    MAX_MICRO,
    MAX_SECONDS,
    MB_PER_GB,
    charge_per_hour,
    for_nodes,
    whole_mb,
    whole_seconds,
)
from tradewind.estimate.band import Band
from tradewind.estimate.billing import SetupTime, billing_rule_of
from tradewind.estimate.cost_hours import RunHours
from tradewind.estimate.interruptions import interruption_rate
from tradewind.estimate.place_fees import place_fees, split_place
from tradewind.estimate.power import Watts
from tradewind.estimate.run_terms import STAGING_GB_PER_S, RunTerms
from tradewind.estimate.traffic import Traffic

#: What users read of `BillingRule.assumed`.
_ASSUMED_OF_BILL: Final = {"billed": "from when on it counts"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CostParts:
    """Micro-units of the offer's currency. They add up to the P50 exactly."""

    compute: int  #: training itself
    setup: int  #: the billed part of setting up, fetching the data included
    storage: int
    egress: int  #: data in, outputs and checkpoints out
    interruptions: int  #: work done twice, setting up again, fetching the data again

    @property
    def total(self) -> int:
        return self.compute + self.setup + self.storage + self.egress + self.interruptions


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEstimate:
    """Money in micro-units of `currency`, for all nodes together; hours are those of the run, not node-hours."""

    p50_micro: int
    p90_micro: int
    currency: str
    parts: CostParts
    #: P50 spread over the hours of training; None for a run of no length.
    per_hour_micro: int | None
    per_step_micro: int | None
    #: From asking for the machine to the end: waiting, set-up, training, interruptions.
    wall_hours: Band
    #: What each node is billed for, before rounding up.
    billed_hours: Band
    wait_min: float
    #: Boot and set-up of the first start, billed or not, fetching the data included.
    setup_min: float
    unbilled_min: float  #: of the first start, waiting included
    interruptions: float  #: expected number
    #: What was assumed, bounded or left out, in sentences for the user.
    notes: tuple[str, ...] = ()


def estimate_cost(
    offer: Offer,
    hours: Band,
    terms: RunTerms | None = None,
    *,
    setup: SetupTime | None = None,
    billing: BillingRule | None = None,
) -> CostEstimate:
    """What `hours` of uninterrupted training on this offer cost, and when they would be over.

    `setup` replaces what is known of the provider, fetching the data included; `billing` its billing rule.

    Raises:
        InvalidInputError: the offer has no price; it is a spot offer that the terms rule out; it is charged in a
            currency that fees are not known in.
    """
    terms = terms or RunTerms()
    _require_price(offer, terms)
    rule = billing or billing_rule_of(offer.provider, offer.instance_type, bool(offer.accelerator_count))
    run = RunHours.of(offer, hours, terms, setup, rule)
    node = _Node.of(offer, rule)
    run_s = whole_seconds(run.train_50)
    base_s = whole_seconds(run.setup_50 + run.train_50)
    all_s = base_s + whole_seconds(run.billed_loss_50)
    all_90_s = max(whole_seconds(run.billed_90), all_s)
    compute = for_nodes(node.expected_micro(run_s), terms.nodes)
    started = for_nodes(node.expected_micro(base_s), terms.nodes)
    interrupted = for_nodes(node.expected_micro(all_s), terms.nodes)
    traffic = Traffic.of(offer, terms)
    disks = _disks_micro_per_hour(offer, terms)
    parts = CostParts(
        compute=compute,
        setup=started - compute,
        storage=charge_per_hour(disks, whole_seconds(run.wall_50)),
        egress=traffic.planned_micro(run.train_50, is_free_left=True),
        interruptions=interrupted - started + traffic.again_micro(run.count_50),
    )
    p90 = (
        for_nodes(node.highest_micro(all_90_s), terms.nodes)
        + charge_per_hour(disks, whole_seconds(run.wall_90))
        + traffic.planned_micro(run.train_90, is_free_left=False)
        + traffic.again_micro(run.count_90)
    )
    return CostEstimate(
        p50_micro=parts.total,
        p90_micro=max(p90, parts.total),
        currency=offer.rate.currency,
        parts=parts,
        per_hour_micro=divide_half_even(parts.total * SECONDS_PER_HOUR, run_s) if run_s else None,
        per_step_micro=None if terms.steps is None else divide_half_even(parts.total, terms.steps),
        wall_hours=_band(hours, run.wall_50, run.wall_90),
        billed_hours=_band(hours, run.billed_50, run.billed_90),
        wait_min=run.wait_50 * 60,
        setup_min=(run.boot_50 + run.setup_50) * 60,
        unbilled_min=(run.wait_50 + run.boot_50) * 60,
        interruptions=run.count_50,
        notes=_notes(offer, terms, rule, run),
    )


@dataclass(frozen=True, slots=True)
class _Node:
    """What one node costs by the second: by its price, or by what it draws."""

    rate: Rate
    watts: Watts | None

    @classmethod
    def of(cls, offer: Offer, rule: BillingRule) -> _Node:
        if offer.rate.per is Quantity.KWH:
            low = offer.watts_low or 0.0
            return cls(offer.rate, Watts(low, offer.watts_high or low))
        return cls(rule.rate(offer.rate.micro_per_unit, offer.rate.currency), None)

    def expected_micro(self, seconds: int) -> int:
        quantity = seconds if self.watts is None else round(self.watts.expected * seconds)
        return min(self.rate.charge(quantity).micro, MAX_MICRO)

    def highest_micro(self, seconds: int) -> int:
        quantity = seconds if self.watts is None else round(self.watts.busy * seconds)
        return min(self.rate.charge(quantity).micro, MAX_MICRO)


def _disks_micro_per_hour(offer: Offer, terms: RunTerms) -> int:
    """For what the terms need beyond the offer's own disk, on all nodes."""
    beside = max(whole_mb(terms.disk_gb) - offer.disk_bytes // 1_000_000, 0)
    price = place_fees(offer.provider).storage_micro_per_gb_month
    return terms.nodes * divide_half_even(beside * price, MB_PER_GB * HOURS_PER_MONTH)


def _band(hours: Band, p50: float, p90: float) -> Band:
    """The low end lies as far below the middle, in proportion, as that of the hours of training."""
    share = hours.p10 / hours.p50 if hours.p50 > 0 else 1.0
    return replace(hours, p10=p50 * share, p50=p50, p90=max(p90, p50))


def _require_price(offer: Offer, terms: RunTerms) -> None:
    name = f"{offer.provider} {offer.instance_type}"
    if "no_price" in offer.flags:
        raise InvalidInputError(
            f"{name} has no known price", hint="refresh its price source, or give a price"
        )
    if offer.market == Market.SPOT and not terms.is_spot_ok:
        raise InvalidInputError(
            f"{name} is a spot offer", hint="allow spot machines, or choose another market"
        )
    if offer.rate.currency != "USD":
        raise InvalidInputError(
            f"{name} is charged in {offer.rate.currency}",
            hint="convert its price: fees are known in US dollars only",
        )


def _notes(offer: Offer, terms: RunTerms, rule: BillingRule, run: RunHours) -> tuple[str, ...]:
    fees = place_fees(offer.provider)
    notes = []
    if offer.rate.per is Quantity.HOUR and rule.assumed:
        parts = ", ".join(_ASSUMED_OF_BILL.get(part, part) for part in sorted(rule.assumed))
        notes.append(f"assumed of the bill: {parts} ({rule.source})")
    if run.setup.is_assumed:
        notes.append(f"set-up time is assumed: {run.setup.note or run.setup.source}")
    if offer.market != Market.OWNED:
        notes.append(f"waiting for capacity is assumed from its availability ({offer.availability.value})")
    if run.staging_h:
        notes.append(f"fetching the data at {STAGING_GB_PER_S:g} GB/s is assumed")
    if terms.data_gb or terms.output_gb or terms.checkpoint_gb:
        source = place_fees(split_place(terms.data_location)[0]) if terms.data_location else fees
        if offer.egress_micro_per_gb is None and "egress" in fees.assumed | source.assumed:
            notes.append(f"price of traffic is assumed ({fees.source})")
        if free := max(fees.free_gb, source.free_gb):
            notes.append(f"P50 counts on {free} GB of free traffic this month, P90 does not")
    if terms.disk_gb and "storage" in fees.assumed:
        notes.append(f"price of disks is assumed ({fees.source})")
    if offer.market == Market.SPOT:
        rate = interruption_rate(offer.provider, offer.accelerator)
        said = "assumed" if rate.is_assumed else "measured"
        notes.append(
            f"{rate.per_hour:g} interruptions per hour and machine, {said}: {rate.note} ({rate.source})"
        )
        if terms.checkpoint_every_s is None:
            notes.append(
                "without checkpoints every interruption starts from zero; hours are bounded at ten times"
            )
    if offer.rate.per is Quantity.KWH and offer.watts_high is None:
        notes.append("what the machine draws is not known, so its electricity is not counted")
    if run.wall_90 * SECONDS_PER_HOUR > MAX_SECONDS:
        notes.append("longer than thirty years: costed as thirty years")
    return tuple(notes)
