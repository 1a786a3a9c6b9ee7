"""Settings of the installation, and API tokens, as they travel over HTTP."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from tradewind.domain.schemas import Answer, Schema
from tradewind.domain.schemas_shown import ActionView, BadgeView

Watts = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class SettingsRequest(Schema):
    """What is set of this machine and its electricity. A PUT replaces it all: what is absent is unset."""

    #: ISO 3166, three letters.
    country: Annotated[str, Field(pattern=r"^[A-Za-z]{3}$")] | None = None
    #: A country, or a state such as `US-CA`: where the grid's figure is taken from.
    carbon_zone: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z]{2})?$")] | None = None
    #: Per kilowatt-hour, in `electricity_currency`.
    electricity_price: Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=6)] | None = None
    electricity_currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    carbon_grams_per_kwh: Annotated[float, Field(ge=0, le=5_000, allow_inf_nan=False)] | None = None
    #: Of the whole machine, at rest and flat out.
    watts_idle: Watts | None = None
    watts_max: Watts | None = None


class SettingView(Answer):
    """One figure: what holds, who said it, and what would hold otherwise."""

    name: str
    title: str
    help: str
    kind: Literal["country", "zone", "number"]
    unit: str = ""
    #: What holds, as a value and in words.
    value: str | None
    text: str
    #: environment | settings | config_file | country | zone | world | machine
    origin: str
    origin_text: str
    #: What is set here. It may differ from what holds: the environment goes first.
    stored: str | None = None
    #: The variable that goes first, where one does.
    overruled_by: str | None = None
    #: What would hold if nothing were set here.
    otherwise: str


class SettingsView(Answer):
    """What holds of this machine and its electricity, figure by figure."""

    items: list[SettingView]
    #: The currency of the electricity price that is set here.
    electricity_currency: str
    known_currencies: list[str]
    #: The machine that the figures of power are of.
    machine: str | None
    #: What it comes to: sentences.
    price_text: str
    carbon_text: str
    hour_text: str | None
    precedence: str
    #: False where the caller may only look; `why_not` says why.
    can_change: bool
    why_not: str | None = None
    updated_at: datetime | None = None
    updated_by: str | None = None


class PowerPlaceView(Answer):
    """A country or a state: its code, its name, and what is known of it."""

    code: str
    name: str
    detail: str


class PowerPlaces(Answer):
    """Countries, and carbon zones smaller than a country, by name."""

    countries: list[PowerPlaceView]
    zones: list[PowerPlaceView]


class TokenRequest(Schema):
    """Asks for an API token. It is shown once."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,62}$")]
    #: Absent: it does not run out.
    expires_in_days: Annotated[int, Field(ge=1, le=3_650)] | None = None


class TokenView(Answer):
    """A token or a browser session, without its secret."""

    id: str
    name: str
    kind: Literal["api", "session"]
    #: What it is, in words.
    title: str
    created_at: datetime
    expires_at: datetime | None = None
    #: To the hour.
    used_at: datetime | None = None
    badge: BadgeView
    #: True for what this request came with.
    is_current: bool = False
    actions: list[ActionView] = Field(default_factory=list)


class NewToken(TokenView):
    """A token that was just made, with its secret: it is not shown again."""

    secret: str


class TokenPage(Answer):
    """Your tokens and browser sessions, the newest first."""

    items: list[TokenView]
