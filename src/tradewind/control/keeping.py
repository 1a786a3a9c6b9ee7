"""Keeps what an attempt leaves: checkpoints as they appear, outputs at its end."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import insert, select, update

from tradewind.control.context import Context
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.rows import AttemptRow, TaskRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.units import format_bytes
from tradewind.spec.models import JobSpec
from tradewind.storage.artifacts import find_outputs
from tradewind.storage.base import ChangedWhileReadError, KeptFile

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Copied:
    """Something that has been copied to storage and is not yet in the database."""

    path: str
    location: str
    files: list[KeptFile]
    record: dict[str, Any]


async def copy_checkpoints(
    context: Context, attempt: AttemptRow, found: dict[str, dict[str, Any]]
) -> tuple[list[Copied], list[str]]:
    """Copies checkpoints out of the attempt's workdir. Returns them, and sentences on those that could not be kept.

    One that changes while it is copied is left: the agent announces it again when it is still. The one that the
    attempt was resumed from is known already.
    """
    copied, complaints = [], []
    work = context.attempt_directory(attempt.id) / "work"
    known = await context.store.read(lambda tx: _known(tx, attempt.task_id)) if found else set()
    for path, record in found.items():
        if (path, _written_at(record)) in known:
            continue
        name = f"{int(record['written_at'] * 1e6):x}-{hashlib.sha256(path.encode()).hexdigest()[:16]}"
        location = f"{attempt.job_id}/checkpoints/{attempt.number}/{name}"
        try:
            files = await context.offload(context.storage.put, location, work / path)
        except ChangedWhileReadError:
            log.info("checkpoint.changed_while_copied", attempt=attempt.id, path=path)
        except OSError as error:
            complaints.append(f"checkpoint {path} could not be kept: {error.strerror or error}")
        else:
            copied.append(Copied(path, location, files, record))
    return copied, complaints


def _written_at(record: dict[str, Any]) -> datetime:
    """When a checkpoint was last written: what tells newer from older, in whatever order they were noticed."""
    return datetime.fromtimestamp(record["written_at"], UTC)


def _known(tx: Transaction, task_id: str) -> set[tuple[str, datetime]]:
    table = tables.checkpoints
    rows = tx.execute(select(table.c.path, table.c.created_at).where(table.c.task_id == task_id))
    return {(str(row[0]), row[1]) for row in rows}


def adopt_checkpoints(tx: Transaction, attempt: AttemptRow, copied: list[Copied]) -> None:
    """Makes copied checkpoints resumable, if the attempt is still the one that may write (invariant 2)."""
    if not copied or TaskRow.get(tx, attempt.task_id).fence != attempt.fence:
        return
    for each in copied:
        size = sum(file.size_bytes for file in each.files)
        step = each.record["step"]
        tx.execute(
            insert(tables.checkpoints).values(
                id=tx.new_id(ids.CHECKPOINT),
                project_id=attempt.project_id,
                creator_id=attempt.creator_id,
                job_id=attempt.job_id,
                task_id=attempt.task_id,
                attempt_id=attempt.id,
                attempt_number=attempt.number,
                fence=attempt.fence,
                path=each.path,
                step=step,
                size_bytes=size,
                file_count=len(each.files),
                manifest=[asdict(file) for file in each.files],
                location=each.location,
                state="kept",
                created_at=_written_at(each.record),
            )
        )
        message = f"checkpoint {each.path} kept ({format_bytes(size)})"
        append_event(tx, attempt.job_id, "checkpoint.kept", message, {"path": each.path, "step": step})


def prune_checkpoints(tx: Transaction, task_id: str, keep: int) -> list[str]:
    """Marks all but the newest `keep` checkpoints of a task as pruned; returns where their bytes lie.

    The bytes go after the commit: a crash in between leaves bytes that nobody refers to, never a row without bytes.
    """
    table = tables.checkpoints
    rows = tx.execute(
        select(table.c.id, table.c.location)
        .where(table.c.task_id == task_id, table.c.state == "kept")
        .order_by(table.c.created_at.desc(), table.c.id.desc())
        .offset(keep)
    ).all()
    if rows:
        tx.execute(update(table).where(table.c.id.in_([row[0] for row in rows])).values(state="pruned"))
    return [str(row[1]) for row in rows]


def set_damaged(tx: Transaction, checkpoint_id: str) -> None:
    """Notes that a checkpoint is no longer whole: nothing is resumed from it again."""
    table = tables.checkpoints
    tx.execute(update(table).where(table.c.id == checkpoint_id).values(state="damaged"))


async def copy_outputs(
    context: Context, attempt: AttemptRow, spec: JobSpec
) -> tuple[list[Copied], list[str]]:
    """Copies the files that `outputs` names, at the end of an attempt."""
    if not spec.outputs:
        return [], []
    work = context.attempt_directory(attempt.id) / "work"
    copied, complaints = [], []
    try:
        found = await context.offload(find_outputs, work, list(spec.outputs))
    except InvalidInputError as error:
        return [], [f"no output could be kept: {error.message}"]
    for path in found:
        readable = str(path).encode("utf-8", "backslashreplace").decode()
        if readable != str(path):
            complaints.append(f"output {readable} could not be kept: its name is not UTF-8; rename it")
            continue
        location = f"{attempt.job_id}/artifacts/{attempt.number}/{path}"
        try:
            files = await context.offload(context.storage.put, location, work / path)
        except (ChangedWhileReadError, OSError) as error:
            complaints.append(f"output {path} could not be kept: {error}")
        else:
            copied.append(Copied(str(path), location, files, {}))
    if not copied and not complaints:
        complaints.append(f"no file matches outputs: {', '.join(spec.outputs)}")
    return copied, complaints


def record_outputs(tx: Transaction, attempt: AttemptRow, copied: list[Copied]) -> None:
    """Lists kept outputs as artifacts of the job."""
    for each in copied:
        tx.execute(
            insert(tables.artifacts).values(
                id=tx.new_id(ids.ARTIFACT),
                project_id=attempt.project_id,
                creator_id=attempt.creator_id,
                job_id=attempt.job_id,
                attempt_id=attempt.id,
                attempt_number=attempt.number,
                path=each.path,
                size_bytes=each.files[0].size_bytes,
                sha256=each.files[0].sha256,
                location=each.location,
                created_at=tx.now,
            )
        )
    if copied:
        files = "1 output file" if len(copied) == 1 else f"{len(copied):,} output files"
        append_event(tx, attempt.job_id, "artifacts.kept", f"{files} kept")
