"""Runs a job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tradewind.cli.application import Application
from tradewind.cli.ending import exit_code_of, last_word, wait_for
from tradewind.cli.job_files import JobFile, read_job_file
from tradewind.cli.options import command, dry_run_option, output_options, yes_option
from tradewind.cli.plan_text import show_plan
from tradewind.cli.progress import StatusLine, draw_bar
from tradewind.cli.questions import confirm
from tradewind.cli.render import is_for_people, render_document
from tradewind.domain.errors import NoOfferError
from tradewind.domain.units import format_bytes

if TYPE_CHECKING:
    from tradewind.client.snapshot import Snapshot
    from tradewind.domain.schemas import JobDetail

_REASONS_SHOWN = 5


@command("run")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-d", "--detach", is_flag=True, help="Return once it is accepted, and print its id.")
@click.option("--wait", "waits", is_flag=True, help="Wait for the end without showing its output.")
@click.option("--timeout", metavar="TIME", help="With --wait: give up after this time; the job goes on.")
@click.option("--name", metavar="NAME", help="Another name than the file gives.")
@click.option(
    "--env", "environment", multiple=True, metavar="K=V", help="A variable for the job. Repeatable."
)
@click.option("--propagate-exit", is_flag=True, help="End with the exit status of the training process.")
@yes_option
@dry_run_option
@output_options
def run(
    app: Application,
    file: Path,
    detach: bool,
    waits: bool,
    timeout: str | None,
    name: str | None,
    environment: tuple[str, ...],
    propagate_exit: bool,
    yes: bool,
    dry_run: bool,
) -> int:
    """Plan a job, upload its files, run it and show its output.

    Ctrl-C leaves the job running. With -o json and the like, its output is not shown: the job is printed once it has
    ended, or at once with -d. Ends with 0 if the job succeeded, 100 if it failed, 103 if it was cancelled, 101 if
    it has not ended.
    """
    job = read_job_file(app, file, name=name, environment=environment)
    if dry_run:
        _show_dry_run(app, job, file)
        return 0
    view = submit_job(app, job, yes=yes)
    if detach:
        document = view.model_dump(mode="json")
        render_document(app, document, lambda: view.id)
        if is_for_people(app):
            app.hint(f"`tradewind logs -f {view.id}` follows it, `tradewind stop {view.id}` stops it")
        return 0
    # Output of the job and a document on one stream would be neither.
    if waits or timeout or not is_for_people(app):
        document = wait_for(app, view.id, timeout).model_dump(mode="json")
        render_document(app, document, lambda: last_word(app, document))
        return exit_code_of(document, propagate=propagate_exit)
    return show_until_end(app, view.id, propagate_exit=propagate_exit)


def submit_job(app: Application, job: JobFile, *, yes: bool, question: str | None = None) -> JobDetail:
    """Plans, asks, uploads and submits. Asks a `question` that is given whatever the job costs."""
    from tradewind.domain.schemas import JobSubmission

    snapshot = _pack(app, job)
    try:
        plan = app.client.plan(job.mapping, compares=False).model_dump(mode="json")
        _refuse_without_offer(plan)
        app.say(show_plan(plan))
        if snapshot is not None:
            app.say(f"  upload  {format_bytes(snapshot.size_bytes)} in {snapshot.file_count:,} files")
        if question is not None or _needs_a_yes(app, plan):
            confirm(app, question or f"Start {job.name}?", yes=yes)
        workdir = _upload(app, snapshot) if snapshot is not None else None
    finally:
        if snapshot is not None:
            snapshot.delete()
    submission = JobSubmission(spec=job.mapping, workdir=workdir, search_path=app.client.find_search_path())
    view = app.client.submit(submission)
    app.say(f"submitted {view.name} as {view.id}")
    return view


def show_until_end(
    app: Application, job_id: str, *, propagate_exit: bool = False, on_item: Any = None
) -> int:
    """Attaches, prints the last word, and returns the exit code; 0 after Ctrl-C, because the job goes on."""
    from tradewind.cli.attach import attach

    ended = attach(app, job_id, on_item=on_item)
    if ended is None:
        return 0
    document = ended.model_dump(mode="json")
    app.say("\n" + last_word(app, document))
    if document["status"] == "failed":
        app.hint(
            f"`tradewind jobs events {job_id}` tells the story, `tradewind jobs retry {job_id}` runs it again"
        )
    return exit_code_of(document, propagate=propagate_exit)


def _needs_a_yes(app: Application, plan: dict[str, Any]) -> bool:
    # A machine of one's own costs a little power: worth a question to a person, never a reason to refuse a script.
    if plan["chosen"]["market"] != "owned":
        return True
    cost = plan["cost_estimate"]
    return app.can_ask and (cost is None or cost["micro"] > 0)


def _refuse_without_offer(plan: dict[str, Any]) -> None:
    if plan["chosen"] is not None:
        return
    reasons = [f"{x['provider']} {x['instance_type']}: {x['explanation']}" for x in plan["excluded"]]
    more = len(reasons) - _REASONS_SHOWN
    raise NoOfferError(
        str(plan["reason"]),
        causes=(*reasons[:_REASONS_SHOWN], *([f"and {more} more"] if more > 0 else [])),
        hint="ask for less in `resources`, or see `tradewind plan` for all that was ruled out",
    )


def _show_dry_run(app: Application, job: JobFile, file: Path) -> None:
    plan = app.client.plan(job.mapping).model_dump(mode="json")
    snapshot = _pack(app, job)
    upload = ""
    if snapshot is not None:
        upload = f"\n  upload  {format_bytes(snapshot.size_bytes)} in {snapshot.file_count:,} files"
        snapshot.delete()
    render_document(app, plan, lambda: show_plan(plan) + upload)
    _refuse_without_offer(plan)
    app.say("Dry run: nothing was started.")
    app.hint(f"start it with `tradewind run {file}`")


def _pack(app: Application, job: JobFile) -> Snapshot | None:
    if job.workdir is None:
        return None
    from tradewind.client.snapshot import pack_workdir

    with StatusLine(app) as line:
        return pack_workdir(
            job.workdir,
            on_progress=lambda done, total: line.show(f"packing {draw_bar(done / total if total else 1.0)}"),
        )


def _upload(app: Application, snapshot: Snapshot) -> str:
    total = snapshot.size_bytes
    with StatusLine(app) as line:
        answer = app.client.upload_workdir(
            snapshot,
            on_progress=lambda sent: line.show(
                f"uploading {draw_bar(sent / total)} of {format_bytes(total)}"
            ),
        )
    return answer.sha256
