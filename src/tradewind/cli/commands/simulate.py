"""What would come of many jobs, before a dollar is spent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tradewind.cli.application import Application
from tradewind.cli.options import command, output_options
from tradewind.cli.render import is_for_people, render_document, wanted_output
from tradewind.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from tradewind.domain.schemas_simulation import SimulationRequest

#: As many prices, and as many days, as anybody can mean.
_PRICE = click.FloatRange(0, 1e6)


@command("simulate")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "-p", "--policy", "policies", multiple=True, metavar="NAME", help="Policy to try; may be repeated."
)
@click.option(
    "--prices",
    type=click.Choice(["today", "history"]),
    default="today",
    show_default=True,
    help="As they are, or as they were recorded.",
)
@click.option(
    "--price-days",
    type=click.FloatRange(0, 3660, min_open=True),
    metavar="DAYS",
    help="Recorded prices from so long ago on.  [30]",
)
@click.option("--history", metavar="TIME", help="Your own jobs of this time (`30d`), as they came.")
@click.option("--own", multiple=True, metavar="MACHINES", help="Imagine these: `4x RTX 4090:2`, or `none`.")
@click.option("--market/--no-market", default=None, help="Offers of the price lists.  [unless --spot]")
@click.option(
    "--spot", type=click.Path(path_type=Path), metavar="DIR", help="Folder with what was seen of spot zones."
)
@click.option("--spot-gpu", metavar="GPU", help="What its machines have, where the files do not say.")
@click.option(
    "--spot-price", type=_PRICE, metavar="USD", help="Per machine and hour, where the files do not say."
)
@click.option("--on-demand-price", type=_PRICE, metavar="USD", help="The same machines on demand.")
@click.option("--strict", is_flag=True, help="Whoever waits for an own machine holds up all behind it.")
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Of everything that is drawn.  [0]")
@click.option("--limit", type=click.IntRange(1, 20_000), metavar="N", help="Only the first jobs of a trace.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Only these lines of a trace.")
@click.option(
    "--speed-up",
    type=click.FloatRange(0, 10_000, min_open=True),
    default=1.0,
    metavar="X",
    help="Let a trace's jobs arrive so many times as fast.",
)
@click.option(
    "--max-hours",
    type=click.FloatRange(0, 1e5, min_open=True),
    metavar="H",
    help="Cut longer jobs of a trace.",
)
@click.option(
    "--deadline-factor",
    type=click.FloatRange(0, 1000, min_open=True),
    metavar="X",
    help="Deadline of a trace's jobs: so many times their length.",
)
@click.option(
    "--checkpoint-minutes",
    type=click.FloatRange(0, 1e5, min_open=True),
    default=10.0,
    show_default=True,
    metavar="M",
    help="How often a trace's jobs write one.",
)
@click.option(
    "--gpu",
    "gpus",
    multiple=True,
    metavar="GPU",
    help="For lines of a trace that name none; may be repeated.",
)
@click.option("--details", is_flag=True, help="Every job of every policy, too.")
@output_options
def simulate(app: Application, file: Path | None, **asked: Any) -> int:
    """Replay jobs against policies and prices, before spending a dollar.

    FILE is a job mix (YAML), a single job file, or a trace (CSV, one job per line). Nothing is started.
    """
    order = _order(file, asked)
    try:
        answer = app.client.simulate(order).model_dump(mode="json")
    except InvalidInputError as error:
        for detail in error.details:
            detail.setdefault("file", str(file))
        raise
    from tradewind.cli.simulation_text import show_simulation

    rows = answer["details"] if asked["details"] else answer["policies"]
    name = "name" if asked["details"] else "policy"
    if wanted_output(app) == "csv":
        rows = [_flat(row) for row in rows]
    render_document(app, answer, lambda: show_simulation(answer), rows=rows, name=name)
    if is_for_people(app):
        for note in answer["notes"]:
            app.say(f"note: {note}")
    return 0 if any(row["ended"] for row in answer["policies"]) else 6


def _order(file: Path | None, asked: dict[str, Any]) -> SimulationRequest:
    from pydantic import ValidationError

    from tradewind.domain.schemas_simulation import SimulationRequest

    said: dict[str, Any] = {
        "prices": asked["prices"],
        "price_days": asked["price_days"],
        "market": asked["market"],
        "queue": "strict" if asked["strict"] else "fill",
        "seed": asked["seed"],
        "detail": asked["details"],
    }
    if asked["policies"]:
        said["policies"] = list(asked["policies"])
    if asked["own"]:
        said["own"] = list(asked["own"])
    if asked["history"]:
        said["history_days"] = _days(asked["history"])
    if file is not None:
        is_trace = file.suffix.lower() == ".csv"
        said |= {"trace": _trace(file, asked)} if is_trace else {"mix": _mix(file)}
    if (file is None) == (asked["history"] is None):
        raise InvalidInputError(
            "name a job mix or a trace, or give --history",
            hint="for example `tradewind simulate mix.yaml`, or `tradewind simulate --history 30d`",
        )
    if asked["spot"] is not None:
        said["spot"] = {
            "files": _folder(asked["spot"]),
            "gpu": asked["spot_gpu"],
            "spot_price": asked["spot_price"],
            "on_demand_price": asked["on_demand_price"],
        }
    try:
        return SimulationRequest.model_validate(said)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise InvalidInputError(f"{where}: {fault['msg']}", hint="`tradewind simulate -h`") from None


def _mix(file: Path) -> dict[str, Any]:
    from tradewind.spec.loading import load_job_file
    from tradewind.spec.mix import load_mix_text
    from tradewind.spec.text_files import read_text

    def read_job(name: str) -> dict[str, Any]:
        return load_job_file(file.parent / name).mapping

    try:
        return load_mix_text(read_text(file, 4 << 20), str(file), read_job)
    except InvalidInputError as error:
        for detail in error.details:
            detail.setdefault("file", str(file))
        raise


def _trace(file: Path, asked: dict[str, Any]) -> dict[str, Any]:
    from tradewind.spec.text_files import read_text

    where = dict(each.partition("=")[::2] for each in asked["where"])
    if not all(where):
        raise InvalidInputError("--where names no column", hint="write --where vc=11cb48")
    return {
        "content": read_text(file, 8 << 20),
        "filename": str(file)[-200:],
        "limit": asked["limit"],
        "where": {name.lower(): value for name, value in where.items()},
        "speed_up": asked["speed_up"],
        "max_hours": asked["max_hours"],
        "deadline_factor": asked["deadline_factor"],
        "checkpoint_minutes": asked["checkpoint_minutes"],
        "gpus": list(asked["gpus"]),
    }


def _folder(folder: Path) -> dict[str, str]:
    """The texts of a folder's JSON and CSV files, by name."""
    from tradewind.spec.text_files import read_text

    if not folder.is_dir():
        raise InvalidInputError(
            f"{folder}: there is no such folder", hint="name a folder with files of zones"
        )
    found = sorted(each for each in folder.iterdir() if each.suffix in (".json", ".csv") and each.is_file())
    if not found:
        raise InvalidInputError(
            f"{folder}: there are no JSON or CSV files in it", hint="docs/simulate.md has their form"
        )
    return {each.name: read_text(each, 8 << 20) for each in found}


def _days(text: str) -> float:
    from tradewind.domain.units import parse_duration

    try:
        return parse_duration(text).total_seconds() / 86_400
    except ValueError as error:
        raise InvalidInputError(f"--history: {error}", hint="write for example --history 30d") from None


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row for a spreadsheet: money as dollars, places in one cell."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict) and "micro" in value:
            flat[f"{key}_usd"] = value["micro"] / 1_000_000
        else:
            flat[key] = "; ".join(value) if isinstance(value, list) else value
    return flat
