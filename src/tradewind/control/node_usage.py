"""What jobs held of nodes over the last hour, and what of it worked: allocation beside utilisation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import or_, select

from tradewind.control.occupancy import STEP_S, Busy, busy_in
from tradewind.db import tables
from tradewind.db.rows import NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.schemas_nodes import NodeUsage, UsageStep
from tradewind.domain.status import has_ended
from tradewind.domain.units import format_duration

WINDOW: Final = timedelta(hours=1)
_STEP: Final = timedelta(seconds=STEP_S)
#: Shorter than this says nothing.
_LEAST: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What an attempt held of a node, from when until when, and how busy that was by step."""

    since: datetime
    until: datetime
    accelerators: float
    cpus: float
    busy: dict[int, Busy]


def holds_of(tx: Transaction, node_ids: list[str]) -> dict[str, list[Any]]:
    """All that was held of these nodes within the last hour, oldest first, with what was seen of it. One query."""
    held, attempts = tables.allocations, tables.attempts
    rows = tx.execute(
        select(held, attempts.c.observed, attempts.c.ended_at.label("attempt_ended_at"))
        .join(attempts, attempts.c.id == held.c.attempt_id)
        .where(
            held.c.node_id.in_(node_ids),
            or_(held.c.released_at.is_(None), held.c.released_at > tx.now - WINDOW),
        )
        .order_by(held.c.id)
    )
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.node_id].append(row)
    return found


def usage_view(
    node: NodeRow, rows: Sequence[Any], cpus: float, accelerators: float, now: datetime
) -> NodeUsage | None:
    """The last hour of a node; None where there is nothing to tell yet."""
    whole = bool(node.is_rented)
    holds = [
        Hold(
            since=row.created_at,
            until=row.released_at or now,
            accelerators=accelerators if whole else float(len(row.accelerators)),
            cpus=cpus if whole else row.milli_cpus / 1000,
            busy=busy_in((row.observed or {}).get("occupancy") or []),
        )
        for row in rows
    ]
    if has_ended(node.status):
        return None
    began = node.ready_at or node.accepted_at or node.created_at
    return usage_over(holds, cpus, accelerators, max(now - WINDOW, began), now)


def usage_over(
    holds: Sequence[Hold], cpus: float, accelerators: float, since: datetime, now: datetime
) -> NodeUsage | None:
    """What was held and what worked, of a machine with so much, in the time from `since` until now."""
    total = accelerators or cpus
    if now - since < _LEAST or total <= 0:
        return None
    by_accelerators = accelerators > 0
    steps, allocated, worked, measured = [], 0.0, 0.0, 0.0
    for start, end in _steps(since, now):
        length = (end - start).total_seconds()
        part, busy = _in_step(holds, start, end, by_accelerators=by_accelerators)
        allocated += part
        if busy is not None:
            worked += busy
            measured += length
        steps.append(
            UsageStep(
                at=start,
                allocated_percent=_percent(part, total * length),
                utilised_percent=None if busy is None else _percent(busy, total * length),
            )
        )
    over = (now - since).total_seconds()
    unit: Literal["accelerators", "processors"] = "accelerators" if by_accelerators else "processors"
    held = _percent(allocated, total * over)
    utilised = _percent(worked, total * measured) if measured else None
    return NodeUsage(
        unit=unit,
        since=since,
        allocated_percent=held,
        utilised_percent=utilised,
        text=_text(unit, held, utilised, now - since),
        steps=steps,
    )


def _in_step(
    holds: Iterable[Hold], start: datetime, end: datetime, *, by_accelerators: bool
) -> tuple[float, float | None]:
    """Unit-seconds held in a step, and those that worked; None: something was held, and nobody measured it."""
    held, worked, is_known = 0.0, 0.0, True
    for each in holds:
        seconds = (min(each.until, end) - max(each.since, start)).total_seconds()
        if seconds <= 0:
            continue
        units = each.accelerators if by_accelerators else each.cpus
        held += units * seconds
        key = int(start.timestamp()) // STEP_S * STEP_S
        seen = each.busy.get(key)
        busy = None if seen is None else seen.accelerators if by_accelerators else seen.cpus
        if units and busy is None:
            is_known = False
        elif busy is not None:
            worked += min(busy, units) * seconds
    return held, worked if is_known else None


def _steps(since: datetime, now: datetime) -> Iterable[tuple[datetime, datetime]]:
    start = since
    while start < now:
        boundary = datetime.fromtimestamp((int(start.timestamp()) // STEP_S + 1) * STEP_S, UTC)
        yield start, min(boundary, now)
        start = boundary


def _percent(part: float, whole: float) -> float:
    return round(min(100 * part / whole, 100.0), 1) if whole else 0.0


def _text(unit: str, held: float, utilised: float | None, over: timedelta) -> str:
    when = "in the last hour" if over >= WINDOW - _LEAST else f"in the last {format_duration(over)}"
    worked = "not measured" if utilised is None else f"{utilised:.0f} % worked"
    return f"{held:.0f} % of the {unit} held by jobs, {worked}, {when}"
