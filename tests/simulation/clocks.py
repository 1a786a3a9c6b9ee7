"""Time and chance of a simulation: the running loop's virtual time, and numbers that a seed repeats."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import ParamSpec, TypeVar

from tradewind.domain.clock import SystemClock

P = ParamSpec("P")
T = TypeVar("T")
START = datetime(2026, 1, 1, tzinfo=UTC)


class SimulatedClock(SystemClock):
    """Reads the running loop's virtual time."""

    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class SeededEntropy:
    """Random bytes and numbers that a seed repeats."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def reseed(self, seed: int) -> None:
        """Begins anew."""
        self._random.seed(seed)

    def token(self, byte_count: int) -> bytes:
        return self._random.randbytes(byte_count)

    def uniform(self) -> float:
        return self._random.random()


async def inline(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Blocking work, done at once."""
    return fn(*args, **kwargs)
