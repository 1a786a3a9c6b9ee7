"""Nodes as the API shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from tradewind.control.health_desk import devices_at_rest_on
from tradewind.control.money_views import money_view
from tradewind.control.others import sentence_of
from tradewind.control.records import number
from tradewind.control.rent_money import prices_of, rent_until
from tradewind.control.slots import slots_of
from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.rows import AttemptRow, JobRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.errors import NotFoundError
from tradewind.domain.schemas_nodes import AcceleratorView, HolderView, NodeView
from tradewind.domain.status import REASON_TEXT, NodeDesired, NodeStatus, has_ended
from tradewind.ledger.rates import rate_of

_SENTENCES = {
    NodeStatus.CREATING: "it is being rented",
    NodeStatus.STARTING: "it is rented, and boots",
    NodeStatus.READY: "ready",
    NodeStatus.TERMINATING: "it is being given back, and costs money until the provider says that it is gone",
    NodeStatus.GONE: "gone: it costs nothing any more",
    NodeStatus.REFUSED: "the provider did not rent it out",
}


def find_node(tx: Transaction, caller: Caller, reference: str) -> NodeRow:
    """The caller's node with this id, or the newest with this name. Raises NotFoundError."""
    table = tables.nodes
    column = table.c.id if ids.is_id(reference, ids.NODE) else table.c.name
    statement = NodeRow.select().where(visible_to(caller, table), column == reference)
    found = tx.execute(statement.order_by(table.c.id.desc()).limit(1)).first()
    if found is None:
        raise NotFoundError(f"there is no node {reference!r}", hint="`tradewind nodes ls --all` lists them")
    return NodeRow.of(found)


def list_nodes(tx: Transaction, caller: Caller, *, is_all: bool, limit: int) -> list[NodeRow]:
    """The caller's nodes: those at hand first, then rented ones, newest first; `is_all` with those that have ended."""
    table = tables.nodes
    statement = NodeRow.select().where(visible_to(caller, table))
    if not is_all:
        ended = [each.value for each in NodeStatus if has_ended(each)]
        statement = statement.where(or_(table.c.is_rented.is_(False), table.c.status.not_in(ended)))
    return [
        NodeRow.of(row)
        for row in tx.execute(statement.order_by(table.c.is_rented, table.c.id.desc()).limit(limit))
    ]


def node_views(tx: Transaction, nodes: list[NodeRow]) -> list[NodeView]:
    """Nodes with who holds them and what they cost, with four queries however many there are."""
    held = _held(tx, [node.id for node in nodes])
    resting = devices_at_rest_on(tx, [node.id for node in nodes])
    attempts = _by_id(tx, AttemptRow, {attempt for each in held.values() for attempt, _ in each})
    jobs = _by_id(tx, JobRow, {attempt.job_id for attempt in attempts.values()})
    return [_view(tx, node, held[node.id], attempts, jobs, resting[node.id]) for node in nodes]


def _view(
    tx: Transaction,
    node: NodeRow,
    held: list[tuple[str, Any]],
    attempts: dict[str, AttemptRow],
    jobs: dict[str, JobRow],
    resting: set[str],
) -> NodeView:
    offer, inventory = node.offer or {}, node.inventory or {}
    holders, usage = [], {}
    for attempt_id, allocation in held:
        attempt = attempts[attempt_id]
        job = jobs[attempt.job_id]
        holders.append(
            HolderView(
                job=job.id, job_name=job.name, attempt=attempt.id, status=attempt.status.value,
                cpus=allocation.milli_cpus / 1000, accelerators=list(allocation.accelerators),
            )
        )  # fmt: skip
        for each in (attempt.observed.get("sample") or {}).get("gpus") or []:
            usage[str(each.get("uuid"))] = each
    accelerators = [_accelerator(each, holders, usage) for each in inventory.get("accelerators") or []]
    count = float(offer.get("accelerator_count") or len(accelerators))
    whole = node.is_rented and bool(holders)
    return NodeView(
        id=node.id,
        name=node.name if not node.is_rented else _rented_name(node),
        provider=node.provider,
        is_rented=node.is_rented,
        status=node.status.value,
        explanation=_sentence(node),
        region=str(offer.get("region") or ""),
        zone=offer.get("zone"),
        instance_type=str(offer.get("instance_type") or node.name),
        market=str(offer.get("market") or "owned"),
        accelerator=offer.get("accelerator") or (accelerators[0].name if accelerators else None),
        accelerator_count=count,
        accelerators_held=count if whole else float(sum(each.job is not None for each in accelerators)),
        cpus=float(inventory.get("cpus") or offer.get("cpus") or 0),
        cpus_held=sum(each.cpus for each in holders),
        memory_bytes=int(inventory.get("memory_bytes") or offer.get("memory_bytes") or 0),
        accelerators=accelerators,
        slots=slots_of(node, holders, usage, resting),
        others=sentence_of(inventory),
        holders=holders,
        job=node.job_id,
        **_money(tx, node),
        created_at=node.created_at,
        ready_at=node.ready_at,
        ended_at=node.ended_at,
        last_seen_at=node.last_seen_at,
        actions=["stop"] if may_stop(node) else [],
    )


def may_stop(node: NodeRow) -> bool:
    """True for what can still be given back."""
    is_leaving = has_ended(node.status) or node.status is NodeStatus.TERMINATING
    return node.is_rented and not is_leaving and node.desired is NodeDesired.KEEP


def _rented_name(node: NodeRow) -> str:
    offer = node.offer or {}
    return f"{offer.get('instance_type', node.name)} in {offer.get('zone') or offer.get('region') or '?'}"


def _sentence(node: NodeRow) -> str:
    if node.explanation:
        return node.explanation
    if node.reason is not None:
        return REASON_TEXT[node.reason]
    if node.lost_since is not None:
        return f"it cannot be reached since {node.lost_since:%H:%M:%S} UTC"
    idle_since = node.observed.get("idle_since")
    if idle_since is not None and node.status is NodeStatus.READY:
        return f"idle since {datetime.fromisoformat(idle_since):%H:%M:%S} UTC: kept for the next job"
    return _SENTENCES[node.status]


def _money(tx: Transaction, node: NodeRow) -> dict[str, Any]:
    if not node.is_rented or node.offer is None:
        return {}
    rate = rate_of(node.offer)
    prices = prices_of(node)
    micro = prices[-1][1] if prices else rate.micro_per_unit
    # What earlier jobs had of it is settled; once it has ended, everything is.
    so_far = int(node.observed.get("settled_micro", 0))
    so_far += sum(each.amount_micro for each in rent_until(node, node.ended_at or tx.now))
    return {
        "price_per_hour": money_view(micro, rate.currency),
        "cost": money_view(so_far if node.status is not NodeStatus.REFUSED else 0, rate.currency),
    }


def _accelerator(
    known: dict[str, Any], holders: list[HolderView], usage: dict[str, dict[str, Any]]
) -> AcceleratorView:
    uuid = str(known["uuid"])
    seen = usage.get(uuid, {})
    used = number(seen.get("memory_bytes"))
    return AcceleratorView(
        uuid=uuid,
        name=str(known["name"]),
        index=int(known["index"]),
        memory_bytes=int(known["memory_bytes"]),
        job=next((each.job_name for each in holders if uuid in each.accelerators), None),
        utilisation_percent=number(seen.get("util_percent")),
        memory_used_bytes=None if used is None else int(used),
    )


def _held(tx: Transaction, node_ids: list[str]) -> dict[str, list[tuple[str, Any]]]:
    table = tables.allocations
    found: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    for row in tx.execute(
        select(table).where(table.c.node_id.in_(node_ids), table.c.released_at.is_(None)).order_by(table.c.id)
    ):
        found[row.node_id].append((row.attempt_id, row))
    return found


def _by_id(tx: Transaction, kind: Any, wanted: Iterable[str]) -> dict[str, Any]:
    rows = tx.execute(kind.select().where(kind.table.c.id.in_(list(wanted))))
    return {row.id: row for row in map(kind.of, rows)}
