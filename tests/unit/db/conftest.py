"""The store on both databases: what is said of one holds for the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.postgres_for_tests import Server, running_server
from tests.unit.conftest import HandClock
from tradewind.db.opening import bring_up_to_date, open_sqlite
from tradewind.db.opening_postgres import open_postgres
from tradewind.db.postgres import PostgresStore
from tradewind.db.store import SqlStore
from tradewind.domain.clock import SystemEntropy
from tradewind.domain.secrets import Secret

AnyStore = SqlStore | PostgresStore
MakePostgres = Callable[..., PostgresStore]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture
def empty_url(postgres: Server) -> Iterator[str]:
    """The address of a database with nothing in it."""
    url = postgres.new_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def postgres_url(postgres: Server) -> Iterator[str]:
    """The address of a database at the newest schema."""
    url = postgres.migrated_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def make_postgres_store(postgres_url: str, clock: HandClock) -> Iterator[MakePostgres]:
    """Makes stores on one database, as servers that share it have them."""
    made: list[PostgresStore] = []

    def make(*, is_database_time: bool = True) -> PostgresStore:
        engine = open_postgres(Secret(postgres_url))
        made.append(PostgresStore(engine, clock, SystemEntropy(), is_database_time=is_database_time))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, clock: HandClock) -> Iterator[AnyStore]:
    if request.param == "postgresql":
        make: MakePostgres = request.getfixturevalue("make_postgres_store")
        yield make(is_database_time=False)
        return
    engine = open_sqlite(None)
    bring_up_to_date(engine)
    store = SqlStore(engine, clock, SystemEntropy(), inline=True)
    yield store
    store.close()
