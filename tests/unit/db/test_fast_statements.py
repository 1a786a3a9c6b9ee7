"""Statements that go to the driver as they were compiled once: the same answers, the same errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from tests.unit.db.conftest import AnyStore
from tests.unit.jobs_for_tests import add_attempt, add_job, task_of
from tradewind.db import tables
from tradewind.db.columns import UtcTime
from tradewind.db.fast import Fetching, drive
from tradewind.db.opening import open_sqlite
from tradewind.db.owners import ensure_defaults
from tradewind.db.rows import AttemptRow, JobRow, NodeRow, TaskRow
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.clock import SystemClock, SystemEntropy
from tradewind.domain.status import JobStatus

_SOME: Fetching = (
    JobRow.select().where(tables.jobs.c.id.in_(bindparam("ids", expanding=True))).order_by(tables.jobs.c.id)
)
_RECENT: Fetching = (
    select(tables.jobs.c.name, tables.jobs.c.created_at)
    .where(
        tables.jobs.c.status == JobStatus.QUEUED,
        tables.jobs.c.created_at >= bindparam("b_since", type_=UtcTime()),
    )
    .order_by(tables.jobs.c.id)
    .limit(2)
)
_RENAME: Fetching = (
    update(tables.jobs)
    .where(tables.jobs.c.name == bindparam("b_old"))
    .values(name=bindparam("b_new"))
    .returning(tables.jobs.c.id, tables.jobs.c.tags)
)


async def jobs_in(store: AnyStore, *names: str) -> list[JobRow]:
    _, caller = await store.run(lambda tx: ensure_defaults(tx, "tester"))
    return await store.run(lambda tx: [add_job(tx, caller, name=name, tags={"n": name}) for name in names])


async def test_lists_of_any_length_times_and_json_are_as_on_the_general_path(store: AnyStore) -> None:
    jobs = sorted(await jobs_in(store, "one", "two", "three"), key=lambda job: job.id)

    def story(tx: Transaction) -> None:
        for wanted in ([], jobs[:1], jobs):
            ids = [job.id for job in wanted]
            assert [JobRow.of(row) for row in tx.fetch(_SOME, {"ids": ids})] == wanted
        recent = tx.fetch(_RECENT, {"b_since": jobs[0].created_at})
        assert [tuple(row) for row in recent] == [(job.name, job.created_at) for job in jobs[:2]]

    await store.read(story)


async def test_a_writing_statement_returns_its_rows_and_is_committed(store: AnyStore) -> None:
    (job,) = await jobs_in(store, "old")
    changed = await store.run(lambda tx: tx.fetch(_RENAME, {"b_old": "old", "b_new": "new"}))
    assert [tuple(row) for row in changed] == [(job.id, {"n": "old"})]
    assert (await store.read(lambda tx: JobRow.get(tx, job.id))).name == "new"


async def test_what_waits_to_be_written_is_seen(store: AnyStore) -> None:
    (job,) = await jobs_in(store, "old")

    def story(tx: Transaction) -> str:
        tx.pending.put(tables.jobs, job.id, {"name": "new"})
        return JobRow.get(tx, job.id).name

    assert await store.run(story) == "new"


async def test_rows_made_by_position_are_those_made_by_name(store: AnyStore) -> None:
    (job,) = await jobs_in(store, "one")

    def story(tx: Transaction) -> None:
        attempt = add_attempt(tx, job)
        made: list[Any] = [job, attempt, task_of(tx, job), NodeRow.get(tx, attempt.node_id)]
        for row in made:
            values = {name: getattr(row, name) for name in row._names()}
            assert type(row)(**values) == row
            assert row.with_values({"id": "other"}) == type(row)(**{**values, "id": "other"})

    await store.run(story)


async def test_a_row_that_is_not_there(store: AnyStore) -> None:
    assert await store.read(lambda tx: AttemptRow.find(tx, "att_none")) is None
    with pytest.raises(KeyError):
        await store.read(lambda tx: TaskRow.get(tx, "task_none"))


async def test_errors_of_the_driver_are_those_of_sqlalchemy_and_leave_nothing_behind(tmp_path: Path) -> None:
    store = SqlStore(open_sqlite(tmp_path / "test.db"), SystemClock(), SystemEntropy(), inline=True)
    await store.run(lambda tx: tx.execute(text("CREATE TABLE t (v INTEGER PRIMARY KEY)")).close())

    def twice(tx: Transaction) -> None:
        for _ in range(2):
            drive(tx.connection, "INSERT INTO t VALUES (?)", (1,))

    with pytest.raises(IntegrityError):
        await store.run(twice)
    with pytest.raises(OperationalError):
        await store.read(lambda tx: drive(tx.connection, "SELECT nothing FROM nowhere"))
    # The connections are as good as new.
    await store.run(lambda tx: drive(tx.connection, "INSERT INTO t VALUES (2)").close())
    assert await store.read(lambda tx: drive(tx.connection, "SELECT v FROM t").fetchall()) == [(2,)]
    store.close()


async def test_a_database_that_somebody_else_holds_is_an_error_and_not_the_end(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    store, other = SqlStore(open_sqlite(path), SystemClock(), SystemEntropy(), inline=True), open_sqlite(path)
    await store.run(lambda tx: tx.execute(text("CREATE TABLE t (v INTEGER PRIMARY KEY)")).close())
    await store.run(lambda tx: drive(tx.connection, "PRAGMA busy_timeout=0").close())
    with other.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            await store.run(lambda tx: drive(tx.connection, "INSERT INTO t VALUES (1)").close())
        connection.rollback()
    other.dispose()
    await store.run(lambda tx: drive(tx.connection, "INSERT INTO t VALUES (2)").close())
    assert await store.read(lambda tx: drive(tx.connection, "SELECT v FROM t").fetchall()) == [(2,)]
    store.close()
