"""What is known of an attempt that runs on a rented machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from tradewind.control.predicting import PastRun, fingerprint_of, past_runs
from tradewind.db import tables
from tradewind.db.rows import AttemptRow, JobRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.status import Reason
from tradewind.placement.migration import REMEMBERED
from tradewind.spec.models import JobSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running attempt on a rented machine whose job may move, with what is known of it."""

    job: JobRow
    attempt: AttemptRow
    node: NodeRow
    spec: JobSpec
    history: list[PastRun]
    checkpoint_at: datetime | None
    checkpoint_bytes: int
    #: Places that the job has left within the time that is remembered.
    left: frozenset[str]


def read_running(tx: Transaction, job: JobRow, attempt: AttemptRow, spec: JobSpec) -> Running:
    """What is known of a running attempt that may move."""
    kept, attempts = tables.checkpoints, tables.attempts
    newest = tx.execute(
        select(kept.c.created_at, kept.c.size_bytes)
        .where(kept.c.task_id == attempt.task_id, kept.c.state == "kept")
        .order_by(kept.c.created_at.desc())
        .limit(1)
    ).first()
    earlier = tx.execute(
        select(attempts.c.provider, attempts.c.offer).where(
            attempts.c.job_id == job.id,
            attempts.c.reason == Reason.MIGRATED,
            attempts.c.ended_at > tx.now - REMEMBERED,
        )
    )
    return Running(
        job=job,
        attempt=attempt,
        node=NodeRow.get(tx, attempt.node_id),
        spec=spec,
        history=past_runs(tx, job.project_id, fingerprint_of(spec)),
        checkpoint_at=None if newest is None else newest[0],
        checkpoint_bytes=0 if newest is None else int(newest[1]),
        left=frozenset(
            f"{row.provider}/{row.offer.get('zone') or row.offer.get('region')}/{row.offer['instance_type']}"
            f" ({row.offer.get('market')})"
            for row in earlier
        ),
    )
