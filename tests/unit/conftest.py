"""A fresh in-memory store for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from tests.postgres_for_tests import empty_all_tables, running_server
from tradewind.db.opening import bring_up_to_date, open_sqlite
from tradewind.db.opening_postgres import open_postgres
from tradewind.db.owners import Caller, ensure_defaults
from tradewind.db.postgres import PostgresStore
from tradewind.db.store import SqlStore
from tradewind.domain.clock import SystemClock, SystemEntropy
from tradewind.domain.secrets import Secret


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


@pytest.fixture(scope="session")
def one_postgres() -> Iterator[Engine]:
    """A database at the newest schema that the tests of this process share, one after the other."""
    with running_server() as server:
        engine = open_postgres(Secret(server.migrated_database()))
        yield engine
        engine.dispose()


@pytest.fixture
def store(clock: HandClock, request: pytest.FixtureRequest) -> Iterator[SqlStore | PostgresStore]:
    """SQLite in memory; with TRADEWIND_TEST_DATABASE=postgresql a PostgreSQL server's, for all tests that take it."""
    if os.environ.get("TRADEWIND_TEST_DATABASE") == "postgresql":
        shared: Engine = request.getfixturevalue("one_postgres")
        empty_all_tables(shared)
        yield PostgresStore(shared, clock, SystemEntropy(), is_database_time=False, inline=True)
        return
    engine = open_sqlite(None)
    bring_up_to_date(engine)
    store = SqlStore(engine, clock, SystemEntropy(), inline=True)
    yield store
    store.close()


@pytest.fixture
async def caller(store: SqlStore) -> Caller:
    return (await store.run(lambda tx: ensure_defaults(tx, "ana")))[1]
