"""The runs: which jobs start when on which series, what each policy pays, and what it could have paid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.spot.traces import Series
from tradewind.placement.spot.always_on_demand import AlwaysOnDemand
from tradewind.placement.spot.greedy import Greedy
from tradewind.placement.spot.optimum import optimal_costs
from tradewind.placement.spot.planned import Planned
from tradewind.placement.spot.replay import Replay, replay
from tradewind.placement.spot.uniform_progress import UniformProgress
from tradewind.placement.spot.values import Market, Policy

OURS: Final = "ours"
UNIFORM_PROGRESS: Final = "uniform progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Which runs are made on each series. `history_h` lies before the first start, where the series is long enough."""

    work_h: int
    deadlines_h: tuple[int, ...]
    changeovers_s: tuple[int, ...]
    starts: int
    history_h: float
    #: Uniform Progress leaves a zone for a cheaper one.
    moves: bool = False
    #: Each deadline has starts of its own, over all of the series; otherwise all have those of the longest.
    has_own_starts: bool = False


_POLICIES: Final[dict[str, Callable[[Grid], Policy]]] = {
    "on-demand": lambda _: AlwaysOnDemand(),
    "greedy": lambda _: Greedy(),
    UNIFORM_PROGRESS: lambda grid: UniformProgress(moves=grid.moves),
    OURS: lambda _: Planned(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One job on one series: what it could have cost, and how each policy did."""

    series: str
    part: str
    deadline_h: int
    changeover_s: int
    #: Share of the time to the deadline at which any zone was up.
    availability: float
    optimum: float
    replays: dict[str, Replay]

    def ratio(self, policy: str) -> float:
        """What it cost over what it could have cost."""
        return self.replays[policy].cost / self.optimum


def count_runs(series: Series, grid: Grid) -> int:
    """How many runs a series is long enough for."""
    return sum(
        len(deadlines) * len(grid.changeovers_s) * len(_starts(series, grid, deadlines))
        for deadlines in _groups(series, grid)
    )


def run_all(series: Series, grid: Grid) -> Iterator[Run]:
    """Every run of a series. Starts are spread evenly, from the end of the history to the last one that fits."""
    for deadlines in _groups(series, grid):
        for start in _starts(series, grid, deadlines):
            for changeover_s in grid.changeovers_s:
                yield from _runs_from(series, grid, deadlines, start, changeover_s)


def _runs_from(
    series: Series, grid: Grid, deadlines: Sequence[int], start: int, changeover_s: int
) -> Iterator[Run]:
    ticks = {hours: int(hours * 3600 // series.tick_s) for hours in deadlines}
    market = Market(series.zones, series.spot_prices, series.on_demand_prices, changeover_s, series.tick_s)
    work_s = grid.work_h * 3600
    optima = optimal_costs(market, series.up, start=start, ticks=ticks.values(), work_s=work_s)
    for hours, looks in ticks.items():
        replays = {
            name: replay(make(grid), market, series.up, start=start, ticks=looks, work_s=work_s)
            for name, make in _POLICIES.items()
        }
        yield Run(
            series=series.name,
            part=series.part,
            deadline_h=hours,
            changeover_s=changeover_s,
            availability=float(series.up[start : start + looks].any(axis=1).mean()),
            optimum=optima[looks],
            replays=replays,
        )


def total_ratio(runs: Sequence[Run], policy: str) -> float | None:
    """Sum of costs over sum of optima; None without runs."""
    if not runs:
        return None
    return sum(run.replays[policy].cost for run in runs) / sum(run.optimum for run in runs)


def p95_ratio(runs: Sequence[Run], policy: str) -> float | None:
    """The ratio that 95 % of runs stay below; None without runs."""
    return float(np.percentile([run.ratio(policy) for run in runs], 95)) if runs else None


def count_missed(runs: Sequence[Run], policy: str) -> int:
    """How many were not finished by their deadline."""
    return sum(not run.replays[policy].is_finished for run in runs)


def policies() -> tuple[str, ...]:
    """The names of the policies that are held against each other."""
    return tuple(_POLICIES)


def _groups(series: Series, grid: Grid) -> list[tuple[int, ...]]:
    """The deadlines that fit into the series at all, those with the same starts together."""
    fitting = tuple(hours for hours in grid.deadlines_h if hours * 3600 <= len(series.up) * series.tick_s)
    return [(hours,) for hours in fitting] if grid.has_own_starts else [fitting] if fitting else []


def _starts(series: Series, grid: Grid, deadlines: Sequence[int]) -> list[int]:
    last = len(series.up) - int(max(deadlines) * 3600 // series.tick_s)
    # A series that is too short for the history of the grid keeps half of what it has to spare.
    first = min(int(grid.history_h * 3600 // series.tick_s), last // 2)
    return sorted({int(start) for start in np.linspace(first, last, grid.starts)})
