"""One of several servers on one database: it can be killed at any await, paused, given a wrong clock, and cut off.

Everything a server does to the world goes through a gate here, so that "between any two awaits" is literal. What it has
already sent goes on without it: a call to a cloud has its effect whether or not the caller lives to see the answer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy.exc import OperationalError

from tests.simulation.clocks import SimulatedClock
from tradewind.db.store import Store, Transaction
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import CreateIdempotency, Offer
from tradewind.providers.base import (
    Account,
    AttemptRequest,
    Brought,
    DeviceUser,
    Greeting,
    Handle,
    MachineView,
    Observation,
    OwnedMachine,
    Survey,
)
from tradewind.providers.simulated import SimulatedCloud, SimulatedHost

T = TypeVar("T")
#: The longest pause, and some time to get over it.
_LATELY_S = 1800.0


class Gate:
    """Where a server waits while it is paused."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        #: When it was last paused, by the loop's time.
        self.paused_at = float("-inf")

    async def passed(self) -> None:
        """Returns when the server is not paused."""
        while not self._open.is_set():
            await self._open.wait()

    def close(self) -> None:
        self._open.clear()
        self.paused_at = asyncio.get_running_loop().time()

    @property
    def was_paused_lately(self) -> bool:
        """True if what it is about to do may have been decided long ago."""
        return asyncio.get_running_loop().time() - self.paused_at < _LATELY_S

    def open(self) -> None:
        self._open.set()


class SkewedClock(SimulatedClock):
    """A server's own clock: off by a constant, and it does not tick for a server that is paused."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.skew = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.skew

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await self._gate.passed()

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        happened = await super().wait(event, timeout_s)
        await self._gate.passed()
        return happened


class ReplicaStore:
    """A server's connections to the shared database. Some of its transactions meet with an accident."""

    def __init__(self, shared: Store, gate: Gate, chance: random.Random, accidents: float) -> None:
        self._shared = shared
        self._gate = gate
        self._chance = chance
        self._accidents = accidents
        self.wakeups = shared.wakeups

    async def run(self, fn: Callable[[Transaction], T], *, durable: bool = False) -> T:
        await self._scheduling_point()
        roll = self._chance.random()
        if roll < self._accidents / 3:
            raise _lost_connection()
        if roll < self._accidents * 2 / 3:
            # The function runs, and the database fails over before the commit.
            await self._shared.run(_undone(fn))
        result = await self._shared.run(fn, durable=durable)
        if self._accidents * 2 / 3 <= roll < self._accidents:
            # Committed, and nobody heard of it.
            raise _lost_connection()
        await self._scheduling_point()
        return result

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        await self._scheduling_point()
        if self._chance.random() < self._accidents / 3:
            raise _lost_connection()
        return await self._shared.read(fn)

    async def check(self) -> None:
        await self._shared.check()

    def close(self) -> None:
        """The database is shared: whoever made it closes it."""

    async def _scheduling_point(self) -> None:
        await asyncio.sleep(self._chance.random() * 0.01)
        await self._gate.passed()


def _undone(fn: Callable[[Transaction], Any]) -> Callable[[Transaction], None]:
    def run(tx: Transaction) -> None:
        fn(tx)
        raise _lost_connection()

    return run


def _lost_connection() -> OperationalError:
    return OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))


class ReplicaCloud:
    """A server's way to a cloud. A call that was sent reaches the cloud even if the server dies meanwhile."""

    def __init__(
        self,
        cloud: SimulatedCloud,
        gate: Gate,
        in_flight: set[asyncio.Task[Any]],
        report: Callable[[AssertionError], None],
    ) -> None:
        self.id = cloud.id
        self.capabilities = cloud.capabilities
        self._cloud = cloud
        self._gate = gate
        self._in_flight = in_flight
        self._report = report

    async def examine(self) -> Account:
        return await self._send(self._cloud.examine())

    async def list_offers(self) -> list[Offer]:
        return await self._send(self._cloud.list_offers())

    async def validate(self, offer: Offer) -> None:
        await self._send(self._cloud.validate(offer))

    async def create(self, offer: Offer, key: str, keep_until: datetime) -> Handle:
        await self._gate.passed()
        self._refuse_blind_repeat(key)
        return await self._send(self._cloud.create(offer, key, keep_until))

    def _refuse_blind_repeat(self, key: str) -> None:
        """Where a repeated create makes a second machine, nobody in their senses sends one while the first lives."""
        way = self.capabilities.create_idempotency
        if way in (CreateIdempotency.TOKEN, CreateIdempotency.UNIQUE_NAME) or self._gate.was_paused_lately:
            return
        now = self._cloud.now()
        alive = [
            each.id for each in self._cloud.machines.values() if each.key == key and not each.is_gone(now)
        ]
        if alive:
            self._report(AssertionError(f"{key} is created again without looking, while {alive} lives"))

    async def find(self, key: str) -> Handle | None:
        return await self._send(self._cloud.find(key))

    async def get(self, handle: Handle) -> MachineView:
        return await self._send(self._cloud.get(handle))

    async def keep(self, handle: Handle, until: datetime) -> None:
        await self._send(self._cloud.keep(handle, until))

    async def terminate(self, handle: Handle) -> None:
        await self._send(self._cloud.terminate(handle))

    async def list_owned(self) -> list[OwnedMachine]:
        return await self._send(self._cloud.list_owned())

    def host(self, handle: Handle) -> ReplicaHost:
        """The way to a machine of the cloud."""
        return ReplicaHost(self._cloud.host(handle), self._send)

    async def _send(self, call: Awaitable[T]) -> T:
        await self._gate.passed()
        task: asyncio.Task[T] = asyncio.ensure_future(call)
        self._in_flight.add(task)
        task.add_done_callback(self._landed)
        answer = await asyncio.shield(task)
        await self._gate.passed()
        return answer

    def _landed(self, task: asyncio.Task[Any]) -> None:
        self._in_flight.discard(task)
        if not task.cancelled():
            # Of a dead server's call nobody asks how it went.
            task.exception()


class ReplicaHost:
    """A server's way to one machine."""

    def __init__(self, host: SimulatedHost, send: Callable[[Awaitable[Any]], Awaitable[Any]]) -> None:
        self._host = host
        self._send = send

    async def submit(self, request: AttemptRequest, key: str) -> Handle:
        handle: Handle = await self._send(self._host.submit(request, key))
        return handle

    async def find(self, key: str) -> Handle | None:
        found: Handle | None = await self._send(self._host.find(key))
        return found

    async def poll(self, handle: Handle, cursor: int) -> Observation:
        seen: Observation = await self._send(self._host.poll(handle, cursor))
        return seen

    async def stop(self, handle: Handle, reason: str, grace_s: float) -> None:
        await self._send(self._host.stop(handle, reason, grace_s))

    async def renew(self, handle: Handle, sequence: int) -> None:
        await self._send(self._host.renew(handle, sequence))

    async def bring(self, handle: Handle, path: str, within_s: float) -> Brought:
        return Brought.SHARED

    async def files(self, handle: Handle) -> list[str] | None:
        return None

    async def greet(self) -> Greeting:
        return Greeting()

    async def device_users(self) -> tuple[DeviceUser, ...]:
        return ()

    async def guard(self, after_s: float) -> None:
        return

    async def forget(self, handle: Handle) -> None:
        return

    async def survey(self) -> Survey:
        there: Survey = await self._send(self._host.survey())
        return there

    async def let_in(self, handle: Handle, public_key: str | None) -> str:
        raise ProviderError(ProviderFault.INVALID, "nobody can log in to a machine that is simulated")

    async def watch(self, handle: Handle, wake: Callable[[], None]) -> None:
        return
