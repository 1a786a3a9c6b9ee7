"""Turns a job mix or a trace into kinds of jobs and their arrivals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tradewind.domain.errors import InvalidInputError
from tradewind.hardware.names import identify
from tradewind.placement.estimates import JobEstimates
from tradewind.placement.replay.chance import hours_until
from tradewind.placement.replay.shapes import Arrival, HoursByKind, Shape
from tradewind.placement.wanted import count_tasks
from tradewind.spec.mix import MOST_JOBS, Mix, MixEntry
from tradewind.spec.models import JobSpec
from tradewind.spec.trace import GPUS_PER_NODE, Trace, TraceJob

#: Minutes between checkpoints of a trace's jobs, where nobody says.
CHECKPOINT_MIN: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """What is to be replayed, and what a user should know of it."""

    shapes: tuple[Shape, ...]
    arrivals: tuple[Arrival, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceTerms:
    """What is assumed of the jobs of a trace."""

    #: Everything arrives so many times as fast.
    speed_up: float = 1.0
    #: Longer jobs are cut to this.
    max_hours: float | None = None
    #: Deadlines at so many times the length, for jobs that have none.
    deadline_factor: float | None = None
    checkpoint_min: float = CHECKPOINT_MIN
    #: Accelerators that will do for hours that name none.
    gpus: tuple[str, ...] = ()


def jobs_of_mix(mix: Mix, seed: int, start: datetime) -> Jobs:
    """The jobs of a mix; its beginning is `start`, from which deadlines of job files count.

    Raises:
        InvalidInputError: they are too many.
    """
    shapes: list[Shape] = []
    arrivals: list[Arrival] = []
    notes: list[str] = []
    for number, entry in enumerate(mix.entries):
        estimates = JobEstimates(entry.spec)
        if not estimates.says_something:
            notes.append(
                f"{entry.spec.name}: nothing says how long it takes; add `hours` to the mix or `estimate` to the job"
            )
        notes += [f"{entry.spec.name}: {note}" for note in estimates.notes]
        if entry.spec.depends_on:
            notes.append(f"{entry.spec.name}: `depends_on` is not replayed")
        shapes.append(Shape(spec=entry.spec, lengths=estimates, group=f"mix {number}"))
        tasks, deadline_s = count_tasks(entry.spec), _deadline(entry, start)
        for place, time in enumerate(_times(entry, number, mix.length_s, seed)):
            for task in range(tasks):
                part = f".{task + 1}" if tasks > 1 else ""
                arrivals.append(
                    Arrival(
                        shape=number,
                        name=f"{entry.spec.name}-{place + 1}{part}",
                        arrival_s=time,
                        deadline_s=deadline_s if entry.deadline_s is None else time + entry.deadline_s,
                        budget_micro=None if entry.budget_micro is None else entry.budget_micro // tasks,
                    )
                )
            if len(arrivals) > MOST_JOBS:
                raise InvalidInputError(
                    f"the mix has more than {MOST_JOBS:,} jobs", hint="lower `count`, `length` or the rates"
                )
    return Jobs(shapes=tuple(shapes), arrivals=tuple(arrivals), notes=tuple(notes))


def _deadline(entry: MixEntry, start: datetime) -> int | None:
    deadline = entry.spec.constraints.deadline
    return None if deadline is None else math.floor((deadline - start) / timedelta(seconds=1))


def _times(entry: MixEntry, number: int, length_s: int | None, seed: int) -> list[int]:
    """When the jobs of an entry arrive, in whole seconds."""
    times: list[int] = []
    time = float(entry.start_s)
    most = MOST_JOBS + 1 if entry.count is None else entry.count
    while len(times) < most:
        if entry.per_s is not None:
            time += 3600 * hours_until(entry.per_s * 3600, seed, "arrivals", number, len(times))
        elif times and entry.every_s is not None:
            time += entry.every_s
        if length_s is not None and time > length_s:
            break
        times.append(round(time))
    return times


def jobs_of_trace(trace: Trace, terms: TraceTerms, filename: str) -> Jobs:
    """The jobs of a trace.

    Raises:
        InvalidInputError: it is not known which accelerators the jobs want.
    """
    shapes: dict[tuple[Any, ...], int] = {}
    found: list[Shape] = []
    specs: dict[tuple[Any, ...], JobSpec] = {}
    arrivals = []
    for job in trace.jobs:
        hours = _hours(job, terms)
        group = _group(job, terms, filename)
        key = (group, tuple(sorted(hours.items())), job.on)
        if key not in shapes:
            shapes[key] = len(found)
            found.append(_shape(job, group, hours, specs))
        shortest = min(hours.values())
        deadline = job.deadline_s
        if deadline is None and terms.deadline_factor is not None:
            deadline = terms.deadline_factor * shortest * 3600
        arrival_s = round(job.arrival_s / terms.speed_up)
        arrivals.append(
            Arrival(
                shape=shapes[key],
                name=job.name,
                arrival_s=arrival_s,
                deadline_s=None if deadline is None else arrival_s + math.ceil(deadline),
                budget_micro=None if job.budget_usd is None else round(job.budget_usd * 1_000_000),
            )
        )
    return Jobs(shapes=tuple(found), arrivals=tuple(arrivals), notes=tuple(_notes(trace, terms)))


def _hours(job: TraceJob, terms: TraceTerms) -> dict[str, float]:
    """Hours by kind of accelerator; the empty name stands for hours that were stated without one."""
    known = dict(job.by_kind) or {"": job.duration_s or 0.0}
    most = math.inf if terms.max_hours is None else terms.max_hours
    return {kind: min(max(seconds, 1.0) / 3600, most) for kind, seconds in known.items()}


def _group(job: TraceJob, terms: TraceTerms, filename: str) -> tuple[Any, ...]:
    kinds: tuple[str, ...] = tuple(sorted(job.by_kind))
    if not kinds and job.gpus:
        kinds = (job.on.partition(":")[0].strip(),) if job.on else terms.gpus
        if not kinds:
            raise InvalidInputError(
                f"{filename}: line {job.line}: nothing says which accelerators will do",
                hint="add a column `on`, name one with `--gpu`, or machines of your own with `--own`",
            )
    checkpoint_s = job.checkpoint_s or terms.checkpoint_min * 60
    return (kinds, job.gpus, job.cpus, job.memory_gb, checkpoint_s, job.priority)


def _shape(
    job: TraceJob, group: tuple[Any, ...], hours: dict[str, float], specs: dict[tuple[Any, ...], JobSpec]
) -> Shape:
    stated = hours.get("")
    key = (group, stated, job.on)
    if key not in specs:
        specs[key] = JobSpec.model_validate(_mapping(job, group, stated))
    spec = specs[key]
    lengths = JobEstimates(spec) if stated is not None else HoursByKind(hours)
    return Shape(spec=spec, lengths=lengths, group=str(group) + str(job.on))


def _mapping(job: TraceJob, group: tuple[Any, ...], stated: float | None) -> dict[str, Any]:
    """The job file that this line stands for."""
    kinds, gpus, cpus, memory_gb, checkpoint_s, priority = group
    nodes = max(math.ceil(gpus / GPUS_PER_NODE), 1)
    each = min(gpus, GPUS_PER_NODE)
    resources: dict[str, Any] = {"nodes": nodes}
    if gpus and kinds:
        resources["accelerators"] = [f"{kind}:{each:g}" for kind in kinds]
    if cpus is not None:
        resources["cpus"] = cpus
    if memory_gb is not None:
        resources["memory"] = f"{memory_gb:f}GB"
    mapping: dict[str, Any] = {
        "version": 1,
        "name": "trace",
        "run": "true",
        "resources": resources,
        "checkpoints": {"path": "checkpoints", "every": f"{max(round(checkpoint_s), 1)}s"},
        "priority": priority,
    }
    if stated is not None:
        mapping["estimate"] = {"hours": stated, **({"on": job.on} if job.on else {})}
    return mapping


def _notes(trace: Trace, terms: TraceTerms) -> list[str]:
    notes = []
    if trace.without_length:
        notes.append(f"{trace.without_length:,} lines of the trace have no hours and were left out")
    if trace.unused:
        notes.append(f"columns that were not used: {', '.join(trace.unused[:12])}")
    if any(job.checkpoint_s is None for job in trace.jobs):
        notes.append(f"assumed: the trace's jobs write a checkpoint every {terms.checkpoint_min:g} minutes")
    if terms.speed_up != 1:
        notes.append(f"the jobs arrive {terms.speed_up:g} times as fast as in the trace")
    if terms.max_hours is not None:
        notes.append(f"jobs longer than {terms.max_hours:g} h were cut to that")
    if any(job.gpus > GPUS_PER_NODE for job in trace.jobs):
        notes.append(f"jobs of more than {GPUS_PER_NODE} accelerators take whole nodes of {GPUS_PER_NODE}")
    unknown = sorted(
        {kind for job in trace.jobs[:1000] for kind in job.by_kind if identify(kind).model is None}
    )
    if unknown:
        notes.append(f"accelerators that nobody knows: {', '.join(unknown)}")
    return notes
