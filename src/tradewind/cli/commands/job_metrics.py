"""Metrics as a table with sparklines, or every point as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import click

from tradewind.cli.application import Application
from tradewind.cli.options import command, job_argument, output_options
from tradewind.cli.render import Column, is_for_people, render_document, render_rows
from tradewind.cli.wording import show_number

_BARS: Final = "▁▂▃▄▅▆▇█"
_SPARK_WIDTH: Final = 24


@command("metrics")
@job_argument
@click.option("--name", "names", multiple=True, metavar="NAME", help="Only this metric. Repeatable.")
@click.option("--attempt", type=click.IntRange(1), help="Of this attempt. Default: the newest.")
@click.option(
    "--max-points", type=click.IntRange(2, 10_000), default=500, show_default=True, help="Points a metric."
)
@output_options
def metrics(app: Application, job: str, names: tuple[str, ...], attempt: int | None, max_points: int) -> None:
    """Show what a job reported and what was measured."""
    answer = app.client.metrics(job, names=names, attempt=attempt, max_points=max_points).model_dump(
        mode="json"
    )
    if is_for_people(app):
        render_rows(app, answer["series"], _COLUMNS, empty="it has not reported any metrics")
        return
    points = [
        {"name": series["name"], "kind": series["kind"], "unit": series["unit"], **point}
        for series in answer["series"]
        for point in series["points"]
    ]
    if app.flags.get("fields"):
        render_rows(app, points, [], name="name")
    else:
        render_document(app, answer, lambda: "", name="job", rows=points)


def sparkline(values: Sequence[float], width: int = _SPARK_WIDTH) -> str:
    """The course of a figure in one line of bars; each bar is the mean of its share of the points."""
    finite = [value for value in values if abs(value) != float("inf") and value == value]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    count = min(width, len(finite))
    bars = []
    for index in range(count):
        part = finite[index * len(finite) // count : (index + 1) * len(finite) // count]
        mean = sum(part) / len(part)
        share = (mean - low) / (high - low) if high > low else 0.5
        bars.append(_BARS[min(len(_BARS) - 1, max(0, int(share * len(_BARS))))])
    return "".join(bars)


def _values(series: Any) -> list[float]:
    return [point["value"] for point in series["points"] if point["value"] is not None]


def _figure(series: Any, choose: Any) -> str:
    values = _values(series)
    return show_number(choose(values), 4) if values else "-"


_COLUMNS: Final = [
    Column("METRIC", lambda series: series["name"]),
    Column("KIND", lambda series: series["kind"]),
    Column("LAST", lambda series: _figure(series, lambda values: values[-1]), is_number=True),
    Column("MIN", lambda series: _figure(series, min), is_number=True),
    Column("MAX", lambda series: _figure(series, max), is_number=True),
    Column("UNIT", lambda series: series["unit"] or ""),
    Column("POINTS", lambda series: str(series["total_points"]), is_number=True),
    Column("COURSE", lambda series: sparkline(_values(series))),
]
