"""The whole control plane on a simulated place: the same controllers, runner, store and ledger as in production."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import insert

from tests.simulation.clocks import SeededEntropy, SimulatedClock, inline
from tests.simulation.invariants import check_always
from tradewind.control.context import Context
from tradewind.control.janitor import Janitor
from tradewind.control.submitting import insert_jobs, stop_job
from tradewind.db import tables
from tradewind.db.opening import bring_up_to_date, open_sqlite
from tradewind.db.owners import Caller, ensure_defaults
from tradewind.db.rows import JobRow
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain import ids
from tradewind.domain.schemas import JobSubmission
from tradewind.domain.status import has_ended
from tradewind.estimate.tariff import Tariff
from tradewind.providers.simulated import SimulatedPlatform
from tradewind.providers.simulated.platform import Behaviour
from tradewind.server.wiring import controllers_of
from tradewind.spec.models import JobSpec
from tradewind.storage.disk import DiskStorage
from tradewind.storage.workdirs import Workdirs

T = TypeVar("T")


class SimulatedStore(SqlStore):
    """An in-memory store in which every transaction is a scheduling point, and is checked after its commit."""

    def __init__(self, clock: SimulatedClock, entropy: SeededEntropy) -> None:
        engine = open_sqlite(None)
        bring_up_to_date(engine)
        super().__init__(engine, clock, entropy, inline=True)
        self._chance = entropy
        self.invariants: Callable[[Transaction], None] = lambda _tx: None
        #: What was found broken. Kept apart, because a controller survives any error, this one included.
        self.violations: list[AssertionError] = []

    async def run(self, fn: Callable[[Transaction], T], *, durable: bool = False) -> T:
        await asyncio.sleep(self._chance.uniform() * 0.01)
        result = await super().run(fn, durable=durable)
        try:
            await super().read(self.invariants)
        except AssertionError as violation:
            self.violations.append(violation)
        await asyncio.sleep(self._chance.uniform() * 0.01)
        return result

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        await asyncio.sleep(self._chance.uniform() * 0.01)
        return await super().read(fn)


class World:
    """A control plane that can be killed and started again, and the place it works with."""

    def __init__(self, seed: int, root: Path, behave: Callable[[Any], Behaviour], **platform: Any) -> None:
        self.clock = SimulatedClock()
        self.entropy = SeededEntropy(seed)
        self.store = SimulatedStore(self.clock, self.entropy)
        self.platform = SimulatedPlatform(self.clock, self.entropy, behave, **platform)
        self.root = root
        self._tasks: list[asyncio.Task[Any]] = []
        self.context: Context
        self.caller: Caller

    async def create(self) -> None:
        """Lays the first rows."""
        installation, self.caller = await self.store.run(lambda tx: ensure_defaults(tx, "tester"))
        self.context = Context(
            store=self.store,
            clock=self.clock,
            entropy=self.entropy,
            backends={self.platform.id: self.platform},
            storage=DiskStorage(self.root / "kept"),
            workdirs=Workdirs(self.root / "workdirs"),
            root=self.root,
            tariff=Tariff(
                micro_usd_per_kwh=200_000, carbon_g_per_kwh=400.0, price_note="test", carbon_note="test"
            ),
            installation_id=installation,
            offload=inline,
        )
        inventory = asdict(await self.platform.inventory())

        def add_node(tx: Transaction) -> None:
            tx.execute(
                insert(tables.nodes).values(
                    id=tx.new_id(ids.NODE), project_id=self.caller.project_id, creator_id=self.caller.user_id,
                    provider=self.platform.id, name="simulated", inventory=inventory, created_at=tx.now,
                    last_seen_at=tx.now, next_due_at=tx.now,
                )
            )  # fmt: skip

        await self.store.run(add_node)
        self.store.invariants = lambda tx: check_always(tx, self.platform)

    def start(self) -> None:
        """Starts the controllers."""
        loops: list[Any] = [runner.run() for runner in controllers_of(self.context)]
        loops.append(Janitor(self.context).run())
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def kill(self) -> None:
        """Ends the controllers wherever they are; only the database and the place remain."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def raise_violations(self) -> None:
        """Raises the first invariant that was broken after any commit so far."""
        if self.store.violations:
            raise self.store.violations[0]

    async def failures(self) -> list[BaseException]:
        """What ended a loop that should never end."""
        return [error for task in self._tasks if task.done() and (error := task.exception())]

    async def submit(self, **job: Any) -> str:
        """Submits a job file given as keywords; its id."""
        mapping: dict[str, Any] = {"version": 1, "name": "sim", "run": "true", **job}
        spec = JobSpec.model_validate(mapping)
        submission = JobSubmission(spec=mapping)
        return (await self.store.run(lambda tx: insert_jobs(tx, self.caller, [(submission, spec)])))[0]

    async def stop(self, job_id: str) -> None:
        """Asks a job to end."""
        await self.store.run(lambda tx: stop_job(tx, self.caller, job_id, now=False))

    async def job(self, job_id: str) -> JobRow:
        """The job as it is."""
        return await self.store.read(lambda tx: JobRow.get(tx, job_id))

    async def until_ended(self, *job_ids: str, within: timedelta = timedelta(hours=6)) -> list[JobRow]:
        """Waits, in virtual time, until the jobs have ended."""
        deadline = self.clock.now() + within
        while self.clock.now() < deadline:
            jobs = [await self.job(job_id) for job_id in job_ids]
            self.raise_violations()
            if all(has_ended(job.status) for job in jobs):
                return jobs
            await asyncio.sleep(5.0)
        raise AssertionError(
            f"not ended within {within}: {[(job.id, job.status, job.explanation) for job in jobs]}"
        )
