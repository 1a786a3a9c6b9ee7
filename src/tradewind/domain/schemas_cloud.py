"""What travels under `/api/cloud`: the comparison of providers, in the form that its clients know.

Money is in US dollars: numbers where a client calculates (`hourly_rate_usd`), text where it shows (`"$12.90"`).
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, FiniteFloat, StringConstraints

from tradewind.domain.schemas import Answer, Schema

#: More hours than a century has are a mistake.
MAX_HOURS: Final = 876_000
#: As people write names: no control characters, and not only spaces.
_Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
]
_Memory = Annotated[FiniteFloat, Field(ge=0, le=1_000_000)]


def _split(value: object) -> object:
    """Names separated by commas, as query strings have them, are a list too."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return [name.strip() for each in value for name in each.split(",") if name.strip()]
    return value


_Platforms = Annotated[list[_Name], BeforeValidator(_split), Field(min_length=1, max_length=64)]
#: Rates of the table that the worked examples use.
PriceSource = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9._:-]*$")]


class Question(Schema):
    """Base of what is asked. Built at once: FastAPI looks into such a type as it starts."""

    model_config = ConfigDict(extra="forbid", defer_build=False)


class PlatformQuery(Question):
    """Asks for instances of one platform. Everything is optional; `min_memory_gb` is per GPU.

    Without `market` it is of machines that nobody takes away in the middle of a run: on demand, or owned.
    """

    gpu_type: _Name | None = None
    min_memory_gb: _Memory | None = None
    price_source: PriceSource | None = None
    market: Literal["on_demand", "spot", "reserved", "any"] = "on_demand"
    limit: Annotated[int, Field(ge=1, le=10_000)] = 1_000


class InstanceQuery(PlatformQuery):
    """Asks for instances of some platforms, by default of all."""

    platforms: _Platforms | None = None


class Instance(Answer):
    """Something that can be had; absent figures are not published.

    `memory_gb` is what a job has of one GPU, in the GB of its data sheet: of a part of a GPU (`gpu_count` below 1) that
    part. `ram_gb` and `storage_gb` are of the whole machine, in GiB.
    """

    platform: str
    gpu_type: str
    gpu_count: float
    memory_gb: float | None
    vcpus: float | None
    ram_gb: float | None
    storage_gb: float | None
    hourly_rate_usd: float
    availability: Literal["high", "medium", "low", "unavailable", "unknown"]
    region: str
    instance_type: str = ""
    market: str = "on_demand"
    price_source: str = ""
    #: When the price was seen, ISO 8601; absent where nobody knows.
    seen_at: str | None = None


class InstancesAnswer(Answer):
    """Instances by hourly rate, the cheapest first. `total` counts those beyond the limit too."""

    instances: list[Instance]
    count: int
    total: int
    #: Why there is none, where there is none.
    message: str | None = None


class PlatformSummary(Answer):
    """One provider. `from_hourly_rate_usd` is of its cheapest machine with a whole GPU, on demand."""

    id: str
    name: str
    kind: str
    #: What it runs: any_command, fine_tune, cluster.
    runs: list[str]
    can_run_jobs: bool
    instance_count: int
    gpu_types: list[str]
    from_hourly_rate_usd: float | None
    setup_time: str
    price_sources: list[str]
    oldest_price: str | None = None
    newest_price: str | None = None


class PlatformsAnswer(Answer):
    """Every provider that is known, with or without prices."""

    platforms: list[PlatformSummary]
    count: int


class PlatformAnswer(Answer):
    """What one provider has."""

    platform: str
    instances: list[Instance]
    count: int
    total: int
    message: str | None = None


class GpuTypeDetail(Answer):
    """One kind of GPU and who has it; `memory_gb` and `from_hourly_rate_usd` are the least of one, on demand."""

    name: str
    memory_gb: float | None
    platforms: list[str]
    from_hourly_rate_usd: float | None


class GpuTypesAnswer(Answer):
    """Names that `gpu_type` takes."""

    gpu_types: list[str]
    count: int
    details: list[GpuTypeDetail]


class SetupInstructions(Answer):
    """How to get ready for a provider."""

    platform: str
    title: str
    steps: list[str]
    api_docs: str
    estimated_time: str
    pros: list[str]
    cons: list[str]


class CostComparison(Question):
    """Asks what so many hours of training cost everywhere.

    `local_electricity_cost` is US dollars per hour of running here; `electricity_price_usd_per_kwh` with
    `local_power_watts` says the same physically. Hours are the same on every GPU unless `reference_gpu` says which one
    they were measured on: then they are scaled.
    """

    training_hours: Annotated[FiniteFloat, Field(gt=0, le=MAX_HOURS)]
    local_gpu_type: _Name | None = None
    local_electricity_cost: Annotated[FiniteFloat, Field(ge=0, le=100_000)] | None = None
    electricity_price_usd_per_kwh: Annotated[FiniteFloat, Field(ge=0, le=1_000)] | None = None
    local_power_watts: Annotated[FiniteFloat, Field(gt=0, le=1_000_000)] | None = None
    min_memory_gb: _Memory | None = None
    platforms: _Platforms | None = None
    price_source: PriceSource | None = None
    reference_gpu: _Name | None = None


class CheapestOption(Answer):
    """The lowest total."""

    platform: str
    cost: str
    gpu: str


class FastestOption(Answer):
    """The soonest to be done: expected wait, set-up and training."""

    platform: str
    setup_time: str
    gpu: str


class RecommendedOption(Answer):
    """What we would take."""

    platform: str
    cost: str
    gpu: str
    reason: str


class ComparisonSummary(Answer):
    """The short answer; `savings_vs_local` only where the cost of running here is known."""

    cheapest: CheapestOption
    fastest: FastestOption
    recommended: RecommendedOption
    savings_vs_local: str | None = None


class ComparisonOption(Answer):
    """One way to run it, on machines that nobody takes away in the middle of a run."""

    platform: str
    gpu: str
    cost: str
    hourly_rate: str
    setup_time: str
    availability: str
    pros: list[str]
    cons: list[str]
    cost_usd: float
    hourly_rate_usd: float
    training_hours: float
    gpu_count: float
    region: str
    price_source: str
    seen_at: str | None
    gpu_hours: float
    energy_kwh: float | None
    carbon_g: float | None


class ComparisonAnswer(Answer):
    """Everything compared; `summary` is absent where nothing fits, and `message` says why."""

    summary: ComparisonSummary | None
    options: list[ComparisonOption]
    message: str | None = None
    notes: list[str] = Field(default_factory=list)
