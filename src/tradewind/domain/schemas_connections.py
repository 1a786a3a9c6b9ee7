"""Providers and connections, as they travel over HTTP. Credentials go in and never come out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from tradewind.domain.schemas import Answer, Schema
from tradewind.domain.schemas_shown import UNSAID, ActionView, BadgeView
from tradewind.domain.secrets import Secret

MOST_FIELDS: Final = 32
#: A key file in one line fits; more is a mistake.
MAX_CREDENTIAL_LENGTH: Final = 16_384


def _check_secret(secret: Secret) -> Secret:
    if not 1 <= len(secret.reveal().strip()) <= MAX_CREDENTIAL_LENGTH:
        raise ValueError(f"must have between 1 and {MAX_CREDENTIAL_LENGTH} characters")
    return secret


Word = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Setting = Annotated[str, Field(min_length=1, max_length=2_048, pattern=r"^[^\x00-\x1f]+$")]


class ConnectionState(StrEnum):
    """What is known of a connection."""

    CONNECTED = "connected"  #: the provider took the credentials when they were last examined
    PRICES_ONLY = (
        "prices_only"  #: this version rents nothing there: the credentials serve its prices, unexamined
    )
    REFUSED = "refused"  #: the provider did not take them when they were last examined


class CredentialSource(StrEnum):
    """Where a connection's credentials are."""

    STORED = "stored"  #: here, sealed
    ENVIRONMENT = "environment"  #: in the environment of the server
    CONFIG_FILE = "config_file"  #: in the files of the vendor's own tool, on the server's machine


class ConnectionRequest(Schema):
    """A connection, whole: what was connected before is replaced."""

    source: CredentialSource = CredentialSource.STORED
    #: By the names of a provider's fields (`api_key`), or of their variables (`LAMBDA_API_KEY`). What is no name is
    #: not repeated: it may be a secret in the wrong place.
    credentials: Annotated[
        dict[str, Annotated[Secret, AfterValidator(_check_secret)]], Field(max_length=MOST_FIELDS)
    ] = Field(default_factory=dict)
    #: What the provider's page documents, for example `regions`; a list is written with commas.
    settings: Annotated[dict[Word, Setting], Field(max_length=MOST_FIELDS)] = Field(default_factory=dict)


class QuotaView(Answer):
    """How much of something an account may have, and has."""

    name: str
    limit: float
    used: float | None = None
    region: str = ""
    #: `4 of 16 used`.
    text: str = ""


class AccountView(Answer):
    """What a provider said of the credentials."""

    identity: str
    regions: list[str] = Field(default_factory=list)
    quotas: list[QuotaView] = Field(default_factory=list)
    #: Permissions that are needed and not there.
    missing: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)


class ConnectionView(Answer):
    """A connection, without its credentials."""

    id: str
    provider: str
    title: str
    name: str
    state: ConnectionState
    source: CredentialSource
    settings: dict[str, Any]
    account: AccountView | None
    #: What was wrong when it was last examined.
    error: str | None
    examined_at: datetime | None
    created_at: datetime
    updated_at: datetime
    #: What to know of it now, in sentences.
    notes: list[str] = Field(default_factory=list)
    badge: BadgeView = UNSAID
    #: What the caller may do with it.
    permitted: list[ActionView] = Field(default_factory=list)
    #: Where the credentials are, in words.
    source_text: str = ""
    #: When they run out, as far as somebody has said.
    expires_at: datetime | None = None


class ConnectionPage(Answer):
    """The project's connections by provider."""

    items: list[ConnectionView]


class CredentialFieldView(Answer):
    """One thing that a user has to give."""

    name: str
    title: str
    environment: str
    is_secret: bool
    is_required: bool
    hint: str


class SettingFieldView(Answer):
    """One thing that may be set on a connection. A list is written with commas."""

    name: str
    title: str
    is_list: bool
    #: A regular expression that the whole of it matches.
    pattern: str = ""


class SourceView(Answer):
    """A way to give credentials, and why it is not there for this caller or provider."""

    name: CredentialSource
    title: str
    text: str
    is_possible: bool


class PolicyView(Answer):
    """The least that credentials must be allowed, in the vendor's own form."""

    name: str
    title: str
    usage: str
    text: str


class CapabilitiesView(Answer):
    """What a provider can do. Of one that is not connected, what it says of itself; the rest is not known."""

    has_spot: bool
    has_multi_node: bool
    self_termination: str
    create_idempotency: str | None = None
    has_images: bool | None = None
    has_mig: bool | None = None
    can_stop_and_start: bool | None = None
    #: Why something is not there, by its name.
    gaps: dict[str, str] = Field(default_factory=dict)


class ProviderView(Answer):
    """A provider that is known, connected or not."""

    id: str
    title: str
    #: machines | jobs | owned
    kind: str
    runs: list[str]
    aliases: list[str]
    capabilities: CapabilitiesView
    has_spot: bool
    self_termination: str
    #: True where this version can run jobs.
    can_run: bool
    connected: bool
    connection: ConnectionState | None
    setup_steps: list[str]
    estimated_time: str
    api_docs: str
    credentials: list[CredentialFieldView]
    settings: list[SettingFieldView]
    #: The vendor's own tool whose files can be read, and the files.
    config_tool: str | None
    config_files: list[str]
    policies: list[PolicyView]
    limits: list[str]
    pros: list[str] = Field(default_factory=list)
    cons: list[str] = Field(default_factory=list)
    badge: BadgeView = UNSAID
    #: What the caller may do: connect, validate, disconnect.
    permitted: list[ActionView] = Field(default_factory=list)
    #: The ways to give credentials.
    sources: list[SourceView] = Field(default_factory=list)
    #: Whose the credentials are, in how many regions, when they were last examined: for a card.
    summary: list[str] = Field(default_factory=list)
    examined_at: datetime | None = None
    #: True where machines are added one by one (`/api/v1/hosts`).
    takes_hosts: bool = False
    #: The connection itself; of one provider that is asked for, not in the list of all.
    detail: ConnectionView | None = None


class ProviderGroup(Answer):
    """Providers under one heading, in the order in which they are shown."""

    name: str
    title: str
    providers: list[str]


class ProviderPage(Answer):
    """Every provider that is known, by id, and under which heading it is shown."""

    items: list[ProviderView]
    groups: list[ProviderGroup] = Field(default_factory=list)
