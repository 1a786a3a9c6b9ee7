"""A simulation for people: policies side by side, with bars."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tradewind.cli.bars import draw_bar
from tradewind.cli.render import Row, clean
from tradewind.cli.wording import show_carbon, show_money
from tradewind.domain.units import format_duration

_Column = tuple[str, Callable[[Row], str], bool]


def show_simulation(answer: Row) -> str:
    """The table, what was left out, and what each policy does."""
    rows = answer["policies"]
    title = f"{clean(answer['name'])}: " if answer["name"] else ""
    lines = [
        f"{title}{_count(answer['jobs'], 'job')}, seed {answer['seed']}, {_count(len(answer['places']), 'place')}",
        "",
    ]
    lines += _table(rows, _columns(rows))
    lines.append("")
    for row in rows:
        if row["policy"] == answer["best"]:
            kept = f", {_count(row['missed_deadlines'], 'deadline')} missed" if row["deadlines"] else ""
            lines.append(f"Cheapest with the fewest misses: {row['policy']}, {show_money(row['cost'])}{kept}")
    for row in rows:
        lines.append(f"  {row['policy']:<18} {clean(row['explanation'])}")
    for each in answer["left_out"]:
        names = ", ".join(clean(name) for name in each["names"])
        more = ", ..." if each["jobs"] > len(each["names"]) else ""
        lines.append(f"nowhere: {_count(each['jobs'], 'job')} ({names}{more}): {clean(each['reason'])}")
    return "\n".join(lines)


def _columns(rows: list[Row]) -> list[_Column]:
    dearest = max((row["cost"]["micro"] for row in rows), default=0)
    columns: list[_Column] = [
        ("POLICY", lambda row: row["policy"], False),
        ("COST", lambda row: show_money(row["cost"]), True),
        ("", lambda row: draw_bar(row["cost"]["micro"], dearest), False),
        ("WAIT MEAN", lambda row: _span(row["waiting_hours_mean"]), True),
        ("P50", lambda row: _span(row["waiting_hours_p50"]), True),
        ("P95", lambda row: _span(row["waiting_hours_p95"]), True),
        ("DONE MEAN", lambda row: _span(row["turnaround_hours_mean"]), True),
        ("P95", lambda row: _span(row["turnaround_hours_p95"]), True),
    ]

    def add(title: str, read: Callable[[Row], Any], is_shown: bool) -> None:
        if is_shown:
            columns.append((title, read, True))

    add(
        "LATE", lambda row: f"{row['missed_deadlines']}/{row['deadlines']}", any(r["deadlines"] for r in rows)
    )
    add("OVER BUDGET", lambda row: f"{row['over_budget']}/{row['budgets']}", any(r["budgets"] for r in rows))
    add("NOT DONE", lambda row: str(row["jobs"] - row["ended"]), any(r["ended"] < r["jobs"] for r in rows))
    add("TAKEN BACK", lambda row: str(row["interruptions"]), any(r["interruptions"] for r in rows))
    add("MOVED", lambda row: str(row["moves"]), any(r["moves"] for r in rows))
    add("LOST", lambda row: _span(row["lost_hours"]), any(r["lost_hours"] for r in rows))
    add("OWN USE", _use, any(r["owned_use"] is not None for r in rows))
    add("CO2E", _carbon, any(r["carbon_grams"] is not None for r in rows))
    return columns


def _table(rows: list[Row], columns: list[_Column]) -> list[str]:
    cells = [
        [title for title, _, _ in columns],
        *([clean(read(row)) for _, read, _ in columns] for row in rows),
    ]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    form = [
        f"{{:>{width}}}" if is_number else f"{{:<{width}}}"
        for (_, _, is_number), width in zip(columns, widths, strict=True)
    ]
    return ["  ".join(form).format(*line).rstrip() for line in cells]


def _span(hours: float) -> str:
    return format_duration(hours * 3_600) if hours else "0"


def _use(row: Row) -> str:
    return "-" if row["owned_use"] is None else f"{row['owned_use']:.0%}"


def _carbon(row: Row) -> str:
    if row["carbon_grams"] is None:
        return "-"
    text = show_carbon(row["carbon_grams"])
    return text if row["jobs_with_carbon"] >= row["ended"] else f">{text}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
