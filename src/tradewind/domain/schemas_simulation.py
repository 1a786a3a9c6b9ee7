"""A simulation as it travels: what is replayed, against what, and what came of it under each policy."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from tradewind.domain.schemas import Answer, MoneyView, Schema

#: Of all texts of one request together, in characters.
MOST_CHARACTERS: Final = 12 << 20
DEFAULT_POLICIES: Final = ("owned-first", "on-demand-only", "balanced", "spot-greedy")

_Text = Annotated[str, Field(max_length=8 << 20)]
_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Dollars = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class TraceFile(Schema):
    """A CSV file with one job per line; its columns are explained in docs/simulate.md."""

    content: _Text
    filename: _Name = "trace.csv"
    #: Only the first of them.
    limit: Annotated[int, Field(ge=1, le=20_000)] | None = None
    #: Only lines whose columns are so.
    where: Annotated[dict[str, str], Field(max_length=16, default_factory=dict)]
    #: Everything arrives so many times as fast.
    speed_up: Annotated[float, Field(gt=0, le=10_000)] = 1.0
    #: Longer jobs are cut to this.
    max_hours: Annotated[float, Field(gt=0, le=100_000)] | None = None
    #: Gives a deadline to jobs that have none: so many times their length after their arrival.
    deadline_factor: Annotated[float, Field(gt=0, le=1_000)] | None = None
    checkpoint_minutes: Annotated[float, Field(gt=0, le=100_000)] = 10.0
    #: Accelerators that will do for lines that name none.
    gpus: Annotated[list[_Name], Field(max_length=16, default_factory=list)]


class SpotFiles(Schema):
    """What was seen of spot machines: files by name, and what they leave open. Prices are dollars per machine-hour."""

    files: Annotated[dict[str, _Text], Field(min_length=1, max_length=100)]
    gpu: _Name | None = None
    spot_price: _Dollars | None = None
    on_demand_price: _Dollars | None = None


class SimulationRequest(Schema):
    """Asks what would come of some jobs. Exactly one of `mix`, `trace` and `history_days` says which."""

    #: A job mix with every job file in its place.
    mix: dict[str, Any] | None = None
    trace: TraceFile | None = None
    #: The caller's own jobs of so many days, as they came.
    history_days: Annotated[float, Field(gt=0, le=3_660)] | None = None
    policies: Annotated[
        list[_Name], Field(min_length=1, max_length=16, default_factory=lambda: list(DEFAULT_POLICIES))
    ]
    #: today: as they are now, for all of the time. history: as they were recorded, from `price_days` ago on.
    prices: Literal["today", "history"] = "today"
    price_days: Annotated[float, Field(gt=0, le=3_660)] | None = None
    #: Offers of the price lists, too. Default: where there are no spot files.
    market: bool | None = None
    spot: SpotFiles | None = None
    #: Machines to imagine, in place of those at hand: `4x RTX 4090:2`.
    own: Annotated[list[_Name], Field(max_length=32)] | None = None
    #: fill: whoever fits goes. strict: whoever waits for an own machine holds up all behind it.
    queue: Literal["fill", "strict"] = "fill"
    seed: Annotated[int, Field(ge=0, le=(1 << 53) - 1)] | None = None
    #: Every job of every policy in the answer, too.
    detail: bool = False


class PolicyFigures(Answer):
    """What came of the jobs under one policy. Hours are of jobs that ended; money is of all."""

    policy: str
    explanation: str = ""
    jobs: int
    ended: int
    cost: MoneyView
    #: Of that, electricity of machines at hand.
    owned_cost: MoneyView
    waiting_hours_mean: float
    waiting_hours_p50: float
    waiting_hours_p95: float
    #: From arrival to end.
    turnaround_hours_mean: float
    turnaround_hours_p50: float
    turnaround_hours_p95: float
    turnaround_hours_p99: float
    #: Training, lost work included.
    run_hours: float
    setup_hours: float
    lost_hours: float
    deadlines: int
    missed_deadlines: int
    budgets: int
    over_budget: int
    interruptions: int
    moves: int
    makespan_hours: float
    #: 0..1; absent where there are no own machines.
    owned_use: float | None = None
    energy_kwh: float | None = None
    carbon_grams: float | None = None
    #: Jobs whose energy, and carbon, are known.
    jobs_with_energy: int = 0
    jobs_with_carbon: int = 0


class SimulatedJob(Answer):
    """One job under one policy."""

    policy: str
    name: str
    arrival_hours: float
    ended_hours: float | None
    cost: MoneyView
    waiting_hours: float | None
    setup_hours: float
    run_hours: float
    lost_hours: float
    interruptions: int
    is_late: bool
    is_over_budget: bool
    places: list[str]
    why: str = ""


class LeftOut(Answer):
    """Jobs that no policy could place, for the same reason."""

    jobs: int
    names: list[str]
    reason: str


class SimulationView(Answer):
    """The policies side by side, in the order asked for."""

    #: Of the mix.
    name: str = ""
    seed: int
    jobs: int
    places: list[str]
    policies: list[PolicyFigures]
    #: Of those that ended the most jobs and missed the fewest deadlines, the cheapest.
    best: str | None = None
    left_out: list[LeftOut] = Field(default_factory=list)
    #: What was assumed, measured or left out, in sentences.
    notes: list[str] = Field(default_factory=list)
    details: list[SimulatedJob] = Field(default_factory=list)
