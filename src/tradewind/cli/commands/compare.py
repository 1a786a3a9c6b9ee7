"""What so many hours of training cost everywhere."""

from __future__ import annotations

import click

from tradewind.cli.application import Application
from tradewind.cli.bars import draw_bar
from tradewind.cli.options import command, output_options
from tradewind.cli.render import Column, is_for_people, render_document, render_rows
from tradewind.cli.wording import show_age, show_carbon, show_number

_MOST_ROWS = 25


@command("compare")
@click.option("--hours", type=float, required=True, help="Hours of training.")
@click.option("--on", "reference_gpu", metavar="GPU", help="Measured on this GPU; scaled to the others.")
@click.option("--min-memory", "min_memory_gb", type=float, metavar="GB", help="Least memory of one GPU.")
@click.option("--platform", "platforms", multiple=True, metavar="ID", help="Only these; may be repeated.")
@click.option("--source", "price_source", metavar="NAME", help="Prices of this source alone.")
@click.option("--local-gpu", metavar="GPU", help="Your own GPU, to compare with.")
@click.option("--local-cost", type=float, metavar="USD", help="What an hour of running here costs.")
@click.option("--electricity", type=float, metavar="USD", help="Or the price of a kWh,")
@click.option("--local-watts", type=float, metavar="W", help="and what your machine draws.")
@click.option("-a", "--all", "is_all", is_flag=True, help="Every option, not the cheapest few.")
@output_options
def compare(
    app: Application,
    hours: float,
    reference_gpu: str | None,
    min_memory_gb: float | None,
    platforms: tuple[str, ...],
    price_source: str | None,
    local_gpu: str | None,
    local_cost: float | None,
    electricity: float | None,
    local_watts: float | None,
    is_all: bool,
) -> int:
    """Compare what so many hours cost on every platform and here."""
    from pydantic import ValidationError

    from tradewind.domain.errors import InvalidInputError
    from tradewind.domain.schemas_cloud import CostComparison

    try:
        question = CostComparison(
            training_hours=hours,
            reference_gpu=reference_gpu,
            min_memory_gb=min_memory_gb,
            platforms=list(platforms) or None,
            price_source=price_source,
            local_gpu_type=local_gpu,
            local_electricity_cost=local_cost,
            electricity_price_usd_per_kwh=electricity,
            local_power_watts=local_watts,
        )
    except ValidationError as error:
        fault = error.errors()[0]
        raise InvalidInputError(f"{fault['loc'][0]}: {fault['msg']}", hint="`tradewind compare -h`") from None
    answer = app.client.compare_costs(question).model_dump(mode="json")
    if not is_for_people(app):
        render_document(app, answer, lambda: "", rows=answer["options"])
        return 0 if answer["options"] else 6
    options = answer["options"] if is_all else answer["options"][:_MOST_ROWS]
    now = app.now()
    dearest = max((row["cost_usd"] for row in options), default=0.0)
    columns = [
        Column("PLATFORM", lambda row: row["platform"]),
        Column("GPU", lambda row: _gpu(row["gpu"], row["gpu_count"])),
        Column("RATE", lambda row: row["hourly_rate"], is_number=True),
        Column("TIME", lambda row: f"{show_number(row['training_hours'])} h", is_number=True),
        Column("TOTAL", lambda row: row["cost"], is_number=True),
        Column("", lambda row: draw_bar(row["cost_usd"], dearest)),
        Column("SET-UP", lambda row: row["setup_time"], is_number=True),
        Column("AVAIL", lambda row: row["availability"]),
        Column(
            "CO2E",
            lambda row: "-" if row["carbon_g"] is None else show_carbon(row["carbon_g"]),
            is_number=True,
        ),
        Column("SEEN", lambda row: show_age(row["seen_at"], now), is_number=True),
        Column("SOURCE", lambda row: row["price_source"]),
    ]
    render_rows(app, options, columns, name="platform", empty=answer["message"] or "nothing to compare")
    summary = answer["summary"]
    if summary is None:
        if options:
            app.say(answer["message"] or "nothing that can be chosen")
        return 6
    cheapest, fastest, best = summary["cheapest"], summary["fastest"], summary["recommended"]
    is_here = cheapest["platform"] == "local"
    saved = None if is_here else summary["savings_vs_local"]
    saves = f" - {saved} less than here" if saved else ""
    app.put(f"Cheapest     {cheapest['platform']} {cheapest['gpu']}  {cheapest['cost']}{saves}")
    app.put(f"Fastest      {fastest['platform']} {fastest['gpu']}  set up: {fastest['setup_time']}")
    app.put(f"Recommended  {best['platform']} {best['gpu']}  {best['cost']} - {best['reason']}")
    for note in answer["notes"]:
        app.say(f"note: {note}")
    if len(options) < len(answer["options"]):
        app.hint(f"-a shows all {len(answer['options'])} options")
    return 0


def _gpu(name: str, count: float) -> str:
    return name if count in (0, 1) else f"{count:g}x {name}"
