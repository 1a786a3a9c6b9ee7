"""A clock that stands still until a test moves it, for a server that answers a real browser meanwhile."""

from __future__ import annotations

import asyncio
import heapq
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

#: A Monday morning in the middle of a month, later than every date in the tables that ship.
START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
#: Naps as short as this are no waiting: the control plane takes them to gather what comes together.
_NAP_S = 0.011
#: Rounds in which naps may follow one another before a step of time is over.
_MOST_ROUNDS = 500


@dataclass(order=True, slots=True)
class _Timer:
    due: datetime
    number: int
    rings: asyncio.Future[None] = field(compare=False)


class StageClock:
    """A `Clock` of one event loop. Time moves in `advance` alone, and by the naps of whoever is awake."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._timers: list[_Timer] = []
        self._count = 0
        self._is_moved = False
        self._creeps = False

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - _EPOCH).total_seconds()

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        timer = self._add(seconds)
        try:
            await timer
        finally:
            timer.cancel()

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        if event.is_set():
            return True
        timer: asyncio.Future[Any] = self._add(timeout_s)
        happens: asyncio.Future[Any] = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait([timer, happens], return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            happens.cancel()
        return event.is_set()

    async def advance(self, seconds: float, grain_s: float | None = None) -> None:
        """Moves time on, in steps of `grain_s`, and lets everything that is due happen before it moves further.

        Without a grain every timer rings at its very moment.
        """
        end = self._now + timedelta(seconds=seconds)
        self._is_moved = True
        try:
            await settle()
            while self._now < end:
                step = self._next_due(end) if grain_s is None else self._now + timedelta(seconds=grain_s)
                self._now = max(self._now, min(step, end))
                await self._ring()
            await self._ring()
        finally:
            self._is_moved = False

    def set(self, moment: datetime) -> None:
        """Puts the clock to a moment; nothing rings."""
        self._now = moment

    def forget(self) -> None:
        """Forgets every timer: whoever waited for one has ended."""
        self._timers.clear()

    def _next_due(self, end: datetime) -> datetime:
        self._drop_dead()
        return min(self._timers[0].due, end) if self._timers else end

    async def _ring(self) -> None:
        """Rings what is due, and what follows from it within a nap, until all is quiet."""
        for _ in range(_MOST_ROUNDS):
            self._ring_due()
            await settle()
            self._drop_dead()
            if not self._timers:
                return
            due = self._timers[0].due
            if due > self._now + timedelta(seconds=_NAP_S):
                return
            self._now = max(self._now, due)

    def _ring_due(self) -> None:
        while self._timers and self._timers[0].due <= self._now:
            timer = heapq.heappop(self._timers)
            if not timer.rings.done():
                timer.rings.set_result(None)

    def _drop_dead(self) -> None:
        while self._timers and self._timers[0].rings.done():
            heapq.heappop(self._timers)

    def _add(self, seconds: float) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        rings: asyncio.Future[None] = loop.create_future()
        self._count += 1
        heapq.heappush(
            self._timers, _Timer(self._now + timedelta(seconds=max(seconds, 1e-6)), self._count, rings)
        )
        if seconds <= _NAP_S and not self._is_moved and not self._creeps:
            # Nobody moves time: whoever naps would sleep for ever.
            self._creeps = True
            loop.call_later(0.001, self._creep)
        return rings

    def _creep(self) -> None:
        self._creeps = False
        if self._is_moved:
            return
        self._drop_dead()
        if self._timers and self._timers[0].due <= self._now + timedelta(seconds=_NAP_S):
            self._now = max(self._now, self._timers[0].due)
            self._ring_due()
            self._creeps = True
            asyncio.get_running_loop().call_later(0.001, self._creep)


async def settle() -> None:
    """Returns when nothing is left to do but wait: for time, or for somebody outside."""
    ready: Any = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    quiet = 0
    while quiet < 2:
        await asyncio.sleep(0)
        quiet = 0 if ready else quiet + 1
