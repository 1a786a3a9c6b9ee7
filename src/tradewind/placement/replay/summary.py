"""Figures over all jobs of a replay, to be set side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tradewind.placement.replay.records import JobRecord, Outcome
from tradewind.placement.replay.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Times are seconds, of jobs that ended; money is micro-dollars, of all jobs."""

    policy: str
    jobs: int
    ended: int
    cost_micro: int
    #: Of that, machines of one's own: electricity.
    owned_micro: int
    waiting_mean_s: float
    waiting_p50_s: int
    waiting_p95_s: int
    turnaround_mean_s: float
    turnaround_p50_s: int
    turnaround_p95_s: int
    turnaround_p99_s: int
    run_s: int
    setup_s: int
    lost_s: int
    deadlines: int
    missed: int
    budgets: int
    over_budget: int
    interruptions: int
    moves: int
    #: From the first arrival to the last end.
    makespan_s: int
    #: Share of own accelerators (processors where there are none) that was held from first arrival to last end.
    owned_use: float | None
    energy_kwh: float | None
    carbon_g: float | None
    #: Jobs whose energy, and carbon, are known.
    with_energy: int
    with_carbon: int


def summarise(world: World, outcome: Outcome) -> Summary:
    """The figures of one outcome."""
    records = outcome.records
    ended = [record for record in records if record.ended_s is not None]
    waiting = sorted(record.waiting_s or 0 for record in ended)
    turnaround = sorted(record.turnaround_s or 0 for record in ended)
    first = min((record.job.arrival_s for record in records), default=0)
    last = max((record.ended_s or 0 for record in ended), default=first)
    ran = [record for record in records if record.stays]
    energy = [value for record in ran if (value := record.energy_kwh) is not None]
    carbon = [value for record in ran if (value := record.carbon_g) is not None]
    return Summary(
        policy=outcome.policy,
        jobs=len(records),
        ended=len(ended),
        cost_micro=outcome.cost_micro,
        owned_micro=sum(
            stay.cost_micro
            for record in records
            for stay in record.stays
            if world.places[stay.place].is_owned
        ),
        waiting_mean_s=_mean(waiting),
        waiting_p50_s=percentile(waiting, 0.50),
        waiting_p95_s=percentile(waiting, 0.95),
        turnaround_mean_s=_mean(turnaround),
        turnaround_p50_s=percentile(turnaround, 0.50),
        turnaround_p95_s=percentile(turnaround, 0.95),
        turnaround_p99_s=percentile(turnaround, 0.99),
        run_s=sum(record.run_s for record in records),
        setup_s=sum(record.setup_s for record in records),
        lost_s=sum(record.lost_s for record in records),
        deadlines=sum(record.job.deadline_s is not None for record in records),
        missed=sum(record.is_late for record in records),
        budgets=sum(record.job.budget_micro is not None for record in records),
        over_budget=sum(record.is_over_budget for record in records),
        interruptions=sum(record.interruptions for record in records),
        moves=sum(record.moves for record in records),
        makespan_s=last - first,
        owned_use=_owned_use(world, records, last - first),
        energy_kwh=sum(energy) if energy else None,
        carbon_g=sum(carbon) if carbon else None,
        with_energy=len(energy),
        with_carbon=len(carbon),
    )


def percentile(ordered: Sequence[int], share: float) -> int:
    """The least value that at least this share of them does not exceed; 0 of none."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else 0


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values) if values else 0.0


def _owned_use(world: World, records: Sequence[JobRecord], span_s: int) -> float | None:
    machines = [machine for place in world.places for machine in place.machines]
    accelerators = sum(machine.milli_accelerators for machine in machines)
    there = accelerators or sum(machine.milli_cpus for machine in machines)
    if not there or span_s <= 0:
        return None
    held = sum(
        (stay.milli_accelerators if accelerators else stay.milli_cpus) * (stay.ended_s - stay.asked_s)
        for record in records
        for stay in record.stays
    )
    return held / (there * span_s)
