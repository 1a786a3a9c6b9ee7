"""The store: what is committed, what is not, and who hears of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from tradewind.db import budget_tables, opening, price_tables, tables
from tradewind.db.migrating import head_revision, upgrade
from tradewind.db.opening import SCHEMA_HEAD, bring_up_to_date, open_sqlite, schema_revision
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.clock import SystemClock, SystemEntropy
from tradewind.domain.errors import ConflictError, NotSupportedError


def _add(tx: Transaction) -> None:
    tx.execute(insert(tables.installation).values(id=tx.new_id("inst"), created_at=tx.now))
    tx.wake("topic")


def _count(tx: Transaction) -> int:
    return int(tx.execute(select(func.count()).select_from(tables.installation)).scalar_one())


async def test_wakeups_follow_the_commit(store: SqlStore) -> None:
    with store.wakeups.subscribe("topic") as woken:
        await store.run(_add)
        assert woken.is_set()
    assert await store.read(_count) == 1


async def test_an_error_leaves_nothing_and_wakes_nobody(store: SqlStore) -> None:
    called = []

    def fail(tx: Transaction) -> None:
        _add(tx)
        tx.after_commit(lambda: called.append(1))
        raise RuntimeError("on purpose")

    with store.wakeups.subscribe("topic") as woken:
        with pytest.raises(RuntimeError, match="on purpose"):
            await store.run(fail)
        assert not woken.is_set()
    assert await store.read(_count) == 0
    assert called == []


async def test_writers_from_several_tasks_lose_nothing(tmp_path: Path) -> None:
    engine = open_sqlite(tmp_path / "state" / "t.db")
    assert bring_up_to_date(engine)
    store = SqlStore(engine, SystemClock(), SystemEntropy())
    try:
        await asyncio.gather(*(store.run(_add, durable=number % 2 == 0) for number in range(100)))
        assert await store.read(_count) == 100
    finally:
        store.close()


async def test_a_cancelled_caller_does_not_undo_its_commit(tmp_path: Path) -> None:
    engine = open_sqlite(tmp_path / "t.db")
    bring_up_to_date(engine)
    store = SqlStore(engine, SystemClock(), SystemEntropy())
    try:
        task = asyncio.create_task(store.run(_add))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await store.run(_add)
        assert await store.read(_count) == 2
    finally:
        store.close()


def test_the_schema_constant_is_the_newest_migration() -> None:
    assert head_revision() == SCHEMA_HEAD


def test_migrations_and_tables_agree() -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = open_sqlite(None)
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        # Tables are known once their module is imported, whoever else is tested in this process.
        assert budget_tables.budgets.metadata is price_tables.price_alerts.metadata is tables.metadata
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


def test_every_row_with_an_owner_says_who() -> None:
    without = {"installation", "users", "teams", "team_members", "projects", "tokens"}
    #: What the control plane saw on the market, and what concerns a user wherever they work.
    without |= {"price_changes", "preferences"}
    #: What servers share: loops of which there is one for all, and places that said no.
    without |= {"loops", "refusals"}
    #: What all servers of the database share and nobody reads.
    without |= {"installation_secrets"}
    #: What holds for the whole installation, with who set it.
    without |= {"installation_settings"}
    for table in tables.metadata.sorted_tables:
        if table.name not in without:
            assert "project_id" in table.c, table.name
            assert {"creator_id", "user_id", "actor"} & set(table.c.keys()), table.name


def test_an_older_database_is_migrated_with_its_rows_and_a_whole_copy_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    engine = open_sqlite(path)
    upgrade(engine, "0001")
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO teams (id, name, created_at) VALUES ('team_1', 'ours', 1)")
    assert bring_up_to_date(engine, path)
    copy = open_sqlite(tmp_path / f"t.before-{SCHEMA_HEAD}.db")
    for each, revision in ((engine, SCHEMA_HEAD), (copy, "0001")):
        assert schema_revision(each) == revision
        with each.begin() as connection:
            assert connection.exec_driver_sql("SELECT name FROM teams").scalar_one() == "ours"
        each.dispose()


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    engine = open_sqlite(tmp_path / "t.db")
    bring_up_to_date(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConflictError, match="9999"):
        bring_up_to_date(engine)
    assert schema_revision(engine) == "9999"
    engine.dispose()


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "file_system_type", lambda _folder: "nfs4")
    with pytest.raises(NotSupportedError, match="network file system"):
        open_sqlite(tmp_path / "t.db")


def test_the_file_system_of_a_folder_is_known() -> None:
    assert opening.file_system_type(Path("/proc")) in ("proc", None)
