"""Puts a waiting task into a place: attempt, intent, allocation and hold are one commit, before anything is started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select

from tradewind.control import leases
from tradewind.control.accruing import held_accelerators
from tradewind.control.attempt_steps import intent_key
from tradewind.control.jobs import find_attempt, starting_message
from tradewind.control.predicting import close_prediction
from tradewind.control.ranks import name_of_rank
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.moves import change, set_job_status, set_task_status
from tradewind.db.rows import JobRow, TaskRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.status import AttemptStatus, Desired, JobStatus, Reason, TaskStatus
from tradewind.ledger import reservations


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One node of several, and what a rank holds there."""

    node_id: str
    offer: dict[str, Any]
    milli_cpus: int
    memory_bytes: int
    accelerators: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a task goes, on which terms, and what it holds there: `accelerators` are the uuids of its devices.

    On several nodes `members` are all of them in the order of their ranks, `node_id` is the first, and `offer` and
    `hold` are of all together.
    """

    node_id: str
    node_name: str
    provider: str
    offer: dict[str, Any]
    currency: str
    hold: reservations.Hold
    milli_cpus: int
    memory_bytes: int
    accelerators: list[str]
    members: tuple[Member, ...] = ()


def put(
    tx: Transaction, installation_id: str, job: JobRow, task: TaskRow, attempt_id: str, place: Place
) -> None:
    """Makes the attempt, under the task's next fencing number."""
    owner = {"project_id": task.project_id, "creator_id": task.creator_id}
    number = task.fence + 1
    tx.insert(
        tables.attempts,
        {
            "id": attempt_id, **owner, "job_id": job.id, "task_id": task.id, "node_id": place.node_id,
            "number": number, "fence": number, "status": AttemptStatus.CREATING, "provider": place.provider,
            "accelerator": held_accelerators(place.offer)[0][:64], "offer": place.offer,
            "observed": {}, "created_at": tx.now, "next_due_at": tx.now,
            # Before its first attempt a task has no checkpoint.
            "resumed_from": latest_checkpoint(tx, task.id) if task.fence else None,
            **({"nodes": len(place.members)} if place.members else {}),
        },
    )  # fmt: skip
    for rank, member in enumerate(place.members):
        _add_rank(tx, owner, installation_id, attempt_id, rank, place, member)
    tx.insert(
        tables.intents,
        {
            "id": tx.new_id(ids.INTENT), **owner, "key": intent_key(installation_id, attempt_id),
            "attempt_id": attempt_id, "provider": place.provider, "request": place.offer, "state": "open",
            "created_at": tx.now,
        },
    )  # fmt: skip
    if not place.members:
        _allocate(tx, owner, attempt_id, 0, place)
    reservations.reserve(
        tx,
        **owner,
        job_id=job.id,
        attempt_id=attempt_id,
        currency=place.currency,
        hold=place.hold,
        provider=place.provider,
        market=str(place.offer.get("market") or reservations.OWNED),
    )
    set_task_status(tx, task, TaskStatus.ACTIVE, fence=number, not_before=None, place=None, wish=None)
    message = f"attempt {number} placed on {place.node_name} ({place.provider})"
    data = {"attempt": number, "node": place.node_name}
    if place.members:
        data["nodes"] = len(place.members)
    append_event(tx, job.id, "attempt.placed", message, data)
    if job.status is JobStatus.QUEUED and job.desired is Desired.RUN:
        # What the job's controller would do next, without its looking at all that has just been written.
        set_job_status(
            tx, job, JobStatus.STARTING, starting_message(number),
            attempt_id=attempt_id, reason=None, explanation=None, next_try_at=None,
        )  # fmt: skip
    else:
        change(tx, job, attempt_id=attempt_id)
        leases.wake(tx, tables.jobs, job.id)
    tx.wake(tables.attempts.name)


def _allocate(
    tx: Transaction, owner: dict[str, str], attempt_id: str, rank: int, what: Place | Member
) -> None:
    row = {
        "id": tx.new_id(ids.ALLOCATION), **owner, "attempt_id": attempt_id, "node_id": what.node_id,
        "milli_cpus": what.milli_cpus, "memory_bytes": what.memory_bytes,
        "accelerators": what.accelerators, "created_at": tx.now,
    }  # fmt: skip
    tx.insert(tables.allocations, {**row, "rank": rank} if rank else row)


def _add_rank(
    tx: Transaction,
    owner: dict[str, str],
    installation_id: str,
    attempt_id: str,
    number: int,
    place: Place,
    member: Member,
) -> None:
    _allocate(tx, owner, attempt_id, number, member)
    tx.insert(
        tables.ranks,
        {
            "id": tx.new_id(ids.RANK), **owner, "attempt_id": attempt_id, "number": number,
            "node_id": member.node_id, "offer": member.offer, "observed": {}, "created_at": tx.now,
        },
    )  # fmt: skip
    if number:
        # The first goes by the attempt's own intent.
        tx.insert(
            tables.intents,
            {
                "id": tx.new_id(ids.INTENT), **owner, "attempt_id": attempt_id, "provider": place.provider,
                "key": intent_key(installation_id, name_of_rank(attempt_id, number)),
                "request": member.offer, "state": "open", "created_at": tx.now,
            },
        )  # fmt: skip


def latest_checkpoint(tx: Transaction, task_id: str) -> str | None:
    """The newest checkpoint of a task that can be resumed from."""
    table = tables.checkpoints
    return tx.execute(
        select(table.c.id)
        .where(table.c.task_id == task_id, table.c.state == "kept")
        .order_by(table.c.created_at.desc(), table.c.id.desc())
        .limit(1)
    ).scalar()


def say_why(
    tx: Transaction, job: JobRow, reason: Reason, explanation: str, next_try_at: Any = None
) -> JobRow:
    """Notes why a job waits and when it is looked at again; an event only when the reason is another one."""
    known = (job.reason, job.explanation, job.next_try_at)
    if known == (reason, explanation, next_try_at):
        return job
    changed = change(tx, job, reason=reason, explanation=explanation, next_try_at=next_try_at)
    if job.reason is not reason:
        append_event(tx, job.id, "job.waiting", explanation, {"reason": reason})
    return changed


def refuse_for_budget(tx: Transaction, job: JobRow, task: TaskRow) -> None:
    """Ends a job whose own budget does not reach for anything any more."""
    set_task_status(tx, task, TaskStatus.FAILED)
    explanation = "its budget does not cover even a short run; raise constraints.budget"
    last = find_attempt(tx, job.id)
    code = None if last is None else last.exit_code
    set_job_status(
        tx, job, JobStatus.FAILED, explanation, reason=Reason.BUDGET, explanation=explanation, exit_code=code
    )
    close_prediction(tx, job, JobStatus.FAILED)


def note_decision(
    tx: Transaction,
    job: JobRow,
    kind: str,
    explanation: str,
    arithmetic: dict[str, Any],
    attempt_id: str | None,
) -> None:
    """Writes down what was decided about where a job runs, with the figures that it rests on."""
    tx.execute(
        insert(tables.decisions).values(
            id=tx.new_id(ids.DECISION), project_id=job.project_id, creator_id=job.creator_id, job_id=job.id,
            attempt_id=attempt_id, kind=kind, explanation=explanation, arithmetic=arithmetic, created_at=tx.now,
        )
    )  # fmt: skip
