"""Statements given to SQLite's driver as they were compiled once.

What SQLAlchemy's general path does for each execution costs several times what a small statement does. Statements that
run all the time are made once and come through here; on other databases they take the general path.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Insert, Select, Update
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.schema import CallableColumnDefault, ScalarElementColumnDefault

#: A statement that returns rows.
Fetching = Select[*tuple[Any, ...]] | ReturningUpdate[*tuple[Any, ...]]
#: How SQLAlchemy writes a list of values whose length is not known yet: `IN (__[POSTCOMPILE_ids])`.
_LIST: Final = "__[POSTCOMPILE_{}]"


def is_fast(connection: Connection) -> bool:
    """True where statements can go to the driver."""
    return connection.dialect.paramstyle == "qmark"


def drive(connection: Connection, text: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
    """Runs a statement on SQLite's driver; its errors are those that SQLAlchemy makes of them."""
    driver: Any = connection.connection.driver_connection
    try:
        cursor: sqlite3.Cursor = driver.execute(text, values)
    except sqlite3.Error as error:
        raise DBAPIError.instance(text, values, error, sqlite3.Error) from error
    return cursor


def _drive_many(connection: Connection, text: str, values: list[tuple[Any, ...]]) -> int:
    driver: Any = connection.connection.driver_connection
    try:
        written: int = driver.executemany(text, values).rowcount
    except sqlite3.Error as error:
        raise DBAPIError.instance(text, values, error, sqlite3.Error) from error
    return written


def fetch(connection: Connection, statement: Fetching, parameters: dict[str, Any]) -> list[Sequence[Any]]:
    """The rows of a statement. It has to be made once and kept: how it was compiled is remembered by itself.

    A parameter that expands takes a list.
    """
    if not is_fast(connection):
        return list(connection.execute(statement, parameters))
    made = _compiled_fetch(connection.dialect, statement)
    text = made.text
    values: list[Any] = []
    for name, process, default in made.binds:
        value = parameters.get(name, default)
        if name in made.lists:
            values += value if process is None else map(process, value)
            text = text.replace(_LIST.format(name), ", ".join("?" * len(value)) or "NULL")
        else:
            values.append(value if process is None else process(value))
    rows: list[Sequence[Any]] = drive(connection, text, values).fetchall()
    if not made.results or not rows:
        return rows
    results = made.results
    changed = [list(row) for row in rows]
    for row in changed:
        for index, process in results:
            row[index] = process(row[index])
    return changed  # type: ignore[return-value]


def execute_many(connection: Connection, statement: Insert | Update, rows: list[dict[str, Any]]) -> int:
    """Runs a statement with each of these parameters; how many rows it touched."""
    if not is_fast(connection):
        return connection.execute(statement, rows).rowcount
    text, names = _compiled_many(connection.dialect, statement)
    values = [
        tuple(
            [
                row.get(name, default) if process is None else process(row.get(name, default))
                for name, process, default in names
            ]
        )
        for row in rows
    ]
    return _drive_many(connection, text, values)


@dataclass(frozen=True, slots=True)
class _Fetching:
    """A compiled statement: its parameters in order, which of them are lists, and what makes values of its columns."""

    text: str
    binds: list[tuple[str, Any, Any]]
    lists: frozenset[str]
    results: list[tuple[int, Any]]


@cache
def _compiled_fetch(dialect: Dialect, statement: Fetching) -> _Fetching:
    compiled = statement.compile(dialect=dialect)
    binds, lists = [], set()
    for name in compiled.positiontup or ():
        bind = compiled.binds[name]
        binds.append((name, bind.type.dialect_impl(dialect).bind_processor(dialect), bind.value))
        if bind.expanding:
            lists.add(name)
    results = []
    for index, column in enumerate(statement.exported_columns):
        process = column.type.dialect_impl(dialect).result_processor(dialect, None)
        if process is not None:
            results.append((index, process))
    return _Fetching(str(compiled), binds, frozenset(lists), results)


@cache
def _compiled_many(dialect: Dialect, statement: Insert | Update) -> tuple[str, list[tuple[str, Any, Any]]]:
    """The statement's text, and per parameter its name, what makes the driver's value of it, and its default."""
    compiled = statement.compile(dialect=dialect)
    names = []
    for name in compiled.positiontup or ():
        process = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
        default = statement.table.c[name].default if name in statement.table.c else None
        value = None
        if isinstance(default, ScalarElementColumnDefault):
            value = default.arg
        elif isinstance(default, CallableColumnDefault):
            value = default.arg(None)  # type: ignore[arg-type]
        names.append((name, process, value))
    return str(compiled), names
