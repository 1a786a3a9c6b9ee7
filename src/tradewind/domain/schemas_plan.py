"""The answer to "where would it run?" as it travels."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from tradewind.domain.schemas import Answer, ExclusionView, MoneyView, OfferView, Schema
from tradewind.domain.schemas import BandView as BandView


class CostPartsView(Answer):
    """What the middle of a cost is made of."""

    compute: MoneyView
    setup: MoneyView
    storage: MoneyView
    egress: MoneyView
    interruptions: MoneyView


class PlaceView(Answer):
    """One place that would do. Costs are of one task; figures that nobody knows are absent."""

    offer: OfferView
    #: What `POST /api/v1/job-files/places` takes, to hold a job file to it.
    key: str = ""
    #: How many of the job's tasks would go there.
    tasks: int = 1
    nodes: int = 1
    hours: BandView | None = None
    cost: MoneyView | None = None
    #: Eight runs in ten cost between these two.
    cost_p10: MoneyView | None = None
    cost_p90: MoneyView | None = None
    cost_parts: CostPartsView | None = None
    #: From asking for the machine to the end, waiting and set-up included.
    wall_hours: float | None = None
    setup_minutes: float = 0.0
    energy_kwh: float | None = None
    carbon_grams: float | None = None
    #: 0..1; `risk_reasons` say what it is made of.
    risk: float = 0.0
    risk_reasons: list[str] = Field(default_factory=list)
    #: Nothing else is as good in cost, time, carbon and risk, and better in one.
    is_pareto: bool = False
    #: Its provider is connected, so that it can run there now.
    is_runnable: bool = False
    how_to_connect: str | None = None
    #: Against the chosen place.
    better: list[str] = Field(default_factory=list)
    worse: list[str] = Field(default_factory=list)
    price_source: str = ""
    price_seen_at: datetime | None = None
    availability: str = "unknown"
    #: What was assumed of its cost.
    notes: list[str] = Field(default_factory=list)


class ExclusionGroup(Answer):
    """Offers ruled out by one constraint, with what comes nearest."""

    constraint: str
    count: int
    explanation: str
    examples: list[str] = Field(default_factory=list)


class ChangeView(Answer):
    """What loosening one constraint would give."""

    constraint: str
    text: str
    price_per_hour: MoneyView
    cost: MoneyView | None = None


class RegretView(Answer):
    """What it costs to be wrong about the chosen place."""

    #: Nine of ten runs cost less.
    cost_p90: MoneyView
    #: How much less the cheapest place would cost if everything took as long as one run in ten does.
    regret_p90: MoneyView
    #: If a spot machine is taken back once, at the worst moment.
    if_interrupted: MoneyView | None = None


class PlanView(Answer):
    """Where a job would run, what it would cost, and why."""

    id: str
    job_name: str
    chosen: OfferView | None
    #: One sentence.
    reason: str
    hours: float | None = None
    hours_source: str
    cost_estimate: MoneyView | None = None
    #: What is reserved before it starts: no run can cost more without asking again.
    cost_max: MoneyView | None = None
    carbon_grams_estimate: float | None = None
    queue_ahead: int = 0
    #: Machines at hand that do not fit.
    excluded: list[ExclusionView] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    #: The chosen place in full; absent where there is no market to compare with.
    place: PlaceView | None = None
    #: Other places that take tasks of the job, where it has independent ones.
    more_places: list[PlaceView] = Field(default_factory=list)
    #: What would be chosen if every provider were connected, where that is another place.
    best_anywhere: PlaceView | None = None
    best_reason: str = ""
    runners_up: list[PlaceView] = Field(default_factory=list)
    #: Everything that was ruled out, by constraint; counts add up to what was seen less what fits.
    exclusions: list[ExclusionGroup] = Field(default_factory=list)
    what_would_change: list[ChangeView] = Field(default_factory=list)
    regret: RegretView | None = None
    offers_seen: int = 0
    offers_fitting: int = 0


class PlanRequest(Schema):
    """Asks where a job would run. Without `compares` only connected places are looked at, which takes no time."""

    spec: dict[str, Any]
    compares: bool = True
    #: The job file is still being written: what a plan does not need may be missing.
    is_draft: bool = False
