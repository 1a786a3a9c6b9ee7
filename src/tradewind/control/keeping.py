"""Keeps what an attempt leaves: checkpoints as they appear, outputs at its end."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import bindparam, insert, select, update

from tradewind.control.context import Context
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.rows import AttemptRow, TaskRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.errors import InvalidInputError, ProviderError, ProviderFault
from tradewind.domain.units import format_bytes
from tradewind.providers.base import AttemptHost, Brought, Handle
from tradewind.spec.models import JobSpec
from tradewind.storage.artifacts import find_outputs, match_outputs
from tradewind.storage.base import ChangedWhileReadError, KeptFile

_KNOWN: Final = select(tables.checkpoints.c.path, tables.checkpoints.c.created_at).where(
    tables.checkpoints.c.task_id == bindparam("b_task")
)
log = structlog.get_logger(__name__)
#: These say that nobody answers, not that something cannot be had.
_OUT_OF_REACH: Final = frozenset(
    {ProviderFault.PROVIDER_FAULT, ProviderFault.AMBIGUOUS, ProviderFault.CREDENTIALS}
)


@dataclass(frozen=True, slots=True)
class Copied:
    """Something that has been copied to storage and is not yet in the database."""

    path: str
    location: str
    files: list[KeptFile]
    record: dict[str, Any]


@dataclass(slots=True)
class Kept:
    """What came of copying: what was copied, what could not be, and what is still on its way here."""

    copied: list[Copied] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    #: By path, the records of checkpoints that are not here in full yet.
    pending: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_complete: bool = True
    #: Copies that were only here to be kept: they can go once what was kept is in the database.
    spare: list[Path] = field(default_factory=list)


class _Bringing:
    """Brings things here from where an attempt runs, for a while at most."""

    def __init__(self, context: Context, host: AttemptHost, handle: Handle, within_s: float) -> None:
        self._clock = context.clock
        self._host = host
        self._handle = handle
        self._deadline = context.clock.monotonic() + within_s

    async def bring(self, path: str) -> Brought:
        """One path. Raises ProviderError when the place cannot be reached; OSError when there is no room here."""
        left_s = self._deadline - self._clock.monotonic()
        return Brought.PART if left_s <= 0 else await self._host.bring(self._handle, path, left_s)


async def copy_checkpoints(
    context: Context,
    attempt: AttemptRow,
    host: AttemptHost,
    handle: Handle,
    found: dict[str, dict[str, Any]],
    within_s: float,
) -> Kept:
    """Copies checkpoints out of the attempt's workdir, having brought them here for about so long.

    One that changes while it is copied is left: the agent announces it again when it is still. The one that the
    attempt was resumed from is known already. Raises ProviderError when the place cannot be reached.
    """
    kept = Kept()
    bringing = _Bringing(context, host, handle, within_s)
    work = context.attempt_directory(attempt.id) / "work"
    known = await context.store.read(lambda tx: _known(tx, attempt.task_id)) if found else set()
    for path, record in found.items():
        if (path, _written_at(record)) in known:
            continue
        try:
            brought = await bringing.bring(path)
        except (ProviderError, OSError) as error:
            kept.complaints.append(f"checkpoint {path} could not be kept: {_why(error)}")
            continue
        if brought in (Brought.PART, Brought.CHANGED):
            log.info("checkpoint.not_here", attempt=attempt.id, path=path, how=brought)
            if brought is Brought.PART:
                kept.pending[path] = record
                kept.is_complete = False
            continue
        name = f"{int(record['written_at'] * 1e6):x}-{hashlib.sha256(path.encode()).hexdigest()[:16]}"
        location = f"{attempt.job_id}/checkpoints/{attempt.number}/{name}"
        try:
            files = await context.offload(context.storage.put, location, work / path)
        except ChangedWhileReadError:
            log.info("checkpoint.changed_while_copied", attempt=attempt.id, path=path)
        except OSError as error:
            kept.complaints.append(f"checkpoint {path} could not be kept: {_why(error)}")
        else:
            kept.copied.append(Copied(path, location, files, record))
            if brought is Brought.WHOLE:
                kept.spare.append(work / path)
    return kept


def _why(error: ProviderError | OSError) -> str:
    """Why something cannot be kept. Raises the error again where it only says that the place is out of reach."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if error.fault in _OUT_OF_REACH:
        raise error
    return error.message


def _written_at(record: dict[str, Any]) -> datetime:
    """When a checkpoint was last written: what tells newer from older, in whatever order they were noticed."""
    return datetime.fromtimestamp(record["written_at"], UTC)


def _known(tx: Transaction, task_id: str) -> set[tuple[str, datetime]]:
    return {(str(row[0]), row[1]) for row in tx.fetch(_KNOWN, {"b_task": task_id})}


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


def remove_spare(path: Path) -> None:
    """Removes a copy that is not needed any more."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


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
    context: Context, attempt: AttemptRow, host: AttemptHost, handle: Handle, spec: JobSpec, within_s: float
) -> Kept:
    """Copies the files that `outputs` names, at the end of an attempt, once all of them have been brought here.

    Raises ProviderError when the place cannot be reached.
    """
    kept = Kept()
    if not spec.outputs:
        return kept
    work = context.attempt_directory(attempt.id) / "work"
    complaints, copied = kept.complaints, kept.copied
    try:
        there = await host.files(handle)
        found = (
            await context.offload(find_outputs, work, list(spec.outputs))
            if there is None
            else match_outputs(there, list(spec.outputs))
        )
    except InvalidInputError as error:
        complaints.append(f"no output could be kept: {error.message}")
        return kept
    if there is not None:
        bringing = _Bringing(context, host, handle, within_s)
        for path in list(found):
            try:
                brought = await bringing.bring(str(path))
            except (ProviderError, OSError) as error:
                complaints.append(f"output {path} could not be kept: {_why(error)}")
                found.remove(path)
                continue
            if brought is Brought.PART:
                return Kept(is_complete=False)
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
    return kept


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
