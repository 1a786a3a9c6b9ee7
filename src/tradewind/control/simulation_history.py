"""The caller's own past jobs as the jobs of a replay, and how it really went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select

from tradewind.control.predicting import PastRun, split_runs
from tradewind.control.simulation_views import figures_view
from tradewind.db import price_tables, tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.store import Transaction
from tradewind.domain.money import JOULES_PER_KWH
from tradewind.domain.offers import Accelerator, Offer
from tradewind.domain.schemas_simulation import PolicyFigures
from tradewind.domain.status import JobStatus
from tradewind.estimate.band import Band
from tradewind.ledger.reports import Spend, spend_of_jobs
from tradewind.placement.estimates import JobEstimates, stated_band
from tradewind.placement.replay.arrivals import Jobs
from tradewind.placement.replay.shapes import Arrival, Shape
from tradewind.placement.replay.summary import Summary, percentile
from tradewind.placement.wanted import count_tasks
from tradewind.spec.models import JobSpec

#: The newest of them count.
MOST_PAST_JOBS: Final = 5_000
_SECOND: Final = timedelta(seconds=1)
_AS_LONG: Final = "what it took"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastJob:
    """One job that ended, as the database has it."""

    name: str
    spec: dict[str, Any]
    created_at: datetime
    started_at: datetime
    ended_at: datetime
    #: Of all its attempts.
    hours: float
    accelerator: str
    accelerator_count: float
    cost_micro: int
    energy_j: int
    carbon_mg: int


def read_past(tx: Transaction, caller: Caller, since: datetime) -> tuple[list[PastJob], int]:
    """The caller's jobs that came since then and succeeded, in the order in which they came, and how many others."""
    jobs, predictions = tables.jobs, price_tables.predictions
    rows = tx.execute(
        select(
            jobs.c.id, jobs.c.name, jobs.c.spec, jobs.c.status, jobs.c.created_at, jobs.c.started_at, jobs.c.ended_at,
            predictions.c.actual_hours, predictions.c.accelerator, predictions.c.accelerator_count,
        )
        .outerjoin(predictions, predictions.c.job_id == jobs.c.id)
        .where(visible_to(caller, jobs), jobs.c.created_at >= since)
        .order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
        .limit(MOST_PAST_JOBS)
    ).all()  # fmt: skip
    useful = [row for row in rows if row.status == JobStatus.SUCCEEDED and row.started_at and row.ended_at]
    useful.reverse()
    spend: dict[str, Spend] = {}
    for first in range(0, len(useful), 500):
        spend |= spend_of_jobs(tx, [row.id for row in useful[first : first + 500]])
    found = []
    for row in useful:
        spent = spend.get(row.id)
        found.append(
            PastJob(
                name=row.name,
                spec=row.spec,
                created_at=row.created_at,
                started_at=row.started_at,
                ended_at=row.ended_at,
                hours=row.actual_hours or (row.ended_at - row.started_at).total_seconds() / 3600,
                accelerator=row.accelerator or "",
                accelerator_count=row.accelerator_count or 0.0,
                cost_micro=0 if spent is None else spent.amount_micro,
                energy_j=0 if spent is None else spent.energy_j,
                carbon_mg=0 if spent is None else spent.carbon_mg,
            )
        )
    return found, len(rows) - len(useful)


@dataclass(frozen=True, slots=True)
class _AsItWas:
    """The hours that a job took; carried over to other accelerators where it held one that is known.

    A job that held none takes as long on any machine.
    """

    took: float
    estimates: JobEstimates
    held_any: bool

    @property
    def says_something(self) -> bool:
        return True

    def hours(self, accelerator: str | None, count: float, nodes: int = 1, /) -> Band | None:
        """Of the same job elsewhere."""
        if not self.held_any:
            return stated_band(self.took, _AS_LONG)
        return self.estimates.hours(accelerator, count, nodes)

    def fits(self, accelerator: str | None, count: float, nodes: int = 1, /) -> bool | None:
        """As for any job."""
        return self.estimates.fits(accelerator, count, nodes)

    def hours_at(self, offer: Offer, held: Sequence[Accelerator], /) -> Band | None:
        """On a machine at hand."""
        return self.estimates.hours_at(offer, held) if held else stated_band(self.took, _AS_LONG)


def jobs_of_past(past: Sequence[PastJob], others: int, start: datetime) -> Jobs:
    """Past jobs as they came, counted from `start`; each takes what it took."""
    shapes, arrivals, notes = [], [], []
    with_others = 0
    for place, job in enumerate(past):
        whole = JobSpec.model_validate(job.spec)
        with_others += bool(whole.resources.any_of)
        spec = whole.alternative(0)
        tasks = count_tasks(spec)
        run = PastRun(
            hours=max(job.hours / tasks, 1 / 3600),
            accelerator=job.accelerator,
            accelerator_count=job.accelerator_count,
            provider="",
            is_complete=True,
        )
        estimates = JobEstimates(spec, *split_runs([run]))
        shapes.append(
            Shape(
                spec=spec,
                lengths=_AsItWas(run.hours, estimates, bool(job.accelerator)),
                group=_group(spec, job),
            )
        )
        arrival = (job.created_at - start) // _SECOND
        deadline, budget = spec.constraints.deadline, spec.constraints.budget_micro_usd
        arrivals += [
            Arrival(
                shape=place,
                name=job.name if tasks == 1 else f"{job.name}.{task + 1}",
                arrival_s=arrival,
                deadline_s=None if deadline is None else (deadline - start) // _SECOND,
                budget_micro=None if budget is None else budget // tasks,
            )
            for task in range(tasks)
        ]
    if others:
        notes.append(f"{others:,} jobs of this time did not succeed and were left out")
    if with_others:
        notes.append(
            f"{with_others:,} jobs have alternatives in `resources.any_of`: only the first of them is looked at"
        )
    notes.append(
        "past jobs take the hours that they took, carried over to other accelerators; "
        "those without any take as long anywhere"
    )
    return Jobs(shapes=tuple(shapes), arrivals=tuple(arrivals), notes=tuple(notes))


def _group(spec: JobSpec, job: PastJob) -> str:
    """Jobs that ask for the same and held the same are looked up in a market once."""
    said = spec.model_dump_json(include={"resources", "constraints", "checkpoints", "strategy"})
    return f"{said} {job.accelerator} {job.accelerator_count}"


def actual_figures(past: Sequence[PastJob]) -> PolicyFigures | None:
    """How it really went; None where there are no jobs. Set-up is part of running here."""
    if not past:
        return None
    turnaround = sorted(_seconds(job.ended_at - job.created_at) for job in past)
    waiting = sorted(
        max(_seconds(job.ended_at - job.created_at) - round(job.hours * 3600 / _tasks(job)), 0)
        for job in past
    )
    deadlines = [(job, said) for job in past if (said := _spec(job).constraints.deadline) is not None]
    budgets = [(job, most) for job in past if (most := _spec(job).constraints.budget_micro_usd) is not None]
    found = Summary(
        policy="as it was",
        jobs=len(past),
        ended=len(past),
        cost_micro=sum(job.cost_micro for job in past),
        owned_micro=0,
        waiting_mean_s=_mean(waiting),
        waiting_p50_s=percentile(waiting, 0.50),
        waiting_p95_s=percentile(waiting, 0.95),
        turnaround_mean_s=_mean(turnaround),
        turnaround_p50_s=percentile(turnaround, 0.50),
        turnaround_p95_s=percentile(turnaround, 0.95),
        turnaround_p99_s=percentile(turnaround, 0.99),
        run_s=round(sum(job.hours for job in past) * 3600),
        setup_s=0,
        lost_s=0,
        deadlines=len(deadlines),
        missed=sum(job.ended_at > said for job, said in deadlines),
        budgets=len(budgets),
        over_budget=sum(job.cost_micro > most for job, most in budgets),
        interruptions=0,
        moves=0,
        makespan_s=_seconds(max(job.ended_at for job in past) - min(job.created_at for job in past)),
        owned_use=None,
        energy_kwh=sum(job.energy_j for job in past) / JOULES_PER_KWH,
        carbon_g=sum(job.carbon_mg for job in past) / 1000,
        with_energy=len(past),
        with_carbon=len(past),
    )
    return figures_view(
        found, "what the ledger and the jobs say; interruptions and lost work are not told apart"
    )


def _spec(job: PastJob) -> JobSpec:
    return JobSpec.model_validate(job.spec)


def _tasks(job: PastJob) -> int:
    return count_tasks(_spec(job))


def _seconds(span: timedelta) -> int:
    return round(span.total_seconds())


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values)
