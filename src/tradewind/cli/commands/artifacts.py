"""Output files: list them, fetch them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import click

from tradewind.cli.application import Application
from tradewind.cli.lazy import Lazy, LazyGroup
from tradewind.cli.options import command, job_argument, output_options
from tradewind.cli.render import Column, render_rows
from tradewind.domain.errors import NotFoundError
from tradewind.domain.units import format_bytes

_AT: Final = "tradewind.cli.commands.artifacts:"


@click.group(
    "artifacts",
    cls=LazyGroup,
    sections={
        "Commands": {
            "ls": Lazy(_AT + "list_artifacts", "List the output files of a job."),
            "pull": Lazy(_AT + "pull", "Fetch output files of a job: all, or those that match a PATTERN."),
        }
    },
)
def artifacts() -> None:
    """List and fetch output files."""


@command("ls")
@job_argument
@output_options
def list_artifacts(app: Application, job: str) -> None:
    """List the output files of a job."""
    rows = [item.model_dump(mode="json") for item in app.client.artifacts(job).items]
    render_rows(
        app, rows, _COLUMNS, empty="it has no output files (`outputs` in the job file names what is kept)"
    )


@command("pull")
@job_argument
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--to", type=click.Path(path_type=Path), metavar="FOLDER", help="Default: JOB-artifacts.")
@click.option("--overwrite", is_flag=True, help="Replace files that differ.")
@output_options
def pull(app: Application, job: str, patterns: tuple[str, ...], to: Path | None, overwrite: bool) -> None:
    """Fetch output files of a job: all, or those that match a PATTERN."""
    from tradewind.client.unpack import place_file

    items = app.client.artifacts(job).items
    # An output of a later attempt stands for the job; the earlier one is still there under its id.
    newest = {item.path: item for item in sorted(items, key=lambda item: item.attempt)}
    chosen = [
        item
        for path, item in sorted(newest.items())
        if not patterns or any(fnmatchcase(path, pattern) for pattern in patterns)
    ]
    if not chosen:
        raise NotFoundError(
            f"no output file of job {job} matches" if items else f"job {job} has no output files",
            hint=f"`tradewind artifacts ls {job}` lists what there is",
        )
    folder = to or Path(f"{job}-artifacts")
    rows = []
    for item in chosen:
        written = place_file(
            app.client.artifact_content(item.id), folder, item.path, item.sha256, overwrite=overwrite
        )
        state = "fetched" if written else "was there"
        rows.append(
            {"path": str(folder / item.path), "size_bytes": item.size_bytes, "state": state, "id": item.id}
        )
    columns = [
        Column("FILE", lambda row: row["path"]),
        Column("SIZE", lambda row: format_bytes(row["size_bytes"]), is_number=True),
        Column("STATE", lambda row: row["state"]),
    ]
    render_rows(app, rows, columns, name="path")


_COLUMNS: Final = [
    Column("ID", lambda row: row["id"]),
    Column("ATTEMPT", lambda row: str(row["attempt"]), is_number=True),
    Column("SIZE", lambda row: format_bytes(row["size_bytes"]), is_number=True),
    Column("PATH", lambda row: row["path"]),
]
