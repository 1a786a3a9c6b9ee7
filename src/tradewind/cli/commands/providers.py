"""`tradewind providers …`: who there is, what they can do, and how their connections are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from tradewind.cli.application import Application
from tradewind.cli.connection_text import show_connection, show_provider, show_state
from tradewind.cli.lazy import Lazy, LazyGroup
from tradewind.cli.options import command, output_options, yes_option
from tradewind.cli.provider_report import redacted, submission_of, write_report
from tradewind.cli.questions import confirm
from tradewind.cli.render import Column, render_document, render_rows
from tradewind.domain.errors import ConflictError
from tradewind.domain.schemas_check import ProviderCheck

_AT: Final = "tradewind.cli.commands.providers:"


@click.group(
    "providers",
    cls=LazyGroup,
    sections={
        "Commands": {
            "ls": Lazy(_AT + "list_providers", "List every provider, connected or not."),
            "show": Lazy(
                _AT + "show", "Show how to get ready for a provider, and what its credentials allow."
            ),
            "validate": Lazy(_AT + "validate", "Examine the credentials of a connection again."),
            "check": Lazy(_AT + "check", "Try a provider on your own account, and write a report."),
        }
    },
)
def providers() -> None:
    """List providers, show how to get ready, examine connections."""


@command("ls")
@click.option("--connected", "only_connected", is_flag=True, help="Only those that are connected.")
@output_options
def list_providers(app: Application, only_connected: bool) -> None:
    """List every provider, connected or not."""
    rows = [item.model_dump(mode="json") for item in app.client.providers().items]
    if only_connected:
        rows = [row for row in rows if row["connected"]]
    columns = [
        Column("PROVIDER", lambda row: row["id"]),
        Column("TITLE", lambda row: row["title"], is_text=True),
        Column("KIND", lambda row: row["kind"]),
        Column("RUNS JOBS", lambda row: "yes" if row["can_run"] else "no"),
        Column("SPOT", lambda row: "yes" if row["capabilities"]["has_spot"] else "no"),
        Column("CONNECTION", show_state),
    ]
    render_rows(
        app, rows, columns, empty="no provider is connected; `tradewind connect PROVIDER` connects one"
    )


@command("show")
@click.argument("provider")
@output_options
def show(app: Application, provider: str) -> None:
    """Show how to get ready for a provider, and what its credentials allow."""
    view = app.client.provider(provider).model_dump(mode="json")
    view["connection_details"] = None
    if view["connection"] is not None:
        view["connection_details"] = app.client.connection(view["id"]).model_dump(mode="json")
    details = view["connection_details"]

    def text() -> str:
        return show_provider(view) + (f"\n\n{show_connection(app, details)}" if details else "")

    render_document(app, view, text)


@command("validate")
@click.argument("provider")
@output_options
def validate(app: Application, provider: str) -> int:
    """Examine the credentials of a connection again."""
    view = app.client.validate_connection(provider).model_dump(mode="json")
    render_document(app, view, lambda: show_connection(app, view), name="provider")
    return 1 if view["error"] else 0


@command("check")
@click.argument("provider")
@click.option(
    "--live", is_flag=True, help="Rent its cheapest machine for a few minutes, and run a job there."
)
@click.option(
    "--max-usd",
    type=click.FloatRange(0.01, 100),
    default=0.50,
    show_default=True,
    help="What that may cost at most.",
)
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the report.")
@yes_option
@output_options
def check(
    app: Application, provider: str, live: bool, max_usd: float, report: Path | None, yes: bool
) -> None:
    """Try a provider on your own account, and write a report.

    Without --live only questions are asked that cost nothing. The report has nothing of your account in it: show it to
    whoever looks after the provider.
    """
    found = app.client.check_provider(provider)
    document = found.model_dump(mode="json")
    if live:
        document["live"] = _run_live(app, found, max_usd, yes=yes)
    path = report or Path(f"tradewind-check-{found.provider}.json")
    write_report(path, document)
    render_document(app, redacted(document), lambda: _show_check(document))
    app.say(f"the report is in {path}")
    steps_failed = any(each["outcome"] == "failed" for each in document["steps"])
    if steps_failed or (live and document["live"]["status"] != "succeeded"):
        raise click.exceptions.Exit(1)


def _run_live(app: Application, found: ProviderCheck, max_usd: float, *, yes: bool) -> dict[str, Any]:
    if found.cheapest is None:
        raise ConflictError(f"{found.provider} has no machine to be had now", hint="try again later")
    offer = found.cheapest
    where = offer.zone or offer.region
    confirm(
        app,
        f"Rent {offer.instance_type} in {where} ({offer.market}, {offer.price_per_hour.text} an hour) for a few "
        f"minutes, for ${max_usd:.2f} at most?",
        yes=yes,
    )
    job = app.client.submit(submission_of(found.provider, offer, max_usd))
    app.say(f"job {job.id} runs there; `tradewind jobs events -f {job.id}` follows it")
    ended = app.client.wait(job.id)
    is_gone = app.client.wait_until_given_back(job.id)
    events = app.client.events(job.id, limit=500).items
    began = events[0].at if events else ended.created_at
    return {
        "status": ended.status,
        "explanation": ended.explanation,
        "cost": ended.cost.amount.text,
        "machine_is_gone": is_gone,
        "events": [
            {
                "after_s": round((each.at - began).total_seconds(), 1),
                "type": each.type,
                "message": each.message,
            }
            for each in events
        ],
    }


def _show_check(document: dict[str, Any]) -> str:
    lines = []
    for each in document["steps"]:
        mark = "ok " if each["outcome"] == "passed" else "NO "
        lines.append(f"{mark} {each['name']:10} {each['message']}  ({each['seconds']:g} s)")
    live = document.get("live")
    if live is not None:
        lines.append(f"{'ok ' if live['status'] == 'succeeded' else 'NO '} {'job':10} {live['explanation']}")
        gone = "gone" if live["machine_is_gone"] else "STILL THERE: look at `tradewind nodes ls`"
        lines.append(f"    {'machine':10} {gone}; it cost {live['cost']}")
    return "\n".join(lines)
