"""An event loop whose time is virtual: nothing waits, and what is ready runs in an order drawn from a seed."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class DeadlockError(Exception):
    """Everything waits for something that no timer will bring."""


class _Selector(selectors.BaseSelector):
    """Instead of waiting for files, moves the loop's clock on."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.loop: SimulatedLoop | None = None

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert self.loop is not None
        if timeout is None:
            raise DeadlockError("nothing is planned any more")
        self.loop.elapsed_s += max(timeout, 0.0)
        return []

    def get_map(self) -> Any:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Virtual time in seconds since the start."""

    def __init__(self, seed: int) -> None:
        selector = _Selector()
        self.elapsed_s = 0.0
        self._order = random.Random(seed)
        super().__init__(selector)
        selector.loop = self

    def time(self) -> float:
        return self.elapsed_s

    def _run_once(self) -> None:
        # Any order in which ready callbacks could run is one the real world could show.
        self._order.shuffle(self._ready)  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def run_simulated(seed: int, main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end in virtual time."""
    loop = SimulatedLoop(seed)
    try:
        return loop.run_until_complete(main)
    finally:
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        loop.run_until_complete(_settle(pending))
        loop.close()


async def _settle(pending: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*pending, return_exceptions=True)
