"""`tradewind gpus`: models of accelerators."""

from __future__ import annotations

import click

from tradewind.cli.application import Application
from tradewind.cli.options import command, output_options
from tradewind.cli.price_options import show_price
from tradewind.cli.render import Column, Row, render_rows
from tradewind.cli.wording import show_number

_NAMES_SHOWN = 4


@command("gpus")
@click.option("-a", "--all", "every", is_flag=True, help="Also models that nobody offers now.")
@click.option("--source", metavar="NAME", help="What this one price source says.")
@output_options
def gpus(app: Application, every: bool, source: str | None) -> None:
    """List GPU models with their names, who has them and the best price."""
    page = app.client.gpus(offered=not every, source=source)
    rows = [item.model_dump(mode="json") for item in page.items]
    columns = [
        Column("GPU", lambda row: row["title"]),
        Column("MEMORY", lambda row: f"{show_number(row['memory_gb'])} GB" if row["memory_gb"] else "-"),
        Column("ON DEMAND", lambda row: show_price(row["on_demand_micro"]), is_number=True),
        Column("SPOT", lambda row: show_price(row["spot_micro"]), is_number=True),
        Column("OFFERS", lambda row: f"{row['offers']:,}", is_number=True),
        Column("CHEAPEST AT", _cheapest),
        Column("PROVIDERS", lambda row: ", ".join(row["providers"]), is_text=True),
        Column("ALSO CALLED", lambda row: ", ".join(row["aliases"][:_NAMES_SHOWN]), is_text=True),
    ]
    render_rows(
        app, rows, columns, name="key", empty="no GPU is on offer; `tradewind gpus -a` lists all models"
    )


def _cheapest(row: Row) -> str:
    best = row["cheapest"]
    return f"{best['provider']} {best['region']}".strip() if best else "-"
