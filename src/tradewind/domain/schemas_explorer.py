"""The offers as the page shows them: rows with everything worded, counts per filter, cards, what to loosen.

Amounts, times and labels are text ready to show; numbers beside them are there to be drawn or exported.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import Field, FiniteFloat

from tradewind.domain.offers import Availability
from tradewind.domain.schemas import Answer, MoneyView
from tradewind.domain.schemas_offers import OfferSearch, Question, SourceFailure, Word
from tradewind.domain.schemas_shown import BadgeView

MAX_HOURS: Final = 876_000
MAX_COMPARED: Final = 4
OfferKey = Annotated[str, Field(min_length=7, max_length=1_024, pattern=r"^[^\x00-\x1f]+$")]
Hours = Annotated[FiniteFloat, Field(gt=0, le=MAX_HOURS)]
ExplorerSort = Literal[
    "total", "price", "gpu_price", "work", "start", "finish", "availability", "memory", "provider", "age"
]


class WorkTerms(Question):
    """How much work the amounts are for, and what the user's own machine costs where the server does not know."""

    #: Hours of work: of every machine alike, or of the GPU named by `on`, and then scaled to each of the others.
    hours: Hours = 10.0
    on: Word | None = None
    #: Dollars per hour of running the user's own machine, and its GPU (`RTX 4090`, `H100:8`).
    local_cost: Annotated[Decimal, Field(ge=0, le=100_000, decimal_places=6)] | None = None
    local_gpu: Word | None = None


class ExplorerSearch(OfferSearch, WorkTerms):
    """Which offers, for how much work, and in which order."""

    #: Only where jobs can run now: machines at hand and connected providers.
    launchable: bool = False
    sort: ExplorerSort = "total"
    descending: bool = False


class ExplorerQuery(ExplorerSearch):
    """One page of them."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    cursor: Annotated[str, Field(pattern=r"^[0-9]{1,9}$")] | None = None


class ExplorerExport(ExplorerSearch):
    """All of them, to be kept."""

    format: Literal["csv", "json"] = "csv"


class OfferQuestion(WorkTerms):
    """One offer in full."""

    offer: OfferKey


class OffersQuestion(WorkTerms):
    """A few offers side by side."""

    offer: Annotated[list[OfferKey], Field(min_length=1, max_length=MAX_COMPARED)]


class LaunchView(Answer):
    """Whether a job can run there now; where it cannot, why, and which provider to connect if that would do."""

    is_possible: bool
    reason: str | None = None
    connect_provider: str | None = None


class OfferResources(Answer):
    """What of a job file's `resources` asks for this offer. A job file cannot name a type of machine."""

    accelerators: list[str]
    providers: list[str]
    regions: list[str]
    spot: Literal["never", "only"]


class ExplorerRow(Answer):
    """One offer, or a machine at hand. Absent amounts are not known."""

    #: Finds it again: provider, region, zone, type, accelerator, count and market, between bars.
    key: str
    provider: str
    provider_title: str
    title: str
    accelerator: str | None
    accelerator_title: str | None
    accelerator_count: float
    memory_gb: float | None
    total_memory_gb: float | None
    cpus: float | None
    host_memory_gib: float | None
    disk_gib: float | None
    network_gbit_per_s: float | None
    #: Processors, memory, disk and network in a line.
    specs: str
    instance_type: str
    region: str
    zone: str | None
    market: str
    market_title: str
    #: Per hour of the machine, of one accelerator, and for the hours of work asked about.
    price: MoneyView | None
    gpu_price: MoneyView | None
    total: MoneyView | None
    #: What the total is made of, or why there is none.
    total_note: str
    #: What one hour's work of the GPU named by `work_unit` costs here.
    work: MoneyView | None
    work_unit: str
    #: Hours of training here; absent where they were to be scaled and nobody knows its speed.
    hours: float | None
    start_minutes: float
    start_text: str
    finish_hours: float | None
    finish_text: str
    availability: BadgeView
    availability_level: Availability
    #: How old the price is, in a word; `seen_at` says when it was seen.
    age: BadgeView
    seen_at: datetime | None
    source: str
    reliability: float | None = None
    energy_kwh: float | None = None
    carbon_g: float | None = None
    carbon_text: str | None = None
    #: One's own machine, charged by its electricity.
    is_own: bool
    #: What to know of this price, each in a sentence.
    marks: list[str] = Field(default_factory=list)
    launch: LaunchView
    resources: OfferResources


class FacetValue(Answer):
    """One value of a filter with how many offers it would give, the other filters as they are."""

    value: str
    label: str
    count: int
    is_chosen: bool
    #: The least price of one accelerator for an hour among them.
    from_price: MoneyView | None = None


class Facet(Answer):
    """A filter with its values; `param` is the part of the query that it sets."""

    name: str
    title: str
    param: str
    #: `many`: any of several; `one`: one, or none.
    choice: Literal["many", "one"]
    values: list[FacetValue]
    #: Values that are not listed because others have more offers.
    left_out: int = 0


class FilterChip(Answer):
    """A filter that is set, in words; `query` is what is asked without it."""

    param: str
    text: str
    query: str


class LooseningView(Answer):
    """What giving up one filter gives: `query` is what to ask then."""

    constraint: str
    text: str
    count: int
    query: str


class OfferCard(Answer):
    """The cheapest, the fastest or the recommended offer, and why."""

    kind: Literal["cheapest", "fastest", "recommended"]
    title: str
    row: ExplorerRow
    #: The figure that it wins by.
    headline: str
    reason: str
    #: Against the user's own machine; absent where what that costs is not known.
    savings: str | None = None


class SourcesHealth(Answer):
    """How the price sources are, in a line, and which have failed."""

    badge: BadgeView
    text: str
    failures: list[SourceFailure] = Field(default_factory=list)
    newest_at: datetime | None = None


class ExplorerPage(Answer):
    """A page of offers, with everything around them."""

    items: list[ExplorerRow]
    matching: int
    known: int
    next_cursor: str | None = None
    #: `312 of 3,506 offers`.
    text: str
    #: Only on the first page, as everything that follows.
    cards: list[OfferCard] = Field(default_factory=list)
    #: What else to know: spot from a lower price, what was left out of the cards.
    notes: list[str] = Field(default_factory=list)
    facets: list[Facet] = Field(default_factory=list)
    chips: list[FilterChip] = Field(default_factory=list)
    sources: SourcesHealth | None = None
    #: Where nothing fits: why, and what giving up one filter would give.
    why_nothing: str | None = None
    loosenings: list[LooseningView] = Field(default_factory=list)
    #: The filters in words.
    summary: str = ""
    looked_at: datetime


class SetupView(Answer):
    """How to get ready for a provider."""

    title: str
    steps: list[str]
    api_docs: str
    estimated_time: str


class OfferDetail(Answer):
    """One offer with what to know of its provider."""

    row: ExplorerRow
    pros: list[str]
    cons: list[str]
    setup: SetupView
    #: How it is billed, in a sentence.
    billing: str
    #: The same accelerators elsewhere, the lowest total first.
    alternatives: list[ExplorerRow]


class ComparedLine(Answer):
    """One thing that offers are compared by, in words; `best` are the positions of the best, where one is."""

    label: str
    values: list[str]
    best: list[int] = Field(default_factory=list)


class OfferComparison(Answer):
    """Offers side by side, in the order asked for. `gone` are keys of which nothing is known any more."""

    items: list[ExplorerRow]
    lines: list[ComparedLine]
    gone: list[str] = Field(default_factory=list)


class SavedSearchRequest(Question):
    """What to keep under a name."""

    search: ExplorerSearch


class SavedSearchView(Answer):
    """A saved view: `query` opens it, `matching` and `cheapest` are what it gives now."""

    name: str
    query: str
    summary: str
    matching: int
    cheapest: ExplorerRow | None


class SavedSearchPage(Answer):
    """Saved views by name."""

    items: list[SavedSearchView]
