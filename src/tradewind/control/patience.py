"""Waiting for somebody else's answer, but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from tradewind.domain.clock import Clock

T = TypeVar("T")


async def within(clock: Clock, answer: Awaitable[T], limit_s: float) -> T:
    """The answer. Raises TimeoutError where it has not come after so many seconds; it is not waited for then."""
    done = asyncio.Event()
    task = asyncio.ensure_future(answer)
    task.add_done_callback(lambda _task: done.set())
    try:
        if not await clock.wait(done, limit_s):
            raise TimeoutError(f"it did not answer within {limit_s:g} s")
        return task.result()
    finally:
        task.cancel()
