"""Lists of jobs, one job, and what happened to it."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

import click

from tradewind.cli.application import Application
from tradewind.cli.options import command, job_argument, output_options
from tradewind.cli.render import Column, Row, is_for_people, render_document, render_rows
from tradewind.cli.wording import (
    show_attempt,
    show_cents,
    show_clock,
    show_health,
    show_job,
    show_place,
    show_rank,
    show_share,
    show_span,
)

_STATUSES: Final = ("queued", "starting", "running", "stopping", "succeeded", "failed", "cancelled")
_ENDED_WELL: Final = ("succeeded", "running")


@command("ls", short_help="List your active jobs; -a lists all.")
@click.option("-a", "--all", "all_jobs", is_flag=True, help="Jobs that have ended too.")
@click.option(
    "-n", "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many."
)
@output_options
def short_list(app: Application, all_jobs: bool, limit: int) -> None:
    """List your active jobs; -a lists all."""
    _list(app, statuses=(), name=None, is_active=None if all_jobs else True, limit=limit)


@command("ls", short_help="List jobs, newest first.")
@click.option(
    "--status", "statuses", multiple=True, type=click.Choice(_STATUSES), help="Only these. Repeatable."
)
@click.option("--active", is_flag=True, help="Only jobs that have not ended.")
@click.option("--name", metavar="NAME", help="Only jobs with this name.")
@click.option(
    "-n", "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many."
)
@output_options
def list_jobs(
    app: Application, statuses: tuple[str, ...], active: bool, name: str | None, limit: int
) -> None:
    """List jobs, newest first."""
    _list(app, statuses=statuses, name=name, is_active=True if active else None, limit=limit)


@command("show")
@job_argument
@output_options
def show(app: Application, job: str) -> None:
    """Show one job: state, reason, cost, attempts."""
    detail = app.client.job(job).model_dump(mode="json")

    def text() -> str:
        attempts = [attempt for task in detail["tasks"] for attempt in task["attempts"]]
        lines = [show_job(detail, app.now())]
        for attempt in attempts:
            lines.append(f"  attempt      {show_attempt(attempt, app.now())}")
            lines += [f"    rank       {show_rank(rank)}" for rank in attempt["ranks"]]
        lines += [f"  note         {note}" for note in detail["cost"]["notes"]]
        return "\n".join(lines)

    render_document(app, detail, text)
    if is_for_people(app):
        app.hint(
            f"`tradewind logs {detail['name']}` shows its output, `tradewind jobs events {detail['name']}` its story"
        )


@command("events")
@job_argument
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@click.option("--after", type=click.IntRange(0), default=0, help="Only events with a higher number.")
@output_options
def events(app: Application, job: str, follow: bool, after: int) -> None:
    """Show everything that happened to a job."""
    if follow:
        _follow_events(app, job, after)
        return
    rows: list[dict[str, Any]] = []
    while True:
        page = app.client.events(job, after=after, limit=500)
        rows += [event.model_dump(mode="json") for event in page.items]
        if not page.items or page.next_after <= after:
            break
        after = page.next_after
    render_rows(app, rows, _EVENT_COLUMNS, name="seq", empty="nothing has happened to it yet")


def _follow_events(app: Application, job: str, after: int) -> None:
    from tradewind.domain.schemas_records import EventView

    try:
        for item in app.client.follow_events(job, after=after):
            if isinstance(item, EventView):
                event = item.model_dump(mode="json")
                if is_for_people(app):
                    app.put(f"{show_clock(event['at'])}  {event['type']}  {event['message']}")
                else:
                    app.put(json.dumps(event, ensure_ascii=False))
                sys.stdout.flush()
    except KeyboardInterrupt:
        app.say()


def _list(
    app: Application, *, statuses: tuple[str, ...], name: str | None, is_active: bool | None, limit: int
) -> None:
    rows: list[Row] = []
    cursor = None
    while True:
        page = app.client.jobs(
            statuses=statuses,
            name=name,
            is_active=is_active,
            limit=min(limit - len(rows), 500),
            cursor=cursor,
        )
        rows += [job.model_dump(mode="json") for job in page.items]
        cursor = page.next_cursor
        if cursor is None or not page.items or len(rows) >= limit:
            break
    empty = "no active jobs; `tradewind ls -a` lists all" if is_active else "no jobs"
    render_rows(app, rows, _job_columns(app, rows), empty=empty)
    if cursor is not None and is_for_people(app):
        app.hint(f"there are more; show them with `-n {limit * 4}`")


def _job_columns(app: Application, rows: list[Row]) -> list[Column]:
    columns = [
        Column("NAME", lambda job: job["name"]),
        Column("ID", lambda job: job["id"]),
        Column("STATUS", lambda job: job["status"], is_status=True),
        Column("DONE", lambda job: show_share(job["progress"]), is_number=True),
        Column("WHERE", show_place),
        Column("TIME", lambda job: show_span(job["created_at"], job["ended_at"], app.now()), is_number=True),
        Column("COST", lambda job: show_cents(job["cost"]["amount"]), is_number=True),
    ]
    if any(_reason(job) for job in rows):
        columns.append(Column("WHY", _reason, is_text=True))
    return columns


def _reason(job: Row) -> str:
    if job["explanation"] and job["status"] not in _ENDED_WELL:
        return str(job["explanation"])
    return show_health(job)


_EVENT_COLUMNS: Final = [
    Column("N", lambda event: str(event["seq"]), is_number=True),
    Column("AT", lambda event: show_clock(event["at"])),
    Column("TYPE", lambda event: event["type"]),
    Column("WHAT", lambda event: event["message"], is_text=True),
]
