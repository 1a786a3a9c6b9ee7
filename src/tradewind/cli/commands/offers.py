"""`tradewind offers`: what can be had, where, at what price."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any, Final

import click

from tradewind.cli.application import Application
from tradewind.cli.options import command, output_options
from tradewind.cli.price_options import place_options, show_price
from tradewind.cli.render import Column, Row, clean, is_for_people, render_rows, wanted_output
from tradewind.cli.wording import show_age, show_number

_SORTS: Final = ("price", "price_per_accelerator", "memory", "availability", "provider")
_PAGE: Final = 10_000
_WATCH_S: Final = 10.0
_LEVELS: Final = ("high", "medium", "low")


@command("offers")
@place_options
@click.option("--count", "-c", type=click.FloatRange(0), help="Exactly so many GPUs per machine.")
@click.option("--min-count", type=click.FloatRange(0), help="At least so many GPUs per machine.")
@click.option("--min-memory", type=click.FloatRange(0), metavar="GB", help="Memory of one GPU.")
@click.option("--min-total-memory", type=click.FloatRange(0), metavar="GB", help="Memory of all GPUs.")
@click.option("--min-cpus", type=click.FloatRange(0), help="CPUs of the machine.")
@click.option("--min-host-memory", type=click.FloatRange(0), metavar="GIB", help="Memory of the machine.")
@click.option("--max-price", metavar="DOLLARS", help="Per hour of the whole machine.")
@click.option("--max-gpu-price", metavar="DOLLARS", help="Per hour of one GPU.")
@click.option("--availability", type=click.Choice(_LEVELS), help="At least so likely to be had.")
@click.option("--unpriced", is_flag=True, help="Also those without a real price.")
@click.option("--sort", type=click.Choice(_SORTS), default="price", show_default=True, help="Order.")
@click.option(
    "-n", "--limit", type=click.IntRange(1, _PAGE), default=50, show_default=True, help="At most so many."
)
@click.option("-a", "--all", "every", is_flag=True, help="All of them, however many.")
@click.option("--hours", type=click.FloatRange(0, min_open=True), help="Show what so many hours cost, too.")
@click.option("--watch", is_flag=True, help="Show them again every 10 s, until interrupted.")
@output_options
def offers(
    app: Application, every: bool, limit: int, hours: float | None, watch: bool, **filters: Any
) -> int:
    """List what can be had, where, at what price."""
    for name in ("max_price", "max_gpu_price"):
        if filters[name]:
            filters[name] = str(filters[name]).strip().removeprefix("$").removesuffix("/h")
    asked = {name: value for name, value in filters.items() if value not in ((), None, False)}
    while True:
        found = _show(app, asked, None if every else limit, hours)
        if not watch:
            return 0 if found else 6
        sys.stdout.flush()
        if app.clock is None:
            app.now()
        assert app.clock is not None
        app.client.run_coroutine(app.clock.sleep(_WATCH_S))
        if sys.stdout.isatty():
            sys.stdout.write("\x1b[H\x1b[2J")


def _show(app: Application, asked: dict[str, Any], limit: int | None, hours: float | None) -> int:
    """Prints the offers; how many fit."""
    page = app.client.offers_raw(**asked, limit=min(limit or _PAGE, _PAGE))
    first, rows = page, page["items"]
    is_stream = wanted_output(app) in ("jsonl", "name") and not app.flags.get("fields")
    while limit is None and page["next_cursor"]:
        if is_stream:
            # Printed as they come: nobody wants to wait for 150,000 rows, or hold them.
            render_rows(app, rows, [], name="instance_type")
            rows = []
        page = app.client.offers_raw(**asked, limit=_PAGE, cursor=page["next_cursor"])
        rows = rows + page["items"] if not is_stream else page["items"]
    render_rows(app, rows, _columns(app, rows, hours), name="instance_type")
    if is_for_people(app):
        _say_the_rest(app, first, len(rows))
    return int(first["matching"])


def _columns(app: Application, rows: list[Row], hours: float | None) -> list[Column]:
    now = app.now()
    # Thousands of rows share a few times and prices.
    age_of = cache(lambda text: show_age(text, now))
    price_of = cache(show_price)
    columns = [
        Column("PROVIDER", lambda row: row["provider"]),
        Column("GPU", _gpu),
        Column("REGION", lambda row: row["zone"] or row["region"]),
        Column("TYPE", lambda row: row["market"].replace("_", "-")),
        Column("MACHINE", lambda row: row["instance_type"]),
        Column("$/GPU-H", lambda row: price_of(row["price_per_accelerator_micro"]), is_number=True),
        Column("$/H", lambda row: price_of(row["price_micro"]), is_number=True),
        Column("AVAIL", lambda row: row["availability"]),
        Column("SEEN", lambda row: age_of(row["seen_at"]), is_number=True),
    ]
    if hours is not None:
        columns.insert(
            7, Column(f"{hours:g} H TOTAL", lambda row: price_of(_times(row, hours)), is_number=True)
        )
    if any(row["flags"] for row in rows):
        columns.append(Column("NOTE", lambda row: ", ".join(row["flags"]).replace("_", " ")))
    return columns


def _times(row: Row, hours: float) -> int | None:
    return None if row["price_micro"] is None else round(row["price_micro"] * hours)


def _gpu(row: Row) -> str:
    if not row["accelerator"]:
        return "-"
    count, memory = row["accelerator_count"], row["accelerator_memory_gb"]
    name = row["accelerator_title"] or row["accelerator"]
    size = f" {show_number(memory)}GB" if memory and "GB" not in name else ""
    return f"{name}{size}" + ("" if count == 1 else f" x{show_number(count)}")


def _say_the_rest(app: Application, page: Row, shown: int) -> None:
    failures = page["failures"]
    if not page["matching"]:
        app.say(f"no offer: {clean(page['why_nothing'])}")
    parts = [f"{shown:,} of {page['matching']:,} that fit, of {page['known']:,} offers"]
    if failures:
        what = "; ".join(f"{clean(each['name'])}: {clean(each['error'])}" for each in failures[:3])
        parts.append(f"{len(failures)} source{'s' if len(failures) > 1 else ''} failed ({what})")
    app.say(" · ".join(parts))
    if shown < page["matching"]:
        app.hint("see more with `-n 500`, or all with `--all`")
