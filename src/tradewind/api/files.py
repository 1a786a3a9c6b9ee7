"""Workdir archives, checkpoints and artifacts: the bytes around a job."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from sqlalchemy import select
from starlette.responses import Response, StreamingResponse

from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.context import Context
from tradewind.control.job_badges import checkpoint_badge
from tradewind.control.place_names import shown_place
from tradewind.control.submitting import find_job
from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.rows import AttemptRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import ConflictError, NotFoundError
from tradewind.domain.schemas import WorkdirAnswer
from tradewind.domain.schemas_records import ArtifactPage, ArtifactView, CheckpointPage, CheckpointView

router = APIRouter(tags=["files"])
Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


@router.head("/workdirs/{sha256}", response_class=Response)
async def has_workdir(sha256: Sha256, services: ServicesOf, caller: CallerOf) -> Response:
    """200 if the archive is here, 404 if it has to be sent."""
    return Response(status_code=200 if services.context.workdirs.has(sha256) else 404)


@router.put("/workdirs/{sha256}")
async def put_workdir(
    sha256: Sha256, request: Request, response: Response, services: ServicesOf, caller: CallerOf
) -> WorkdirAnswer:
    """Takes a workdir archive (`.tar.gz`) in the body; kept only if its hash is the one in the path."""
    workdirs, offload = services.context.workdirs, services.context.offload
    if workdirs.has(sha256):
        return WorkdirAnswer(
            sha256=sha256, size_bytes=workdirs.path_of(sha256).stat().st_size, was_known=True
        )
    upload = workdirs.receive(sha256)
    try:
        async for piece in request.stream():
            upload.feed(piece)
        await offload(upload.finish)
    except BaseException:
        upload.abandon()
        raise
    response.status_code = 201
    return WorkdirAnswer(sha256=sha256, size_bytes=upload.size_bytes, was_known=False)


@router.get("/jobs/{reference}/checkpoints")
async def list_checkpoints(reference: str, services: ServicesOf, caller: CallerOf) -> CheckpointPage:
    """Checkpoints that were kept, newest first."""

    def read(tx: Transaction) -> CheckpointPage:
        job = find_job(tx, caller, reference)
        table = tables.checkpoints
        rows = tx.execute(
            select(table)
            .where(table.c.job_id == job.id)
            .order_by(table.c.created_at.desc(), table.c.id.desc())
        )
        found = [dict(row._mapping) for row in rows]
        places = _places(tx, {row["attempt_id"] for row in found})
        return CheckpointPage(
            items=[_checkpoint_view(row, places.get(row["attempt_id"], "")) for row in found]
        )

    return await services.context.store.read(read)


@router.get("/jobs/{reference}/artifacts")
async def list_artifacts(reference: str, services: ServicesOf, caller: CallerOf) -> ArtifactPage:
    """Output files that were kept, by path; of several attempts the newest last."""

    def read(tx: Transaction) -> ArtifactPage:
        job = find_job(tx, caller, reference)
        table = tables.artifacts
        rows = tx.execute(
            select(table).where(table.c.job_id == job.id).order_by(table.c.path, table.c.attempt_number)
        )
        return ArtifactPage(
            items=[
                ArtifactView(
                    id=row.id,
                    job=row.job_id,
                    attempt=row.attempt_number,
                    path=row.path,
                    size_bytes=row.size_bytes,
                    sha256=row.sha256,
                )
                for row in rows
            ]
        )

    return await services.context.store.read(read)


@router.get("/artifacts/{artifact_id}/content", response_class=Response)
async def artifact_content(artifact_id: str, services: ServicesOf, caller: CallerOf) -> StreamingResponse:
    """The bytes of an artifact."""
    context = services.context
    row = await context.store.read(lambda tx: _owned(tx, caller, tables.artifacts, artifact_id, "artifact"))
    return StreamingResponse(
        context.storage.read(row["location"], "content"),
        media_type="application/octet-stream",
        headers={"content-length": str(row["size_bytes"])},
    )


@router.get("/checkpoints/{checkpoint_id}/content", response_class=Response)
async def checkpoint_content(checkpoint_id: str, services: ServicesOf, caller: CallerOf) -> StreamingResponse:
    """A checkpoint as a tar archive that unpacks to its own name."""
    context = services.context
    row = await context.store.read(
        lambda tx: _owned(tx, caller, tables.checkpoints, checkpoint_id, "checkpoint")
    )
    if row["state"] != "kept":
        raise ConflictError(
            f"checkpoint {row['path']} is {row['state']}",
            hint="`checkpoints.keep` in the job file says how many are kept",
        )
    return StreamingResponse(_tar(context, row), media_type="application/x-tar")


def _owned(tx: Transaction, caller: Caller, table: Any, row_id: str, what: str) -> dict[str, Any]:
    row = tx.execute(select(table).where(visible_to(caller, table), table.c.id == row_id)).first()
    if row is None:
        raise NotFoundError(f"there is no {what} {row_id!r}")
    return dict(row._mapping)


def _places(tx: Transaction, attempt_ids: set[str]) -> dict[str, str]:
    """Where attempts ran."""
    if not attempt_ids:
        return {}
    rows = tx.execute(AttemptRow.select().where(tables.attempts.c.id.in_(attempt_ids)))
    return {attempt.id: shown_place(attempt) for attempt in map(AttemptRow.of, rows)}


def _checkpoint_view(row: dict[str, Any], place: str) -> CheckpointView:
    kept = row["state"] == "kept"
    notes = {
        "pruned": "pruned: newer ones are kept (checkpoints.keep)",
        "damaged": "damaged: what was kept of it is no longer whole",
    }
    return CheckpointView(
        id=row["id"],
        job=row["job_id"],
        attempt=row["attempt_number"],
        path=row["path"],
        step=row["step"],
        size_bytes=row["size_bytes"],
        file_count=row["file_count"],
        created_at=row["created_at"],
        is_resumable=kept,
        note=notes.get(row["state"]),
        state=checkpoint_badge(row["state"], notes.get(row["state"])),
        place=place,
    )


def _tar(context: Context, row: dict[str, Any]) -> Iterator[bytes]:
    name = str(row["path"]).rpartition("/")[2]
    for file in row["manifest"]:
        single = len(row["manifest"]) == 1 and file["path"] == "content"
        info = tarfile.TarInfo(name if single else f"{name}/{file['path']}")
        info.size = file["size_bytes"]
        info.mtime = int(row["created_at"].timestamp())
        yield info.tobuf(format=tarfile.PAX_FORMAT)
        yield from context.storage.read(row["location"], file["path"])
        yield bytes(-info.size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)
