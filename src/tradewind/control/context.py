"""What every controller works with: the seams, the places and the rates. Built once, by the composition root."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, or_, select

from tradewind.control.leases import wake
from tradewind.db import tables
from tradewind.db.store import Store
from tradewind.domain.clock import Clock, Entropy
from tradewind.estimate.tariff import Tariff
from tradewind.providers.base import JobPlatform, Offload
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
    tariff: Tariff
    installation_id: str
    offload: Offload
    log_cap_bytes: int = LOG_CAP_BYTES
    #: The machine that this server is on, where servers of one database are on several; None: there is only this one.
    host: str | None = None
    #: Keeps a reference to what runs on its own.
    background: set[asyncio.Future[None]] = field(default_factory=set)

    def nudge(self, attempt_id: str) -> None:
        """Makes an attempt due now. A hint from outside any transaction: nothing waits for it."""
        task = asyncio.ensure_future(self.store.run(lambda tx: wake(tx, tables.attempts, attempt_id)))
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    def drives_node(self) -> ColumnElement[bool] | None:
        """The condition for nodes that this server can reach; None when it can reach all."""
        if self.host is None:
            return None
        condition: ColumnElement[bool] = or_(tables.nodes.c.host.is_(None), tables.nodes.c.host == self.host)
        return condition

    def drives_attempt(self) -> ColumnElement[bool] | None:
        """The condition for attempts on such nodes; None when it can reach all."""
        condition = self.drives_node()
        if condition is None:
            return None
        return tables.attempts.c.node_id.in_(select(tables.nodes.c.id).where(condition))

    def attempt_directory(self, attempt_id: str) -> Path:
        """Where an attempt's files lie."""
        return self.root / "attempts" / attempt_id
