"""The plan of a job against a model of spot: a dynamic programme over time left, slack, age of spot, and place.

Slack is what is left of the time after the work. Work leaves it as it is, waiting uses it up step by step, a changeover
uses it up at once; so with slack as the axis work needs no axis of its own. Being without the slack of one changeover
is possible on on-demand only, which is how the plan knows of the safety net.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tradewind.placement.spot.durations import PHASES
from tradewind.placement.spot.values import Floats, Where

_NEVER: Final = 1e7
#: The order of places in the tables of a plan.
_PLACES: Final = (Where.WAIT, Where.SPOT, Where.ON_DEMAND)
_CODE: Final = {place: code for code, place in enumerate(_PLACES)}


@dataclass(frozen=True, slots=True)
class Model:
    """What spot is taken to do: a chain over (down phases, up phases) by the step of the grid; its price per hour."""

    chain: Floats
    spot_price: float
    #: How often per second a job on spot has to change places although spot is up, with several zones.
    moves_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Grid:
    """Steps of time, cells of slack; `step_s` is a whole number of cells."""

    step_s: float
    cell_s: float
    steps: int
    cells: int

    @classmethod
    def of(
        cls, *, time_s: float, slack_s: float, changeover_s: float, least_step_s: float, most: tuple[int, int]
    ) -> Grid:
        """At most `most` steps and (about) cells; a changeover is a whole number of cells where that is affordable."""
        most_steps, most_cells = most
        step_s = max(least_step_s, time_s / most_steps)
        cell_s = changeover_s / max(1, round(changeover_s / step_s)) if changeover_s else step_s
        cell_s = max(min(cell_s, 1.5 * step_s), slack_s / most_cells, 1.0)
        whole = max(1, round(step_s / cell_s))
        step_s = whole * cell_s
        return cls(step_s, cell_s, math.ceil(time_s / step_s) + 1, math.ceil(slack_s / cell_s) + 1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, and the expected cost from a moment at which the job is nowhere, by (steps left, phase, slack)."""

    grid: Grid
    actions: npt.NDArray[np.uint8]  # place, steps, phase, slack
    costs: npt.NDArray[np.float32]  # steps, phase, slack

    def action(self, where: Where, *, phase: int, time_s: float, slack_s: float) -> Where:
        """Where to be until the next step. Slack is rounded down."""
        step, cell = self._at(time_s, slack_s)
        return _PLACES[self.actions[_CODE[where], step, phase, cell]]

    def cost(self, *, phase: int, time_s: float, slack_s: float) -> float:
        """The expected cost to the end, from nowhere."""
        step, cell = self._at(time_s, slack_s)
        return float(self.costs[step, phase, cell])

    def price_of_slack(self, *, phase: int, time_s: float, slack_s: float) -> float:
        """What an hour more of slack would save, at the same work."""
        grid = self.grid
        cells = max(1, round(3600 / grid.cell_s))
        span_s = cells * grid.cell_s
        if slack_s + span_s > grid.cell_s * (grid.cells - 1) or time_s + span_s > grid.step_s * (
            grid.steps - 1
        ):
            time_s, slack_s = time_s - span_s, slack_s - span_s
        now = self.cost(phase=phase, time_s=time_s, slack_s=slack_s)
        more = self.cost(phase=phase, time_s=time_s + span_s, slack_s=slack_s + span_s)
        return max(0.0, now - more) / (span_s / 3600)

    def _at(self, time_s: float, slack_s: float) -> tuple[int, int]:
        grid = self.grid
        step = min(grid.steps, max(1, math.ceil(time_s / grid.step_s)))
        return step, min(grid.cells, max(0, int(slack_s / grid.cell_s)))


def solve(model: Model, grid: Grid, *, changeover_s: float, on_demand_price: float) -> Plan:
    """The plan with the least expected cost under this model."""
    width, phases, waits = grid.cells + 1, 2 * PHASES, round(grid.step_s / grid.cell_s)
    hours = grid.step_s / 3600
    actions = np.zeros((3, grid.steps + 1, phases, width), np.uint8)
    costs = np.zeros((grid.steps + 1, phases, width), np.float32)
    chain = model.chain
    moves = -math.expm1(-model.moves_per_s * grid.step_s)
    nowhere, spot, on_demand = (np.zeros((phases, width)) for _ in range(3))
    change = _Drop(changeover_s / grid.cell_s)
    wait = _Drop(waits)
    bound = math.ceil(changeover_s / grid.cell_s - 1e-9)
    for step in range(1, grid.steps + 1):
        waiting = wait(chain @ nowhere)
        spot[:PHASES] = nowhere[:PHASES]
        if moves:
            spot[PHASES:] += moves * (nowhere[PHASES:] - spot[PHASES:])
        on_spot = chain @ spot + model.spot_price * hours
        on_spot[:PHASES] = _NEVER
        on_spot[:, :bound] = _NEVER
        waiting[:, :bound] = _NEVER
        staying = chain @ on_demand + on_demand_price * hours
        to_spot, to_on_demand = change(on_spot), change(staying)
        nowhere = _best(waiting, to_spot, to_on_demand, actions[0, step])
        spot = _best(waiting, on_spot, to_on_demand, actions[1, step])
        on_demand = _best(waiting, to_spot, staying, actions[2, step])
        for each in (nowhere, spot, on_demand):
            each[:, step * waits :] = 0.0  # the slack is all that is left of the time: done
        costs[step] = nowhere
    return Plan(grid, actions, costs)


def _best(waiting: Floats, spot: Floats, on_demand: Floats, actions: npt.NDArray[np.uint8]) -> Floats:
    """The least of three costs; which it is goes into `actions`."""
    least = np.minimum(waiting, spot)
    np.less(spot, waiting, out=actions, casting="unsafe")
    actions[on_demand < least] = 2
    np.minimum(least, on_demand, out=least)
    return np.minimum(least, _NEVER, out=least)


class _Drop:
    """Takes costs as they are with so many cells of slack less; between cells in proportion."""

    def __init__(self, cells: float) -> None:
        self._whole = int(cells + 1e-9)
        part = cells - self._whole
        self._part = part if part > 1e-6 else 0.0

    def __call__(self, costs: Floats) -> Floats:
        lower = _shift(costs, self._whole)
        if self._part:
            lower *= 1 - self._part
            lower += self._part * _shift(costs, self._whole + 1)
        return lower


def _shift(costs: Floats, cells: int) -> Floats:
    out = np.full_like(costs, _NEVER)
    if cells == 0:
        out[:] = costs
    elif cells < costs.shape[1]:
        out[:, cells:] = costs[:, :-cells]
    return out
