"""Rows, and what works on them, that several tests need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import insert

from tests.simulation.clocks import inline
from tradewind.control.context import Context
from tradewind.control.submitting import insert_jobs
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, JobRow, TaskRow
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain import ids
from tradewind.domain.clock import Clock, SystemEntropy
from tradewind.domain.schemas import JobSubmission
from tradewind.domain.status import AttemptStatus
from tradewind.estimate.tariff import Tariff
from tradewind.spec.models import JobSpec
from tradewind.storage.disk import DiskStorage
from tradewind.storage.workdirs import Workdirs

RATE = {"micro_per_unit": 200_000, "per": "kwh", "currency": "USD", "granularity": 1, "minimum": 0}


def a_context(store: SqlStore, clock: Clock, root: Path, **parts: Any) -> Context:
    """What controllers work with, on a machine whose electricity costs next to nothing."""
    usual: dict[str, Any] = {
        "entropy": SystemEntropy(),
        "backends": {},
        "storage": DiskStorage(root / "kept"),
        "workdirs": Workdirs(root / "workdirs"),
        "root": root,
        "tariff": Tariff(micro_usd_per_kwh=1, carbon_g_per_kwh=1.0, price_note="", carbon_note=""),
        "installation_id": "inst",
        "offload": inline,
    }
    return Context(store=store, clock=clock, **{**usual, **parts})


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
