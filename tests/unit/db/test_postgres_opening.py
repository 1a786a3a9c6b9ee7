"""Opening a database on PostgreSQL: addresses, migrations, and servers that start together."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from tests.postgres_for_tests import Server
from tradewind.db import price_tables, tables
from tradewind.db.migrating import upgrade
from tradewind.db.opening import SCHEMA_HEAD, schema_revision
from tradewind.db.opening_postgres import bring_postgres_up_to_date, name_of, open_postgres, parse_url
from tradewind.domain.errors import ConflictError, InvalidInputError, NotSupportedError, UnreachableError
from tradewind.domain.secrets import Secret

assert price_tables


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ana:hunter2@db.test:6432/tradewind?sslmode=require",
        "postgresql+psycopg://ana:hunter2@db.test:6432/tradewind",
    ],
)
def test_both_spellings_are_one_address_and_its_name_hides_who_comes(url: str) -> None:
    parsed = parse_url(Secret(url))
    assert parsed.drivername == "postgresql+psycopg"
    assert (parsed.host, parsed.port, parsed.database, parsed.password) == (
        "db.test",
        6432,
        "tradewind",
        "hunter2",
    )
    assert name_of(parsed) == "tradewind on db.test"


@pytest.mark.parametrize(
    "url", ["mysql://ana:hunter2@db.test/x", "hunter2", "postgresql://ana:hunter2@db:port/x"]
)
def test_another_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse_url(Secret(url))
    assert "TRADEWIND_DATABASE_URL" in refused.value.message
    assert "hunter2" not in f"{refused.value} {refused.value.hint} {refused.value.__cause__}"


def test_a_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(
        name: str,
        globals_: Mapping[str, object] | None = None,
        locals_: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        if name.partition(".")[0] == "psycopg":
            raise ImportError(name)
        return real(name, globals_, locals_, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(NotSupportedError) as refused:
        open_postgres(Secret("postgresql://db.test/x"))
    assert refused.value.hint == "pip install 'tradewind[postgres]'"


def test_who_cannot_come_in_is_told_so_without_the_password(postgres: Server) -> None:
    url = postgres.url("no_such_database").replace("tester@", "tester:hunter2@")
    engine = open_postgres(Secret(url))
    with pytest.raises(UnreachableError, match="no_such_database") as refused:
        bring_postgres_up_to_date(engine)
    assert "hunter2" not in f"{refused.value} {refused.value.hint} {engine.url}"
    engine.dispose()


def test_migrations_and_tables_agree_on_postgresql(postgres_url: str) -> None:
    engine = open_postgres(Secret(postgres_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_an_older_database_is_migrated_with_its_rows(empty_url: str, revision: str) -> None:
    engine = open_postgres(Secret(empty_url))
    upgrade(engine, revision)
    with engine.begin() as connection:
        for statement in _ROWS:
            connection.execute(text(statement))
    assert bring_postgres_up_to_date(engine)
    assert not bring_postgres_up_to_date(engine)
    assert schema_revision(engine) == SCHEMA_HEAD
    with engine.begin() as connection:
        assert connection.execute(text("SELECT name, host FROM nodes")).one() == ("here", None)
        assert connection.execute(text("SELECT name, event_seq, tags FROM jobs")).one() == (
            "j",
            0,
            {"a": "b"},
        )
    engine.dispose()


_ROWS = (
    "INSERT INTO teams (id, name, created_at) VALUES ('team_1', 'ours', 1)",
    "INSERT INTO users (id, name, created_at) VALUES ('user_1', 'ana', 1)",
    "INSERT INTO projects (id, team_id, name, created_at) VALUES ('proj_1', 'team_1', 'default', 1)",
    "INSERT INTO nodes (id, project_id, creator_id, provider, name, inventory, created_at, last_seen_at)"
    " VALUES ('node_1', 'proj_1', 'user_1', 'local', 'here', '{}', 1, 1)",
    "INSERT INTO jobs (id, project_id, creator_id, name, status, desired, spec, tags, created_at)"
    """ VALUES ('job_1', 'proj_1', 'user_1', 'j', 'queued', 'run', '{}', '{"a": "b"}', 1)""",
)


def test_of_servers_that_start_together_one_migrates(empty_url: str) -> None:
    start, did, errors = threading.Barrier(4), [], []

    def bring() -> None:
        engine = open_postgres(Secret(empty_url))
        try:
            start.wait(20)
            did.append(bring_postgres_up_to_date(engine))
        except Exception as error:
            errors.append(error)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=bring) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert sorted(did) == [False, False, False, True]


def test_a_migration_that_fails_changes_nothing(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tradewind.db import migrating

    engine = open_postgres(Secret(empty_url))
    upgrade(engine, "0001")
    real = migrating.upgrade_on

    def fail(connection: Any, revision: str = "head") -> None:
        real(connection, revision)
        raise OSError("on purpose")

    monkeypatch.setattr(migrating, "upgrade_on", fail)
    with pytest.raises(OSError, match="on purpose"):
        bring_postgres_up_to_date(engine)
    assert schema_revision(engine) == "0001"
    monkeypatch.undo()
    assert bring_postgres_up_to_date(engine)
    engine.dispose()


def test_a_database_of_a_newer_version_is_left_alone_on_postgresql(postgres_url: str) -> None:
    engine = open_postgres(Secret(postgres_url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConflictError, match="9999"):
        bring_postgres_up_to_date(engine)
    assert schema_revision(engine) == "9999"
    engine.dispose()
