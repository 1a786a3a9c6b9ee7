"""A fresh in-memory store for each test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tradewind.db.opening import bring_up_to_date, open_sqlite
from tradewind.db.owners import Caller, ensure_defaults
from tradewind.db.store import SqlStore
from tradewind.domain.clock import SystemClock, SystemEntropy


class HandClock(SystemClock):
    """Shows the time it is set to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        """Moves the time on."""
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(clock: HandClock) -> Iterator[SqlStore]:
    engine = open_sqlite(None)
    bring_up_to_date(engine)
    store = SqlStore(engine, clock, SystemEntropy(), inline=True)
    yield store
    store.close()


@pytest.fixture
async def caller(store: SqlStore) -> Caller:
    return (await store.run(lambda tx: ensure_defaults(tx, "ana")))[1]
