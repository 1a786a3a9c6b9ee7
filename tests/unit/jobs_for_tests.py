"""Rows that several tests need."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from tradewind.control.submitting import insert_jobs
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, JobRow, TaskRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.schemas import JobSubmission
from tradewind.domain.status import AttemptStatus
from tradewind.spec.models import JobSpec

RATE = {"micro_per_unit": 200_000, "per": "kwh", "currency": "USD", "granularity": 1, "minimum": 0}


def add_job(tx: Transaction, caller: Caller, **keys: Any) -> JobRow:
    """A queued job."""
    mapping = {"version": 1, "name": "test", "run": "true", **keys}
    spec = JobSpec.model_validate(mapping)
    job_id = insert_jobs(tx, caller, [(JobSubmission(spec=mapping), spec)])[0]
    return JobRow.get(tx, job_id)


def task_of(tx: Transaction, job: JobRow) -> TaskRow:
    """The job's first task."""
    row = tx.execute(TaskRow.select().where(tables.tasks.c.job_id == job.id)).first()
    assert row is not None
    return TaskRow.of(row)


def add_attempt(tx: Transaction, job: JobRow, number: int = 1, **columns: Any) -> AttemptRow:
    """An attempt of the job's first task, on a node of its own."""
    owner = {"project_id": job.project_id, "creator_id": job.creator_id}
    node_id, attempt_id = tx.new_id(ids.NODE), tx.new_id(ids.ATTEMPT)
    tx.execute(
        insert(tables.nodes).values(
            id=node_id,
            **owner,
            provider="simulated",
            name=node_id,
            inventory={},
            created_at=tx.now,
            last_seen_at=tx.now,
        )
    )
    values: dict[str, Any] = {
        "status": AttemptStatus.CREATING, "observed": {}, "created_at": tx.now, "provider": "simulated",
        "offer": {"rate": RATE, "watts_idle": 10.0, "watts_max": 100.0, "carbon_g_per_kwh": 400.0},
    }  # fmt: skip
    tx.execute(
        insert(tables.attempts).values(
            id=attempt_id, **owner, job_id=job.id, task_id=task_of(tx, job).id, node_id=node_id, number=number,
            fence=number, **(values | columns),
        )
    )  # fmt: skip
    return AttemptRow.get(tx, attempt_id)
