"""A control plane whose places are machines of the user's own"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update

from tests.ssh.control_plane import ControlPlane
from tests.ssh_machines import Fleet, in_thread
from tests.sshd_for_tests import Sshd
from tradewind.control import leases
from tradewind.control.hosts import add_host, remove_host
from tradewind.db import tables
from tradewind.db.rows import AttemptRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.clock import SystemClock
from tradewind.domain.schemas_hosts import HostSpec, HostView
from tradewind.domain.status import AttemptStatus
from tradewind.providers.access import Access
from tradewind.server.reaching import Reaching


class OwnHosts(ControlPlane):
    """Hosts are added as a user adds them; each stands in a region of its own name."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(fleet.root, fleet.access, [])
        self.fleet = fleet
        self.keys = Reaching(self._access, fleet.agent, fleet.root / "attempts", SystemClock(), in_thread)

    async def _access(self) -> Access:
        return self.access

    async def add(self, name: str, **options: Any) -> Sshd:
        """A new machine that is a place from now on."""
        machine = await asyncio.to_thread(self.fleet.machine, name, **options)
        await self.add_again(machine)
        return machine

    async def add_again(self, machine: Sshd, **changes: Any) -> HostView:
        """Adds it, or changes what is said of it."""
        name = machine.folder.name
        values: dict[str, Any] = {
            "name": name, "address": machine.host, "port": machine.port, "user": machine.user,
            "host_key": self.fleet.key_of(name).public, "region": name,
        }  # fmt: skip
        return await add_host(self.context, self.keys, self.caller, HostSpec(**(values | changes)))

    async def remove(self, name: str, *, is_lost: bool) -> None:
        await self.store.run(lambda tx: remove_host(self.context, tx, self.caller, name, is_lost=is_lost))

    async def submit_to(self, *names: str, **job: Any) -> str:
        """A job that one of these machines is to run."""
        resources = {"providers": ["ssh"], "regions": list(names), **job.pop("resources", {})}
        return await self.submit(resources=resources, **job)

    async def node(self, name: str) -> NodeRow:
        return next(each for each in await self.nodes() if each.name == name)

    async def look_again(self, name: str) -> None:
        """As if a minute had passed since the machine was last looked at."""
        node = await self.node(name)

        def age(tx: Transaction) -> None:
            table = tables.nodes
            earlier = node.last_seen_at - timedelta(minutes=2)
            tx.execute(update(table).where(table.c.id == node.id).values(last_seen_at=earlier))
            leases.wake(tx, table, node.id)

        await self.store.run(age)

    async def running(self) -> list[AttemptRow]:
        return [each for each in await self.attempts() if each.status is AttemptStatus.RUNNING]

    def log(self, attempt: AttemptRow, stream: str = "stdout") -> bytes:
        """A log as far as it has come here."""
        path = self.root / "attempts" / attempt.id / "logs" / f"{stream}.log"
        return path.read_bytes() if path.exists() else b""

    def there(self, machine: Sshd, attempt: AttemptRow) -> Path:
        """The folder of an attempt on its machine."""
        return machine.home / f".tradewind/attempts/{attempt.id}"
