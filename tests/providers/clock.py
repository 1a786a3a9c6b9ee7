"""A clock for adapters under test: whoever sleeps makes the time pass, in the order in which they wake."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class HurriedClock:
    """Time stands still until somebody sleeps; then it jumps to the first one's end."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        self._sleepers: list[tuple[float, int]] = []
        self._numbers = itertools.count()
        #: Every sleep, in seconds.
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        self._elapsed_s += seconds

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        mine = (self._elapsed_s + seconds, next(self._numbers))
        heapq.heappush(self._sleepers, mine)
        try:
            while True:
                await asyncio.sleep(0)
                if self._sleepers[0] == mine:
                    break
            self._elapsed_s = max(self._elapsed_s, mine[0])
        finally:
            self._sleepers.remove(mine)
            heapq.heapify(self._sleepers)

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        if not event.is_set():
            await self.sleep(timeout_s)
        return event.is_set()
