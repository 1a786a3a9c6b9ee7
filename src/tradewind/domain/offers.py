"""Offers, capabilities and plans: what can be had, what a provider can do, and the answer to "where?"."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from tradewind.domain.money import Rate


class CreateIdempotency(StrEnum):
    """How a provider makes a repeated create harmless."""

    TOKEN = "token"
    UNIQUE_NAME = "unique_name"
    TAG = "tag"
    NONE = "none"


class SelfTermination(StrEnum):
    """What ends the cost on a machine that the control plane can no longer reach."""

    PROVIDER_TTL = "provider_ttl"
    POWEROFF_ENDS_BILLING = "poweroff_ends_billing"
    SCOPED_KEY = "scoped_key"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the core may ask of a provider. `gaps` says, per capability it lacks, why, in words for a user."""

    create_idempotency: CreateIdempotency
    self_termination: SelfTermination
    #: How long after a create the provider's listing may still not show it.
    list_lag: timedelta = timedelta(0)
    has_spot: bool = False
    has_multi_node: bool = False
    has_images: bool = False
    has_mig: bool = False
    can_stop_and_start: bool = False
    #: The submitter's files and PATH mean the same there.
    shares_filesystem: bool = False
    gaps: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """One accelerator of a node. `index` is the vendor's own number for it; `uuid` is stable across restarts."""

    name: str
    memory_bytes: int
    index: int
    uuid: str
    vendor: str = "nvidia"
    tdp_watts: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Something that can be had, at a price.

    `rate` is what is charged; for owned machines that is energy, and `watts_low`/`watts_high` bound the draw of the
    share a job would hold, so that an hourly price can be shown.
    """

    provider: str
    region: str
    zone: str | None
    instance_type: str
    cpus: float
    memory_bytes: int
    disk_bytes: int
    accelerators: tuple[Accelerator, ...] = ()
    market: str = "owned"  #: owned | on_demand | spot | reserved
    rate: Rate
    watts_low: float | None = None
    watts_high: float | None = None
    grams_co2e_per_kwh: float | None = None
    is_available: bool = True
    source: str = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """An offer that was not chosen, and the constraint that ruled it out."""

    offer: Offer
    constraint: str
    explanation: str
