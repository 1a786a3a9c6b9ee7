"""The watts of the share of a machine that a job holds."""

from __future__ import annotations

from dataclasses import dataclass

from tradewind.domain.offers import Accelerator
from tradewind.hardware.local import ACCELERATOR_IDLE_SHARE


@dataclass(frozen=True, slots=True)
class Watts:
    """Bounds of a draw: at rest and flat out."""

    idle: float
    busy: float

    @property
    def expected(self) -> float:
        """A middle figure to estimate with: training keeps a machine busy, but not all of the time."""
        return self.idle + 0.75 * (self.busy - self.idle)


def share_of(
    machine: Watts,
    cpus_total: float,
    all_accelerators: tuple[Accelerator, ...],
    cpus: float,
    held: tuple[Accelerator, ...],
) -> Watts:
    """A job's bounds: its accelerators as a whole, and the rest of the machine by its share of the processors.

    Where the machine as a whole is said to draw less than its accelerators would by their data sheets, they share what
    it draws.
    """
    tdp = sum(each.tdp_watts or 0.0 for each in all_accelerators)
    held_tdp = sum(each.tdp_watts or 0.0 for each in held)
    share = min(cpus / cpus_total, 1.0)
    busy = _part(machine.busy, tdp, held_tdp, share)
    idle = _part(machine.idle, tdp * ACCELERATOR_IDLE_SHARE, held_tdp * ACCELERATOR_IDLE_SHARE, share)
    return Watts(idle=min(idle, busy), busy=busy)


def _part(whole: float, of_accelerators: float, of_held: float, share: float) -> float:
    scale = min(whole / of_accelerators, 1.0) if of_accelerators else 1.0
    # Where the accelerators draw all of it, rounding must not leave less than nothing for the rest.
    return max(whole - of_accelerators * scale, 0.0) * share + of_held * scale
