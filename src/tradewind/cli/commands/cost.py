"""What it cost."""

from __future__ import annotations

import click

from tradewind.cli.application import Application
from tradewind.cli.options import command, output_options
from tradewind.cli.render import Column, is_for_people, render_document, render_rows
from tradewind.cli.wording import parse_since, show_carbon, show_energy, show_money, show_number
from tradewind.domain.errors import InvalidInputError


@command("cost")
@click.option("--by", default="project,provider", show_default=True, metavar="A,B", help="What to group by.")
@click.option("--since", default="30d", show_default=True, metavar="TIME", help="30d, 2h, or a date.")
@click.option("--until", metavar="TIME", help="Default: now.")
@output_options
def cost(app: Application, by: str, since: str, until: str | None) -> None:
    """Show what jobs cost in money, energy and carbon."""
    now = app.now()
    try:
        start, end = parse_since(since, now), parse_since(until, now) if until else None
    except ValueError as error:
        raise InvalidInputError(str(error)) from None
    groups = [name.strip() for name in by.split(",") if name.strip()]
    report = app.client.cost(since=start, until=end, by=groups).model_dump(mode="json")
    rows = [{**row["group"], **{k: v for k, v in row.items() if k != "group"}} for row in report["rows"]]
    if app.flags.get("fields"):
        render_rows(app, rows, [])
        return
    if not is_for_people(app):
        render_document(app, report, lambda: "", rows=rows)
        return
    if not rows:
        app.say(f"nothing was spent since {report['since'][:10]}")
        return
    total = (
        {**report["total"], **dict.fromkeys(report["by"], ""), report["by"][0]: "total"}
        if report["by"]
        else None
    )
    columns = [
        *(Column(name.upper(), lambda row, name=name: str(row.get(name) or "")) for name in report["by"]),  # type: ignore[misc]
        Column("JOBS", lambda row: f"{row['jobs']:,}", is_number=True),
        Column("HOURS", lambda row: show_number(row["hours"], 4), is_number=True),
        Column("SPENT", lambda row: show_money(row["amount"]), is_number=True),
        Column("KIND", lambda row: row["basis"]),
        Column("ENERGY", lambda row: show_energy(row["energy_kwh"]), is_number=True),
        Column("CARBON", lambda row: show_carbon(row["carbon_grams"]), is_number=True),
    ]
    render_rows(app, [*rows, *([total] if total else [])], columns)
