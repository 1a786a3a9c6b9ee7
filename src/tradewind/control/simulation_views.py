"""Outcomes of replays as they are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tradewind.control.money_views import money_view
from tradewind.domain.schemas_simulation import LeftOut, PolicyFigures, SimulatedJob
from tradewind.placement.replay.records import Outcome
from tradewind.placement.replay.summary import Summary
from tradewind.placement.replay.world import World

_HOUR = 3_600
_MOST_NAMES = 5


def figures_view(found: Summary, explanation: str) -> PolicyFigures:
    """The figures of one policy."""
    return PolicyFigures(
        policy=found.policy,
        explanation=explanation,
        jobs=found.jobs,
        ended=found.ended,
        cost=money_view(found.cost_micro, "USD"),
        owned_cost=money_view(found.owned_micro, "USD"),
        waiting_hours_mean=_hours(found.waiting_mean_s),
        waiting_hours_p50=_hours(found.waiting_p50_s),
        waiting_hours_p95=_hours(found.waiting_p95_s),
        turnaround_hours_mean=_hours(found.turnaround_mean_s),
        turnaround_hours_p50=_hours(found.turnaround_p50_s),
        turnaround_hours_p95=_hours(found.turnaround_p95_s),
        turnaround_hours_p99=_hours(found.turnaround_p99_s),
        run_hours=_hours(found.run_s),
        setup_hours=_hours(found.setup_s),
        lost_hours=_hours(found.lost_s),
        deadlines=found.deadlines,
        missed_deadlines=found.missed,
        budgets=found.budgets,
        over_budget=found.over_budget,
        interruptions=found.interruptions,
        moves=found.moves,
        makespan_hours=_hours(found.makespan_s),
        owned_use=None if found.owned_use is None else round(found.owned_use, 6),
        energy_kwh=None if found.energy_kwh is None else round(found.energy_kwh, 9),
        carbon_grams=None if found.carbon_g is None else round(found.carbon_g, 6),
        jobs_with_energy=found.with_energy,
        jobs_with_carbon=found.with_carbon,
    )


def unfinished_note(outcome: Outcome) -> str | None:
    """How many jobs did not end though they have places, and what is said of most of them."""
    why = [record.why for record in outcome.records if record.ended_s is None and record.job.options]
    if not why:
        return None
    said, _ = Counter(why).most_common(1)[0]
    return f"{outcome.policy}: {len(why):,} jobs did not end: {said}"


def best_of(rows: Sequence[PolicyFigures]) -> str | None:
    """The policy that ends the most jobs with the fewest misses, of equal ones the cheapest; None if nothing ended."""
    ended = [row for row in rows if row.ended]
    if not ended:
        return None
    return min(ended, key=lambda row: (-row.ended, row.missed_deadlines, row.cost.micro)).policy


def job_views(world: World, outcome: Outcome) -> list[SimulatedJob]:
    """Every job of an outcome."""
    return [
        SimulatedJob(
            policy=outcome.policy,
            name=record.job.name,
            arrival_hours=_hours(record.job.arrival_s),
            ended_hours=None if record.ended_s is None else _hours(record.ended_s),
            cost=money_view(record.cost_micro, "USD"),
            waiting_hours=None if record.waiting_s is None else _hours(record.waiting_s),
            setup_hours=_hours(record.setup_s),
            run_hours=_hours(record.run_s),
            lost_hours=_hours(record.lost_s),
            interruptions=record.interruptions,
            is_late=record.is_late,
            is_over_budget=record.is_over_budget,
            places=[world.places[stay.place].name for stay in record.stays],
            why=record.why,
        )
        for record in outcome.records
    ]


def left_out_views(world: World) -> list[LeftOut]:
    """Jobs that have no place at all, by reason."""
    by_reason: dict[str, list[str]] = {}
    for job in world.jobs:
        if not job.options:
            by_reason.setdefault(job.why_nowhere, []).append(job.name)
    return [
        LeftOut(jobs=len(names), names=names[:_MOST_NAMES], reason=reason)
        for reason, names in by_reason.items()
    ]


def _hours(seconds: float) -> float:
    return round(seconds / _HOUR, 6)
