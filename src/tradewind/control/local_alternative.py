"""What rented work would have cost on a machine at hand: its time by the speed of both, at that machine's price."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.rows import NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.money import Quantity, Rate, format_money
from tradewind.domain.status import NodeStatus
from tradewind.domain.units import BYTES_PER_GIB
from tradewind.estimate.tariff import Tariff
from tradewind.hardware.accelerators import AcceleratorModel, all_models
from tradewind.hardware.names import identify, short_name
from tradewind.ledger.rates import rate_of
from tradewind.ledger.reports import Rented
from tradewind.ledger.savings import Otherwise, in_all

_MOST_NODES: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """A machine at hand to compare with: so many accelerators of one model, and what it costs to run."""

    name: str
    model: AcceleratorModel
    count: float
    rate: Rate
    price_text: str

    @property
    def text(self) -> str:
        """`2 × RTX 4090 (gpu1)`."""
        return f"{self.count:g} × {short_name(self.model.key)}" + (f" ({self.name})" if self.name else "")


def here_of(tx: Transaction, caller: Caller, tariff: Tariff, named: str | None) -> Here | None:
    """The machine that is compared with: the accelerator that the caller names, else the strongest at hand.

    Raises InvalidInputError for a name that is no accelerator.
    """
    electricity = Rate(micro_per_unit=tariff.micro_usd_per_kwh, per=Quantity.KWH)
    if named is not None:
        said = identify(named)
        if said.model is None:
            raise InvalidInputError(
                f"{named!r} is no accelerator that is known", hint="`tradewind gpus` lists them"
            )
        return Here(
            name="",
            model=said.model,
            count=said.count or 1.0,
            rate=electricity,
            price_text=_electricity(tariff),
        )
    table = tables.nodes
    rows = tx.execute(
        NodeRow.select()
        .where(visible_to(caller, table), table.c.is_rented.is_(False), table.c.status == NodeStatus.READY)
        .order_by(table.c.id)
        .limit(_MOST_NODES)
    )
    found = [here for node in map(NodeRow.of, rows) if (here := _here(node, electricity, tariff)) is not None]
    return max(found, key=lambda each: (_strength(each), each.name), default=None)


def against_local(times: Iterable[Rented], here: Here) -> tuple[Otherwise, float, float]:
    """What it would have cost there, and the hours it took and would have taken. Unknown accelerators are left out."""
    from tradewind.estimate.transfer import speed_ratio

    parts, hours, hours_there = [], 0.0, 0.0
    for each in times:
        model = all_models().get(each.accelerator)
        if model is None or each.accelerator_count <= 0:
            parts.append(Otherwise(left_out_micro=each.amount_micro))
            continue
        ratio, _ = speed_ratio(
            model, here.model, measured_count=each.accelerator_count, count=max(here.count, 1.0)
        )
        seconds = each.seconds / ratio
        hours, hours_there = hours + each.seconds / 3600, hours_there + seconds / 3600
        parts.append(Otherwise(actual_micro=each.amount_micro, otherwise_micro=_cost(here, seconds)))
    return in_all(parts), hours, hours_there


def _cost(here: Here, seconds: float) -> int:
    from tradewind.estimate.energy import node_watts

    if here.rate.per is Quantity.HOUR:
        return here.rate.charge(round(seconds)).micro
    joules = node_watts(here.model, here.count).p50 * seconds
    return here.rate.charge(round(joules)).micro


def _here(node: NodeRow, electricity: Rate, tariff: Tariff) -> Here | None:
    accelerators = (node.inventory or {}).get("accelerators") or []
    if not accelerators:
        return None
    first = accelerators[0]
    said = identify(str(first["name"]), float(first.get("memory_bytes") or 0) / BYTES_PER_GIB or None)
    if said.model is None:
        return None
    alike = [each for each in accelerators if each["name"] == first["name"]]
    own = (node.offer or {}).get("rate")
    rate = electricity if own is None else rate_of(node.offer or {})
    price = (
        _electricity(tariff) if own is None else f"{format_money(rate.micro_per_unit)} an hour, as you said"
    )
    return Here(name=node.name, model=said.model, count=float(len(alike)), rate=rate, price_text=price)


def _electricity(tariff: Tariff) -> str:
    return f"{tariff.price_note} for its electricity"


def _strength(here: Here) -> float:
    from tradewind.estimate.transfer import speed_ratio

    first = next(iter(all_models().values()))
    return speed_ratio(first, here.model, count=max(here.count, 1.0))[0]
