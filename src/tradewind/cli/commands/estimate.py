"""What a job would take."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from tradewind.cli.application import Application
from tradewind.cli.bars import draw_bar
from tradewind.cli.job_files import read_job_file
from tradewind.cli.options import command, output_options, yes_option
from tradewind.cli.render import Column, Row, clean, is_for_people, render_document, render_rows
from tradewind.cli.wording import show_carbon, show_money, show_number
from tradewind.domain.errors import InvalidInputError

#: What the server takes.
_LONGEST_NAME: Final = 64
_MOST_GPUS: Final = 32
_VERDICTS: Final = {"fits": "fits", "tight": "tight", "does_not_fit": "too small"}


@command("estimate")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--gpu", "gpus", multiple=True, metavar="NAME[:COUNT]", help="On this; may be repeated.")
@click.option(
    "--probe",
    metavar="[TIME]",
    is_flag=False,
    flag_value="60s",
    help="First run the job so long, here and now, to see its pace.  [60s]",
)
@yes_option
@output_options
def estimate(app: Application, file: Path, gpus: tuple[str, ...], probe: str | None, yes: bool) -> int:
    """Work out the memory, hours, money, energy and carbon of a job.

    On each accelerator it may run on, with the cheapest offer of it. Earlier runs of the job in the same project count
    more than anything that is worked out. A probe is a job of its own: it is placed, metered and listed like any other.
    """
    _check(gpus)
    job = read_job_file(app, file)
    exit_code = 0
    if probe is not None:
        from tradewind.cli.probing import probe_job, read_length

        exit_code = probe_job(app, job, read_length(probe), yes=yes)
    answer = app.client.estimate(job.mapping, accelerators=list(gpus) or None).model_dump(mode="json")
    if not is_for_people(app):
        render_document(app, answer, lambda: "", rows=answer["lines"], name="accelerator")
        return exit_code
    app.put(f"Estimate for {clean(answer['job_name'])}: {clean(answer['workload'])}")
    app.put("")
    render_rows(app, answer["lines"], _columns(answer["lines"]), empty="no accelerator to estimate for")
    if answer["memory"]:
        _show_memory(app, answer["memory"])
    app.put("")
    if answer["earlier_runs"]:
        app.put(
            f"Earlier runs of this job: {answer['earlier_runs']}. {answer['accuracy']['text'].capitalize()}."
        )
    else:
        app.put(f"Accuracy: {answer['accuracy']['text']}.")
    for warning in answer["warnings"]:
        app.say(f"warning: {clean(warning)}")
    return exit_code


def _check(gpus: tuple[str, ...]) -> None:
    for name in gpus:
        if not 0 < len(name.strip()) <= _LONGEST_NAME:
            raise InvalidInputError(
                f"--gpu {name!r} names no accelerator", hint="write for example --gpu H100:8"
            )
    if len(gpus) > _MOST_GPUS:
        raise InvalidInputError(f"--gpu was given {len(gpus)} times, {_MOST_GPUS} is the most")


def _columns(lines: list[Row]) -> list[Column]:
    columns = [Column("ACCELERATOR", lambda row: _accelerator(row))]
    if any(line["memory_gb"] for line in lines):
        columns.append(Column("MEMORY", _memory, is_number=True))
        columns.append(Column("FITS", lambda row: _VERDICTS.get(row["verdict"] or "", "-")))
    columns += [
        Column("HOURS P50", lambda row: _end(row["hours"], "p50"), is_number=True),
        Column("P90", lambda row: _end(row["hours"], "p90"), is_number=True),
        Column("FROM", lambda row: row["hours"]["layer"] if row["hours"] else "-"),
        Column("CHEAPEST", _place),
        Column("PRICE/H", lambda row: show_money(row["price_per_hour"]), is_number=True),
        Column("COST P50", lambda row: show_money(row["cost"]), is_number=True),
        Column("P90", lambda row: show_money(row["cost_p90"]), is_number=True),
        Column("KWH", lambda row: _end(row["energy_kwh"], "p50"), is_number=True),
        Column("CO2E", _carbon, is_number=True),
    ]
    return columns


def _show_memory(app: Application, memory: Row) -> None:
    total = memory["total_gb"]
    app.put("")
    app.put(
        f"Memory on each of {memory['count']}x {memory['accelerator']}: {total['p50']:.1f} GB "
        f"({total['p10']:.1f} to {total['p90']:.1f}) of {memory['usable_gb']:.1f} GB usable - "
        f"{_VERDICTS[memory['verdict']]}"
    )
    most = max((item["gb"] for item in memory["items"]), default=0.0)
    for item in memory["items"]:
        if item["gb"] >= 0.005:
            bar = draw_bar(item["gb"], most)
            app.put(f"  {clean(item['name']):<14} {item['gb']:>8.2f} GB  {bar:<12}  {clean(item['note'])}")
    if memory["switches"]:
        app.put("What needs less memory, the best way first:")
    for switch in memory["switches"]:
        fits = "fits" if switch["makes_it_fit"] else "still too much"
        warning = "; something else is learned" if switch["changes_result"] else ""
        app.put(
            f"  {clean(switch['name']):<22} {switch['memory_gb']:>7.1f} GB  {fits}, time x{switch['time_factor']:.2f}"
            f"  {clean(switch['explanation'])}{warning}"
        )


def _accelerator(row: Row) -> str:
    name = clean(row["accelerator"])
    text = name if row["count"] == 1 else f"{row['count']:g}x {name}"
    return f"{text} (here)" if row["is_here"] else text


def _memory(row: Row) -> str:
    return f"{row['memory_gb']['p50']:.1f} GB" if row["memory_gb"] else "-"


def _place(row: Row) -> str:
    return f"{row['provider']} {row['region']}".strip() if row["provider"] else "-"


def _end(band: Row | None, end: str) -> str:
    return show_number(band[end]) if band else "-"


def _carbon(row: Row) -> str:
    return show_carbon(row["carbon_grams"]["p50"]) if row["carbon_grams"] else "-"
