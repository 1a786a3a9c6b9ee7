"""What travels over HTTP: the request and answer models of `/api/v1`.

Times are aware and in UTC. Money is integer micro-units with a currency. Sizes are bytes, durations seconds.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from tradewind.domain.schemas_base import Answer as Answer
from tradewind.domain.schemas_base import MoneyView as MoneyView
from tradewind.domain.schemas_base import Schema as Schema
from tradewind.domain.schemas_job_parts import (
    FacetsView,
    LastMetricView,
    SegmentView,
    WaitingView,
)
from tradewind.domain.schemas_shown import ActionView, BadgeView
from tradewind.domain.status import AttemptStatus, Desired, JobStatus, TaskStatus


class JobSubmission(Schema):
    """Asks for one job. `spec` is the job file as a mapping, exactly as the YAML has it."""

    spec: dict[str, Any]
    #: Content hash of an uploaded workdir archive (`POST /api/v1/workdirs`), absent when the job needs no files.
    workdir: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    #: PATH of the submitting shell: used where the place shares the submitter's file system.
    search_path: Annotated[str, Field(max_length=65_536, pattern=r"^[^\x00]*$")] | None = None


class JobBatch(Schema):
    """Asks for many jobs in one transaction: all are accepted or none is."""

    jobs: Annotated[list[JobSubmission], Field(min_length=1, max_length=10_000)]


class ProgressView(Answer):
    """How far a job says it is. `fraction` is in 0..1 where a total is known."""

    fraction: float | None = None
    step: float | None = None
    total_steps: float | None = None
    epoch: float | None = None
    total_epochs: float | None = None
    #: Last value of each metric.
    metrics: dict[str, float] = {}
    at: datetime | None = None
    #: From the fraction and the time it took so far; absent while there is too little to go by.
    eta_seconds: float | None = None


class HealthView(Answer):
    """How a job that runs is."""

    state: Literal["ok", "warning", "unhealthy"]
    #: What is wrong; absent when nothing is.
    kind: str | None = None
    explanation: str | None = None
    since: datetime | None = None


class CostView(Answer):
    """What a job has cost. Every figure says whether it was metered or modelled."""

    amount: MoneyView
    #: Worst case that is held for it now.
    reserved: MoneyView
    energy_kwh: float
    carbon_grams: float
    basis: Literal["metered", "modelled", "none"]
    #: Sentences that say which rate, power figure and carbon intensity were used.
    notes: list[str] = []
    is_final: bool = False
    #: The basis in a word that people know: estimated, metered or billed.
    basis_label: str = ""
    #: What an hour costs now, with ` /h` in its text; absent where nothing costs money.
    per_hour: MoneyView | None = None
    #: What was foretold as it was placed.
    estimate: MoneyView | None = None
    #: The job's own budget.
    cap: MoneyView | None = None


class RankView(Answer):
    """The part of an attempt that is on one of its nodes, where there are several."""

    rank: int
    node: str
    #: Under which the other ranks reach it; absent until they have been told.
    address: str | None = None
    #: `waiting`, `starting` or `running`, and then how it ended.
    status: str
    reason: str | None = None
    explanation: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    #: Since when nobody answers on its machine.
    lost_since: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


class AttemptView(Answer):
    """One try."""

    id: str
    number: int
    status: AttemptStatus
    reason: str | None = None
    #: A sentence: what happened and why.
    explanation: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    provider: str
    #: The first of them, where it has several.
    node: str
    nodes: int = 1
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    resumed_from: str | None = None
    #: The step of the checkpoint that it went on from, where the job tells its steps.
    resumed_step: float | None = None
    state: BadgeView | None = None
    accepted_at: datetime | None = None
    #: Where it runs or ran; empty or absent where the place does not say.
    region: str = ""
    zone: str | None = None
    instance_type: str = ""
    market: str = ""
    accelerators: str | None = None
    cost: MoneyView | None = None
    #: Whether its cost is estimated, metered or billed.
    cost_basis: str = ""
    #: One for each node; empty on one node.
    ranks: list[RankView] = []


class TaskView(Answer):
    """One unit of a job."""

    id: str
    index: int
    status: TaskStatus
    attempts: list[AttemptView] = []


class JobView(Answer):
    """One job, as lists and details show it."""

    id: str
    name: str
    project: str
    creator: str
    status: JobStatus
    desired: Desired
    #: Machine-readable code of `explanation`.
    reason: str | None = None
    #: Why it waits, or why it ended: one sentence.
    explanation: str | None = None
    #: When something is tried next, for a job that waits.
    next_try_at: datetime | None = None
    provider: str | None = None
    node: str | None = None
    #: Of the newest attempt.
    nodes: int = 1
    accelerators: str | None = None
    attempt: int = 0
    exit_code: int | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    progress: ProgressView | None = None
    #: Of a job that runs; absent of others.
    health: HealthView | None = None
    cost: CostView
    tags: dict[str, str] = {}
    #: What the caller may do now: stop, retry.
    actions: list[str] = []
    #: The status as people see it; absent of older servers, like all below.
    state: BadgeView | None = None
    #: What the caller may do now, with what to ask before.
    permitted: list[ActionView] = []
    #: Of a job that waits for a place.
    waiting: WaitingView | None = None
    last_metric: LastMetricView | None = None
    region: str | None = None
    market: str | None = None
    #: True once somebody asked it to stop.
    is_stopping: bool = False


class BandView(Answer):
    """A figure that says how sure it is. `layer`: stated, history, probe, measured, roofline or family."""

    p10: float
    p50: float
    p90: float
    layer: str
    #: What it rests on, in one sentence.
    basis: str


class PredictionView(Answer):
    """What was foretold of a job as it was placed, and what came. Absent figures: nobody could say, or not yet."""

    hours: BandView | None = None
    cost: MoneyView | None = None
    energy_kwh: float | None = None
    actual_hours: float | None = None
    actual_cost: MoneyView | None = None
    actual_energy_kwh: float | None = None
    #: How far off the hours were, as a fraction of what it took; of finished jobs only.
    error: float | None = None
    #: Of a job that did not finish: the hours that the pace of its progress implies for the whole.
    implied_hours: float | None = None
    #: The same in a sentence or two; empty where there is nothing to compare.
    text: str


class JobDetail(JobView):
    """A job with its tasks, attempts and the job file it came from."""

    tasks: list[TaskView] = []
    #: From its first placement on.
    prediction: PredictionView | None = None
    spec: dict[str, Any] = {}
    #: What the time since it was submitted went into, in order and without gaps.
    timeline: list[SegmentView] = []
    #: Lines for a shell that do something with this job.
    commands: list[CommandView] = []


class CommandView(Answer):
    """A line for a shell."""

    label: str
    command: str


class JobPage(Answer):
    """A page of jobs."""

    items: list[JobView]
    next_cursor: str | None = None
    #: How many there are of what, where it was asked for.
    facets: FacetsView | None = None


class BatchAnswer(Answer):
    """Ids of accepted jobs, in the order they were asked for."""

    ids: list[str]


class OfferView(Answer):
    """A place in a plan."""

    provider: str
    region: str
    instance_type: str
    market: str
    accelerators: str | None = None
    cpus: float
    memory_bytes: int
    price_per_hour: MoneyView
    price_per_hour_max: MoneyView
    grams_co2e_per_hour: float | None = None


class ExclusionView(Answer):
    """A place that was ruled out, and by what."""

    provider: str
    instance_type: str
    constraint: str
    explanation: str


class CostRow(Answer):
    """Spend of one group over a period."""

    group: dict[str, str]
    jobs: int
    hours: float
    amount: MoneyView
    energy_kwh: float
    carbon_grams: float
    #: How it is known; `billed`: by a provider's invoice alone.
    basis: Literal["metered", "modelled", "mixed", "billed"]
    accelerator_hours: float = 0.0
    #: Of the amount: for rented machines while they had no job.
    idle: MoneyView | None = None


class CostReport(Answer):
    """Spend over a period, by group."""

    since: datetime
    until: datetime
    by: list[str]
    rows: list[CostRow]
    total: CostRow


class WorkdirAnswer(Answer):
    """A stored workdir archive."""

    sha256: str
    size_bytes: int
    was_known: bool
