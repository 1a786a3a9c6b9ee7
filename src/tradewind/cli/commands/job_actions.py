"""What changes a job, and waiting for it."""

from __future__ import annotations

import click

from tradewind.cli.application import Application
from tradewind.cli.ending import exit_code_of, wait_for
from tradewind.cli.options import (
    command,
    complete_job,
    dry_run_option,
    job_argument,
    output_options,
    yes_option,
)
from tradewind.cli.questions import confirm
from tradewind.cli.render import is_for_people, render_document, render_rows
from tradewind.cli.wording import show_job


@command("stop")
@click.argument("jobs", nargs=-1, required=True, shell_complete=complete_job)
@click.option("--now", is_flag=True, help="Kill at once; do not let it write a last checkpoint.")
@yes_option
@dry_run_option
@output_options
def stop(app: Application, jobs: tuple[str, ...], now: bool, yes: bool, dry_run: bool) -> None:
    """Stop jobs: gracefully, or at once with --now."""
    if dry_run:
        found = [app.client.job(job) for job in jobs]
        for view in found:
            would = "would be stopped" if "stop" in view.actions else "would stay as it is"
            app.say(f"{view.name} {view.id} ({view.status}) {would}")
        app.say("Dry run: nothing was stopped.")
        return
    if len(jobs) > 1:
        confirm(app, f"Stop {len(jobs)} jobs?", yes=yes)
    stopped = [app.client.stop(job, now=now).model_dump(mode="json") for job in jobs]
    if is_for_people(app):
        for job in stopped:
            app.put(f"{job['name']} {job['id']} {job['status']}")
        if stopped[0]["status"] == "stopping":
            app.hint(f"`tradewind jobs wait {stopped[0]['id']}` returns once it has ended")
    elif len(stopped) == 1:
        render_document(app, stopped[0], lambda: "")
    else:
        render_rows(app, stopped, [])


@command("retry")
@job_argument
@dry_run_option
@output_options
def retry(app: Application, job: str, dry_run: bool) -> None:
    """Run a job again, as a new job."""
    if dry_run:
        old = app.client.job(job)
        app.say(f"{old.name} {old.id} would be run again as a new job, with the same files.")
        app.say("Dry run: nothing was started.")
        return
    new = app.client.retry(job).model_dump(mode="json")
    render_document(app, new, lambda: f"{new['name']} {new['id']} {new['status']}")
    if is_for_people(app):
        app.hint(f"`tradewind logs -f {new['id']}` follows it")


@command("wait")
@job_argument
@click.option("--timeout", metavar="TIME", help="Give up after this time (30s, 10m): exit 101.")
@click.option("--propagate-exit", is_flag=True, help="End with the exit status of the training process.")
@output_options
def wait(app: Application, job: str, timeout: str | None, propagate_exit: bool) -> int:
    """Wait until a job has ended.

    Ends with 0 if it succeeded, 100 if it failed, 103 if it was cancelled, 101 if it has not ended in time.
    """
    view = wait_for(app, job, timeout)
    document = view.model_dump(mode="json")
    render_document(app, document, lambda: show_job(document, app.now()))
    return exit_code_of(document, propagate=propagate_exit)
