"""The job controller: rolls up what became of a job's tasks, tries again by policy, and carries out a wish to stop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, bindparam, func, select

from tradewind.control import leases, spoiled
from tradewind.control.deciding import follow_up, job_status, path_to
from tradewind.control.loops import wake_placers
from tradewind.control.predicting import close_predictions
from tradewind.control.specs import spec_of
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.moves import change, set_job_status, set_task_status
from tradewind.db.rows import AttemptRow, JobRow, TaskRow
from tradewind.db.store import Transaction
from tradewind.domain.causes import Allowance, cause_of, reasons_against
from tradewind.domain.status import (
    REASON_TEXT,
    AttemptStatus,
    Desired,
    JobStatus,
    Reason,
    TaskStatus,
    has_ended,
)
from tradewind.domain.units import format_duration

_TASKS: Final = (
    TaskRow.select()
    .where(tables.tasks.c.job_id.in_(bindparam("ids", expanding=True)))
    .order_by(tables.tasks.c.job_id, tables.tasks.c.index)
)
_NEWEST_ATTEMPTS: Final = (
    AttemptRow.select()
    .join(
        tables.tasks,
        and_(
            tables.tasks.c.id == tables.attempts.c.task_id, tables.tasks.c.fence == tables.attempts.c.number
        ),
    )
    .where(tables.tasks.c.job_id.in_(bindparam("ids", expanding=True)))
)


class JobController:
    """Takes one step of many jobs at a time. It talks to nobody: all of it is one transaction."""

    row_type = JobRow

    def step(self, tx: Transaction, rows: Sequence[JobRow]) -> dict[str, datetime]:
        jobs = [job for job in rows if not has_ended(job.status)]
        tasks, attempts = _tasks(tx, jobs), _newest_attempts(tx, jobs)
        ended = []
        for job in jobs:
            status = _step(tx, job, tasks[job.id], attempts[job.id])
            if has_ended(status):
                ended.append((job, status))
        close_predictions(tx, ended, _only_attempts(tasks, attempts))
        return {}


def _only_attempts(
    tasks: dict[str, list[TaskRow]], newest: dict[str, dict[str, AttemptRow]]
) -> dict[str, list[AttemptRow]]:
    """All attempts of those jobs of which the newest are all."""
    found = {}
    for job_id, attempts in newest.items():
        if all(task.fence <= 1 for task in tasks[job_id]):
            found[job_id] = sorted(attempts.values(), key=lambda each: each.number)
    return found


def _step(tx: Transaction, job: JobRow, tasks: list[TaskRow], attempts: dict[str, AttemptRow]) -> JobStatus:
    changes: dict[str, Any] = {}
    for position, task in enumerate(tasks):
        attempt = attempts.get(task.id)
        if task.status is TaskStatus.ACTIVE and attempt is not None and has_ended(attempt.status):
            tasks[position] = _follow_up(tx, job, task, attempt, changes)
        if job.desired is Desired.STOP:
            tasks[position] = _carry_out_stop(tx, tasks[position], attempt)
    return _roll_up(tx, job, tasks, list(attempts.values()), changes)


def _tasks(tx: Transaction, jobs: Sequence[JobRow]) -> dict[str, list[TaskRow]]:
    found: dict[str, list[TaskRow]] = {job.id: [] for job in jobs}
    for row in tx.fetch(_TASKS, {"ids": list(found)}):
        task = TaskRow.of(row)
        found[task.job_id].append(task)
    return found


def _newest_attempts(tx: Transaction, jobs: Sequence[JobRow]) -> dict[str, dict[str, AttemptRow]]:
    """By job and task."""
    found: dict[str, dict[str, AttemptRow]] = {job.id: {} for job in jobs}
    for row in tx.fetch(_NEWEST_ATTEMPTS, {"ids": list(found)}):
        attempt = AttemptRow.of(row)
        found[attempt.job_id][attempt.task_id] = attempt
    return found


def _follow_up(
    tx: Transaction, job: JobRow, task: TaskRow, attempt: AttemptRow, changes: dict[str, Any]
) -> TaskRow:
    sequel = follow_up(task, attempt, spec_of(job), job.desired, _alike_before(tx, attempt))
    changes |= {
        "reason": attempt.reason,
        "explanation": attempt.explanation,
        "exit_code": attempt.exit_code,
        "next_try_at": None,
    }
    counts = {"interruptions": sequel.interruptions, "failures": sequel.failures}
    if sequel.status is not TaskStatus.WAITING:
        return set_task_status(tx, task, sequel.status, **counts)
    not_before = tx.now + sequel.after
    when = f"in {format_duration(sequel.after)}" if sequel.after else "elsewhere"
    text = f"{attempt.explanation}; trying again {when}"
    changes |= {"reason": Reason.WAITING_FOR_RETRY, "explanation": text, "next_try_at": not_before}
    append_event(tx, job.id, "job.retry", text, {"attempt": attempt.number, **counts})
    if attempt.reason is Reason.NAN_LOSS:
        spoiled.set_aside(tx, attempt)
    wake_placers(tx)
    return set_task_status(tx, task, TaskStatus.WAITING, not_before=not_before, **counts)


def _alike_before(tx: Transaction, attempt: AttemptRow) -> int:
    """How many earlier attempts of the task counted against what this one counts against, where the task does not."""
    against = cause_of(attempt.reason).counts_against
    if against not in (Allowance.NODE_FAILURES, Allowance.UNHEALTHY):
        return 0
    table = tables.attempts
    found = tx.execute(
        select(func.count()).where(
            table.c.task_id == attempt.task_id,
            table.c.number < attempt.number,
            table.c.reason.in_(reasons_against(against)),
        )
    )
    return int(found.scalar_one())


def _carry_out_stop(tx: Transaction, task: TaskRow, attempt: AttemptRow | None) -> TaskRow:
    if task.status is TaskStatus.WAITING:
        return set_task_status(tx, task, TaskStatus.CANCELLED)
    if attempt is not None and not has_ended(attempt.status):
        if attempt.stop_reason is None:
            change(tx, attempt, stop_reason=Reason.STOPPED_BY_USER)
        leases.wake(tx, tables.attempts, attempt.id)
    return task


def _roll_up(
    tx: Transaction, job: JobRow, tasks: list[TaskRow], attempts: list[AttemptRow], changes: dict[str, Any]
) -> JobStatus:
    wanted = job_status(job.desired, tasks, attempts)
    if wanted is JobStatus.CANCELLED:
        changes |= {"reason": Reason.STOPPED_BY_USER, "explanation": REASON_TEXT[Reason.STOPPED_BY_USER]}
    elif wanted in (JobStatus.STARTING, JobStatus.RUNNING):
        changes |= {"reason": None, "explanation": None, "next_try_at": None}
    if job.started_at is None:
        starts = [attempt.started_at for attempt in attempts if attempt.started_at is not None]
        if starts:
            changes["started_at"] = min(starts)
    changes = {name: value for name, value in changes.items() if getattr(job, name) != value}
    steps = path_to(job.status, wanted)
    if not steps:
        if changes:
            change(tx, job, **changes)
            tx.wake(f"job:{job.id}")
        return wanted
    for step in steps[:-1]:
        job = set_job_status(tx, job, step, _message(step, attempts, None))
    set_job_status(tx, job, wanted, _message(wanted, attempts, changes.get("explanation")), **changes)
    return wanted


def _message(status: JobStatus, attempts: list[AttemptRow], explanation: str | None) -> str:
    if explanation and status in (JobStatus.FAILED, JobStatus.QUEUED, JobStatus.SUCCEEDED):
        return f"{status}: {explanation}"
    if status is JobStatus.STARTING and attempts:
        return starting_message(attempts[0].number)
    return str(status)


def starting_message(number: int) -> str:
    """What a job's story says when an attempt begins."""
    return f"starting attempt {number}"


def find_attempt(tx: Transaction, job_id: str, number: int | None = None) -> AttemptRow | None:
    """The job's attempt with this number; without a number the newest, if there is any."""
    table = tables.attempts
    statement = AttemptRow.select().where(table.c.job_id == job_id)
    if number is not None:
        statement = statement.where(table.c.number == number)
    row = tx.execute(statement.order_by(table.c.number.desc()).limit(1)).first()
    return None if row is None else AttemptRow.of(row)


def live_attempt_ids(tx: Transaction) -> set[str]:
    """Attempts that have not ended."""
    ended = [status.value for status in AttemptStatus if has_ended(status)]
    rows = tx.execute(select(tables.attempts.c.id).where(tables.attempts.c.status.not_in(ended)))
    return {str(row[0]) for row in rows}
