"""What a run would take, as it travels: memory, hours, money, energy and carbon, and how good earlier estimates were.

Memory is in GB of 10^9 bytes, as data sheets have it.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from tradewind.domain.schemas import Answer, MoneyView, Schema
from tradewind.domain.schemas import PredictionView as PredictionView
from tradewind.domain.schemas_plan import BandView
from tradewind.domain.schemas_shown import BadgeView


class EstimateRequest(Schema):
    """Asks what a job file would take; on these accelerators where some are named (`H100:8`)."""

    spec: dict[str, Any]
    accelerators: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=64)]] | None, Field(max_length=32)
    ] = None
    #: The job file is still being written: what an estimate does not need may be missing.
    is_draft: bool = False


class EstimateLine(Answer):
    """One kind and number of accelerators, with the cheapest offer of it. Figures that nobody knows are absent."""

    accelerator: str
    count: float
    #: fits | tight | does_not_fit
    verdict: str | None = None
    memory_gb: BandView | None = None
    usable_gb: float | None = None
    hours: BandView | None = None
    provider: str | None = None
    region: str | None = None
    market: str | None = None
    price_per_hour: MoneyView | None = None
    cost: MoneyView | None = None
    cost_p90: MoneyView | None = None
    cost_per_step: MoneyView | None = None
    energy_kwh: BandView | None = None
    carbon_grams: BandView | None = None
    #: True for the machine that the server runs on.
    is_here: bool = False
    notes: list[str] = Field(default_factory=list)


class MemoryItemView(Answer):
    """One line of the memory ledger."""

    name: str
    gb: float
    note: str


class SwitchView(Answer):
    """One change that needs less memory. `time_factor` multiplies the accelerator-hours."""

    name: str
    explanation: str
    memory_gb: float
    time_factor: float
    makes_it_fit: bool
    changes_result: bool
    changes_hardware: bool


class MemoryView(Answer):
    """What one accelerator needs, item by item, and what would make it fit, the best way first."""

    accelerator: str
    count: int
    total_gb: BandView
    usable_gb: float
    verdict: str
    items: list[MemoryItemView]
    switches: list[SwitchView] = Field(default_factory=list)


class AccuracyView(Answer):
    """How far recent estimates of hours were from what jobs took. Absent errors: nothing to compare yet."""

    runs: int
    median_error: float | None = None
    #: Share of runs that took what the band of P10 to P90 said.
    within_band: float | None = None
    text: str


class EstimateView(Answer):
    """What a job would take on each kind of accelerator, the cheapest first."""

    job_name: str
    #: What is trained, as understood.
    workload: str
    lines: list[EstimateLine]
    memory: MemoryView | None = None
    earlier_runs: int = 0
    accuracy: AccuracyView
    warnings: list[str] = Field(default_factory=list)


class ModelView(Answer):
    """A model that is known by name."""

    name: str
    #: What it is: `language model`, `image classification`, …
    kind: str
    parameters: float | None = None
    #: The same for people: `8.03 billion`.
    size: str
    #: What its work is counted in: token, image, sequence, sample.
    unit: str
    #: Keys of `estimate` that matter for it.
    asks_for: list[str]
    methods: list[str]
    usual_method: str
    sequence_length: int | None = None
    image_size: int | None = None


class ModelPage(Answer):
    """Known models, those whose name fits best first; `known` in all."""

    items: list[ModelView]
    matching: int
    known: int


class MemoryRequest(Schema):
    """Asks how much accelerator memory the training of a model takes, and which accelerators have it."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    method: Annotated[str, Field(max_length=32)] | None = None
    batch: Annotated[float, Field(gt=0, le=1_000_000_000)] | None = None
    sequence_length: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    image_size: Annotated[int, Field(ge=1, le=100_000)] | None = None
    precision: Annotated[str, Field(max_length=16)] | None = None


class MemoryFit(Answer):
    """The fewest of one accelerator that the model fits on, and what they cost at least."""

    #: As a job file names them: `H100 SXM:2`.
    request: str
    accelerator: str
    title: str
    count: int
    #: Of each.
    memory_gb: BandView
    usable_gb: float
    #: fits | tight
    verdict: str
    badge: BadgeView
    provider: str | None = None
    region: str | None = None
    #: Of all of them together.
    price_per_hour: MoneyView | None = None


class MemoryAnswer(Answer):
    """Which accelerators have the memory, the cheapest first."""

    model: ModelView
    #: What is trained, as understood.
    workload: str
    fits: list[MemoryFit]
    #: Accelerators that do not have it, however many of one machine are taken.
    too_small: list[str]
    #: Item by item on the first of `fits`.
    memory: MemoryView | None = None
    notes: list[str] = Field(default_factory=list)
