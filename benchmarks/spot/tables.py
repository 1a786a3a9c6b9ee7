"""The tables: costs over optimum by slice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from rich.table import Table

from benchmarks.spot.runs import OURS, Run, count_missed, p95_ratio, policies, total_ratio

T = TypeVar("T", int, str)

_AVAILABILITIES: Final = (
    ("up < 40 %", 0.0, 0.4),
    ("up 40 – 80 %", 0.4, 0.8),
    ("up > 80 %", 0.8, 1.01),
)


def slices_of(runs: Sequence[Run]) -> list[tuple[str, list[Run]]]:
    """The runs as a whole, then by part, deadline, changeover, availability, the two ends, and series."""
    found: list[tuple[str, list[Run]]] = [("all", list(runs))]
    for part in _values(runs, lambda run: run.part):
        found.append((part, [run for run in runs if run.part == part]))
    for hours in _values(runs, lambda run: run.deadline_h):
        found.append((f"deadline {hours} h", [run for run in runs if run.deadline_h == hours]))
    for seconds in _values(runs, lambda run: run.changeover_s):
        found.append(
            (f"changeover {seconds / 60:g} min", [run for run in runs if run.changeover_s == seconds])
        )
    for name, low, high in _AVAILABILITIES:
        found.append((name, [run for run in runs if low <= run.availability < high]))
    for hours in _values(runs, lambda run: run.deadline_h):
        for seconds in _values(runs, lambda run: run.changeover_s):
            chosen = [run for run in runs if (run.deadline_h, run.changeover_s) == (hours, seconds)]
            found.append((f"{hours} h, {seconds / 60:g} min", chosen))
    for name in _values(runs, lambda run: run.series):
        found.append((name, [run for run in runs if run.series == name]))
    seen: set[tuple[int, ...]] = set()
    kept = []
    for name, chosen in found:
        key = tuple(id(run) for run in chosen)
        if chosen and key not in seen:
            seen.add(key)
            kept.append((name, chosen))
    return kept


def table_of(title: str, runs: Sequence[Run]) -> Table:
    """One row for each slice: cost over optimum by policy, and how ours did beyond its mean."""
    table = Table(title=title, title_justify="left")
    table.add_column("slice")
    for name in ("runs", *policies(), "P95 of ours", "missed by ours"):
        table.add_column(name, justify="right")
    for name, chosen in slices_of(runs):
        ratios = [_ratio(total_ratio(chosen, policy)) for policy in policies()]
        table.add_row(
            name, str(len(chosen)), *ratios, _ratio(p95_ratio(chosen, OURS)), str(count_missed(chosen, OURS))
        )
    p95 = [_ratio(p95_ratio(runs, policy)) for policy in policies()]
    table.add_section()
    table.add_row("P95 of the ratio", str(len(runs)), *p95, "", "")
    return table


def _values(runs: Iterable[Run], of: Callable[[Run], T]) -> list[T]:
    return sorted({of(run) for run in runs})


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
