"""Writes that wait for the end of a transaction, so that a hundred of a kind are one statement.

A transaction's changes of one row become one UPDATE, its new rows one INSERT per table, its events one look at the
counters of their jobs. Whatever is read through the transaction is read after everything that waits has been written
(`Transaction.execute`), so nobody sees the difference. Guards hold as they would at once: a row that is no longer at
the version that was read makes the whole transaction fail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Insert, Select, Table, Update, bindparam, insert, select, update

from tradewind.db.fast import execute_many, fetch

T = TypeVar("T")
#: What one statement is given at most: SQLite takes no more than 32,766 parameters.
_CHUNK: Final = 1000


class StaleRowError(Exception):
    """The row changed, or the lease on it was lost, since it was read: whatever was computed from it is void."""


@dataclass(slots=True)
class _Patch:
    """What is to be written to one row. `version` is the one it must still have; None: any."""

    values: dict[str, Any] = field(default_factory=dict)
    version: int | None = None
    wakes: int = 0


class Pending:
    """What a transaction has not written yet."""

    def __init__(self) -> None:
        self._inserts: dict[Table, list[dict[str, Any]]] = {}
        self._patches: dict[Table, dict[str, _Patch]] = {}
        self._later: dict[Insert | Update, list[dict[str, Any]]] = {}
        self._events: dict[str, list[dict[str, Any]]] = {}
        #: Versions that this transaction has given to rows: what is computed from older ones is void.
        self._versions: dict[str, int] = {}
        self.is_empty = True

    def insert(self, table: Table, row: dict[str, Any]) -> None:
        """A new row."""
        self._inserts.setdefault(table, []).append(row)
        self.is_empty = False

    def change(self, table: Table, row_id: str, version: int, values: dict[str, Any]) -> None:
        """Values for a row that must be at this version, and is at the next one afterwards. Raises StaleRowError."""
        if self._versions.get(row_id, version) != version:
            raise StaleRowError(f"{row_id} is no longer at version {version}")
        patch = self._patch(table, row_id)
        if patch.version is None:
            patch.version = version
        patch.values.update(values, version=version + 1)
        self._versions[row_id] = version + 1

    def put(self, table: Table, row_id: str, values: dict[str, Any]) -> None:
        """Values for a row, whatever its version is."""
        self._patch(table, row_id).values.update(values)

    def wake(self, table: Table, row_id: str, values: dict[str, Any]) -> None:
        """The same, and the row's wake-ups are counted on."""
        patch = self._patch(table, row_id)
        patch.wakes += 1
        patch.values.update(values)

    def has_wake(self, table: Table, row_id: str) -> bool:
        """True if a wake-up of this row waits."""
        patch = self._patches.get(table, {}).get(row_id)
        return patch is not None and patch.wakes > 0

    def run(self, statement: Insert | Update, parameters: dict[str, Any]) -> None:
        """A statement that nothing depends on; those of one kind are run together."""
        self._later.setdefault(statement, []).append(parameters)
        self.is_empty = False

    def event(self, job_id: str, event: dict[str, Any]) -> None:
        """An event that is still without its number."""
        self._events.setdefault(job_id, []).append(event)
        self.is_empty = False

    def _patch(self, table: Table, row_id: str) -> _Patch:
        self.is_empty = False
        return self._patches.setdefault(table, {}).setdefault(row_id, _Patch())

    def flush(self, connection: Connection, jobs: Table) -> list[dict[str, Any]]:
        """Writes everything. Returns the events, with numbers and the project of their job.

        Raises StaleRowError.
        """
        inserts, self._inserts = self._inserts, {}
        events, self._events = self._events, {}
        for table in sorted(inserts, key=_rank):
            insert_many(connection, table, inserts[table])
        numbered = [
            event for ids in _chunks(sorted(events)) for event in self._number(connection, jobs, ids, events)
        ]
        patches, self._patches = self._patches, {}
        for table in sorted(patches, key=_rank):
            _write(connection, table, patches[table])
        later, self._later = self._later, {}
        for statement, parameters in later.items():
            execute_many(connection, statement, parameters)
        self.is_empty = True
        return numbered

    def _number(
        self, connection: Connection, jobs: Table, ids: list[str], events: dict[str, list[dict[str, Any]]]
    ) -> Iterator[dict[str, Any]]:
        """Numbers events under the row locks of their jobs, so numbers follow the order of commits (invariant 3)."""
        found = fetch(connection, _counters(jobs), {"ids": ids})
        counters = {job_id: (seq, project_id) for job_id, seq, project_id in found}
        for job_id in ids:
            seq, project_id = counters[job_id]
            for event in events[job_id]:
                seq += 1
                event["seq"], event["project_id"] = seq, project_id
                yield event
            self._patch(jobs, job_id).values["event_seq"] = seq


def _write(connection: Connection, table: Table, patches: dict[str, _Patch]) -> None:
    groups: dict[tuple[tuple[str, ...], bool, bool], list[dict[str, Any]]] = defaultdict(list)
    # In the order of ids, so that two transactions do not wait for one another's rows.
    for row_id in sorted(patches):
        patch = patches[row_id]
        parameters = {f"v_{name}": value for name, value in patch.values.items()}
        parameters["b_id"] = row_id
        if patch.version is not None:
            parameters["b_version"] = patch.version
        if patch.wakes:
            parameters["b_wakes"] = patch.wakes
        shape = (tuple(sorted(patch.values)), patch.version is not None, patch.wakes > 0)
        groups[shape].append(parameters)
    for (columns, is_guarded, is_woken), rows in groups.items():
        statement = _update(table, columns, is_guarded=is_guarded, is_woken=is_woken)
        written = execute_many(connection, statement, rows)
        if is_guarded and written != len(rows):
            which = rows[0]["b_id"] if len(rows) == 1 else f"one of {len(rows)} {table.name}"
            raise StaleRowError(f"{which} is no longer at the version that was read")


def insert_many(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Inserts rows; each shape, as rows of a table may name different columns, is a statement."""
    shapes: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        shapes[tuple(sorted(row))].append(row)
    for columns, alike in shapes.items():
        execute_many(connection, _insert(table, columns), alike)


@cache
def _insert(table: Table, columns: tuple[str, ...]) -> Insert:
    return (
        insert(table).values({name: bindparam(name, type_=table.c[name].type) for name in columns}).inline()
    )


@cache
def _update(table: Table, columns: tuple[str, ...], *, is_guarded: bool, is_woken: bool) -> Update:
    statement = update(table).where(table.c.id == bindparam("b_id"))
    if is_guarded:
        statement = statement.where(table.c.version == bindparam("b_version"))
    values: dict[str, Any] = {name: bindparam(f"v_{name}") for name in columns}
    if is_woken:
        values["wakes"] = table.c.wakes + bindparam("b_wakes")
    return statement.values(values)


@cache
def _counters(jobs: Table) -> Select[*tuple[Any, ...]]:
    return (
        select(jobs.c.id, jobs.c.event_seq, jobs.c.project_id)
        .where(jobs.c.id.in_(bindparam("ids", expanding=True)))
        .order_by(jobs.c.id)
        .with_for_update(key_share=True)
    )


@cache
def _ranks(table: Table) -> dict[Table, int]:
    return {each: position for position, each in enumerate(table.metadata.sorted_tables)}


def _rank(table: Table) -> int:
    """Rows come after those that they refer to."""
    return _ranks(table)[table]


def _chunks(items: list[T]) -> Iterable[list[T]]:
    for first in range(0, len(items), _CHUNK):
        yield items[first : first + _CHUNK]
