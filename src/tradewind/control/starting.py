"""Prepares what an attempt needs in its place: its files, the checkpoint it resumes from, the request."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from tradewind.control.context import Context
from tradewind.control.specs import spec_at
from tradewind.db import tables
from tradewind.db.rows import AttemptRow, JobRow
from tradewind.db.store import Transaction
from tradewind.domain.offers import Accelerator, Market
from tradewind.domain.status import Reason
from tradewind.placement.demand import demand_of
from tradewind.providers.base import AttemptRequest
from tradewind.spec.models import JobSpec
from tradewind.storage.workdirs import unpack

GRACE_S: Final = 30.0
#: How long the control plane may be silent before `checkpoint-and-stop` acts.
LEASE_TTL: Final = timedelta(minutes=5)


class CheckpointDamagedError(Exception):
    """What was kept of the checkpoint to resume from is no longer all there."""

    def __init__(self, checkpoint_id: str, path: str) -> None:
        super().__init__(f"the kept checkpoint {path} is damaged: the next attempt resumes from an older one")
        self.checkpoint_id = checkpoint_id


def accelerators_of(offer: dict[str, Any]) -> tuple[Accelerator, ...]:
    """The accelerators an attempt holds, as its row keeps them."""
    return tuple(Accelerator(**each) for each in offer.get("accelerators", []))


@dataclass(frozen=True, slots=True)
class Part:
    """One rank of several: its number, what it is called, and what it is told of the others."""

    rank: int
    name: str
    env: dict[str, str]


async def build_request(
    context: Context, job: JobRow, attempt: AttemptRow, part: Part | None = None
) -> AttemptRequest:
    """The request for this attempt, or for one rank of it, with its files laid out. Safe to call again.

    Raises:
        InvalidInputError, TooLargeError: the workdir archive cannot be unpacked.
        CheckpointDamagedError: the checkpoint to resume from is not whole.
        OSError: there is no room.
    """
    spec = spec_at(job, attempt)
    name = attempt.id if part is None else part.name
    directory = context.attempt_directory(name)
    resume = None
    if attempt.resumed_from is not None:
        resume = await context.store.read(lambda tx: _checkpoint(tx, attempt))
    resume_from = await context.offload(_lay_out, context, job, spec, directory, resume)
    demand = demand_of(spec)
    limit = spec.constraints.max_duration
    exact_memory = spec.resources.memory is not None and not spec.resources.memory.or_more
    waits = spec.on_lost_contact == "checkpoint-and-stop"
    return AttemptRequest(
        attempt_id=name,
        job_id=job.id,
        job_name=job.name,
        number=attempt.number,
        fence=attempt.fence,
        run=spec.run,
        setup=spec.setup,
        env=dict(spec.env) if part is None else {**spec.env, **part.env},
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
        reclaim_notice=_reclaim_notice(context, attempt),
        rank=0 if part is None else part.rank,
    )


def _reclaim_notice(context: Context, attempt: AttemptRow) -> str | None:
    """How the attempt's machine is told that it will be taken back; None where it cannot be, or nobody says so."""
    provider = context.machines.get(attempt.provider)
    is_spot = attempt.offer.get("market") == Market.SPOT
    return provider.capabilities.reclaim_notice if provider is not None and is_spot else None


@dataclass(frozen=True, slots=True)
class _Resume:
    """The checkpoint an attempt begins with."""

    id: str
    path: str
    location: str
    size_bytes: int


def _checkpoint(tx: Transaction, attempt: AttemptRow) -> _Resume | None:
    if attempt.resumed_from is None:
        return None
    table = tables.checkpoints
    columns = (table.c.id, table.c.path, table.c.location, table.c.size_bytes)
    return _Resume(*tx.execute(select(*columns).where(table.c.id == attempt.resumed_from)).one())


def _lay_out(
    context: Context, job: JobRow, spec: JobSpec, directory: Path, resume: _Resume | None
) -> Path | None:
    work = directory / "work"
    resume_from = None if resume is None else work / resume.path
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
        _fetch(context, resume, resume_from)
    return resume_from


def _fetch(context: Context, resume: _Resume, target: Path) -> None:
    try:
        context.storage.fetch(resume.location, target)
    except FileNotFoundError:
        raise CheckpointDamagedError(resume.id, resume.path) from None
    files = [target] if target.is_file() else [each for each in target.rglob("*") if each.is_file()]
    if sum(each.stat().st_size for each in files) != resume.size_bytes:
        raise CheckpointDamagedError(resume.id, resume.path)


def start_failure(error: Exception) -> tuple[Reason, str]:
    """What to say of a start that could not be."""
    if isinstance(error, CheckpointDamagedError):
        return Reason.START_FAILED, str(error)
    if isinstance(error, OSError):
        return Reason.START_FAILED, f"its files could not be laid out: {error.strerror or error}"
    return Reason.INVALID, str(error)
