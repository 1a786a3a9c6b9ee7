"""Price alerts, the channels they are told on, and preferences, as they travel over HTTP.

Prices are integer micro-dollars. An address of a channel goes in and never comes out.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from tradewind.domain.offers import Market
from tradewind.domain.schemas import Answer, MoneyView, Schema
from tradewind.domain.schemas_explorer import ExplorerSearch
from tradewind.domain.schemas_shown import UNSAID, ActionView, BadgeView
from tradewind.domain.secrets import Secret

MAX_URL_LENGTH: Final = 2_048
MAX_PRICE_MICRO: Final = 1_000_000_000_000
MAX_PREVIEW_DAYS: Final = 366

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
#: As people name things: spaces inside, none at the ends, and nothing that a path would take apart.
ViewName = Annotated[str, Field(pattern=r"^[^\s\x00-\x1f/]([^\x00-\x1f/]{0,62}[^\s\x00-\x1f/])?$")]
Word = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")]
Words = Annotated[list[Word], Field(max_length=64)]
Count = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]


def _check_length(secret: Secret) -> Secret:
    if not 1 <= len(secret.reveal()) <= MAX_URL_LENGTH:
        raise ValueError(f"must have between 1 and {MAX_URL_LENGTH} characters")
    return secret


class AlertKind(StrEnum):
    """What an alert waits for."""

    PRICE_BELOW = "price_below"
    AVAILABLE_AGAIN = "available_again"
    PRICE_DROP = "price_drop"


class AlertFilters(Schema):
    """Which offers count. An empty list means any; offers must pass every filter."""

    #: Names of accelerators; any of a provider's names will do.
    accelerators: Words = Field(default_factory=list)
    min_count: Count | None = None
    max_count: Count | None = None
    #: Of one accelerator, in the GB of its data sheet.
    min_memory_gb: Count | None = None
    providers: Words = Field(default_factory=list)
    #: Names or patterns (`us-*`).
    regions: Words = Field(default_factory=list)
    markets: Annotated[list[Market], Field(max_length=8)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check_counts(self) -> Self:
        if self.min_count is not None and self.max_count is not None and self.min_count > self.max_count:
            raise ValueError("min_count is larger than max_count, so no offer can match")
        return self


class AlertCondition(Schema):
    """When an alert fires, and what must happen before it fires again.

    `price_below`: the lowest price of the matching offers that can be had is below `below_micro`.
    `available_again`: one of the matching offers can be had, after none could.
    `price_drop`: the lowest price is `drop_percent` under what it was: the last price that was told (or the highest
    since then), or with `window_hours` the highest of the last hours.
    """

    kind: AlertKind
    filters: AlertFilters = AlertFilters()
    #: What a price is of: the whole machine per hour, or one accelerator of it per hour.
    per: Literal["hour", "accelerator_hour"] = "accelerator_hour"
    below_micro: Annotated[int, Field(gt=0, le=MAX_PRICE_MICRO)] | None = None
    drop_percent: Annotated[float, Field(gt=0, lt=100, allow_inf_nan=False)] | None = None
    window_hours: Annotated[float, Field(gt=0, le=24 * MAX_PREVIEW_DAYS, allow_inf_nan=False)] | None = None
    #: A price that has been told is told again only after it was this far above the limit …
    rearm_percent: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 2.0
    #: … or once it has fallen this much under what was told. Absent: not before it went back up.
    step_percent: Annotated[float, Field(gt=0, lt=100, allow_inf_nan=False)] | None = None
    #: `available_again` is told at most once in this many minutes, however often the offers come and go.
    quiet_minutes: Annotated[float, Field(ge=0, le=60 * 24 * 31, allow_inf_nan=False)] = 60.0

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        needed = {AlertKind.PRICE_BELOW: "below_micro", AlertKind.PRICE_DROP: "drop_percent"}
        wanted = needed.get(self.kind)
        if wanted is not None and getattr(self, wanted) is None:
            raise ValueError(f"{self.kind.value} needs {wanted}")
        allowed = {wanted, "window_hours" if self.kind is AlertKind.PRICE_DROP else None}
        for name in ("below_micro", "drop_percent", "window_hours"):
            if getattr(self, name) is not None and name not in allowed:
                raise ValueError(f"{name} has no meaning for {self.kind.value}")
        return self


class ChannelRequest(Schema):
    """Where to tell: an Apprise address, for example `slack://…`, `mailtos://…` or `jsons://host/path`."""

    name: Name
    url: Annotated[Secret, AfterValidator(_check_length)]


class ChannelView(Answer):
    """A channel, without its address."""

    id: str
    name: str
    #: What it is: the scheme of its address.
    kind: str
    created_at: datetime
    last_sent_at: datetime | None = None
    #: Why the last message could not be delivered; absent once one was.
    last_error: str | None = None
    #: What the kind is, in words.
    kind_title: str = ""
    badge: BadgeView = UNSAID
    permitted: list[ActionView] = Field(default_factory=list)


class ChannelKindView(Answer):
    """A kind of channel: what it is, and the form of its address."""

    kind: str
    title: str
    #: The form of the address, with words in capitals for what is the user's own.
    form: str
    help: str


class ChannelKindPage(Answer):
    """Kinds of channels, the most used first. Other kinds are known besides; `others` lists them."""

    items: list[ChannelKindView]
    others: list[str]
    #: What is missing before anything can be sent; None: nothing is.
    missing: str | None = None


class ChannelPage(Answer):
    """Channels by name."""

    items: list[ChannelView]


class TestAnswer(Answer):
    """What became of a test message."""

    channel: str
    is_delivered: bool
    message: str
    hint: str | None = None


class AlertRequest(Schema):
    """Asks for an alert. `channels` are names or ids."""

    name: Name
    condition: AlertCondition
    channels: Annotated[list[Word], Field(max_length=16)] = Field(default_factory=list)
    is_muted: bool = False


class AlertPatch(Schema):
    """Changes an alert. What is absent stays; a new condition starts from nothing seen."""

    name: Name | None = None
    condition: AlertCondition | None = None
    channels: Annotated[list[Word], Field(max_length=16)] | None = None
    is_muted: bool | None = None


class ChannelReference(Answer):
    """A channel of an alert."""

    id: str
    name: str
    kind: str


class AlertView(Answer):
    """An alert and what it saw last."""

    id: str
    name: str
    #: The condition in one sentence.
    summary: str
    condition: AlertCondition
    channels: list[ChannelReference]
    is_muted: bool
    created_at: datetime
    #: How often it has fired, and when last.
    fired_count: int
    fired_at: datetime | None = None
    looked_at: datetime | None = None
    #: The lowest price that counts now, per the condition's unit.
    best_price: MoneyView | None = None
    matching_offers: int | None = None
    #: What the user should know: nothing matches, nobody says what can be had, no channel.
    notes: list[str] = Field(default_factory=list)
    badge: BadgeView = UNSAID
    permitted: list[ActionView] = Field(default_factory=list)
    #: `now $2.10/GPU-h, 12 offers match`.
    now_text: str = ""
    #: When it fires again, in a sentence.
    again_text: str = ""
    #: `fired 3 times`.
    fired_text: str = ""


class AlertPage(Answer):
    """Alerts by name."""

    items: list[AlertView]


class DeliveryView(Answer):
    """One message on one channel."""

    channel: str
    state: Literal["pending", "sent", "failed"]
    tries: int
    error: str | None = None
    sent_at: datetime | None = None
    badge: BadgeView = UNSAID


class FiringView(Answer):
    """One change that an alert found. `number` counts from 1 within the alert."""

    id: str
    #: Name of the alert.
    alert: str = ""
    number: int
    at: datetime
    title: str
    body: str
    was_muted: bool
    deliveries: list[DeliveryView] = Field(default_factory=list)


class FiringPage(Answer):
    """Firings, newest first."""

    items: list[FiringView]
    next_before: int | None = None


class AllFirings(Answer):
    """Firings of all alerts, newest first."""

    items: list[FiringView]
    next_cursor: str | None = None


class PreviewRequest(Schema):
    """Asks how often a condition would have fired."""

    condition: AlertCondition
    days: Annotated[int, Field(ge=1, le=MAX_PREVIEW_DAYS)] = 30


class PreviewFiring(Answer):
    """One time at which it would have fired."""

    at: datetime
    title: str


class PreviewAnswer(Answer):
    """How often a condition would have fired, from the recorded prices."""

    days: int
    fired_count: int
    #: The last of them, newest first.
    firings: list[PreviewFiring]
    #: Where the recorded prices of matching offers begin; absent: none are recorded.
    recorded_since: datetime | None = None
    change_count: int
    notes: list[str] = Field(default_factory=list)
    #: `would have fired 3 times in the last 30 days`, and the condition in a sentence.
    text: str = ""
    summary: str = ""


class SavedView(Schema):
    """Filters under a name. `search` is the whole search of the offers page; views without one have `filters`."""

    name: ViewName
    filters: AlertFilters = AlertFilters()
    sort: Sort | None = None
    search: ExplorerSearch | None = None


Sort = Literal["price", "price_per_accelerator", "memory", "availability", "provider"]


class Preferences(Schema):
    """What a user prefers. Absent values are not set; a PUT replaces them all.

    Built at once: a type with one that is (a search) inside is not built as well by the first request that brings it.
    """

    model_config = ConfigDict(defer_build=False)

    providers: Words | None = None
    regions: Words | None = None
    #: Three letters. Amounts stay in US dollars; this is for showing them.
    display_currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    default_sort: Sort | None = None
    default_filters: AlertFilters | None = None
    saved_views: Annotated[list[SavedView], Field(max_length=64)] | None = None
    #: The first page no longer shows what to do first.
    hides_checklist: bool | None = None

    @model_validator(mode="after")
    def _check_views(self) -> Self:
        names = [view.name for view in self.saved_views or []]
        if len(names) != len(set(names)):
            raise ValueError("two saved views have the same name")
        return self


class CurrencyView(Answer):
    """A rate for showing amounts: dollars per unit, whence it is and how old."""

    code: str
    usd_per_unit: str
    source: str
    as_of: str
    is_assumed: bool


class PreferencesView(Answer):
    """A user's preferences and what they need to be shown."""

    values: Preferences
    updated_at: datetime | None = None
    #: The rate of the display currency.
    currency: CurrencyView
    known_currencies: list[str]


SavedView.model_rebuild()
Preferences.model_rebuild()
