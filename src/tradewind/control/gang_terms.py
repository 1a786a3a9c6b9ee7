"""What the nodes of one attempt are together: terms, and the words by which its ranks find each other."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from tradewind.control.context import Context
from tradewind.control.logins import login_of
from tradewind.db.rows import AttemptRow, NodeRow, RankRow
from tradewind.domain.money import rate_of_all
from tradewind.ledger.rates import rate_of
from tradewind.providers.about import all_abouts

#: Where the first rank may be asked to listen: below the ports that kernels hand out by themselves.
_FIRST_PORT: Final = 20_000
_PORTS: Final = 10_000


def terms_of_all(offers: Sequence[dict[str, Any]], attempt_id: str) -> dict[str, Any]:
    """What an attempt's row keeps of where it runs, where that is several nodes."""
    rate = rate_of_all([rate_of(each) for each in offers], [float(each["watts_max"]) for each in offers])
    first, names = offers[0], [str(each["instance_type"]) for each in offers]
    alike = len(set(names)) == 1
    counted = [float(each.get("accelerator_count") or 0.0) for each in offers]
    return {
        **first,
        "instance_type": names[0] if alike else " + ".join(names)[:128],
        "rate": asdict(rate) | {"per": rate.per.value},
        "watts_idle": sum(float(each["watts_idle"]) for each in offers),
        "watts_max": sum(float(each["watts_max"]) for each in offers),
        "accelerators": [device for each in offers for device in each.get("accelerators") or []],
        **({"accelerator_count": sum(counted)} if any(counted) else {}),
        "note": "; ".join(dict.fromkeys(str(each.get("note", "")) for each in offers)),
        "master_port": _FIRST_PORT + zlib.crc32(attempt_id.encode()) % _PORTS,
    }


def gang_providers(context: Context) -> frozenset[str]:
    """Providers that rent an attempt several machines that reach each other; by their word if not connected."""
    machines = context.machines
    said = {
        each.id
        for each in all_abouts().values()
        if each.can_run and each.has_multi_node and each.kind != "owned"
    }
    return frozenset(said - machines.keys()) | {
        name for name, each in machines.items() if each.capabilities.has_multi_node
    }


def address_of(node: NodeRow) -> str:
    """Under which other machines of its network reach a node."""
    said = (node.offer or {}).get("private_address") or node.observed.get("private_address")
    if said:
        return str(said)
    login = login_of(node.observed)
    return node.name if login is None else login.host


def environment_of(row: AttemptRow, rank: RankRow, ranks: Sequence[RankRow]) -> dict[str, str]:
    """What a rank is told of the others, in the words of Tradewind and in those that frameworks read."""
    addresses = [each.address or "" for each in ranks]
    port = str(row.offer["master_port"])
    return {
        "TRADEWIND_NODE_RANK": str(rank.number),
        "TRADEWIND_NUM_NODES": str(len(ranks)),
        "TRADEWIND_NODE_IPS": "\n".join(addresses),
        "TRADEWIND_MASTER_ADDR": addresses[0],
        "TRADEWIND_MASTER_PORT": port,
        "TRADEWIND_RENDEZVOUS_ID": row.id,
        "MASTER_ADDR": addresses[0],
        "MASTER_PORT": port,
        "NODE_RANK": str(rank.number),
    }
