"""Several servers on one database, and the clouds they rent from: all of the control plane, in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, select

from tests.simulation.clocks import SeededEntropy, SimulatedClock, inline
from tests.simulation.fleet_invariants import Watcher
from tests.simulation.replica import Gate, ReplicaCloud, ReplicaStore, SkewedClock
from tradewind.control.context import Context
from tradewind.control.loops import ensure_loops
from tradewind.control.submitting import insert_jobs, stop_job
from tradewind.db import tables
from tradewind.db.opening import bring_up_to_date, open_sqlite
from tradewind.db.owners import Caller, ensure_defaults
from tradewind.db.rows import JobRow
from tradewind.db.store import SqlStore, Store, Transaction
from tradewind.domain.schemas import JobSubmission
from tradewind.domain.status import has_ended
from tradewind.estimate.tariff import Tariff
from tradewind.providers.simulated import Profile, SimulatedCloud
from tradewind.providers.simulated.process import Behave
from tradewind.server.wiring import controllers_of, loops_of
from tradewind.spec.models import JobSpec
from tradewind.storage.disk import DiskStorage
from tradewind.storage.workdirs import Workdirs

T = TypeVar("T")
_TARIFF = Tariff(micro_usd_per_kwh=200_000, carbon_g_per_kwh=400.0, price_note="test", carbon_note="test")
#: After the last job: for machines to go away and for the sweeper to find the rest.
DRAIN = timedelta(hours=2)


class CheckedStore:
    """The shared database. After every commit that changed something, the invariants are checked."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self.wakeups = inner.wakeups
        self.check_invariants: Callable[[Transaction], None] | None = None
        self.violations: list[AssertionError] = []
        self.commits = 0

    async def run(self, fn: Callable[[Transaction], T], *, durable: bool = False) -> T:
        changes = 0

        def counted(tx: Transaction) -> T:
            nonlocal changes
            driver: Any = tx.connection.connection.driver_connection
            before = getattr(driver, "total_changes", -1)
            result = fn(tx)
            tx.write_out()
            changes = getattr(driver, "total_changes", 0) - before
            return result

        result = await self._inner.run(counted, durable=durable)
        self.commits += 1
        # Half of all transactions are claims that find nothing to do.
        if changes and self.check_invariants is not None and not self.violations:
            try:
                await self._inner.read(self.check_invariants)
            except AssertionError as violation:
                self.violations.append(violation)
        return result

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        return await self._inner.read(fn)

    async def check(self) -> None:
        await self._inner.check()

    def close(self) -> None:
        self._inner.close()


def sqlite_store(clock: SimulatedClock, entropy: SeededEntropy) -> Store:
    """A new database in memory, at the newest schema: a copy of one that was made once.

    The engine is that of the run before, which has closed its connection: it knows the compiled statements.
    """
    engine = _engine()
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.deserialize(_empty_database())
        driver.execute("PRAGMA foreign_keys=ON")
    return SqlStore(engine, clock, entropy, inline=True)


@cache
def _engine() -> Engine:
    return open_sqlite(None)


@cache
def _empty_database() -> bytes:
    engine = open_sqlite(None)
    bring_up_to_date(engine)
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        content: bytes = driver.serialize()
    engine.dispose()
    return content


@dataclass(slots=True)
class Replica:
    """One server."""

    context: Context
    gate: Gate
    clock: SkewedClock
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    @property
    def is_up(self) -> bool:
        """True between a start and a kill."""
        return bool(self.tasks)


class Fleet:
    """The world of one run."""

    def __init__(
        self,
        seed: int,
        root: Path,
        profiles: list[Profile],
        behave: Behave,
        *,
        replicas: int = 1,
        accidents: float = 0.0,
        keep_idle: timedelta = timedelta(0),
        make_store: Callable[[SimulatedClock, SeededEntropy], Store] = sqlite_store,
    ) -> None:
        self.clock = SimulatedClock()
        self.entropy = SeededEntropy(seed)
        self.chance = random.Random(f"fleet/{seed}")
        self.store = CheckedStore(make_store(self.clock, self.entropy))
        self.clouds = {
            each.id: SimulatedCloud(self.clock, SeededEntropy(seed + number + 1), each, behave)
            for number, each in enumerate(profiles)
        }
        self.root = root
        self.watcher = Watcher(self.clouds, self.clock)
        self._count = replicas
        self._accidents = accidents
        self._keep_idle = keep_idle
        self._in_flight: set[asyncio.Task[Any]] = set()
        self.replicas: list[Replica] = []
        self.installation = ""
        #: What happened, where a run was asked to keep it.
        self.told: list[str] = []
        self.caller: Caller

    async def create(self) -> None:
        """Lays the first rows and makes the servers; none of them runs yet."""
        self.installation, self.caller = await self.store.run(lambda tx: ensure_defaults(tx, "tester"))
        self.replicas = [self._make_replica(number) for number in range(self._count)]
        names = loops_of(self.replicas[0].context)
        await self.store.run(lambda tx: ensure_loops(tx, names))
        self.store.check_invariants = self.watcher.check_always

    def _make_replica(self, number: int) -> Replica:
        gate = Gate()
        clock = SkewedClock(gate)
        clouds = {
            name: ReplicaCloud(cloud, gate, self._in_flight, self.store.violations.append)
            for name, cloud in self.clouds.items()
        }
        context = Context(
            store=ReplicaStore(self.store, gate, random.Random(self.chance.random()), self._accidents),
            clock=clock,
            entropy=SeededEntropy(self.chance.randrange(1 << 30)),
            backends={},
            machines=dict(clouds),
            reach=lambda provider, handle, _login: clouds[provider].host(handle),
            storage=DiskStorage(self.root / "kept"),
            workdirs=Workdirs(self.root / "workdirs"),
            # Each server lays out files of its own, as on machines of their own.
            root=self.root,
            tariff=_TARIFF,
            installation_id=self.installation,
            offload=inline,
            keep_idle=self._keep_idle,
        )
        return Replica(context, gate, clock)

    def start(self, replica: Replica) -> None:
        """Starts a server's controllers."""
        replica.gate.open()
        replica.tasks = [asyncio.create_task(each.run()) for each in controllers_of(replica.context)]

    def start_all(self) -> None:
        """Starts every server that is down."""
        if not any(replica.is_up for replica in self.replicas):
            self.watcher.served_since = self.clock.now()
        for replica in self.replicas:
            replica.gate.open()
            if not replica.is_up:
                self.start(replica)

    async def kill(self, replica: Replica) -> None:
        """Ends a server wherever it is. What it has sent goes on."""
        replica.gate.open()
        for task in replica.tasks:
            task.cancel()
        await asyncio.gather(*replica.tasks, return_exceptions=True)
        replica.tasks = []

    async def submit(self, **job: Any) -> str:
        """Submits a job file given as keywords; its id."""
        mapping: dict[str, Any] = {"version": 1, "name": "sim", "run": "true", **job}
        spec = JobSpec.model_validate(mapping)
        submission = JobSubmission(spec=mapping)
        return (await self.store.run(lambda tx: insert_jobs(tx, self.caller, [(submission, spec)])))[0]

    async def stop(self, job_id: str) -> None:
        """Asks a job to end."""
        await self.store.run(lambda tx: stop_job(tx, self.caller, job_id, now=False))

    async def jobs(self) -> list[JobRow]:
        """Every job as it is."""
        return await self.store.read(lambda tx: [JobRow.of(row) for row in tx.execute(JobRow.select())])

    async def until_ended(self, within: timedelta = timedelta(hours=24)) -> list[JobRow]:
        """Waits, in virtual time, until every job has ended."""
        deadline = self.clock.now() + within
        while True:
            jobs = await self.jobs()
            self.raise_violations()
            if all(has_ended(job.status) for job in jobs):
                return jobs
            for job in jobs:
                self.watcher.check_waiting(job)
            if self.clock.now() >= deadline:
                waiting = [(j.name, j.status.value, j.explanation) for j in jobs if not has_ended(j.status)]
                raise AssertionError(f"not ended within {within}: {waiting}")
            await asyncio.sleep(20.0)

    async def drain(self) -> None:
        """Waits until nothing is rented any more, known or not, and every row says so."""
        deadline = self.clock.now() + DRAIN
        while True:
            self.raise_violations()
            now = self.clock.now()
            living = [each.id for cloud in self.clouds.values() for each in cloud.living(now)]
            open_rows = await self.store.read(_open_nodes)
            unknown = await self.store.read(self.watcher.unknown_machines)
            held = await self.store.read(_held)
            if not living and not open_rows and not unknown and not held:
                return
            assert now < deadline, (
                f"left over after {DRAIN}: machines {living}, rows {open_rows}, unknown {unknown}, holds {held}"
            )
            await asyncio.sleep(30.0)

    async def close(self) -> None:
        """Ends everything."""
        for replica in self.replicas:
            await self.kill(replica)
        for task in list(self._in_flight):
            task.cancel()
        await asyncio.gather(*self._in_flight, return_exceptions=True)
        self.store.close()

    def raise_violations(self) -> None:
        """Raises the first invariant that was broken after any commit so far, and what ended a loop."""
        if self.store.violations:
            raise self.store.violations[0]
        for replica in self.replicas:
            for task in replica.tasks:
                if task.done() and not task.cancelled() and task.exception() is not None:
                    raise AssertionError("a loop that should never end has ended") from task.exception()


def _open_nodes(tx: Transaction) -> list[str]:
    table = tables.nodes
    return list(tx.execute(select(table.c.id).where(table.c.is_rented, table.c.ended_at.is_(None))).scalars())


def _held(tx: Transaction) -> list[str]:
    table = tables.reservations
    return list(tx.execute(select(table.c.attempt_id).where(table.c.released_at.is_(None))).scalars())
