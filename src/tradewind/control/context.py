"""What every controller works with: the seams, the places and the rates. Built once, by the composition root."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select

from tradewind.control.job_files import JobFiles
from tradewind.control.leases import wake
from tradewind.control.logins import login_of
from tradewind.control.own_settings import OwnSettings
from tradewind.db import tables
from tradewind.db.rows import AttemptRow, NodeRow
from tradewind.db.store import Store
from tradewind.domain.clock import Clock, Entropy
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.status import NodeStatus
from tradewind.estimate.tariff import Tariff
from tradewind.providers.base import (
    AttemptHost,
    Handle,
    JobPlatform,
    Login,
    MachineHost,
    MachineProvider,
    Offload,
)
from tradewind.storage.base import Storage
from tradewind.storage.workdirs import Workdirs

#: Log bytes kept per stream of an attempt.
LOG_CAP_BYTES: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The control plane's surroundings. `root` is where the files of jobs are; attempts lie in `root/attempts`."""

    store: Store
    clock: Clock
    entropy: Entropy
    backends: dict[str, JobPlatform]
    storage: Storage
    workdirs: Workdirs
    root: Path
    #: What electricity costs and emits here from now on; what has begun keeps what it began with (`use_tariff`).
    tariff: Tariff
    installation_id: str
    offload: Offload
    #: Connected providers that rent machines, and how attempts are run on a machine of theirs.
    machines: dict[str, MachineProvider] = field(default_factory=dict)
    #: Ids of the user's own machines that are reached over SSH, kept up by whoever looks after connections.
    far: set[str] = field(default_factory=set)
    reach: Callable[[str, Handle, Login | None], MachineHost] | None = None
    log_cap_bytes: int = LOG_CAP_BYTES
    #: For how long a rented machine is kept for the next job when its own has ended.
    keep_idle: timedelta = timedelta(0)
    #: The machine that this server is on, where servers of one database are on several; None: there is only this one.
    host: str | None = None
    #: Keeps a reference to what runs on its own.
    background: set[asyncio.Future[None]] = field(default_factory=set)
    #: Attempts that are to be made due in a moment.
    nudged: set[str] = field(default_factory=set)
    #: What users set of this machine while the server runs; None: nothing can be set.
    own: OwnSettings | None = None
    files: JobFiles = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", JobFiles(self.store, self.clock))

    def use_tariff(self, tariff: Tariff) -> None:
        """Another tariff holds from now on. For whoever keeps up with the settings, and nobody else."""
        object.__setattr__(self, "tariff", tariff)

    def nudge(self, attempt_id: str) -> None:
        """Makes an attempt due now. A hint from outside any transaction: nothing waits for it."""
        self.nudged.add(attempt_id)
        if len(self.nudged) == 1:
            task = asyncio.ensure_future(self._wake_nudged())
            self.background.add(task)
            task.add_done_callback(self.background.discard)

    async def _wake_nudged(self) -> None:
        # Those of one moment share a transaction.
        await self.clock.sleep(0)
        nudged = sorted(self.nudged)
        self.nudged.clear()
        await self.store.run(lambda tx: wake(tx, tables.attempts, *nudged))

    @property
    def has_choice(self) -> bool:
        """True where the market decides for every task; else this machine takes what it can."""
        return bool(self.machines or self.far)

    @property
    def can_rent(self) -> bool:
        """True if a provider that rents machines is connected, and what it rents can be reached."""
        return bool(self.machines) and self.reach is not None

    def host_of(self, attempt: AttemptRow, node: NodeRow | None) -> AttemptHost:
        """What runs an attempt: the platform it was given to, or the rented machine it is on."""
        if node is None or not (node.is_rented or node.is_far):
            return self.backends[attempt.provider]
        return self.machine_of(node)

    def machine_of(self, node: NodeRow, login: Login | None = None) -> MachineHost:
        """The way to a machine: by its row's login, unless another one is given. Raises ProviderError."""
        is_cut = node.is_rented and node.provider not in self.machines
        if self.reach is None or node.handle is None or is_cut:
            raise ProviderError(ProviderFault.NOT_FOUND, f"{node.name} cannot be reached")
        return self.reach(node.provider, Handle(node.handle), login or login_of(node.observed))

    def drives_node(self) -> ColumnElement[bool] | None:
        """The condition for nodes that this server can reach; None when it can reach all."""
        return _drives_node(self.host)

    def drives_attempt(self) -> ColumnElement[bool] | None:
        """The condition for attempts on such nodes; None when it can reach all."""
        return _drives_attempt(self.host)

    def is_rental(self) -> ColumnElement[bool]:
        """The condition for rented machines: whoever is free drives them."""
        return _IS_RENTED

    def is_at_hand(self) -> ColumnElement[bool]:
        """The condition for the machines of the user's own that this server can reach."""
        return _is_at_hand(self.host)

    def attempt_directory(self, attempt_id: str) -> Path:
        """Where an attempt's files lie."""
        return self.root / "attempts" / attempt_id


# Statements are compiled once for each condition: one that means the same has to be the same.
_IS_RENTED: Final = tables.nodes.c.is_rented.is_(True)


@cache
def _drives_node(host: str | None) -> ColumnElement[bool] | None:
    if host is None:
        return None
    condition: ColumnElement[bool] = or_(tables.nodes.c.host.is_(None), tables.nodes.c.host == host)
    return condition


@cache
def _drives_attempt(host: str | None) -> ColumnElement[bool] | None:
    condition = _drives_node(host)
    if condition is None:
        return None
    return tables.attempts.c.node_id.in_(select(tables.nodes.c.id).where(condition))


@cache
def _is_at_hand(host: str | None) -> ColumnElement[bool]:
    condition = _drives_node(host)
    owned = and_(tables.nodes.c.is_rented.is_(False), tables.nodes.c.status == NodeStatus.READY)
    return owned if condition is None else and_(owned, condition)
