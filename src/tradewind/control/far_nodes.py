"""Machines of the user's own that are reached over SSH: what they have, what they cost, and when they are lost."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, update

from tradewind.control import leases
from tradewind.control.context import Context
from tradewind.control.loops import MARKET
from tradewind.db import tables
from tradewind.db.rows import NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Accelerator, Offer
from tradewind.domain.status import NodeStatus, TaskStatus
from tradewind.estimate.power import Watts
from tradewind.estimate.tariff import Tariff
from tradewind.ledger.rates import rate_of
from tradewind.providers.base import Inventory, MachineHost
from tradewind.providers.own_offers import offer_of

#: Machines of which nobody says otherwise are on one network.
OWN_NETWORK: Final = "own"
#: A machine that does not answer is asked again after so long.
LOOK_LOST: Final = timedelta(seconds=30)


async def far_inventory(context: Context, node: NodeRow) -> dict[str, Any]:
    """What the machine has now, and who uses it. Raises ProviderError when it does not answer."""
    host = context.machine_of(node)
    greeting = await host.greet()
    return (
        node.inventory
        if greeting.inventory is None
        else await with_users(host, greeting.inventory, node.name)
    )


async def with_users(host: MachineHost, inventory: Inventory, name: str) -> dict[str, Any]:
    """An inventory as a row keeps it. Raises ProviderError."""
    in_use = await host.device_users()
    # It is called what its owner calls it, whatever it calls itself.
    return asdict(replace(inventory, name=name, in_use=in_use))


def note_lost(tx: Transaction, node: NodeRow, trouble: str) -> datetime:
    """Nothing is placed on a machine that does not answer; what was to be placed there is decided again."""
    table, tasks = tables.nodes, tables.tasks
    values: dict[str, Any] = {"explanation": trouble}
    if node.lost_since is None:
        values["lost_since"] = tx.now
    tx.execute(update(table).where(table.c.id == node.id).values(**values))
    freed = tx.execute(
        update(tasks).where(tasks.c.place == node.id, tasks.c.status == TaskStatus.WAITING).values(place=None)
    )
    if freed.rowcount:
        leases.wake(tx, tables.loops, MARKET, topic=MARKET)
    return tx.now + LOOK_LOST


def electricity_rate(tariff: Tariff) -> dict[str, Any]:
    """What an attempt's row keeps of the price of electricity."""
    return {
        "micro_per_unit": tariff.micro_usd_per_kwh,
        "per": "kwh",
        "currency": "USD",
        "granularity": 1,
        "minimum": 0,
    }


def far_nodes(tx: Transaction) -> list[NodeRow]:
    """All that can be placed on now."""
    table = tables.nodes
    rows = tx.execute(
        NodeRow.select()
        .where(
            table.c.is_rented.is_(False), table.c.handle.is_not(None), table.c.status == NodeStatus.READY,
            table.c.lost_since.is_(None),
        )
        .order_by(table.c.id)
    )  # fmt: skip
    # A JSON column may hold JSON's null.
    return [node for node in map(NodeRow.of, rows) if node.is_far]


def far_node_ids(tx: Transaction) -> set[str]:
    """All of them, whether or not they answer now."""
    table = tables.nodes
    rows = tx.execute(
        select(table.c.id, table.c.handle).where(
            table.c.is_rented.is_(False), table.c.handle.is_not(None), table.c.status == NodeStatus.READY
        )
    )
    return {str(row.id) for row in rows if row.handle is not None}


def offers_of_far_nodes(tx: Transaction, tariff: Tariff) -> list[Offer]:
    """What they offer, at the rate that their owner has given, else at the price of electricity here."""
    return [
        replace(
            offer_of(
                Inventory(**(node.inventory | {"accelerators": _devices(node), "in_use": ()})),
                node.provider,
                _rate(node, tariff),
                tariff.carbon_g_per_kwh,
                region=str((node.offer or {}).get("region") or "own"),
            ),
            network=str((node.offer or {}).get("network") or OWN_NETWORK),
        )
        for node in far_nodes(tx)
    ]


def far_offer(
    node: NodeRow, watts: Watts, held: tuple[Accelerator, ...], electricity: dict[str, Any], tariff: Tariff
) -> dict[str, Any]:
    """What an attempt's row keeps of such a machine. Its own rate is for all of it: who holds a share pays a share."""
    own = (node.offer or {}).get("rate")
    rate, note = electricity, f"{tariff.price_note}; {tariff.carbon_note}"
    if own is not None:
        share = _share(node, held)
        rate = own | {"micro_per_unit": round(int(own["micro_per_unit"]) * share)}
        note = f"the rate of {node.name}, for {share:.0%} of it" if share < 1 else f"the rate of {node.name}"
    return {
        "instance_type": node.name,
        "is_far": True,
        "rate": rate,
        "watts_idle": watts.idle,
        "watts_max": watts.busy,
        "accelerators": [asdict(each) for each in held],
        "carbon_g_per_kwh": tariff.carbon_g_per_kwh,
        "note": note,
    }


def _share(node: NodeRow, held: tuple[Accelerator, ...]) -> float:
    """Of a machine with accelerators, the part of them that is held; else all of it."""
    count = len(node.inventory.get("accelerators") or [])
    return len(held) / count if count and held else 1.0


def _rate(node: NodeRow, tariff: Tariff) -> Rate:
    own = (node.offer or {}).get("rate")
    if own is not None:
        return rate_of({"rate": own})
    return Rate(micro_per_unit=tariff.micro_usd_per_kwh, per=Quantity.KWH)


def _devices(node: NodeRow) -> tuple[Accelerator, ...]:
    return tuple(Accelerator(**each) for each in node.inventory.get("accelerators") or [])
