"""Offers, price sources and the history of prices, as they travel over HTTP.

Prices are integer micro-dollars per hour of the whole machine, and of one of its accelerators. None: nobody knows.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, ConfigDict, Field, FiniteFloat

from tradewind.domain.offers import Availability, Market
from tradewind.domain.schemas import Answer, MoneyView, Schema
from tradewind.domain.schemas_shown import UNSAID, BadgeView

MAX_PAGE: Final = 10_000
#: Characters of a file with prices that is handed in.
MAX_IMPORT: Final = 16_000_000
Word = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")]
Words = Annotated[list[Word], Field(max_length=64)]
Amount = Annotated[FiniteFloat, Field(ge=0, le=1_000_000)]
Dollars = Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=6)]
OfferSort = Literal["price", "price_per_accelerator", "memory", "availability", "provider"]
#: A name of the user's own for prices that are imported.
SourceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$")]


class Question(Schema):
    """Base of what is asked. Built at once: FastAPI looks into such a type as it starts."""

    model_config = ConfigDict(extra="forbid", defer_build=False)


class OfferSearch(Question):
    """Which offers. Everything is optional; of several values of one kind any will do."""

    #: Any spelling; `A100` is any A100, `A100-80GB` one of that size, `H100:8` eight of them.
    gpu: Words = Field(default_factory=list)
    count: Amount | None = None
    min_count: Amount | None = None
    max_count: Amount | None = None
    #: GB of one accelerator, and of all of a machine together.
    min_memory: Amount | None = None
    min_total_memory: Amount | None = None
    min_cpus: Amount | None = None
    #: GiB of the machine's own memory.
    min_host_memory: Amount | None = None
    provider: Words = Field(default_factory=list)
    #: Names or patterns (`us-*`).
    region: Words = Field(default_factory=list)
    market: Annotated[list[Market], Field(max_length=8)] = Field(default_factory=list)
    #: Dollars per hour, of the machine and of one accelerator.
    max_price: Dollars | None = None
    max_gpu_price: Dollars | None = None
    availability: Availability | None = None
    #: Everything that this one source says, also what a better one says otherwise.
    source: Word | None = None
    #: Also offers whose price is unknown or a placeholder.
    unpriced: bool = False


class OfferQuery(OfferSearch):
    """Which offers, in which order, how many of them."""

    sort: OfferSort = "price"
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100
    cursor: Annotated[str, Field(pattern=r"^[0-9]{1,9}$")] | None = None


class OfferView(Answer):
    """One offer."""

    provider: str
    region: str
    zone: str | None
    instance_type: str
    accelerator: str | None
    accelerator_title: str | None
    accelerator_count: float
    accelerator_memory_gb: float | None
    cpus: float | None
    memory_gib: float | None
    disk_gib: float | None
    market: str
    price_micro: int | None
    price_per_accelerator_micro: int | None
    currency: str = "USD"
    availability: Availability
    source: str
    seen_at: datetime | None
    reliability: float | None = None
    network_gbit_per_s: float | None = None
    flags: list[str] = Field(default_factory=list)


class SourceFailure(Answer):
    """A source that could not be asked; what it said before is still shown."""

    name: str
    error: str
    tried_at: datetime | None
    fetched_at: datetime | None


class ExclusionCount(Answer):
    """How many offers are left when this constraint is added to those before it."""

    constraint: str
    title: str
    left: int


class OfferPage(Answer):
    """A page of offers: `matching` fit, of `known` in all."""

    items: list[OfferView]
    matching: int
    known: int
    next_cursor: str | None = None
    failures: list[SourceFailure] = Field(default_factory=list)
    constraints: list[ExclusionCount] = Field(default_factory=list)
    #: Where nothing fits: why, and what would do.
    why_nothing: str | None = None


class GpuView(Answer):
    """A model of accelerator: who has it, and at what price now."""

    key: str
    title: str
    vendor: str | None
    memory_gb: float | None
    architecture: str | None = None
    year: int | None = None
    aliases: list[str] = Field(default_factory=list)
    providers: list[str] = Field(default_factory=list)
    offers: int = 0
    #: Of one accelerator, on demand and as spot.
    on_demand_micro: int | None = None
    spot_micro: int | None = None
    cheapest: OfferView | None = None


class GpuPage(Answer):
    """Models of accelerators, those with the cheapest offers first."""

    items: list[GpuView]


class PriceSourceView(Answer):
    """A source of prices and how it is."""

    name: str
    is_imported: bool
    is_enabled: bool
    #: In words: `asked every 6 h`, `needs LAMBDA_API_KEY`, …
    state: str
    offers: int
    version: int
    fetched_at: datetime | None
    tried_at: datetime | None
    error: str | None
    next_due_at: datetime | None


class PriceSourcePage(Answer):
    """The sources by name."""

    items: list[PriceSourceView]


class PriceImport(Question):
    """A file with prices. They are seen in the caller's project only, under `name`."""

    name: SourceName
    format: Literal["skypilot", "price-file"]
    content: Annotated[str, Field(min_length=1, max_length=MAX_IMPORT)]
    #: Whose prices a SkyPilot catalogue has.
    provider: Word | None = None
    #: Of the file, for messages.
    filename: Annotated[str, Field(max_length=256)] | None = None
    #: Only read it and say what would change.
    dry_run: bool = False


class PriceImportAnswer(Answer):
    """What was read. `changes` is how many offers are new, gone, or have another price."""

    name: str
    offers: int
    changes: int
    unpriced: int


class OwnPriceRequest(Question):
    """One price of the user's own. It wins over public ones, and is seen in the caller's project only."""

    provider: Word
    region: Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f]*$")] = ""
    instance_type: Word
    #: Any spelling; absent: a machine without one.
    accelerator: Word | None = None
    count: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] = 1
    #: Needed only for accelerators that nobody knows.
    accelerator_memory_gb: Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)] | None = None
    cpus: Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)] | None = None
    memory_gb: Annotated[float, Field(gt=0, le=10_000_000, allow_inf_nan=False)] | None = None
    market: Market = Market.OWNED
    price: Annotated[Decimal, Field(ge=0, le=1_000_000_000, decimal_places=6)]
    #: What the price is for: an hour of the machine or of one accelerator, a month of 730 hours, a year of 8,760.
    per: Literal["hour", "accelerator_hour", "month", "year"] = "hour"


class OwnPriceView(Answer):
    """A price of the user's own."""

    id: str
    #: What it was imported under.
    source: str
    provider: str
    provider_title: str
    place: str
    machine: str
    accelerator: str | None
    count: float
    market: str
    market_title: str
    price: MoneyView | None
    price_text: str
    gpu_price_text: str | None
    #: False for what came with a file: the file is withdrawn as a whole.
    can_remove: bool


class OwnPricePage(Answer):
    """Prices of the user's own, by provider and machine, and the files that they came with."""

    items: list[OwnPriceView]
    #: More were imported than are shown.
    is_cut: bool
    total: int
    files: list[PriceSourceView]


class HistoryQuery(Question):
    """Which prices. Everything is optional."""

    gpu: Words = Field(default_factory=list)
    provider: Words = Field(default_factory=list)
    region: Words = Field(default_factory=list)
    instance_type: Words = Field(default_factory=list)
    market: Annotated[list[Market], Field(max_length=8)] = Field(default_factory=list)
    source: Word | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class CourseQuery(HistoryQuery):
    """Which prices, over which time, and how fine."""

    buckets: Annotated[int, Field(ge=1, le=1000)] = 60
    #: At most so many offers one by one.
    series: Annotated[int, Field(ge=0, le=500)] = 20


class ChangesQuery(HistoryQuery):
    """Which changes, newest first."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100
    cursor: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")] | None = None


class PricePoint(Answer):
    """A price from this moment on. None: the offer was gone."""

    at: datetime
    price_micro: int | None
    price_per_accelerator_micro: int | None
    availability: str


class PriceSeries(Answer):
    """What one offer cost over time, at one source."""

    source: str
    provider: str
    region: str
    zone: str | None
    instance_type: str
    accelerator: str | None
    accelerator_count: float
    market: str
    points: list[PricePoint]


class PriceBand(Answer):
    """What one accelerator cost per hour at one time, over all offers there were; None where there were none."""

    at: datetime
    offers: int
    min_micro: int | None
    median_micro: int | None
    max_micro: int | None
    #: The best that any offer said of being had; None: there was none.
    availability: Availability | None = None


class PriceNow(Answer):
    """What one accelerator costs per hour at the end of the time asked about, and how that has changed."""

    offers: int
    least: MoneyView
    middle: MoneyView
    most: MoneyView
    #: `The middle price is 4.2 % lower than at the start.` Absent where there was none.
    change: str | None = None


class AvailabilityLevel(Answer):
    """How a level of availability is shown."""

    level: Availability
    badge: BadgeView = UNSAID


class PriceHistory(Answer):
    """The course of prices. `is_cut`: there are more changes than were looked at, the oldest are left out."""

    since: datetime
    until: datetime
    band: list[PriceBand]
    series: list[PriceSeries]
    series_count: int
    is_cut: bool
    #: Absent where there is nothing at the end.
    now: PriceNow | None = None
    levels: list[AvailabilityLevel] = Field(default_factory=list)


class PriceChangeView(Answer):
    """One thing that happened to a price."""

    position: int
    at: datetime
    reading: Literal["new", "gone", "rose", "fell", "availability"]
    #: By how much, negative where it fell.
    per_cent: float | None
    source: str
    provider: str
    region: str
    zone: str | None
    instance_type: str
    accelerator: str | None
    accelerator_count: float
    market: str
    price_micro: int | None
    previous_micro: int | None
    currency: str = "USD"
    availability: str


class PriceChangeRow(PriceChangeView):
    """A change with its words."""

    title: str = ""
    provider_title: str = ""
    market_title: str = ""
    badge: BadgeView = UNSAID
    #: `$1.99/h, was $2.29/h`.
    text: str = ""


class PriceChangePage(Answer):
    """Changes, newest first."""

    items: list[PriceChangeRow]
    next_cursor: str | None = None
