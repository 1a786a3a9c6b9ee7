"""Closed intervals: the only rows that say money was spent. Never changed; a correction is a new row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tradewind.db import tables
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.money import JOULES_PER_KWH, Money, Quantity, Rate, divide_half_even


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A stretch of time in which something cost money, with what was measured in it.

    `energy_j` is what was drawn; `carbon_g_per_kwh` the intensity of where it was drawn; `basis` says whether the
    energy was `metered` or `modelled`. `kind` is `compute`, or `idle` where a rented machine had no job.
    """

    project_id: str
    creator_id: str
    job_id: str | None
    attempt_id: str | None
    node_id: str | None
    provider: str
    started_at: datetime
    ended_at: datetime
    rate: Rate
    energy_j: int
    carbon_g_per_kwh: float
    basis: str
    note: str
    kind: str = "compute"
    #: The accelerators that were held, by the name that estimates know them by.
    accelerator: str = ""
    accelerator_count: float = 0.0


def quantity_of(interval: Interval) -> int:
    """What the rate is charged on: joules for an energy rate, whole seconds (rounded up) for an hourly one."""
    if interval.rate.per is Quantity.KWH:
        return interval.energy_j
    seconds = (interval.ended_at - interval.started_at).total_seconds()
    return max(0, -int(-seconds // 1))


def carbon_mg(energy_j: int, carbon_g_per_kwh: float) -> int:
    """Milligrams CO2e of this much energy."""
    return divide_half_even(energy_j * round(carbon_g_per_kwh * 1000), JOULES_PER_KWH)


def amount_of(interval: Interval) -> Money:
    """What the interval costs, by its rate."""
    return interval.rate.charge(quantity_of(interval))


def close_interval(tx: Transaction, interval: Interval) -> Money:
    """Writes the interval to the ledger; here, and only here, its amount is rounded."""
    amount = amount_of(interval)
    tx.insert(
        tables.ledger,
        {
            "id": tx.new_id(ids.LEDGER),
            "project_id": interval.project_id,
            "creator_id": interval.creator_id,
            "job_id": interval.job_id,
            "attempt_id": interval.attempt_id,
            "node_id": interval.node_id,
            "provider": interval.provider,
            "kind": interval.kind,
            "started_at": interval.started_at,
            "ended_at": interval.ended_at,
            "duration_ms": round((interval.ended_at - interval.started_at).total_seconds() * 1000),
            "quantity": quantity_of(interval),
            "rate_micro_per_unit": interval.rate.micro_per_unit,
            "rate_per": interval.rate.per,
            "amount_micro": amount.micro,
            "currency": amount.currency,
            "energy_j": interval.energy_j,
            "carbon_mg": carbon_mg(interval.energy_j, interval.carbon_g_per_kwh),
            "basis": interval.basis,
            "note": interval.note,
            "accelerator": interval.accelerator[:64],
            "accelerator_count": interval.accelerator_count,
        },
    )
    return amount
