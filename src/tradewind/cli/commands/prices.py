"""`tradewind prices …`: how prices went, and where they come from."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path
from typing import Any, Final

import click

from tradewind.cli.application import Application
from tradewind.cli.lazy import Lazy, LazyGroup
from tradewind.cli.options import command, dry_run_option, output_options, yes_option
from tradewind.cli.price_options import draw_line, parse_moment, place_options, show_price
from tradewind.cli.questions import confirm
from tradewind.cli.render import Column, Row, clean, is_for_people, render_document, render_rows
from tradewind.cli.wording import show_age
from tradewind.domain.errors import InvalidInputError

_AT: Final = "tradewind.cli.commands.prices:"


@click.group(
    "prices",
    cls=LazyGroup,
    sections={
        "Look": {
            "history": Lazy(_AT + "history", "Show how the price of a GPU or an offer went."),
            "changes": Lazy(_AT + "changes", "List what changed, newest first."),
            "export": Lazy(_AT + "export", "Write every recorded change as CSV or JSON lines."),
            "sources": Lazy(
                _AT + "sources", "List where prices come from, how old they are, and what failed."
            ),
        },
        "Act": {
            "refresh": Lazy(_AT + "refresh", "Ask price sources now."),
            "import": Lazy(_AT + "import_file", "Import a price file, or a SkyPilot catalogue."),
            "rm": Lazy(_AT + "remove", "Withdraw imported prices; their history stays."),
        },
    },
)
def prices() -> None:
    """Show how prices went; manage where they come from."""


@command("history")
@place_options
@click.option("--machine", "instance_type", multiple=True, metavar="TYPE", help="Machine type. Repeatable.")
@click.option("--since", metavar="WHEN", help="2026-11-01, or 7d ago. Default: the first day.")
@click.option("--until", metavar="WHEN", help="Default: now.")
@click.option(
    "--points", "buckets", type=click.IntRange(1, 1000), default=60, show_default=True, help="How fine."
)
@output_options
def history(app: Application, since: str | None, until: str | None, **filters: Any) -> None:
    """Show how the price of a GPU or an offer went."""
    asked = {name: value for name, value in filters.items() if value not in ((), None)}
    answer = app.client.price_history(
        **asked, since=parse_moment(since, app.now()), until=parse_moment(until, app.now())
    ).model_dump(mode="json")
    render_document(app, answer, lambda: _course(answer), rows=answer["band"])


def _course(answer: Row) -> str:
    band = answer["band"]
    if not answer["series_count"]:
        return "nothing is recorded of these offers yet"
    lines = [f"$ per GPU-hour, {answer['since'][:16]} to {answer['until'][:16]} UTC"]
    for title, name in (("least", "min_micro"), ("middle", "median_micro"), ("most", "max_micro")):
        values = [point[name] for point in band]
        known = [value for value in values if value is not None]
        now = show_price(values[-1]) if values else "-"
        span = f"{show_price(min(known))} to {show_price(max(known))}" if known else "-"
        lines.append(f"  {title:<7}{draw_line(values)}  now {now:>8}   {span}")
    if any(point["min_micro"] is None for point in band):
        lines.append("  gaps: nothing was to be had, or nothing was recorded yet")
    lines.append(f"{answer['series_count']:,} offers; those that changed last:")
    for series in answer["series"][:10]:
        last = series["points"][-1]
        where = f"{series['provider']} {series['zone'] or series['region']} {series['instance_type']}"
        price = "gone" if last["price_micro"] is None else f"${show_price(last['price_micro'])}/h"
        lines.append(
            f"  {clean(where)} {series['market'].replace('_', '-')}: {price} since {last['at'][:16]}"
        )
    if answer["is_cut"]:
        lines.append("the oldest changes are left out; ask for less with --gpu, --provider or --region")
    return "\n".join(lines)


@command("changes")
@place_options
@click.option("--since", metavar="WHEN", help="2026-11-01, or 24h ago.")
@click.option(
    "-n", "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many."
)
@output_options
def changes(app: Application, since: str | None, limit: int, **filters: Any) -> None:
    """List what changed, newest first."""
    asked = {name: value for name, value in filters.items() if value not in ((), None)}
    page = app.client.price_changes(**asked, since=parse_moment(since, app.now()), limit=limit)
    rows = [item.model_dump(mode="json") for item in page.items]
    now = app.now()
    columns = [
        Column("AGO", lambda row: show_age(row["at"], now), is_number=True),
        Column("WHAT", _reading),
        Column("$/H", lambda row: show_price(row["price_micro"]), is_number=True),
        Column("WAS", lambda row: show_price(row["previous_micro"]), is_number=True),
        Column("PROVIDER", lambda row: row["provider"]),
        Column("GPU", lambda row: row["accelerator"] or "-"),
        Column("N", lambda row: f"{row['accelerator_count']:g}", is_number=True),
        Column("REGION", lambda row: row["zone"] or row["region"]),
        Column("TYPE", lambda row: row["market"].replace("_", "-")),
        Column("MACHINE", lambda row: row["instance_type"]),
        Column("SOURCE", lambda row: row["source"]),
    ]
    render_rows(app, rows, columns, name="position", empty="nothing has changed")
    if page.next_cursor and is_for_people(app):
        app.hint(f"there are more; show them with `-n {min(limit * 4, 10_000)}`")


def _reading(row: Row) -> str:
    if row["reading"] == "availability":
        return f"now {row['availability']}"
    return row["reading"] if row["per_cent"] is None else f"{row['reading']} {abs(row['per_cent']):.1f} %"


@command("export")
@place_options
@click.option(
    "--format", "form", type=click.Choice(("csv", "jsonl")), default="csv", show_default=True, help="Form."
)
@click.option("--output-file", type=click.Path(path_type=Path), help="Where to. Default: standard output.")
def export(app: Application, form: str, output_file: Path | None, **filters: Any) -> None:
    """Write every recorded change as CSV or JSON lines."""
    asked = {name: value for name, value in filters.items() if value not in ((), None)}
    pieces = app.client.export_prices(**asked, format=form)
    if output_file is None:
        # Pieces end anywhere, also within a character.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for piece in pieces:
            sys.stdout.write(decoder.decode(piece))
        return
    try:
        with output_file.open("wb") as target:
            for piece in pieces:
                target.write(piece)
    except OSError as error:
        raise InvalidInputError(f"cannot write {output_file}: {error.strerror}") from None


@command("sources")
@output_options
def sources(app: Application) -> None:
    """List where prices come from, how old they are, and what failed."""
    rows = [item.model_dump(mode="json") for item in app.client.price_sources().items]
    render_rows(app, rows, _source_columns(app), name="name")


@command("refresh")
@click.argument("names", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 120),
    default=60,
    show_default=True,
    help="At most so many seconds for each.",
)
@output_options
def refresh(app: Application, names: tuple[str, ...], wait_s: float) -> int:
    """Ask price sources now."""
    wanted = names or tuple(
        each.name for each in app.client.price_sources().items if each.state.startswith("asked")
    )
    rows = [app.client.refresh_prices(name, wait_s=wait_s).model_dump(mode="json") for name in wanted]
    render_rows(app, rows, _source_columns(app), name="name", empty="no source can be asked")
    return 9 if any(row["error"] for row in rows) else 0


@command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="What to call it. Default: the name of the file.")
@click.option("--provider", metavar="NAME", help="Whose prices a SkyPilot catalogue (vms.csv) has.")
@dry_run_option
@output_options
def import_file(app: Application, file: Path, name: str | None, provider: str | None, dry_run: bool) -> None:
    """Import a price file, or a SkyPilot catalogue."""
    from pydantic import ValidationError

    from tradewind.domain.schemas_offers import PriceImport

    try:
        content = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"cannot read {file}: {error}") from None
    try:
        order = PriceImport(
            name=name or file.stem.lower().replace(" ", "-"),
            format="price-file" if provider is None else "skypilot",
            content=content,
            provider=provider,
            filename=str(file),
            dry_run=dry_run,
        )
    except ValidationError as error:
        fault = error.errors()[0]
        raise InvalidInputError(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}", hint="choose another --name"
        ) from None
    answer = app.client.import_prices(order).model_dump(mode="json")
    verb = "would be" if dry_run else "are"
    render_document(
        app,
        answer,
        lambda: (
            f"{answer['offers']:,} offers {verb} known as {answer['name']}; "
            f"{answer['changes']:,} changes, {answer['unpriced']:,} without a price"
        ),
        name="name",
    )


@command("rm")
@click.argument("name")
@yes_option
@dry_run_option
@output_options
def remove(app: Application, name: str, yes: bool, dry_run: bool) -> None:
    """Withdraw imported prices; their history stays."""
    if dry_run:
        app.say(f"the offers of {name} would be withdrawn; nothing was done")
        return
    confirm(app, f"Withdraw the offers of {name}?", yes=yes)
    row = app.client.remove_prices(name).model_dump(mode="json")
    render_document(app, row, lambda: f"{name}: its offers are withdrawn, its history stays", name="name")


def _source_columns(app: Application) -> list[Column]:
    now = app.now()
    return [
        Column("SOURCE", lambda row: row["name"]),
        Column("OFFERS", lambda row: f"{row['offers']:,}", is_number=True),
        Column("AGE", lambda row: show_age(row["fetched_at"], now), is_number=True),
        Column("STATE", lambda row: row["state"]),
        Column("LAST ERROR", lambda row: _error(row, app), is_text=True),
    ]


def _error(row: Row, app: Application) -> str:
    return f"{row['error']} ({show_age(row['tried_at'], app.now())} ago)" if row["error"] else ""
