"""Answers as tables, JSON, JSON lines, CSV, YAML or bare names: one place, so that all commands agree."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tradewind.cli.application import Application
from tradewind.domain.errors import InvalidInputError

Row = Mapping[str, Any]

STATUS_COLORS: Final = {
    "succeeded": "green", "running": "blue", "starting": "cyan", "queued": "yellow", "stopping": "yellow",
    "failed": "red", "cancelled": "dim", "interrupted": "yellow", "creating": "cyan",
    "ok": "green", "warning": "yellow", "error": "red",
}  # fmt: skip

_NARROWEST_TEXT: Final = 12
#: Longer tables are printed without colours and wrapping, which would take seconds for thousands of rows.
_MOST_IN_COLOUR: Final = 200


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table for people. `read` makes its text from a row."""

    title: str
    read: Callable[[Row], str]
    is_number: bool = False
    is_status: bool = False
    #: Whether it may be broken over lines on a narrow terminal: text may, ids and figures may not.
    is_text: bool = False


def wanted_output(app: Application) -> str:
    """The form that was asked for: table, json, jsonl, csv, yaml or name."""
    named = app.flags.get("output")
    return str(named) if named else app.settings.output


def is_for_people(app: Application) -> bool:
    """True if the answer is to be a table or text."""
    return wanted_output(app) == "table" and not app.flags.get("fields")


def render_rows(
    app: Application, rows: Sequence[Row], columns: Sequence[Column], *, name: str = "id", empty: str = ""
) -> None:
    """Prints rows. JSON is a list of them with all fields; `name` is the field that names a row; `empty` is said on
    standard error when a table would have no rows."""
    output = wanted_output(app)
    rows, columns = _choose_fields(app, rows, columns)
    if output == "table":
        if rows:
            _print_table(app, rows, columns)
        elif empty:
            app.say(empty)
    elif output == "name":
        _print_names(app, rows, name)
    elif output == "jsonl":
        for row in rows:
            app.put(json.dumps(row, ensure_ascii=False))
    elif output == "csv":
        _print_csv(rows)
    else:
        _print_document(app, [dict(row) for row in rows], output)


def render_document(
    app: Application,
    document: Row,
    show: Callable[[], str],
    *,
    name: str = "id",
    rows: Sequence[Row] | None = None,
) -> None:
    """Prints one thing: `show()` for people, all fields otherwise. JSON lines and CSV print `rows` where given."""
    output = wanted_output(app)
    if output == "table" and not app.flags.get("fields"):
        app.put(show())
        return
    if output in ("jsonl", "csv") and rows is not None:
        render_rows(app, rows, [], name=name)
        return
    (chosen,), columns = _choose_fields(app, [document], [])
    if output == "table":
        _print_table(app, [chosen], columns)
    elif output == "name":
        _print_names(app, [chosen], name)
    elif output == "jsonl":
        app.put(json.dumps(chosen, ensure_ascii=False))
    elif output == "csv":
        _print_csv([chosen])
    else:
        _print_document(app, dict(chosen), output)


def clean(value: object) -> str:
    """Text that cannot move the cursor or break a row: control characters become spaces."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _choose_fields(
    app: Application, rows: Sequence[Row], columns: Sequence[Column]
) -> tuple[Sequence[Row], Sequence[Column]]:
    wanted = app.flags.get("fields")
    if not wanted:
        return rows, columns
    paths = [path.strip() for path in str(wanted).split(",") if path.strip()]
    chosen = [{path: _read_path(row, path) for path in paths} for row in rows]

    def column(path: str) -> Column:
        return Column(path.upper(), lambda row: _to_cell(row[path]))

    return chosen, [column(path) for path in paths]


def _read_path(row: Row, path: str) -> Any:
    here: Any = row
    for part in path.split("."):
        if here is None:
            return None
        if not isinstance(here, Mapping) or part not in here:
            # Free-form mappings (tags, metrics) differ from row to row: what one lacks is empty there.
            if isinstance(here, Mapping) and here is not row:
                return None
            known = ", ".join(sorted(row))
            raise InvalidInputError(f"there is no field {path!r}", hint=f"fields: {known}")
        here = here[part]
    return here


def _to_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _print_table(app: Application, rows: Sequence[Row], columns: Sequence[Column]) -> None:
    cells = [[clean(column.read(row)) for column in columns] for row in rows]
    if sys.stdout.isatty() and len(cells) <= _MOST_IN_COLOUR:
        _print_rich_table(app, cells, columns)
        return
    widths = [max(len(column.title), *(len(row[i]) for row in cells)) for i, column in enumerate(columns)]
    form = "  ".join(
        f"{{:>{width}}}" if column.is_number else f"{{:<{width}}}"
        for column, width in zip(columns, widths, strict=True)
    )
    app.put("\n".join(form.format(*line).rstrip() for line in [[c.title for c in columns], *cells]))


def _print_rich_table(app: Application, cells: list[list[str]], columns: Sequence[Column]) -> None:
    # Imported late: only a terminal needs widths, wrapping and colours.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    has_color = app.has_color()
    table = Table(box=None, pad_edge=False, header_style="bold" if has_color else "", show_edge=False)
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.is_number else "left",
            overflow="fold",
            no_wrap=not column.is_text,
        )
    for row in cells:
        table.add_row(
            *(
                Text(text, style=STATUS_COLORS.get(text.lower(), "") if column.is_status else "")
                for text, column in zip(row, columns, strict=True)
            )
        )
    console = Console(no_color=not has_color, color_system="standard" if has_color else None, highlight=False)
    # On a very narrow terminal the terminal breaks the lines: an id cut short could not be copied.
    fixed = [
        _NARROWEST_TEXT if c.is_text else max(map(len, (c.title, *parts)))
        for c, parts in _by_column(columns, cells)
    ]
    console.width = max(console.width, sum(fixed) + 2 * len(fixed))
    console.print(table)


def _by_column(columns: Sequence[Column], cells: list[list[str]]) -> list[tuple[Column, list[str]]]:
    return [(column, [row[index] for row in cells]) for index, column in enumerate(columns)]


def _print_names(app: Application, rows: Sequence[Row], name: str) -> None:
    for row in rows:
        value = row.get(name) if name in row else next(iter(row.values()), "")
        app.put(_to_cell(value))


def _print_csv(rows: Sequence[Row]) -> None:
    titles: dict[str, None] = {}
    for row in rows:
        titles.update(dict.fromkeys(row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if titles:
        writer.writerow(titles)
    for row in rows:
        writer.writerow([_to_cell(row.get(title)) for title in titles])
    sys.stdout.write(text.getvalue())


def _print_document(app: Application, document: Any, output: str) -> None:
    if output == "yaml":
        import yaml

        app.put(yaml.safe_dump(document, sort_keys=False, allow_unicode=True).rstrip())
    else:
        app.put(json.dumps(document, indent=2, ensure_ascii=False))
