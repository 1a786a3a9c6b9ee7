"""The only writers of status columns.

A change of status goes through the transition table, is guarded by the row's version, and leaves an event in the
same transaction. What the table does not allow cannot be written; what was computed from an old row is refused.
"""

from __future__ import annotations

from typing import Any, TypeVar

from tradewind.db.events import append_event
from tradewind.db.rows import AttemptRow, JobRow, NodeRow, RankRow, TaskRow
from tradewind.db.store import Transaction
from tradewind.domain.status import (
    AttemptStatus,
    JobStatus,
    NodeStatus,
    TaskStatus,
    has_ended,
    move_attempt,
    move_job,
    move_node,
    move_task,
)

R = TypeVar("R", JobRow, TaskRow, AttemptRow, NodeRow, RankRow)


def change(tx: Transaction, row: R, **changes: Any) -> R:
    """Writes columns other than the status, if the row is still the one that was read. Raises StaleRowError."""
    if "status" in changes:
        raise ValueError("a status is changed by the function that sets it")
    return _write(tx, row, changes)


def set_job_status(tx: Transaction, job: JobRow, wanted: JobStatus, message: str, **changes: Any) -> JobRow:
    """Moves a job and says so in its story. Raises ForbiddenMoveError, StaleRowError."""
    changes["status"] = move_job(job.status, wanted)
    if has_ended(wanted):
        changes |= {"ended_at": tx.now, "next_try_at": None}
    moved = _write(tx, job, changes)
    data = {"from": job.status, "to": wanted, "reason": moved.reason}
    append_event(tx, job.id, f"job.{wanted}", message, data)
    return moved


def set_task_status(tx: Transaction, task: TaskRow, wanted: TaskStatus, **changes: Any) -> TaskRow:
    """Moves a task. Its story is told by its job and its attempts. Raises ForbiddenMoveError, StaleRowError."""
    changes["status"] = move_task(task.status, wanted)
    return _write(tx, task, changes)


def set_attempt_status(
    tx: Transaction, attempt: AttemptRow, wanted: AttemptStatus, message: str, **changes: Any
) -> AttemptRow:
    """Moves an attempt and says so in the job's story. Raises ForbiddenMoveError, StaleRowError."""
    changes["status"] = move_attempt(attempt.status, wanted)
    if has_ended(wanted):
        changes.setdefault("ended_at", tx.now)
    moved = _write(tx, attempt, changes)
    data = {"attempt": attempt.number, "from": attempt.status, "to": wanted, "reason": moved.reason}
    append_event(tx, attempt.job_id, f"attempt.{wanted}", message, data)
    return moved


def set_node_status(
    tx: Transaction, node: NodeRow, wanted: NodeStatus, message: str, **changes: Any
) -> NodeRow:
    """Moves a rented node and says so in the story of the job it was rented for, if there is one.

    Raises ForbiddenMoveError, StaleRowError.
    """
    changes["status"] = move_node(node.status, wanted)
    if has_ended(wanted):
        changes.setdefault("ended_at", tx.now)
    moved = _write(tx, node, changes)
    if node.job_id is not None:
        data = {"node": node.id, "from": node.status, "to": wanted, "reason": moved.reason}
        append_event(tx, node.job_id, f"node.{wanted}", message, data)
    return moved


def _write(tx: Transaction, row: R, changes: dict[str, Any]) -> R:
    tx.pending.change(row.table, row.id, row.version, changes)
    return row.with_values({**changes, "version": row.version + 1})
