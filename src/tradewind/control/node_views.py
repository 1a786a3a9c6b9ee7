"""Nodes as the API shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select

from tradewind.control.health_desk import devices_at_rest_by_node
from tradewind.control.node_money import own_hourly, own_month, own_views, rent_views
from tradewind.control.node_slots import accelerators_of
from tradewind.control.node_usage import holds_of, usage_view
from tradewind.control.node_words import (
    BADGES,
    actions_of,
    idle_until,
    kept_because,
    sentence,
    state_of,
)
from tradewind.control.others import sentence_of
from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.rows import AttemptRow, JobRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.errors import NotFoundError
from tradewind.domain.schemas_nodes import HolderView, NodeView
from tradewind.domain.status import NodeDesired, NodeStatus, has_ended
from tradewind.domain.units import BYTES_PER_GIB


def find_node(tx: Transaction, caller: Caller, reference: str) -> NodeRow:
    """The caller's node with this id, or the newest with this name. Raises NotFoundError."""
    table = tables.nodes
    column = table.c.id if ids.is_id(reference, ids.NODE) else table.c.name
    statement = NodeRow.select().where(visible_to(caller, table), column == reference)
    found = tx.execute(statement.order_by(table.c.id.desc()).limit(1)).first()
    if found is None:
        raise NotFoundError(f"there is no node {reference!r}", hint="`tradewind nodes ls --all` lists them")
    return NodeRow.of(found)


def node_views(tx: Transaction, nodes: list[NodeRow], keep_idle: timedelta) -> list[NodeView]:
    """Nodes with who holds them and what they cost, with a fixed number of queries however many there are."""
    wanted = [node.id for node in nodes]
    held = _held(tx, wanted)
    attempts = _by_id(tx, AttemptRow, {attempt for each in held.values() for attempt, _ in each})
    jobs = _by_id(tx, JobRow, {attempt.job_id for attempt in attempts.values()})
    own = [node.id for node in nodes if not node.is_rented]
    known = Known(
        held=held,
        attempts=attempts,
        jobs=jobs,
        holds=holds_of(tx, wanted),
        at_rest=devices_at_rest_by_node(tx, wanted),
        checkpoints=_last_checkpoints(tx, list(jobs)),
        own_hourly=own_hourly(tx, own),
        own_month=own_month(tx, own),
        now=tx.now,
        keep_idle=keep_idle,
    )
    return [_view(node, known) for node in nodes]


#: The region of a machine of which its owner has not said where it is.
_OWN: Final = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What was read for a list of nodes, by node."""

    held: dict[str, list[tuple[str, Any]]]
    attempts: dict[str, AttemptRow]
    jobs: dict[str, JobRow]
    holds: dict[str, list[Any]]
    at_rest: dict[str, dict[str, datetime]]
    #: By job.
    checkpoints: dict[str, datetime]
    own_hourly: dict[str, int]
    own_month: dict[str, int]
    now: datetime
    keep_idle: timedelta


def _view(node: NodeRow, known: Known) -> NodeView:
    offer, inventory = node.offer or {}, node.inventory or {}
    holders, usage = _holders(node, known)
    names = sorted({each.job_name for each in holders})
    state = state_of(node, is_held=bool(holders))
    at_rest = known.at_rest.get(node.id, {})
    accelerators = accelerators_of(node, state, holders, usage, at_rest)
    count = float(offer.get("accelerator_count") or len(accelerators))
    cpus = float(inventory.get("cpus") or offer.get("cpus") or 0)
    memory_bytes = int(inventory.get("memory_bytes") or offer.get("memory_bytes") or 0)
    accelerator = offer.get("accelerator") or (accelerators[0].name if accelerators else None)
    explanation = sentence(node)
    saved = [known.checkpoints[each.job] for each in holders if each.job in known.checkpoints]
    return NodeView(
        id=node.id,
        name=node.name if not node.is_rented else _rented_name(node),
        provider=node.provider,
        is_rented=node.is_rented,
        status=node.status.value,
        explanation=explanation,
        region=str(offer.get("region") or ""),
        zone=offer.get("zone"),
        instance_type=str(offer.get("instance_type") or node.name),
        market=str(offer.get("market") or "owned"),
        accelerator=accelerator,
        accelerator_count=count,
        accelerators_held=(
            count if node.is_rented and holders else float(sum(each.job is not None for each in accelerators))
        ),
        cpus=cpus,
        cpus_held=sum(each.cpus for each in holders),
        memory_bytes=memory_bytes,
        accelerators=accelerators,
        others=sentence_of(inventory),
        holders=holders,
        job=node.job_id,
        **_money(node, known),
        created_at=node.created_at,
        ready_at=node.ready_at,
        ended_at=node.ended_at,
        last_seen_at=node.last_seen_at,
        actions=["stop"] if may_stop(node) else [],
        badge=BADGES[state].model_copy(update={"explanation": explanation}),
        permitted=actions_of(
            node,
            may_stop=may_stop(node),
            jobs=names,
            last_checkpoint_at=min(saved) if saved else None,
            now=known.now,
        ),
        summary=_summary(accelerator, count, cpus, memory_bytes),
        place=_place(node),
        kept_because=kept_because(node, names, known.keep_idle),
        idle_until=idle_until(node, known.keep_idle),
        usage=usage_view(node, known.holds.get(node.id, []), cpus, count, known.now),
    )


def _holders(node: NodeRow, known: Known) -> tuple[list[HolderView], dict[str, dict[str, Any]]]:
    """Who holds it, and what was last seen of each of its devices."""
    holders, usage = [], {}
    for attempt_id, allocation in known.held.get(node.id, []):
        attempt = known.attempts[attempt_id]
        job = known.jobs[attempt.job_id]
        holders.append(
            HolderView(
                job=job.id, job_name=job.name, attempt=attempt.id, status=attempt.status.value,
                cpus=allocation.milli_cpus / 1000, accelerators=list(allocation.accelerators),
            )
        )  # fmt: skip
        for each in (attempt.observed.get("sample") or {}).get("gpus") or []:
            usage[str(each.get("uuid"))] = each
    return holders, usage


def may_stop(node: NodeRow) -> bool:
    """True for what can still be given back."""
    is_leaving = has_ended(node.status) or node.status is NodeStatus.TERMINATING
    return node.is_rented and not is_leaving and node.desired is NodeDesired.KEEP


def _rented_name(node: NodeRow) -> str:
    offer = node.offer or {}
    return f"{offer.get('instance_type', node.name)} in {offer.get('zone') or offer.get('region') or '?'}"


def _summary(accelerator: str | None, count: float, cpus: float, memory_bytes: int) -> str:
    parts = [f"{count:g} × {accelerator}"] if accelerator and count else []
    if cpus:
        parts.append("1 CPU" if cpus == 1 else f"{cpus:g} CPUs")
    if memory_bytes:
        parts.append(f"{memory_bytes / BYTES_PER_GIB:,.0f} GB memory")
    return ", ".join(parts)


def _place(node: NodeRow) -> str:
    offer = node.offer or {}
    where = str(offer.get("zone") or offer.get("region") or "")
    if not node.is_rented and where == _OWN:
        where = ""
    market = str(offer.get("market") or "") if node.is_rented else "your own"
    return ", ".join(each for each in (where, market.replace("_", " ")) if each)


def _money(node: NodeRow, known: Known) -> dict[str, Any]:
    if node.is_rented:
        return {} if node.offer is None else rent_views(node, known.now)
    return own_views(node, known.own_hourly.get(node.id, 0), known.own_month.get(node.id, 0))


def _last_checkpoints(tx: Transaction, job_ids: list[str]) -> dict[str, datetime]:
    """When each of these jobs last wrote a checkpoint that can be resumed from."""
    if not job_ids:
        return {}
    table = tables.checkpoints
    newest = func.max(table.c.created_at, type_=table.c.created_at.type)
    rows = tx.execute(
        select(table.c.job_id, newest)
        .where(table.c.job_id.in_(job_ids), table.c.state == "kept")
        .group_by(table.c.job_id)
    )
    return {str(row[0]): row[1] for row in rows}


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
