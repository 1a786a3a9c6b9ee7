"""How busy what an attempt holds was over the last hour, in steps of five minutes, by the agent's samples. Pure.

It is kept with what is known of the attempt, so a list of nodes reads no file of samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

STEP_S: Final = 300
#: An hour, and the step that has begun.
_STEPS: Final = 13
_NOT_MEASURED: Final = -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """Means over one step: processors that worked, and accelerators that did; None: nobody measured them."""

    cpus: float
    accelerators: float | None


def add_sample(
    steps: list[list[float]], at_s: float, cpu_percent: float, util_percents: Sequence[float]
) -> list[list[float]]:
    """The steps with one more sample: each is its start, the number of samples, and two sums of what was busy.

    `cpu_percent` counts a processor as 100; `util_percents` are those of the accelerators that told theirs.
    """
    start = at_s // STEP_S * STEP_S
    if at_s <= 0 or (steps and start < steps[-1][0]):
        # A clock that was put back: what is older is not counted twice.
        return steps
    cpus = max(cpu_percent, 0.0) / 100
    busy = sum(min(max(each, 0.0), 100.0) for each in util_percents) / 100 if util_percents else _NOT_MEASURED
    if steps and steps[-1][0] == start:
        _, count, cpus_before, busy_before = steps[-1]
        if _NOT_MEASURED in (busy, busy_before):
            busy, busy_before = max(busy, busy_before), 0.0
        return [*steps[:-1], [start, count + 1, round(cpus_before + cpus, 4), round(busy_before + busy, 4)]]
    return [*steps[-_STEPS + 1 :], [start, 1, round(cpus, 4), round(busy, 4)]]


def busy_in(steps: list[list[float]]) -> dict[int, Busy]:
    """The means, by the start of each step in seconds since 1970."""
    return {
        int(start): Busy(cpus=cpus / count, accelerators=None if busy == _NOT_MEASURED else busy / count)
        for start, count, cpus, busy in steps
    }
