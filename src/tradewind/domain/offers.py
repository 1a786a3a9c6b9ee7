"""Offers, capabilities and plans: what can be had, what a provider can do, and the answer to "where?"."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
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


class Market(StrEnum):
    """On which terms a machine is had."""

    OWNED = "owned"
    ON_DEMAND = "on_demand"
    SPOT = "spot"  #: can be taken back at any time
    RESERVED = "reserved"


class Availability(StrEnum):
    """How likely it is to be had now."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the core may ask of a provider. `gaps` says, per capability it lacks, why, in words for a user."""

    create_idempotency: CreateIdempotency
    self_termination: SelfTermination
    #: How long after a create the provider's listing may still not show it.
    list_lag: timedelta = timedelta(0)
    #: A machine that is not ready so long after it was rented is given back, and another place is tried.
    boot_timeout: timedelta = timedelta(minutes=15)
    #: How long after the request a machine may go on costing money.
    termination_lag: timedelta = timedelta(minutes=10)
    has_spot: bool = False
    #: How machines hear that they will be taken back, in the agent's words: `ec2`, `gce`, `azure`. None: not at all.
    reclaim_notice: str | None = None
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
    """Something that can be had, at a price, on the terms of one market.

    `rate` is what is charged; for owned machines that is energy, and `watts_low`/`watts_high` bound the draw of the
    share a job would hold, so that an hourly price can be shown. An offer of a market names the kind and number of
    its accelerators; one of a machine at hand lists the very devices in `accelerators` as well.
    """

    provider: str
    region: str
    zone: str | None
    instance_type: str
    cpus: float
    memory_bytes: int
    disk_bytes: int
    accelerators: tuple[Accelerator, ...] = ()
    #: Key of `hardware.accelerators`, or the provider's own name where nobody knows it. None: no accelerator.
    accelerator: str | None = None
    accelerator_count: float = 0.0
    #: Of one accelerator, in the GB of its data sheet.
    accelerator_memory_gb: float | None = None
    #: What the provider calls the accelerator.
    accelerator_label: str | None = None
    market: str = "owned"  #: owned | on_demand | spot | reserved
    rate: Rate
    watts_low: float | None = None
    watts_high: float | None = None
    grams_co2e_per_kwh: float | None = None
    is_available: bool = True
    availability: Availability = Availability.UNKNOWN
    #: Which price source said so, and when it did.
    source: str = "live"
    seen_at: datetime | None = None
    #: Share of time that such a machine stays up, 0..1, where the provider says.
    reliability: float | None = None
    #: Micro-units per GB that leaves it, where the offer itself says.
    egress_micro_per_gb: int | None = None
    #: Gigabits per second between nodes of one cluster; None: not known.
    network_gbit_per_s: float | None = None
    #: Machines at hand of one provider and network reach each other; None: this one reaches no other.
    network: str | None = None
    #: What to know of this price. Nobody can pay it: `no_price`, with `placeholder` or `host_excluded` as the reason.
    #: How it was come by: `host_included`, `mean`, `median`, `from` (a provider's level for an accelerator, not one
    #: machine's price), `scaled` (the price of one accelerator times their number), `term_1y`,
    #: `spot_equals_on_demand`. What it is: `community`, `unverified`. Other lists' own flags pass through.
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """An offer that was not chosen, and the constraint that ruled it out."""

    offer: Offer
    constraint: str
    explanation: str
