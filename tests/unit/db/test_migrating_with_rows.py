"""Every schema that was ever released, with rows in every table that it had, brought up to the newest one.

The rows are made from the schema itself as the database tells it, so that a new migration is tried without a new test.
"""

from __future__ import annotations

import enum
import importlib
import pkgutil
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Engine,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    insert,
    select,
)

import tradewind.db
from tradewind.db import tables
from tradewind.db.migrating import known_revisions, upgrade
from tradewind.db.opening import SCHEMA_HEAD, bring_up_to_date, open_sqlite, schema_revision
from tradewind.db.opening_postgres import bring_postgres_up_to_date, open_postgres
from tradewind.db.rows import Kept, Leased, Owned, Row
from tradewind.domain.secrets import Secret

#: Columns that a migration gives new values on purpose, as (table, column).
_CHANGED: Final[frozenset[tuple[str, str]]] = frozenset()
_NEW_YEAR_US: Final = 1_767_225_600_000_000
_NOT_MIGRATED: Final = "alembic_version"

Rows = dict[str, list[dict[str, Any]]]


def _row_classes() -> list[type[Row]]:
    """Every class of rows that the control plane loads."""
    for module in pkgutil.iter_modules(tradewind.db.__path__):
        importlib.import_module(f"tradewind.db.{module.name}")
    found, open_ones = [], [Row]
    while open_ones:
        subclasses = open_ones.pop().__subclasses__()
        open_ones += subclasses
        found += [each for each in subclasses if hasattr(each, "table")]
    # A dataclass with slots is made twice; only the second one is in its module.
    return [
        each for each in found if getattr(importlib.import_module(each.__module__), each.__name__) is each
    ]


def _known_words() -> dict[tuple[str, str], list[str]]:
    """What may stand in the columns that hold a word of a fixed list."""
    words = {}
    for row_class in _row_classes():
        for column, hint in typing.get_type_hints(row_class).items():
            options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
            for option in options:
                if isinstance(option, type) and issubclass(option, enum.StrEnum):
                    words[row_class.table.name, column] = [str(member) for member in option]
    return words


def _value(column: Column[Any], number: int, words: dict[tuple[str, str], list[str]]) -> Any:
    """Something that a column could hold, different in each row."""
    table = column.table.name
    if column.foreign_keys:
        target = next(iter(column.foreign_keys)).column
        return _value(target, number, words)
    if (table, column.name) in words:
        choice = words[table, column.name]
        return choice[number % len(choice)]
    kind = column.type
    if isinstance(kind, JSON):
        return {"text": "ü\N{GRINNING FACE}", "number": number, "list": [1, None]}
    if isinstance(kind, Boolean):
        return number % 2 == 0
    if isinstance(kind, LargeBinary):
        return bytes([0, 255, number])
    if isinstance(kind, Float):
        return number + 0.25
    if isinstance(kind, Integer):
        return _NEW_YEAR_US + number if column.name.endswith("_at") else number + 1
    assert isinstance(kind, String), (
        f"{table}.{column.name} is of a type that this test does not know: {kind!r}"
    )
    return f"{number}-{table}-{column.name}"[: kind.length]


def _insert_rows(engine: Engine) -> Rows:
    """Three rows in every table: two with every column filled, one with what cannot be left out."""
    metadata = MetaData()
    metadata.reflect(engine)
    words = _known_words()
    made: Rows = {}
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if table.name == _NOT_MIGRATED:
                continue
            made[table.name] = []
            for number in range(3):
                row = {
                    column.name: _value(column, number, words)
                    for column in table.columns
                    if number < 2 or column.primary_key or not column.nullable
                }
                connection.execute(insert(table).values(row))
                made[table.name].append(row)
    return made


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = open_sqlite(tmp_path / "t.db")
    else:
        engine = open_postgres(Secret(request.getfixturevalue("empty_url")))
    yield engine
    engine.dispose()


def _bring_up_to_date(engine: Engine) -> bool:
    if engine.dialect.name == "sqlite":
        return bring_up_to_date(engine, Path(str(engine.url.database)))
    return bring_postgres_up_to_date(engine)


@pytest.mark.parametrize("revision", sorted(known_revisions()))
def test_rows_of_every_released_schema_are_there_in_the_newest(engine: Engine, revision: str) -> None:
    upgrade(engine, revision)
    made = _insert_rows(engine)
    assert {"jobs", "attempts", "ledger", "events"} <= set(made)
    assert _bring_up_to_date(engine) is (revision != SCHEMA_HEAD)
    assert schema_revision(engine) == SCHEMA_HEAD
    now = MetaData()
    now.reflect(engine)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        for name, rows in made.items():
            table = now.tables[name]
            keys = list(table.primary_key.columns)
            assert len(connection.execute(select(*keys)).all()) == len(rows), name
            for row in rows:
                condition = [key == row[key.name] for key in keys]
                found = connection.execute(select(table).where(*condition)).one()._mapping
                kept = {column: value for column, value in row.items() if (name, column) not in _CHANGED}
                assert {column: found[column] for column in kept} == kept, name
        # And as the program reads them: every column of every table, and every class of rows.
        for known in tables.metadata.sorted_tables:
            read = connection.execute(select(known)).all()
            assert len(read) == len(made.get(known.name, read)), known.name
        for row_class in _row_classes():
            loaded = [row_class.of(row) for row in connection.execute(row_class.select())]
            assert len(loaded) == len(made.get(row_class.table.name, loaded))


def test_the_classes_of_rows_are_found() -> None:
    names = {row_class.__name__ for row_class in _row_classes()}
    assert {"JobRow", "TaskRow", "AttemptRow", "NodeRow"} <= names
    assert not names & {base.__name__ for base in (Row, Owned, Kept, Leased)}
    words = _known_words()
    assert "queued" in words["jobs", "status"]
    assert sorted(words["jobs", "desired"]) == ["run", "stop"]
