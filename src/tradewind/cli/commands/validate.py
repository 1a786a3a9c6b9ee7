"""Checks a job file."""

from __future__ import annotations

from pathlib import Path

import click

from tradewind.cli.application import Application
from tradewind.cli.job_files import read_job_file
from tradewind.cli.options import command, output_options
from tradewind.cli.render import render_document


@command("validate")
@click.argument("file", type=click.Path(path_type=Path))
@output_options
def validate(app: Application, file: Path) -> None:
    """Check a job file; nothing else happens."""
    job = read_job_file(app, file)
    document = {
        "valid": True,
        "file": str(file),
        "name": job.name,
        "workdir": str(job.workdir) if job.workdir else None,
    }
    render_document(app, document, lambda: f"{file} is valid: job {job.name}", name="name")
