"""The real rental controller and its database, driven step by step, and killed between any two of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Engine, func, select, update

from tests.providers.world import INSTALLATION, World
from tests.simulation.clocks import inline
from tradewind.control import leases
from tradewind.control.context import Context
from tradewind.control.gangs import GangSteps
from tradewind.control.predicting import Foretold
from tradewind.control.rentals import RentalController
from tradewind.control.renting import rent
from tradewind.control.submitting import insert_jobs
from tradewind.db import tables
from tradewind.db.opening import bring_up_to_date, open_sqlite
from tradewind.db.owners import ensure_defaults
from tradewind.db.rows import AttemptRow, JobRow, NodeRow, TaskRow
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.errors import ProviderError
from tradewind.domain.offers import Offer
from tradewind.domain.schemas import JobSubmission
from tradewind.domain.status import NodeDesired, NodeStatus, Reason, has_ended
from tradewind.estimate.tariff import Tariff
from tradewind.providers.base import Greeting, MachineHost
from tradewind.spec.models import JobSpec
from tradewind.storage.disk import DiskStorage
from tradewind.storage.workdirs import Workdirs

JOB = {
    "version": 1,
    "name": "contract",
    "run": "true",
    "constraints": {"budget": "$1000", "max_duration": "24h"},
}


@cache
def _empty_database() -> bytes:
    """A database with all its tables: to lay them takes a second, and some tests need a hundred."""
    engine = open_sqlite(None)
    bring_up_to_date(engine)
    with _connected(engine) as connection:
        laid: bytes = connection.serialize()
    engine.dispose()
    return laid


@contextmanager
def _connected(engine: Engine) -> Iterator[Any]:
    fairy = engine.raw_connection()
    try:
        yield fairy.driver_connection
    finally:
        fairy.close()


class Killed(BaseException):
    """The process ends here, without a word to anybody."""


class _Answering:
    """A machine that answers as soon as its provider calls it ready; scenario 1 has real ones."""

    async def greet(self) -> Greeting:
        return Greeting()

    async def guard(self, after_s: float) -> None:
        return


class Office:
    """A control plane that has one rented machine to look after, or those of a gang."""

    def __init__(self, world: World, root: Path) -> None:
        self.world = world
        engine = open_sqlite(None)
        with _connected(engine) as connection:
            connection.deserialize(_empty_database())
        self.store = SqlStore(engine, world.clock, world.entropy, inline=True)
        self._root = root
        #: The machines in the order of ranks; `node_id` is the first one's.
        self.node_ids: list[str] = []
        self._controller: RentalController
        self._gang: GangSteps

    @property
    def node_id(self) -> str:
        return self.node_ids[0]

    async def open(self, offer: Offer, nodes: int = 1) -> None:
        """Lays the first rows, and plans to rent the offer for a job, so many times."""
        _, caller = await self.store.run(lambda tx: ensure_defaults(tx, "tester"))
        wanted = JOB | ({"resources": {"nodes": nodes}} if nodes > 1 else {})
        spec = JobSpec.model_validate(wanted)
        submission = JobSubmission(spec=wanted)
        job_id = (await self.store.run(lambda tx: insert_jobs(tx, caller, [(submission, spec)])))[0]

        def plan(tx: Transaction) -> list[str]:
            job = JobRow.get(tx, job_id)
            task_id = tx.execute(
                select(tables.tasks.c.id).where(tables.tasks.c.job_id == job_id)
            ).scalar_one()
            made = rent(tx, INSTALLATION, job, TaskRow.get(tx, task_id), spec, offer, Foretold())
            assert isinstance(made, str), made
            return list(tx.execute(select(tables.nodes.c.id).order_by(tables.nodes.c.id)).scalars())

        self.node_ids = await self.store.run(plan)
        assert len(self.node_ids) == nodes
        self.restart()

    def restart(self) -> None:
        """A new process: nothing is left of the old one but the database."""
        world = self.world
        world.provider = world.connect()
        context = Context(
            store=self.store,
            clock=world.clock,
            entropy=world.entropy,
            backends={},
            storage=DiskStorage(self._root / "kept"),
            workdirs=Workdirs(self._root / "workdirs"),
            root=self._root,
            tariff=Tariff(micro_usd_per_kwh=0, carbon_g_per_kwh=0.0, price_note="", carbon_note=""),
            installation_id=INSTALLATION,
            offload=inline,
            machines={world.provider.id: world.provider},
            reach=lambda _provider, _handle, _login: cast(MachineHost, _Answering()),
        )
        self._controller = RentalController(context)
        self._gang = GangSteps(context)

    async def node(self) -> NodeRow:
        """The machine's row as it is."""
        return await self.store.read(lambda tx: NodeRow.get(tx, self.node_id))

    async def nodes(self) -> list[NodeRow]:
        """The rows of all machines."""
        return await self.store.read(lambda tx: [NodeRow.get(tx, each) for each in self.node_ids])

    async def look_at_gang(self) -> AttemptRow:
        """The attempt on several machines takes one step."""
        token = self.world.entropy.token(12).hex()
        (row,) = await self.store.run(lambda tx: leases.claim(tx, AttemptRow, token, leases.LEASE, 1, None))
        apply = await self._gang.act(row)

        def applied(tx: Transaction) -> AttemptRow:
            current = leases.reread(tx, AttemptRow, row.id, token)
            due_at = apply(tx, current)
            leases.release_held(tx, row, current, due_at)
            return AttemptRow.get(tx, row.id)

        return await self.store.run(applied)

    async def step(self) -> NodeRow:
        """Takes one step, once the row is due; errors of the provider leave it as it is."""
        token = self.world.entropy.token(12).hex()
        claimed: list[NodeRow] = []
        while not claimed:
            claimed = await self.store.run(lambda tx: leases.claim(tx, NodeRow, token, leases.LEASE, 1, None))
            if not claimed:
                due = await self.store.read(lambda tx: leases.next_due(tx, tables.nodes, None))
                if due is None:
                    return await self.node()
                self.world.clock.advance(max((due - self.world.clock.now()).total_seconds(), 0.001))
        row = claimed[0]
        try:
            apply = await self._controller.act(row)
        except ProviderError:
            later = timedelta(seconds=5)
            await self.store.run(
                lambda tx: leases.release(
                    tx, tables.nodes, row, token, tx.now + later, row.lease_failures + 1
                )
            )
            return await self.node()

        def applied(tx: Transaction) -> None:
            current = leases.reread(tx, NodeRow, row.id, token)
            due_at = apply(tx, current)
            leases.release_held(tx, row, current, due_at)

        await self.store.run(applied)
        return await self.node()

    async def until(self, *statuses: NodeStatus, steps: int = 60) -> NodeRow:
        """Steps until each row has one of these states; whatever boots is running after the second step."""
        for taken in range(steps * len(self.node_ids)):
            node = await self.step()
            if all(each.status in statuses for each in await self.nodes()):
                return node
            if taken:
                await self.world.boot()
                await self.world.end()
        raise AssertionError(f"after {steps} steps the machine is {node.status}: {node.explanation}")

    async def give_back(self) -> NodeRow:
        """Asks for the machine to be given back, and waits until it is."""

        def end(tx: Transaction) -> None:
            tx.execute(
                update(tables.nodes).where(tables.nodes.c.ended_at.is_(None))
                .values(desired=NodeDesired.END, next_due_at=tx.now, reason=Reason.NOT_NEEDED)
            )  # fmt: skip

        if not all(has_ended(each.status) for each in await self.nodes()):
            await self.store.run(end)
            await self.until(NodeStatus.GONE, NodeStatus.REFUSED)
        return await self.node()

    async def charged_micro(self) -> int:
        """What the ledger has for the machine."""
        lines = tables.ledger.c
        return int(
            await self.store.read(
                lambda tx: tx.execute(select(func.coalesce(func.sum(lines.amount_micro), 0))).scalar_one()
            )
        )

    async def refused_places(self) -> list[tuple[str, str, str]]:
        """Region, zone and fault of the places that are left alone for a while."""
        table = tables.refusals.c
        rows = await self.store.read(
            lambda tx: tx.execute(select(table.region, table.zone, table.fault)).all()
        )
        return [(row.region, row.zone, row.fault) for row in rows]

    async def killed_at(
        self, moment: int, ends: tuple[NodeStatus, ...] = (NodeStatus.READY, NodeStatus.REFUSED)
    ) -> bool:
        """Steps towards a machine that is ready, or whatever `ends`, and dies at the given exchange with the vendor.

        Two moments for each: the request has arrived, and the answer is about to leave. False: it was ready before.
        """
        seen = 0
        task: asyncio.Task[Any] = asyncio.ensure_future(self.until(*ends))

        def count(_request: object) -> None:
            nonlocal seen
            seen += 1
            if seen == moment:
                task.cancel()

        self.world.server.on_arrival = self.world.server.on_departure = count
        try:
            await task
        except asyncio.CancelledError:
            return True
        finally:
            self.world.server.on_arrival = self.world.server.on_departure = lambda _request: None
        return False

    def close(self) -> None:
        """Lets go of the database."""
        self.store.close()
