"""What users ask for: new jobs, a stop, another run. Each is one transaction, safe to repeat with its key."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from sqlalchemy import insert, select

from tradewind.control import leases
from tradewind.control.context import Context
from tradewind.control.loops import wake_placers
from tradewind.db import tables
from tradewind.db.events import STREAM, append_event
from tradewind.db.moves import change
from tradewind.db.owners import Caller, visible_to
from tradewind.db.rows import JobRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.errors import ConflictError, InvalidInputError, NoOfferError, NotFoundError
from tradewind.domain.offers import Offer
from tradewind.domain.schemas import JobSubmission
from tradewind.domain.status import Desired, JobStatus, TaskStatus, has_ended
from tradewind.placement.choose import choose
from tradewind.placement.demand import node_count
from tradewind.placement.gangs import choose_gang
from tradewind.spec.loading import validate_mapping
from tradewind.spec.models import JobSpec
from tradewind.spec.parts import Priority
from tradewind.storage.artifacts import read_patterns

_PRIORITIES: Final = {Priority.LOW: -10, Priority.NORMAL: 0, Priority.HIGH: 10}


def check_submission(
    context: Context, caller: Caller, submission: JobSubmission, offers: list[Offer]
) -> JobSpec:
    """The job file of a submission, if it is right and something could run it.

    Raises:
        InvalidInputError, NotSupportedError: the job file is wrong.
        NotFoundError: its project or its workdir archive is not there.
        NoOfferError: no connected place could ever run it.
    """
    spec = validate_mapping(submission.spec)
    if spec.project != caller.project_name:
        raise NotFoundError(
            f"there is no project {spec.project!r}",
            hint=f"leave `project` out to use {caller.project_name!r}",
        )
    if submission.workdir is not None and not context.workdirs.has(submission.workdir):
        raise NotFoundError(
            "the workdir archive is not on the server",
            hint=f"upload it first: PUT /api/v1/workdirs/{submission.workdir}",
        )
    read_patterns(list(spec.outputs))
    choice = choose_gang(spec, offers) if node_count(spec) > 1 else choose(spec, offers)
    # What can be rented changes by the minute: such a job waits, and says for what.
    if choice.offer is None and not context.can_rent:
        raise NoOfferError(
            f"no offer for job {spec.name!r}: {choice.reason}",
            hint="change what the job asks for; `tradewind plan FILE` shows each place and its reason",
        )
    return spec


def insert_jobs(tx: Transaction, caller: Caller, accepted: list[tuple[JobSubmission, JobSpec]]) -> list[str]:
    """Accepts jobs: each gets its row, its task and the first event of its story."""
    jobs, tasks, events, names = [], [], [], []
    owner = {"project_id": caller.project_id, "creator_id": caller.user_id}
    for submission, spec in accepted:
        job_id = tx.new_id(ids.JOB)
        names.append(job_id)
        jobs.append(
            {
                "id": job_id, **owner, "name": spec.name, "status": JobStatus.QUEUED, "desired": Desired.RUN,
                "spec": submission.spec, "workdir_sha256": submission.workdir, "search_path": submission.search_path,
                "tags": dict(spec.tags), "created_at": tx.now, "event_seq": 1,
            }
        )  # fmt: skip
        tasks.append(
            {
                "id": tx.new_id(ids.TASK), **owner, "job_id": job_id, "index": 0, "status": TaskStatus.WAITING,
                "priority": _PRIORITIES[spec.priority], "queued_at": tx.now,
            }
        )  # fmt: skip
        events.append(
            {
                "project_id": caller.project_id, "job_id": job_id, "seq": 1, "type": "job.submitted", "at": tx.now,
                "actor": caller.user_name, "message": f"submitted by {caller.user_name}", "data": {},
            }
        )  # fmt: skip
    tx.execute(insert(tables.jobs), jobs)
    tx.execute(insert(tables.tasks), tasks)
    tx.append_last(tables.events, events)
    tx.wake(STREAM)
    wake_placers(tx)
    return names


def find_job(tx: Transaction, caller: Caller, reference: str) -> JobRow:
    """The caller's job with this id, or the newest with this name. Raises NotFoundError."""
    table = tables.jobs
    statement = JobRow.select().where(visible_to(caller, table))
    if ids.is_id(reference, ids.JOB):
        row = tx.execute(statement.where(table.c.id == reference)).first()
    else:
        row = tx.execute(
            statement.where(table.c.name == reference).order_by(table.c.id.desc()).limit(1)
        ).first()
    if row is None:
        raise NotFoundError(f"there is no job {reference!r}", hint="`tradewind ls --all` lists your jobs")
    return JobRow.of(row)


def stop_job(tx: Transaction, caller: Caller, reference: str, *, now: bool) -> JobRow:
    """Notes that a user wants a job to end; the controllers carry it out. A job that has ended is left alone."""
    job = find_job(tx, caller, reference)
    if has_ended(job.status):
        return job
    first = job.desired is not Desired.STOP
    grace = 0.0 if now else job.stop_grace_s
    job = change(tx, job, desired=Desired.STOP, stop_grace_s=grace)
    if first:
        text = f"{caller.user_name} asked to stop it{' at once' if now else ''}"
        append_event(tx, job.id, "job.stop_requested", text, actor=caller.user_name)
        _audit(tx, caller, "job.stop", job.id)
    leases.wake(tx, tables.jobs, job.id)
    return job


def submission_of(tx: Transaction, caller: Caller, reference: str) -> JobSubmission:
    """The submission that a job came from, to submit it again. Raises ConflictError while it still runs."""
    job = find_job(tx, caller, reference)
    if not has_ended(job.status):
        raise ConflictError(
            f"job {job.name!r} ({job.id}) is {job.status}",
            hint=f"stop it first (`tradewind stop {job.id}`), or run its file again for a second copy",
        )
    return JobSubmission(spec=job.spec, workdir=job.workdir_sha256, search_path=job.search_path)


def _audit(tx: Transaction, caller: Caller, action: str, target: str) -> None:
    tx.execute(
        insert(tables.audit).values(
            project_id=caller.project_id,
            user_id=caller.user_id,
            at=tx.now,
            action=action,
            target=target,
            data={},
        )
    )


def request_hash(path: str, body: Any) -> str:
    """What a repeated request is compared by."""
    return hashlib.sha256(json.dumps([path, body], sort_keys=True).encode()).hexdigest()


def recall(tx: Transaction, caller: Caller, key: str, digest: str) -> Any:
    """The answer given before under this idempotency key; None for a new key.

    Raises InvalidInputError when the key was used for a different request.
    """
    table = tables.idempotency_keys
    row = tx.execute(
        select(table.c.request_sha256, table.c.answer).where(
            table.c.project_id == caller.project_id, table.c.user_id == caller.user_id, table.c.key == key
        )
    ).first()
    if row is None:
        return None
    if row[0] != digest:
        raise InvalidInputError(
            "this Idempotency-Key was used for a different request", hint="use a new key for a new request"
        )
    return row[1]


def remember(tx: Transaction, caller: Caller, key: str, digest: str, answer: Any) -> None:
    """Keeps the answer for a repetition of the request."""
    tx.execute(
        insert(tables.idempotency_keys).values(
            project_id=caller.project_id,
            user_id=caller.user_id,
            key=key,
            request_sha256=digest,
            answer=answer,
            created_at=tx.now,
        )
    )
