"""A whole control plane of a test's own: one server, its database, and the providers that it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.ssh_machines import in_thread
from tradewind.control.context import Context
from tradewind.control.loops import ensure_loops
from tradewind.control.submitting import insert_jobs
from tradewind.db import tables
from tradewind.db.events import events_after
from tradewind.db.opening import bring_up_to_date, open_sqlite
from tradewind.db.owners import ensure_defaults
from tradewind.db.rows import AttemptRow, JobRow, NodeRow
from tradewind.db.store import SqlStore
from tradewind.domain.clock import SystemClock, SystemEntropy
from tradewind.domain.schemas import JobSubmission
from tradewind.domain.status import has_ended
from tradewind.estimate.tariff import Tariff
from tradewind.providers.access import Access
from tradewind.providers.base import MachineProvider
from tradewind.providers.bundle import build_bundle
from tradewind.providers.ssh.reach import SshReach
from tradewind.server.wiring import controllers_of, loops_of, rental_controllers
from tradewind.spec.models import JobSpec
from tradewind.storage.disk import DiskStorage
from tradewind.storage.workdirs import Workdirs

_PATIENCE_S = 180.0


class ControlPlane:
    """The real controllers, store, ledger and way over SSH, by the system's clock."""

    def __init__(
        self,
        root: Path,
        access: Access,
        providers: list[MachineProvider],
        keep_idle: timedelta = timedelta(0),
    ) -> None:
        self.root = root
        clock, entropy = SystemClock(), SystemEntropy()
        engine = open_sqlite(root / "tradewind.db")
        bring_up_to_date(engine)
        self.store = SqlStore(engine, clock, entropy)
        self.access = access
        self.reach = SshReach(access, build_bundle(root / "agent"), root / "attempts", clock, in_thread)
        self.context = Context(
            store=self.store, clock=clock, entropy=entropy, backends={},
            machines={each.id: each for each in providers}, reach=self.reach, storage=DiskStorage(root / "kept"),
            workdirs=Workdirs(root / "workdirs"), root=root,
            tariff=Tariff(micro_usd_per_kwh=200_000, carbon_g_per_kwh=400.0, price_note="", carbon_note=""),
            installation_id=access.installation_id, offload=in_thread, keep_idle=keep_idle,
        )  # fmt: skip
        self._tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> None:
        _, self.caller = await self.store.run(lambda tx: ensure_defaults(tx, "tester"))
        await self.store.run(lambda tx: ensure_loops(tx, loops_of(self.context)))
        runners = controllers_of(self.context)
        if not self.context.machines:
            # As a server starts them once a machine of the user's own is added.
            runners += rental_controllers(self.context)
        self._tasks = [asyncio.create_task(each.run()) for each in runners]

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.reach.close()
        self.store.close()

    async def submit(self, **job: Any) -> str:
        mapping: dict[str, Any] = {"version": 1, "name": "digits", **job}
        spec = JobSpec.model_validate(mapping)
        submission = JobSubmission(spec=mapping)
        return (await self.store.run(lambda tx: insert_jobs(tx, self.caller, [(submission, spec)])))[0]

    async def job(self, job_id: str) -> JobRow:
        return await self.store.read(lambda tx: JobRow.get(tx, job_id))

    async def ended(self, job_id: str) -> JobRow:
        """The job, once it has ended."""

        async def look() -> JobRow | None:
            job = await self.job(job_id)
            return job if has_ended(job.status) else None

        found: JobRow = await self.until(look)
        return found

    async def attempts(self) -> list[AttemptRow]:
        rows = await self.store.read(lambda tx: list(tx.execute(AttemptRow.select())))
        return sorted((AttemptRow.of(row) for row in rows), key=lambda each: each.number)

    async def nodes(self) -> list[NodeRow]:
        rows = await self.store.read(lambda tx: list(tx.execute(NodeRow.select())))
        return [NodeRow.of(row) for row in rows]

    async def column(self, column: Any) -> list[Any]:
        return await self.store.read(lambda tx: list(tx.execute(select(column)).scalars()))

    async def until(self, condition: Callable[[], Any]) -> Any:
        """What the condition (a coroutine function) returns, once it is true."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not (found := await condition()):  # noqa: ASYNC110 -- a row is waited for
                    await asyncio.sleep(0.05)
                return found
        except TimeoutError:
            job_ids = await self.column(tables.jobs.c.id)
            told = await self.store.read(lambda tx: [events_after(tx, each, 0, 1000) for each in job_ids])
            raise AssertionError([row["message"] for rows in told for row in rows]) from None
