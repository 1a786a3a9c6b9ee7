"""Time and chance as parameters (invariant 5).

Nothing in the control plane reads a clock or draws a random number except through these two protocols,
so the whole of it can run under simulated time from a seed.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
import time
from datetime import UTC, datetime
from typing import Final, Protocol

_PAGE_BYTES: Final = 1024
_SMALL_BYTES: Final = 16


class Clock(Protocol):
    """Where the control plane gets its time from."""

    def now(self) -> datetime:
        """The wall-clock time, always aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Returns after the given seconds of this clock."""
        ...

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        """Waits for the event, at most `timeout_s` seconds of this clock. True if the event was set."""
        ...


class Entropy(Protocol):
    """Where ids, tokens and jitter come from."""

    def token(self, byte_count: int) -> bytes:
        """Random bytes."""
        ...

    def uniform(self) -> float:
        """A number in [0, 1)."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        # Not `wait_for`: on Python 3.11 it swallows a cancellation that comes in the moment the event is set.
        try:
            async with asyncio.timeout(timeout_s):
                await event.wait()
        except TimeoutError:
            return False
        return True


class _Page:
    """Chance for what is small, asked of the system a page at a time; one for the process, a new one after a fork."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begins anew: what a forked process took over is its parent's."""
        self._lock = threading.Lock()
        self._rest = b""

    def take(self, byte_count: int) -> bytes:
        """Bytes that nobody else is given."""
        with self._lock:
            if len(self._rest) < byte_count:
                self._rest = secrets.token_bytes(_PAGE_BYTES)
            taken, self._rest = self._rest[:byte_count], self._rest[byte_count:]
        return taken


_PAGE: Final = _Page()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_PAGE.forget)


class SystemEntropy:
    """The operating system's random source. What ids are made of is asked for a page at a time.

    A system call for every row that is written was four percent of the writer's time. Keys and tokens are asked for
    one by one.
    """

    def token(self, byte_count: int) -> bytes:
        return secrets.token_bytes(byte_count) if byte_count > _SMALL_BYTES else _PAGE.take(byte_count)

    def uniform(self) -> float:
        return (int.from_bytes(self.token(7)) >> 3) / (1 << 53)
