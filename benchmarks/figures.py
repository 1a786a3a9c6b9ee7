"""Figures: what was measured, how often, what the goal was, and what stands beside it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

Better = Literal["lower", "higher"]
_HEADINGS: Final = ("measured", "goal", "median", "min – max", "runs", "beside it", "ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What a figure is held against: the same work by something else, or a limit nothing could pass."""

    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of a table. `values` are single runs; `note` says what a reader has to know to repeat it."""

    name: str
    unit: str
    values: tuple[float, ...]
    better: Better
    goal: float | None = None
    peer: Peer | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """The middle of the runs."""
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        """The median over the peer's value."""
        return self.median / self.peer.value if self.peer is not None and self.peer.value else None

    @property
    def has_met_goal(self) -> bool | None:
        """Whether the median is as good as the goal; None without a goal."""
        if self.goal is None:
            return None
        return self.median <= self.goal if self.better == "lower" else self.median >= self.goal

    def as_record(self) -> dict[str, Any]:
        """The figure in JSON's own types."""
        return {
            **asdict(self),
            "values": list(self.values),
            "median": self.median,
            "ratio": self.ratio,
            "has_met_goal": self.has_met_goal,
        }


def render_table(figures: Sequence[Figure]) -> str:
    """A Markdown table, aligned so that it can be read as plain text too."""
    rows = [_HEADINGS, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    notes = [f"- {figure.name}: {figure.note}" for figure in figures if figure.note]
    return "\n".join([*lines, "", *notes] if notes else lines)


def _cells(figure: Figure) -> tuple[str, ...]:
    sign = "≤" if figure.better == "lower" else "≥"
    mark = {True: " ✓", False: " ✗", None: ""}[figure.has_met_goal]
    return (
        figure.name,
        "–" if figure.goal is None else f"{sign} {number(figure.goal)} {figure.unit}",
        f"{number(figure.median)} {figure.unit}{mark}",
        f"{number(min(figure.values))} – {number(max(figure.values))}",
        str(len(figure.values)),
        "–" if figure.peer is None else f"{figure.peer.name}: {number(figure.peer.value)} {figure.unit}",
        "–" if figure.ratio is None else f"{figure.ratio:.2f}",
    )


def number(value: float) -> str:
    """Three digits that mean something, without an exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"
