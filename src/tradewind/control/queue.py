"""The queue of waiting tasks: by priority and then by age, read page by page as far as they are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Integer, String, and_, bindparam, func, or_, select

from tradewind.db import tables
from tradewind.db.columns import UtcTime
from tradewind.db.fast import Fetching
from tradewind.db.rows import TaskRow
from tradewind.db.store import Transaction
from tradewind.domain.status import TaskStatus

#: Mostly the first task in the queue decides: on a full node it is the only one that is looked at.
_FIRST_PAGE: Final = 4
_PAGE: Final = 100
_NEXT_RETRY: Final = (
    select(tables.tasks.c.not_before)
    .where(
        tables.tasks.c.status == TaskStatus.WAITING,
        tables.tasks.c.not_before > bindparam("b_now", type_=UtcTime()),
    )
    .order_by(tables.tasks.c.not_before)
    .limit(1)
)


def waiting(tx: Transaction, place: str | None = None) -> Iterator[TaskRow]:
    """Tasks that wait, by priority and then by age, read page by page as far as they are looked at."""
    for page in pages(tx, place):
        yield from page


def pages(tx: Transaction, place: str | None) -> Iterator[list[TaskRow]]:
    """Waiting tasks in order, in pages that grow.

    `place` is for which it was decided; None: all of them.

    One priority after the other, because then every page is a stretch of the index and a long queue is never sorted.
    """
    queue = _queue(has_place=place is not None)
    values: dict[str, Any] = {"b_place": place, "b_now": tx.now}
    priority = tx.fetch(queue.highest, values)[0][0]
    size = _FIRST_PAGE
    while priority is not None:
        values["b_priority"] = priority
        page = [TaskRow.of(row) for row in tx.fetch(queue.first, {**values, "b_size": size})]
        while page:
            yield page
            last, size = page[-1], min(2 * size, _PAGE)
            behind = {**values, "b_size": size, "b_queued_at": last.queued_at, "b_id": last.id}
            page = [TaskRow.of(row) for row in tx.fetch(queue.behind, behind)]
        priority = tx.fetch(queue.next, values)[0][0]


@dataclass(frozen=True, slots=True)
class _Queue:
    """Statements that go through the waiting tasks."""

    highest: Fetching
    next: Fetching
    first: Fetching
    behind: Fetching


@cache
def _queue(*, has_place: bool) -> _Queue:
    table = tables.tasks
    is_waiting = table.c.status == TaskStatus.WAITING
    if has_place:
        is_waiting = and_(is_waiting, table.c.place == bindparam("b_place"))
    highest = select(func.max(table.c.priority)).where(is_waiting)
    first = (
        TaskRow.select()
        .where(
            is_waiting,
            table.c.priority == bindparam("b_priority"),
            (table.c.not_before.is_(None)) | (table.c.not_before <= bindparam("b_now", type_=UtcTime())),
        )
        .order_by(table.c.queued_at, table.c.id)
        .limit(bindparam("b_size", type_=Integer()))
    )
    last_at, last_id = bindparam("b_queued_at", type_=UtcTime()), bindparam("b_id", type_=String())
    return _Queue(
        highest=highest,
        next=highest.where(table.c.priority < bindparam("b_priority")),
        first=first,
        behind=first.where(
            or_(table.c.queued_at > last_at, and_(table.c.queued_at == last_at, table.c.id > last_id))
        ),
    )


def next_retry(tx: Transaction) -> datetime | None:
    """When the next task that waits for its back-off may be tried again."""
    found = tx.fetch(_NEXT_RETRY, {"b_now": tx.now})
    return found[0][0] if found else None


def queue_places(tx: Transaction, job_ids: list[str]) -> dict[str, tuple[int, int]]:
    """Where jobs stand among all tasks that could start now, from 1, and how many there are; others are left out.

    A task that waits for its back-off to pass is in no line.
    """
    if not job_ids:
        return {}
    table = tables.tasks
    line = (
        select(
            table.c.job_id,
            func.row_number()
            .over(order_by=(table.c.priority.desc(), table.c.queued_at, table.c.id))
            .label("position"),
            func.count().over().label("length"),
        )
        .where(
            table.c.status == TaskStatus.WAITING,
            (table.c.not_before.is_(None)) | (table.c.not_before <= tx.now),
        )
        .subquery()
    )
    rows = tx.execute(
        select(line.c.job_id, func.min(line.c.position), func.min(line.c.length))
        .where(line.c.job_id.in_(job_ids))
        .group_by(line.c.job_id)
    )
    return {str(row[0]): (int(row[1]), int(row[2])) for row in rows}
