"""Moving a job, why it runs where it does, and machines that belong to nothing."""

from __future__ import annotations

from typing import Any, Final

import click

from tradewind.cli.application import Application
from tradewind.cli.options import command, dry_run_option, job_argument, output_options, yes_option
from tradewind.cli.questions import confirm
from tradewind.cli.render import Column, is_for_people, render_document, render_rows
from tradewind.domain.money import format_money

_DECISIONS: Final = (
    Column("WHEN", lambda row: str(row["at"])[:19].replace("T", " ")),
    Column("DECISION", lambda row: str(row["kind"])),
    Column("WHY", lambda row: str(row["explanation"]), is_text=True),
)
_ORPHANS: Final = (
    Column("PROVIDER", lambda row: str(row["provider"])),
    Column("MACHINE", lambda row: str(row["machine"])),
    Column("PRICE/H", lambda row: _price(row), is_number=True),
    Column("WHAT IS DONE", lambda row: str(row["action"]), is_text=True),
)


@command("migrate")
@job_argument
@click.option(
    "--to", metavar="PLACE", help="Where to: provider, or provider/zone. The best place if left out."
)
@yes_option
@dry_run_option
@output_options
def migrate(app: Application, job: str, to: str | None, yes: bool, dry_run: bool) -> None:
    """Move a running job to another place.

    It writes a checkpoint, ends, and goes on there.
    """
    found = app.client.migrate(job, to, dry_run=True)
    if not dry_run:
        confirm(app, f"Move it from {found.place} to {found.target}? {found.explanation}.", yes=yes)
        found = app.client.migrate(job, to)
    document = found.model_dump(mode="json")
    verb = "moves" if found.is_begun else "would move"
    text = f"{verb} from {found.place} to {found.target}: {found.explanation}"
    render_document(app, document, lambda: text)
    if found.is_begun and is_for_people(app):
        app.hint(f"`tradewind jobs events -f {found.job}` follows it")


@command("decisions")
@job_argument
@output_options
def decisions(app: Application, job: str) -> None:
    """Show why a job runs where it does, with the figures."""
    rows = [each.model_dump(mode="json") for each in app.client.decisions(job)]
    render_rows(
        app, rows, _DECISIONS, name="kind", empty="nothing was decided about it: it runs on a machine at hand"
    )


@command("janitor")
@yes_option
@dry_run_option
@output_options
def janitor(app: Application, yes: bool, dry_run: bool) -> None:
    """Find rented machines that belong to nothing; give them back.

    It looks over every connection, as the server does by itself every few minutes.
    """
    found = app.client.sweep(dry_run=True)
    if found.orphans and not dry_run:
        confirm(app, f"Give back {len(found.orphans)} machines?", yes=yes)
        found = app.client.sweep()
    rows = [each.model_dump(mode="json") for each in found.orphans]
    looked = ", ".join(found.looked_at) or "no provider that rents machines is connected"
    render_rows(app, rows, _ORPHANS, name="machine", empty=f"nothing belongs to nobody ({looked})")
    if is_for_people(app):
        for provider, problem in found.problems.items():
            app.say(f"{provider} could not be looked over: {problem}")
        if found.given_back_before:
            app.say(
                f"Given back so far: {found.given_back_before} machines, "
                f"{format_money(found.saved_micro_per_hour)} an hour that nobody pays any more."
            )


def _price(row: Any) -> str:
    micro = row["micro_per_hour"]
    return "unknown" if micro is None else format_money(int(micro))
