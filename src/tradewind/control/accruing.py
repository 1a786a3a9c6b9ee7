"""What attempts have used up so far: by their own meter on machines at hand, by the rent of the machine elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tradewind.control.ranks import as_attempt, ranks_by_attempt
from tradewind.control.rent_money import held_from, prices_of, rent_until
from tradewind.db import tables
from tradewind.db.rows import AttemptRow, NodeRow, RankRow
from tradewind.db.store import Transaction
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.units import BYTES_PER_GIB
from tradewind.estimate.tariff import Tariff
from tradewind.hardware.names import identify
from tradewind.ledger.intervals import Interval, amount_of
from tradewind.ledger.rates import rate_of
from tradewind.ledger.reservations import Leg


@dataclass(frozen=True, slots=True, kw_only=True)
class Accrued:
    """What an attempt has used up and the ledger does not have yet.

    `worst_micro` counts what was not measured yet at full load; `quantity` is what it was charged on, in seconds or
    joules; `rate` is what it costs from now on. On several nodes `legs` are what each of them costs, and the amounts
    are those of all.
    """

    measured_micro: int
    worst_micro: int
    quantity: float
    rate: Rate
    legs: tuple[Leg, ...] = ()


def accrued_by(
    tx: Transaction, rows: Sequence[AttemptRow], tariff: Tariff, now: datetime
) -> dict[str, Accrued]:
    """What each of these attempts has used up."""
    table = tables.nodes
    found = tx.execute(
        NodeRow.select().where(table.c.is_rented, table.c.attempt_id.in_(sorted(row.id for row in rows)))
    )
    nodes: dict[str, list[NodeRow]] = {}
    for node in map(NodeRow.of, found):
        nodes.setdefault(str(node.attempt_id), []).append(node)
    ranks = ranks_by_attempt(tx, [row.id for row in rows if row.is_gang])
    accrued = {}
    for row in rows:
        if row.is_gang:
            accrued[row.id] = _by_ranks(row, nodes.get(row.id, []), ranks[row.id], tariff, now)
        elif row.id in nodes:
            accrued[row.id] = _by_rent(nodes[row.id][0], rate_of(row.offer), now)
        else:
            accrued[row.id] = _by_meter(row, tariff, now)
    return accrued


def _by_ranks(
    row: AttemptRow, nodes: list[NodeRow], ranks: list[RankRow], tariff: Tariff, now: datetime
) -> Accrued:
    """Of all nodes together; what is gone is in the ledger, and costs nothing more."""
    if row.is_rented:
        living = [each for each in nodes if each.ended_at is None]
        parts: list[tuple[Accrued, float | None]] = [
            (_by_rent(each, rate_of(each.offer or {}), now), 0.0) for each in living
        ]
    else:
        parts = [
            (
                _by_meter(as_attempt(row, each), tariff, min(now, each.ended_at or now)),
                None if each.has_ended else float(each.offer["watts_max"]),
            )
            for each in ranks
        ]
    # What has ended costs nothing more; on machines at hand it is in the ledger once all of them have.
    legs = tuple(Leg(part.rate, watts, part.quantity) for part, watts in parts if watts is not None)
    return Accrued(
        measured_micro=sum(part.measured_micro for part, _ in parts),
        worst_micro=sum(part.worst_micro for part, _ in parts),
        quantity=legs[0].used if legs else 0.0,
        rate=rate_of(row.offer),
        legs=legs,
    )


def _by_rent(node: NodeRow, rate: Rate, now: datetime) -> Accrued:
    since, prices = held_from(node), prices_of(node)
    if prices:
        rate = replace(rate, micro_per_unit=prices[-1][1])
    if since is None or node.ended_at is not None:
        return Accrued(measured_micro=0, worst_micro=0, quantity=0.0, rate=rate)
    micro = sum(stretch.amount_micro for stretch in rent_until(node, now))
    return Accrued(
        measured_micro=micro,
        worst_micro=micro,
        quantity=max((now - since).total_seconds(), 0.0),
        rate=rate,
    )


def _by_meter(row: AttemptRow, tariff: Tariff, now: datetime) -> Accrued:
    rate = rate_of(row.offer)
    if row.accepted_at is None:
        return Accrued(measured_micro=0, worst_micro=0, quantity=0.0, rate=rate)
    most_j = row.energy_j + unmeasured_j(row, now)
    measured, worst = (
        amount_of(running_interval(row, tariff, energy_j=each, until=now)).micro
        for each in (row.energy_j, most_j)
    )
    seconds = max((now - row.accepted_at).total_seconds(), 0.0)
    return Accrued(
        measured_micro=measured,
        worst_micro=worst,
        quantity=float(most_j) if rate.per is Quantity.KWH else seconds,
        rate=rate,
    )


def unmeasured_j(row: AttemptRow, now: datetime) -> int:
    """The most that can have been drawn since the last sample: silence must not look like thrift."""
    sample = row.observed.get("sample") or {}
    since = float(sample.get("at") or (row.accepted_at or row.created_at).timestamp())
    return round(max(now.timestamp() - since, 0.0) * float(row.offer["watts_max"]))


def running_interval(row: AttemptRow, tariff: Tariff, *, energy_j: int, until: datetime) -> Interval:
    """The attempt's interval as it would be closed at this time."""
    basis = str(row.observed.get("basis") or "modelled")
    carbon = float(row.offer.get("carbon_g_per_kwh", tariff.carbon_g_per_kwh))
    name, count = held_accelerators(row.offer)
    return Interval(
        project_id=row.project_id,
        creator_id=row.creator_id,
        job_id=row.job_id,
        attempt_id=row.id,
        node_id=row.node_id,
        provider=row.provider,
        started_at=row.accepted_at or row.created_at,
        ended_at=max(until, row.accepted_at or row.created_at),
        rate=rate_of(row.offer),
        energy_j=energy_j,
        carbon_g_per_kwh=carbon,
        basis=basis,
        note=str(row.offer.get("note", "")),
        accelerator=name,
        accelerator_count=count,
    )


def held_accelerators(offer: dict[str, Any]) -> tuple[str, float]:
    """The accelerators that an attempt holds, under the name that estimates know them by, and how many."""
    if offer.get("accelerator"):
        return str(offer["accelerator"]), float(offer.get("accelerator_count") or 1.0)
    held = [
        identify(str(each["name"]), float(each.get("memory_bytes", 0)) / BYTES_PER_GIB or None).key
        for each in offer.get("accelerators") or ()
    ]
    return (held[0] if held else "", float(len(held)))
