"""Where a job would run."""

from __future__ import annotations

from pathlib import Path

import click

from tradewind.cli.application import Application
from tradewind.cli.job_files import read_job_file
from tradewind.cli.options import command, output_options
from tradewind.cli.plan_text import show_plan
from tradewind.cli.render import is_for_people, render_document


@command("plan")
@click.argument("file", type=click.Path(path_type=Path))
@output_options
def plan(app: Application, file: Path) -> int:
    """Show where a job would run, what it would cost, and why."""
    job = read_job_file(app, file)
    answer = app.client.plan(job.mapping).model_dump(mode="json")
    render_document(app, answer, lambda: show_plan(answer))
    if answer["chosen"] is None:
        return 6
    if is_for_people(app):
        app.hint(f"start it with `tradewind run {file}`")
    return 0
