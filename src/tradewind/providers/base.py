"""What a provider is: two shapes, one closed vocabulary of errors (`domain/errors.py`).

`JobPlatform` accepts work; `MachineProvider` rents machines, on which the agent then runs. Control sees one
`Backend` over both. Every method is safe to call again. None may touch the database.

Errors: every method raises `ProviderError` with a `ProviderFault` and nothing else. `AMBIGUOUS` means that a call may
or may not have had its effect: the caller then asks `find` before anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar, runtime_checkable

from tradewind.domain.errors import ProviderFault
from tradewind.domain.offers import Accelerator, Capabilities, Offer

P = ParamSpec("P")
T = TypeVar("T")


class Offload(Protocol):
    """Runs blocking work away from the event loop; inline in simulation."""

    async def __call__(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRequest:
    """Everything a place needs to run one attempt.

    `directory` is where the attempt's files are kept and `workdir` the unpacked working directory, both on the local
    disk for a provider that shares it. `watts_idle` and `watts_max` bound the draw of the share it holds.
    `reclaim_notice` is how its machine is told that it will be taken back (`Capabilities.reclaim_notice`).
    Of an attempt on several nodes this is the part of one of them, `rank`, and `attempt_id` what it is called there.
    """

    attempt_id: str
    job_id: str
    job_name: str
    number: int
    fence: int
    run: str
    setup: str | None
    env: dict[str, str]
    search_path: str | None
    directory: Path
    workdir: Path
    resume_from: Path | None
    checkpoint_path: str | None
    checkpoint_every_s: float | None
    max_duration_s: float | None
    grace_s: float
    lease_ttl_s: float | None
    on_lost_contact: str
    memory_limit_bytes: int | None
    log_cap_bytes: int
    cpus: float
    accelerators: tuple[Accelerator, ...]
    watts_idle: float
    watts_max: float
    reclaim_notice: str | None = None
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Handle:
    """What a provider needs to find an attempt again. Plain JSON values only: it is stored."""

    values: dict[str, Any]


class Phase(StrEnum):
    """What a provider says of an attempt."""

    STARTING = "starting"
    RUNNING = "running"
    GONE = "gone"  #: confirmed: nothing of it exists or costs any more
    UNKNOWN = "unknown"  #: the provider said something this version does not know; never taken for an end


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How an attempt ended, in the words of `domain.status.Reason`."""

    reason: str
    message: str
    exit_code: int | None
    signal: int | None
    started_at: datetime | None
    ended_at: datetime
    energy_j: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One look at an attempt: its phase, the agent's records after the cursor, and the next cursor (bytes)."""

    phase: Phase
    records: list[dict[str, Any]] = field(default_factory=list)
    cursor: int = 0
    exit: Exit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUser:
    """A process on an accelerator of a node. `attempt` is the one it belongs to, of whichever installation."""

    uuid: str
    pid: int
    #: Who runs it; None where that is hidden.
    user: str | None = None
    command: str = ""
    memory_bytes: int | None = None
    attempt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What one node has. `in_use` are those who used its accelerators at that moment, where that is asked for."""

    name: str
    cpus: int
    cpu_model: str
    memory_bytes: int
    disk_free_bytes: int
    accelerators: tuple[Accelerator, ...]
    watts_idle: float
    watts_max: float
    power_source: str
    in_use: tuple[DeviceUser, ...] = ()


class Brought(StrEnum):
    """How far something has been brought here from where an attempt runs."""

    WHOLE = "whole"  #: a copy of it lies here, as it is there
    SHARED = "shared"  #: both sides see the same disk: what lies here is the very thing
    PART = "part"  #: there is more to bring: ask again
    CHANGED = "changed"  #: it changed on the way, or is gone; what had come was thrown away


class AttemptHost(Protocol):
    """Runs attempts where it is: on a machine, or on a platform that accepts work."""

    async def submit(self, request: AttemptRequest, key: str) -> Handle:
        """Starts the attempt. A second call with the same key has no second effect."""
        ...

    async def find(self, key: str) -> Handle | None:
        """The attempt that was started under this key, if there is one."""
        ...

    async def poll(self, handle: Handle, cursor: int) -> Observation:
        """How it is now. `Phase.GONE` only once nothing of it exists any more."""
        ...

    async def stop(self, handle: Handle, reason: str, grace_s: float) -> None:
        """Asks it to end: politely, then after `grace_s` by force. Returns at once; `poll` shows the end."""
        ...

    async def renew(self, handle: Handle, sequence: int) -> None:
        """Renews the attempt's lease: the control plane is alive and still means this attempt to run."""
        ...

    async def bring(self, handle: Handle, path: str, within_s: float) -> Brought:
        """Brings one path of the attempt's working directory into the one here, for about so long.

        What came is kept: the next call goes on there, also after a restart. Does nothing where both share the disk.
        """
        ...

    async def files(self, handle: Handle) -> list[str] | None:
        """The files of the attempt's working directory; None where it is the one here."""
        ...

    async def watch(self, handle: Handle, wake: Callable[[], None]) -> None:
        """Calls `wake` when it ends, where the place can tell at once. Only ever a hint."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """What a rented machine said when it answered for the first time.

    `host_keys` are those it is known by from now on. `inventory` is None where nothing more is known than was offered.
    """

    host_keys: tuple[str, ...] = ()
    inventory: Inventory | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The attempts of whichever installation that there are on a machine, by their id."""

    running: dict[str, Handle] = field(default_factory=dict)
    #: They run no more, and have left something there.
    left: dict[str, Handle] = field(default_factory=dict)


class MachineHost(AttemptHost, Protocol):
    """Runs attempts on one machine that is rented, or the user's own."""

    async def greet(self) -> Greeting:
        """Gets ready to run attempts there: connects, and delivers the agent. Cheap once that has been done."""
        ...

    async def device_users(self) -> tuple[DeviceUser, ...]:
        """Who uses its accelerators now, attempts included. Raises ProviderError."""
        ...

    async def guard(self, after_s: float) -> None:
        """Has the machine switch itself off unless this is called again within so many seconds."""
        ...

    async def forget(self, handle: Handle) -> None:
        """Removes what an attempt that has ended has left there. Does nothing when that is gone already."""
        ...

    async def survey(self) -> Survey:
        """What there is of attempts. Raises ProviderError."""
        ...

    async def let_in(self, handle: Handle, public_key: str | None) -> str:
        """Where the attempt's working directory is; whoever holds this key may log in, where one is given."""
        ...


class JobPlatform(AttemptHost, Protocol):
    """Accepts work: a place that runs an attempt when it is asked to."""

    id: str
    capabilities: Capabilities

    async def inventory(self) -> Inventory:
        """What the place has now."""
        ...

    async def list_offers(self) -> list[Offer]:
        """Everything that can be had, unavailable offers included."""
        ...

    async def list_owned(self) -> list[Handle]:
        """Everything of this installation that the provider still runs."""
        ...


class MachinePhase(StrEnum):
    """What a provider says of a machine."""

    STARTING = "starting"
    READY = "ready"
    STOPPED = "stopped"  #: it runs no more and never will again; what is left of it has to be given back
    GONE = "gone"  #: confirmed: it does not exist any more, and costs nothing from `billed_until` on
    UNKNOWN = "unknown"  #: the provider said something this version does not know; never taken for an end


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How a machine is reached over SSH. It is told apart from an impostor by its host keys, in OpenSSH's form.

    No host key: the provider tells of none in advance, and the first one that is seen is pinned.
    """

    host: str
    port: int = 22
    user: str = "root"
    host_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """From this time on a machine costs so much per hour."""

    at: datetime
    micro_per_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineView:
    """One look at a rented machine.

    `billed_from` and `billed_until` are when the provider began and ceased to charge, and `price_changes` what
    became of the price in between, as far as it says; otherwise the times at which we heard of it are used.
    `was_reclaimed` says that the provider took the machine back. With another phase than `GONE` it stopped it, and
    what is left (a disk) may still cost money: control gives it back.
    `reclaim_at` is when the provider has announced to take it back. `login` is how to reach it, once that is known:
    `READY` means that the provider calls it running and has told of its address, not yet that it answers.
    `private_address` is under which other machines of the same account and zone reach it.
    `fault` is why a machine whose creation was accepted is of no use after all: it is given back. While it has not been
    ready it counts as a refusal of its place. `CAPACITY` and `QUOTA`, and any fault of one that is `GONE` or `STOPPED`,
    say that it never ran, and cost nothing.
    """

    phase: MachinePhase
    login: Login | None = None
    private_address: str | None = None
    explanation: str = ""
    was_reclaimed: bool = False
    billed_from: datetime | None = None
    billed_until: datetime | None = None
    price_changes: tuple[PriceChange, ...] = ()
    reclaim_at: datetime | None = None
    fault: ProviderFault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedMachine:
    """A machine that carries this installation's mark, with the key it was made under.

    Providers that still list what ended a while ago say so by its phase.
    """

    key: str
    handle: Handle
    phase: MachinePhase


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How much of something an account may have, and has. `region` is empty where it counts everywhere."""

    name: str
    limit: float
    used: float | None = None
    region: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a provider says of the credentials it was given: whose they are and what may be done with them.

    `missing` names permissions that are needed and not there; `notes` are sentences for the user.
    """

    identity: str
    regions: tuple[str, ...] = ()
    quotas: tuple[Quota, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class MachineProvider(Protocol):
    """Rents machines. The agent is delivered to them and runs the attempt.

    `capabilities.create_idempotency` says what may be done when nobody knows whether a create had its effect:
    call it again (`token`, `unique_name`), look for the key once `list_lag` is over (`tag`), or leave it to the
    sweeper (`none`).
    """

    id: str
    capabilities: Capabilities

    async def examine(self) -> Account:
        """Whose credentials these are and what they allow; costs nothing. Raises ProviderError if they are no good."""
        ...

    async def list_offers(self) -> list[Offer]:
        """Everything that can be had, unavailable offers included."""
        ...

    async def validate(self, offer: Offer) -> None:
        """Raises ProviderError if the offer could not be created with these credentials."""
        ...

    async def create(self, offer: Offer, key: str, keep_until: datetime) -> Handle:
        """Rents a machine under this key, in the way `create_idempotency` declares.

        `keep_until` is when it ends by itself unless `keep` is called, where `self_termination` is `provider_ttl`.
        """
        ...

    async def find(self, key: str) -> Handle | None:
        """The machine rented under this key, as far as the provider's listing shows it."""
        ...

    async def get(self, handle: Handle) -> MachineView:
        """How it is now. A provider that has forgotten it raises `NOT_FOUND`."""
        ...

    async def keep(self, handle: Handle, until: datetime) -> None:
        """Lets it live until then; does nothing where `self_termination` is not `provider_ttl`."""
        ...

    async def terminate(self, handle: Handle) -> None:
        """Gives it back. Succeeds when it is already gone; the caller repeats until `get` says gone."""
        ...

    async def list_owned(self) -> list[OwnedMachine]:
        """Every machine that carries the mark of this installation (the part of the key before the first `/`)."""
        ...


@runtime_checkable
class GangProvider(MachineProvider, Protocol):
    """A provider that opens the way between the machines of one gang, and to no others.

    Where `capabilities.has_multi_node` is true without this, all machines of an installation reach each other.
    """

    async def create_member(self, offer: Offer, key: str, keep_until: datetime, gang: str) -> Handle:
        """As `create`, for a machine that the others of this gang reach at its private address, at all ports.

        `gang` is an id like that of an attempt, and the same in every call with this key. What is made for the gang as
        a whole is gone once the last of its machines is, also where none of them could be had.
        """
        ...
