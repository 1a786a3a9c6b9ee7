"""Databases that fail at every moment of a transaction: what stays, who is told, and what is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import DBAPIError

from tests.database_failures import Failures, connection_lost, serialization_failure
from tests.postgres_for_tests import empty_all_tables
from tests.unit.conftest import HandClock
from tests.unit.db.conftest import AnyStore
from tradewind.db import tables
from tradewind.db.opening import bring_up_to_date, open_sqlite
from tradewind.db.opening_postgres import open_postgres
from tradewind.db.postgres import PostgresStore
from tradewind.db.store import Moment, SqlStore, Transaction
from tradewind.domain.clock import SystemEntropy
from tradewind.domain.secrets import Secret


class PatientClock(HandClock):
    """A clock by hand whose sleepers wake at once, and move it on."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses_s: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses_s.append(seconds)
        self.advance(seconds)


@pytest.fixture
def failures() -> Failures:
    return Failures()


@pytest.fixture
def clock() -> PatientClock:
    return PatientClock()


@pytest.fixture(params=["sqlite", "postgresql", "postgresql in threads"])
def store(request: pytest.FixtureRequest, clock: PatientClock, failures: Failures) -> Iterator[AnyStore]:
    store: AnyStore
    if request.param == "sqlite":
        engine = open_sqlite(None)
        bring_up_to_date(engine)
        store = SqlStore(engine, clock, SystemEntropy(), inline=True, watch=failures)
    else:
        engine = open_postgres(Secret(request.getfixturevalue("postgres_url")))
        store = PostgresStore(
            engine, clock, SystemEntropy(), is_database_time=False, watch=failures,
            inline=request.param == "postgresql",
        )  # fmt: skip
    yield store
    store.close()


def add(tx: Transaction) -> datetime:
    tx.execute(insert(tables.installation).values(id=tx.new_id("inst"), created_at=tx.now))
    tx.wake("topic")
    return tx.now


def count(tx: Transaction) -> int:
    return int(tx.execute(select(func.count()).select_from(tables.installation)).scalar_one())


async def test_moments_come_in_order_and_what_is_asked_for_happens(
    store: AnyStore, failures: Failures, clock: PatientClock
) -> None:
    called = []

    def add_and_call(tx: Transaction) -> datetime:
        tx.after_commit(lambda: called.append(tx.now))
        return add(tx)

    with store.wakeups.subscribe("topic") as woken:
        assert await store.run(add_and_call) == clock.time == datetime(2026, 1, 1, tzinfo=UTC)
        assert woken.is_set()
    assert await store.read(count) == 1
    store.close()
    assert called == [clock.time]
    assert failures.seen == [
        Moment.BEGUN, Moment.WRITTEN, Moment.COMMITTING, Moment.COMMITTED, Moment.READING,
    ]  # fmt: skip


async def test_a_commit_whose_answer_is_lost_is_reported_and_stays(
    store: AnyStore, failures: Failures, clock: PatientClock
) -> None:
    failures.plan(Moment.COMMITTED, connection_lost)
    with store.wakeups.subscribe("topic") as woken:
        with pytest.raises(DBAPIError, match="closed the connection"):
            await store.run(add)
        assert not woken.is_set()
    # It was not run again, which would have added a second row.
    assert await store.read(count) == 1
    assert clock.pauses_s == []
    await store.run(add)
    assert await store.read(count) == 2


async def test_a_commit_that_may_have_happened_is_not_tried_again(
    store: AnyStore, failures: Failures
) -> None:
    failures.plan(Moment.COMMITTING, connection_lost)
    with pytest.raises(DBAPIError, match="closed the connection"):
        await store.run(add)
    assert await store.read(count) == 0
    await store.run(add)
    assert await store.read(count) == 1


@pytest.mark.parametrize("moment", [Moment.BEGUN, Moment.WRITTEN])
async def test_a_connection_that_ends_before_the_commit_leaves_nothing(
    store: AnyStore, failures: Failures, clock: PatientClock, moment: Moment
) -> None:
    failures.plan(moment, connection_lost)
    if isinstance(store, SqlStore):
        with pytest.raises(DBAPIError):
            await store.run(add)
        assert await store.read(count) == 0
        return
    assert await store.run(add) == clock.time
    assert len(clock.pauses_s) == 1
    assert await store.read(count) == 1
    # One that stays away is given to the caller in the end.
    failures.plan(moment, connection_lost, times=4)
    with pytest.raises(DBAPIError, match="closed the connection"):
        await store.run(add)
    assert await store.read(count) == 1


async def test_who_came_second_is_run_again_after_longer_and_longer_pauses(
    store: AnyStore, failures: Failures, clock: PatientClock
) -> None:
    if isinstance(store, SqlStore):
        pytest.skip("SQLite has one writer: nobody comes second")
    failures.plan(Moment.WRITTEN, serialization_failure, times=3)
    failures.plan(Moment.COMMITTING, serialization_failure, times=3)
    with store.wakeups.subscribe("topic") as woken:
        await store.run(add)
        assert woken.is_set()
    assert await store.read(count) == 1
    assert len(clock.pauses_s) == 6
    assert clock.pauses_s[-1] > clock.pauses_s[0]


async def test_a_read_is_tried_again(store: AnyStore, failures: Failures, clock: PatientClock) -> None:
    await store.run(add)
    failures.plan(Moment.READING, connection_lost)
    if isinstance(store, SqlStore):
        with pytest.raises(DBAPIError):
            await store.read(count)
    else:
        assert await store.read(count) == 1
        assert len(clock.pauses_s) == 1
    assert await store.read(count) == 1


async def test_a_database_that_is_emptied_is_as_good_as_new(postgres_url: str, clock: PatientClock) -> None:
    engine = open_postgres(Secret(postgres_url))
    store = PostgresStore(engine, clock, SystemEntropy(), is_database_time=False, inline=True)
    await store.run(add)
    empty_all_tables(engine)
    assert await store.read(count) == 0
    await store.run(add)
    assert await store.read(count) == 1
    store.close()
