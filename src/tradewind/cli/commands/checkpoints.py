"""Checkpoints: list them, fetch one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from tradewind.cli.application import Application
from tradewind.cli.lazy import Lazy, LazyGroup
from tradewind.cli.options import command, job_argument, output_options
from tradewind.cli.render import Column, render_document, render_rows
from tradewind.cli.wording import show_age, show_number
from tradewind.domain.errors import NotFoundError
from tradewind.domain.units import format_bytes

_AT: Final = "tradewind.cli.commands.checkpoints:"


@click.group(
    "checkpoints",
    cls=LazyGroup,
    sections={
        "Commands": {
            "ls": Lazy(_AT + "list_checkpoints", "List the checkpoints of a job, newest first."),
            "pull": Lazy(_AT + "pull", "Fetch a checkpoint of a job, the newest unless --id names another."),
        }
    },
)
def checkpoints() -> None:
    """List and fetch checkpoints."""


@command("ls")
@job_argument
@output_options
def list_checkpoints(app: Application, job: str) -> None:
    """List the checkpoints of a job, newest first."""
    rows = [item.model_dump(mode="json") for item in app.client.checkpoints(job).items]
    columns = [
        Column("ID", lambda row: row["id"]),
        Column("STEP", lambda row: show_number(row["step"], 6), is_number=True),
        Column("ATTEMPT", lambda row: str(row["attempt"]), is_number=True),
        Column("SIZE", lambda row: format_bytes(row["size_bytes"]), is_number=True),
        Column("FILES", lambda row: str(row["file_count"]), is_number=True),
        Column("AGE", lambda row: show_age(row["created_at"], app.now()), is_number=True),
        Column("PATH", lambda row: row["path"]),
        Column(
            "NOTE",
            lambda row: row["note"] or ("" if row["is_resumable"] else "cannot be resumed from"),
            is_text=True,
        ),
    ]
    render_rows(app, rows, columns, empty="it has no checkpoints yet")


@command("pull")
@job_argument
@click.option("--id", "checkpoint_id", metavar="ID", help="This checkpoint instead of the newest.")
@click.option("--to", type=click.Path(path_type=Path), metavar="FOLDER", help="Default: JOB-checkpoint.")
@output_options
def pull(app: Application, job: str, checkpoint_id: str | None, to: Path | None) -> None:
    """Fetch a checkpoint of a job, the newest unless --id names another."""
    from tradewind.client.unpack import unpack_tar

    items = app.client.checkpoints(job).items
    chosen = next(
        (item for item in items if (item.id == checkpoint_id if checkpoint_id else item.is_resumable)), None
    )
    if chosen is None:
        which = checkpoint_id or "that can be resumed from"
        raise NotFoundError(
            f"job {job} has no checkpoint {which}",
            hint=f"`tradewind checkpoints ls {job}` lists what there is",
        )
    destination = to or Path(f"{job}-checkpoint")
    count = unpack_tar(app.client.checkpoint_content(chosen.id), destination)
    document = {"id": chosen.id, "folder": str(destination), "files": count, "size_bytes": chosen.size_bytes}
    size = format_bytes(chosen.size_bytes)
    render_document(app, document, lambda: f"{destination}  {count} files, {size}, checkpoint {chosen.id}")
