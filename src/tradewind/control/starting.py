"""Prepares what an attempt needs in its place: its files, the checkpoint it resumes from, the request."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from tradewind.control.context import Context
from tradewind.db import tables
from tradewind.db.rows import AttemptRow, JobRow
from tradewind.db.store import Transaction
from tradewind.domain.offers import Accelerator
from tradewind.domain.status import Reason
from tradewind.placement.demand import demand_of
from tradewind.providers.base import AttemptRequest
from tradewind.spec.models import JobSpec
from tradewind.storage.workdirs import unpack

GRACE_S: Final = 30.0
#: How long the control plane may be silent before `checkpoint-and-stop` acts.
LEASE_TTL: Final = timedelta(minutes=5)


def accelerators_of(offer: dict[str, Any]) -> tuple[Accelerator, ...]:
    """The accelerators an attempt holds, as its row keeps them."""
    return tuple(Accelerator(**each) for each in offer.get("accelerators", []))


async def build_request(context: Context, job: JobRow, attempt: AttemptRow) -> AttemptRequest:
    """The request for this attempt, with its files laid out. Safe to call again.

    Raises:
        InvalidInputError, TooLargeError: the workdir archive cannot be unpacked.
        OSError: there is no room.
    """
    spec = JobSpec.model_validate(job.spec)
    directory = context.attempt_directory(attempt.id)
    resume = await context.store.read(lambda tx: _checkpoint(tx, attempt))
    resume_from = await context.offload(_lay_out, context, job, spec, directory, resume)
    demand = demand_of(spec)
    limit = spec.constraints.max_duration
    exact_memory = spec.resources.memory is not None and not spec.resources.memory.or_more
    waits = spec.on_lost_contact == "checkpoint-and-stop"
    return AttemptRequest(
        attempt_id=attempt.id,
        job_id=job.id,
        job_name=job.name,
        number=attempt.number,
        fence=attempt.fence,
        run=spec.run,
        setup=spec.setup,
        env=dict(spec.env),
        search_path=job.search_path,
        directory=directory,
        workdir=directory / "work",
        resume_from=resume_from,
        checkpoint_path=spec.checkpoints.path if spec.checkpoints else None,
        checkpoint_every_s=spec.checkpoints.every.total_seconds() if spec.checkpoints else None,
        max_duration_s=limit.total_seconds() if limit else None,
        grace_s=GRACE_S,
        lease_ttl_s=LEASE_TTL.total_seconds() if waits else None,
        on_lost_contact=spec.on_lost_contact,
        memory_limit_bytes=demand.memory_bytes if exact_memory else None,
        log_cap_bytes=context.log_cap_bytes,
        cpus=demand.cpus,
        accelerators=accelerators_of(attempt.offer),
        watts_idle=float(attempt.offer["watts_idle"]),
        watts_max=float(attempt.offer["watts_max"]),
    )


def _checkpoint(tx: Transaction, attempt: AttemptRow) -> tuple[str, str] | None:
    if attempt.resumed_from is None:
        return None
    table = tables.checkpoints
    row = tx.execute(select(table.c.path, table.c.location).where(table.c.id == attempt.resumed_from)).one()
    return row[0], row[1]


def _lay_out(
    context: Context, job: JobRow, spec: JobSpec, directory: Path, resume: tuple[str, str] | None
) -> Path | None:
    work = directory / "work"
    resume_from = None if resume is None else work / resume[0]
    if (directory / "spec.json").exists():
        return resume_from
    # Half-done files of a start that was cut short are made anew: nothing has run on them yet.
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, mode=0o700)
    if job.workdir_sha256 is not None:
        unpack(context.workdirs.path_of(job.workdir_sha256), work)
    if spec.checkpoints is not None:
        (work / spec.checkpoints.path).mkdir(parents=True, exist_ok=True)
    if resume is not None and resume_from is not None:
        context.storage.fetch(resume[1], resume_from)
    return resume_from


def start_failure(error: Exception) -> tuple[Reason, str]:
    """What to say of a start that could not be."""
    if isinstance(error, OSError):
        return Reason.START_FAILED, f"its files could not be laid out: {error.strerror or error}"
    return Reason.INVALID, str(error)
