"""What a run would take, as it travels: memory, hours, money, energy and carbon, and how good earlier estimates were.

Memory is in GB of 10^9 bytes, as data sheets have it.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from tradewind.domain.schemas import Answer, MoneyView, Schema
from tradewind.domain.schemas import PredictionView as PredictionView
from tradewind.domain.schemas_plan import BandView


class EstimateRequest(Schema):
    """Asks what a job file would take; on these accelerators where some are named (`H100:8`)."""

    spec: dict[str, Any]
    accelerators: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=64)]] | None, Field(max_length=32)
    ] = None


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
