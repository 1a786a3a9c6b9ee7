"""One node in full: what it is, who had it, and what was paid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import select

from tradewind.control.job_badges import attempt_status_badge
from tradewind.control.money_views import money_view
from tradewind.control.node_views import find_node, node_views
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.money import Quantity, format_money
from tradewind.domain.schemas_nodes import FactView, NodeBillLine, NodeDetail, NodeView, TenancyView
from tradewind.domain.status import AttemptStatus, has_ended
from tradewind.domain.units import format_bytes, format_duration
from tradewind.ledger.rates import rate_of

_MOST: Final = 50
_KINDS: Final = {
    "compute": "a job had it",
    "idle": "without a job",
    "orphan": "belonged to nothing",
    "correction": "corrected by an invoice",
}


def node_detail(tx: Transaction, caller: Caller, reference: str, keep_idle: timedelta) -> NodeDetail:
    """A node by its id or name. Raises NotFoundError."""
    node = find_node(tx, caller, reference)
    view = node_views(tx, [node], keep_idle)[0]
    return NodeDetail(
        **dict(view),
        facts=_facts(node, view),
        tenancies=_tenancies(tx, node),
        bill=_bill(tx, node),
        ends_by_itself=_ends_by_itself(node),
    )


def _facts(node: NodeRow, view: NodeView) -> list[FactView]:
    offer, inventory = node.offer or {}, node.inventory or {}
    found = [
        ("Hardware", view.summary),
        ("Provider", node.provider),
        ("Region", str(offer.get("region") or "")),
        ("Zone", str(offer.get("zone") or "")),
        ("Instance type", str(offer.get("instance_type") or "")),
        ("Processor", str(inventory.get("cpu_model") or "")),
        ("Free disk", format_bytes(inventory["disk_free_bytes"]) if inventory.get("disk_free_bytes") else ""),
        ("Power", _power(inventory)),
        ("Billing", _billing(offer)),
        ("Key at the provider", node.key or ""),
    ]
    return [FactView(name=name, value=value) for name, value in found if value]


def _power(inventory: dict[str, Any]) -> str:
    least, most = inventory.get("watts_idle"), inventory.get("watts_max")
    if not least or not most:
        return ""
    return f"{least:.0f} W at rest, {most:.0f} W at full load ({inventory.get('power_source') or 'modelled'})"


def _billing(offer: dict[str, Any]) -> str:
    if not offer.get("rate"):
        return ""
    rate = rate_of(offer)
    per = "an hour" if rate.per is Quantity.HOUR else "a kilowatt-hour"
    parts = [f"{format_money(rate.micro_per_unit, rate.currency)} {per}"]
    if rate.per is Quantity.HOUR:
        steps = "second" if rate.granularity == 1 else format_duration(rate.granularity)
        parts.append(f"by the {steps}")
        if rate.minimum > 1:
            parts.append(f"at least {format_duration(rate.minimum)}")
    if rate.minimum_micro:
        parts.append(f"at least {format_money(rate.minimum_micro, rate.currency)}")
    return ", ".join(parts)


def _tenancies(tx: Transaction, node: NodeRow) -> list[TenancyView]:
    held, attempts, jobs = tables.allocations, tables.attempts, tables.jobs
    rows = tx.execute(
        select(
            held.c.created_at, held.c.released_at, held.c.accelerators, held.c.milli_cpus, attempts.c.number,
            attempts.c.status, attempts.c.explanation, jobs.c.id.label("job_id"), jobs.c.name,
        )
        .join(attempts, attempts.c.id == held.c.attempt_id)
        .join(jobs, jobs.c.id == attempts.c.job_id)
        .where(held.c.node_id == node.id)
        .order_by(held.c.id.desc())
        .limit(_MOST)
    )  # fmt: skip
    found = []
    for row in rows:
        found.append(
            TenancyView(
                job=row.job_id, job_name=row.name, attempt=row.number, since=row.created_at,
                until=row.released_at, held=_held_text(node, row),
                outcome=attempt_status_badge(AttemptStatus(row.status), row.explanation),
            )
        )  # fmt: skip
    return found


def _held_text(node: NodeRow, row: Any) -> str:
    if node.is_rented:
        return "all of it"
    count, cpus = len(row.accelerators), row.milli_cpus / 1000
    parts = [] if not count else ["1 accelerator" if count == 1 else f"{count} accelerators"]
    return ", ".join([*parts, "1 CPU" if cpus == 1 else f"{cpus:g} CPUs"])


def _bill(tx: Transaction, node: NodeRow) -> list[NodeBillLine]:
    ledger, jobs = tables.ledger, tables.jobs
    rows = tx.execute(
        select(ledger, jobs.c.name.label("job_name"))
        .outerjoin(jobs, jobs.c.id == ledger.c.job_id)
        .where(ledger.c.node_id == node.id)
        .order_by(ledger.c.ended_at.desc(), ledger.c.id.desc())
        .limit(_MOST)
    )
    return [
        NodeBillLine(
            kind=row.kind, label=_KINDS.get(row.kind, row.kind), since=row.started_at, until=row.ended_at,
            job=row.job_id, job_name=row.job_name, amount=money_view(row.amount_micro, row.currency),
        )
        for row in rows
    ]  # fmt: skip


def _ends_by_itself(node: NodeRow) -> str:
    if not node.is_rented or has_ended(node.status):
        return ""
    if node.keep_until is not None:
        return (
            f"if this server is never heard of again, it ends by itself at {node.keep_until:%Y-%m-%d %H:%M} UTC; "
            "that is put off for as long as it is wanted"
        )
    guarded_until = float(node.observed.get("guarded_until") or 0.0)
    if guarded_until:
        until = datetime.fromtimestamp(guarded_until, UTC)
        return (
            f"if this server is never heard of again, the machine turns itself off at {until:%Y-%m-%d %H:%M} UTC; "
            "that is put off for as long as it is wanted"
        )
    return "if this server is never heard of again, only the provider's console ends it"
