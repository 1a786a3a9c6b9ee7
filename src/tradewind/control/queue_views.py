"""The queue as the API shows it: what waits, in the order in which it is looked at."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import and_, func, or_, select

from tradewind.control.node_money import burn_view
from tradewind.control.waiting_help import waiting_badge, what_helps
from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.store import Transaction
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.schemas_nodes import NodeFacetView
from tradewind.domain.schemas_queue import QueueItem, QueuePage
from tradewind.domain.status import REASON_TEXT, Desired, Reason, TaskStatus
from tradewind.domain.units import format_bytes
from tradewind.spec.models import JobSpec
from tradewind.spec.resources import Resources

_T: Final = tables.tasks
_J: Final = tables.jobs
_CURSOR: Final = re.compile(r"(-?\d{1,9})\.(\d{1,17})\.(task_[0-9A-Za-z]+)")
_NOT_YET: Final = "nobody has looked at it yet: that takes a moment"


def queue_page(tx: Transaction, caller: Caller, *, limit: int, cursor: str | None) -> QueuePage:
    """A page of what waits. Raises InvalidInputError for a cursor that is none."""
    order = (_T.c.priority.desc(), _T.c.queued_at, _T.c.id)
    # Everybody's tasks count for the position: they are looked at in one order.
    ranked = (
        select(_T.c.id, func.row_number().over(order_by=order).label("position"))
        .where(_T.c.status == TaskStatus.WAITING)
        .subquery()
    )
    is_mine = and_(visible_to(caller, _T), _T.c.status == TaskStatus.WAITING, _J.c.desired == Desired.RUN)
    statement = (
        select(
            _T.c.id.label("task_id"), _T.c.priority, _T.c.queued_at, _T.c.not_before, _T.c.fence,
            ranked.c.position, _J.c.id.label("job_id"), _J.c.name, _J.c.reason, _J.c.explanation,
            _J.c.next_try_at, _J.c.spec, tables.users.c.name.label("creator"),
        )
        .join(ranked, ranked.c.id == _T.c.id)
        .join(_J, _J.c.id == _T.c.job_id)
        .join(tables.users, tables.users.c.id == _J.c.creator_id)
        .where(is_mine)
    )  # fmt: skip
    if cursor is not None:
        statement = statement.where(_behind(cursor))
    rows = tx.execute(statement.order_by(*order).limit(limit + 1)).all()
    page = rows[:limit]
    reasons = _reasons(tx, is_mine)
    return QueuePage(
        items=[_item(row) for row in page],
        next_cursor=_cursor(page[-1]) if len(rows) > limit else None,
        total=sum(each.count for each in reasons),
        reasons=reasons,
        burn=burn_view(tx, caller),
    )


def _item(row: Any) -> QueueItem:
    reason = None if row.reason is None else Reason(row.reason)
    explanation = row.explanation or (_NOT_YET if reason is None else REASON_TEXT[reason])
    spec = JobSpec.model_validate(row.spec)
    times = [each for each in (row.next_try_at, row.not_before) if each is not None]
    return QueueItem(
        job=row.job_id,
        name=row.name,
        creator=row.creator,
        position=row.position,
        priority=spec.priority.value,
        wants=wants_text(spec),
        reason=None if reason is None else reason.value,
        badge=waiting_badge(reason, explanation),
        explanation=explanation,
        since=row.queued_at,
        next_try_at=max(times) if times else None,
        attempts=row.fence,
        helps=what_helps(spec, reason),
    )


def wants_text(spec: JobSpec) -> str:
    """What a job asks for, in a few words: `A100-80GB:8 or H100:4, 8+ CPUs`; alternatives as they are taken."""
    texts = list(dict.fromkeys(_wants(each.resources) for each in spec.alternatives()))
    return ("; else " if spec.resources.ordered else "; or ").join(texts)


def _wants(asked: Resources) -> str:
    parts = []
    if asked.accelerators:
        parts.append(" or ".join(str(each) for each in asked.accelerators))
    if asked.cpus is not None:
        parts.append(f"{asked.cpus.value:g}{'+' if asked.cpus.or_more else ''} CPUs")
    if asked.memory is not None:
        parts.append(f"{format_bytes(asked.memory.value)}{'+' if asked.memory.or_more else ''} memory")
    return ", ".join(parts) or "any machine"


def _reasons(tx: Transaction, is_mine: Any) -> list[NodeFacetView]:
    rows = tx.execute(
        select(_J.c.reason, func.count())
        .select_from(_T.join(_J, _J.c.id == _T.c.job_id))
        .where(is_mine)
        .group_by(_J.c.reason)
        .order_by(func.count().desc(), _J.c.reason)
    )
    return [
        NodeFacetView(
            name=reason or "none",
            label=waiting_badge(None if reason is None else Reason(reason), "").label,
            count=int(count),
        )
        for reason, count in rows
    ]


def _cursor(row: Any) -> str:
    return f"{row.priority}.{int(row.queued_at.timestamp() * 1_000_000)}.{row.task_id}"


def _behind(cursor: str) -> Any:
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise InvalidInputError("the cursor is none", hint="take `next_cursor` of the page before, unchanged")
    priority, task_id = int(match[1]), match[3]
    seconds, micro = divmod(int(match[2]), 1_000_000)
    try:
        queued_at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=micro)
    except (ValueError, OverflowError, OSError):
        raise InvalidInputError("the cursor is none", hint="begin with the first page") from None
    return or_(
        _T.c.priority < priority,
        and_(_T.c.priority == priority, _T.c.queued_at > queued_at),
        and_(_T.c.priority == priority, _T.c.queued_at == queued_at, _T.c.id > task_id),
    )
