"""Wake-ups: they only make things faster, nothing depends on them (invariant 6)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Wakeups:
    """Topics that sleepers subscribe to and commits publish on."""

    def __init__(self) -> None:
        # In the order of their coming, so that a simulated run can be repeated.
        self._listeners: dict[str, dict[asyncio.Event, None]] = defaultdict(dict)

    @contextmanager
    def subscribe(self, *topics: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever one of the topics is published; the listener clears it."""
        event = asyncio.Event()
        for topic in topics:
            self._listeners[topic][event] = None
        try:
            yield event
        finally:
            for topic in topics:
                self._listeners[topic].pop(event, None)
                if not self._listeners[topic]:
                    del self._listeners[topic]

    def publish(self, topics: Iterable[str]) -> None:
        """Wakes everyone who listens on any of the topics."""
        for topic in sorted(topics):
            for event in self._listeners.get(topic, ()):
                event.set()

    def publish_all(self) -> None:
        """Wakes everyone: wake-ups of other servers may have been missed."""
        self.publish(list(self._listeners))
