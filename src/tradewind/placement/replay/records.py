"""What came of a replay, job by job and stay by stay."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tradewind.placement.replay.world import ReplayJob


class Ending(StrEnum):
    """How a stay ended."""

    FINISHED = "finished"
    INTERRUPTED = "interrupted"  #: the machine was taken back
    MOVED = "moved"  #: the policy wanted it elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One attempt at running a job at one place. `train_s` is when training began, or would have."""

    place: int
    asked_s: int
    train_s: int
    ended_s: int
    ending: Ending
    #: Training, lost work included; and of that, work that has to be done again.
    run_s: int
    lost_s: int
    #: Of the time before training, waiting for capacity.
    wait_s: int
    machine_micro: int
    traffic_micro: int
    disk_micro: int
    energy_kwh: float | None
    carbon_g: float | None
    #: Thousandths of accelerators and processors that it held of own machines, on all nodes.
    milli_accelerators: int = 0
    milli_cpus: int = 0

    @property
    def cost_micro(self) -> int:
        return self.machine_micro + self.traffic_micro + self.disk_micro


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One job's life. Its time from arrival to end is waiting, setting up and running, and nothing else."""

    job: ReplayJob
    stays: tuple[Stay, ...]
    #: None: it never ended; `why` says why.
    ended_s: int | None
    why: str = ""

    @property
    def cost_micro(self) -> int:
        return sum(stay.cost_micro for stay in self.stays)

    @property
    def run_s(self) -> int:
        return sum(stay.run_s for stay in self.stays)

    @property
    def lost_s(self) -> int:
        return sum(stay.lost_s for stay in self.stays)

    @property
    def setup_s(self) -> int:
        """Boot and set-up of all stays."""
        return sum(stay.ended_s - stay.asked_s - stay.run_s - stay.wait_s for stay in self.stays)

    @property
    def turnaround_s(self) -> int | None:
        """From arrival to end."""
        return None if self.ended_s is None else self.ended_s - self.job.arrival_s

    @property
    def waiting_s(self) -> int | None:
        """Neither set up nor running: for a free machine, for capacity, for a better moment."""
        whole = self.turnaround_s
        return None if whole is None else whole - self.setup_s - self.run_s

    @property
    def interruptions(self) -> int:
        return sum(stay.ending is Ending.INTERRUPTED for stay in self.stays)

    @property
    def moves(self) -> int:
        return sum(stay.ending is Ending.MOVED for stay in self.stays)

    @property
    def is_late(self) -> bool:
        """It has a deadline and missed it; a job that never ended missed it, too."""
        deadline = self.job.deadline_s
        return deadline is not None and (self.ended_s is None or self.ended_s > deadline)

    @property
    def is_over_budget(self) -> bool:
        return self.job.budget_micro is not None and self.cost_micro > self.job.budget_micro

    @property
    def energy_kwh(self) -> float | None:
        return _sum([stay.energy_kwh for stay in self.stays])

    @property
    def carbon_g(self) -> float | None:
        return _sum([stay.carbon_g for stay in self.stays])


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All jobs under one policy, in the order of the world's jobs."""

    policy: str
    records: tuple[JobRecord, ...]
    #: How much work the replay was: events and questions.
    looks: int

    @property
    def cost_micro(self) -> int:
        return sum(record.cost_micro for record in self.records)


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) and values else None
