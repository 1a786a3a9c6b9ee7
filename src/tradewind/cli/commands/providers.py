"""`tradewind providers …`: who there is, what they can do, and how their connections are."""

from __future__ import annotations

from typing import Final

import click

from tradewind.cli.application import Application
from tradewind.cli.connection_text import show_connection, show_provider, show_state
from tradewind.cli.lazy import Lazy, LazyGroup
from tradewind.cli.options import command, output_options
from tradewind.cli.render import Column, render_document, render_rows

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
