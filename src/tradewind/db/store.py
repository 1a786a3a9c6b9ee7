"""The one seam through which all database work goes (invariant 5).

`store.run(fn)` calls `fn`, a plain synchronous function of a transaction, in a worker thread (inline in simulation),
commits, and then delivers the wake-ups the function asked for. There is never a network call inside.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol, TypeVar

import structlog
from sqlalchemy import Connection, Engine, Executable, Table, text
from sqlalchemy.engine import CursorResult

from tradewind.db import tables
from tradewind.db.fast import Fetching, drive, fetch
from tradewind.db.pending import Pending, insert_many
from tradewind.db.wakeups import Wakeups
from tradewind.domain.clock import Clock, Entropy
from tradewind.domain.ids import IdsInOrder

T = TypeVar("T")
log = structlog.get_logger(__name__)
_LARGEST_GROUP: Final = 64
#: The advisory lock under which numbers of the global streams are handed out on PostgreSQL.
_COMMIT_ORDER: Final = 0x7472616465776E01


class Transaction:
    """What a function given to the store works with. `now` is one time for the whole transaction."""

    def __init__(self, connection: Connection, now: datetime, entropy: Entropy) -> None:
        self.connection = connection
        self.now = now
        self._ids = IdsInOrder(now, entropy)
        self.topics: set[str] = set()
        self.sequels: list[Callable[[], None]] = []
        self._last_rows: dict[Table, list[dict[str, Any]]] = {}
        #: Writes that are made together before the next statement or the commit, whichever comes first.
        self.pending = Pending()
        #: What was read ahead for several steps, by whoever reads it.
        self.notes: dict[str, dict[str, Any]] = {}

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[*tuple[Any, ...]]:
        """Runs a statement, after everything that waits to be written."""
        if not self.pending.is_empty:
            self.flush()
        return self.connection.execute(statement, parameters)

    def fetch(self, statement: Fetching, parameters: dict[str, Any]) -> list[Sequence[Any]]:
        """The rows of a statement that is made once and kept, in a fraction of the time that `execute` takes."""
        if not self.pending.is_empty:
            self.flush()
        return fetch(self.connection, statement, parameters)

    def insert(self, table: Table, row: dict[str, Any]) -> None:
        """Adds a row, together with others of its table."""
        self.pending.insert(table, row)

    def new_id(self, prefix: str) -> str:
        """A new id of this kind, dated with the transaction's time; those of one transaction sort as they were made."""
        return self._ids.new(prefix)

    def wake(self, topic: str) -> None:
        """Delivers a wake-up on this topic after the commit, and only then."""
        self.topics.add(topic)

    def append_last(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """Inserts rows into a table that is read as a stream, at the end of the transaction (`write_out`)."""
        self._last_rows.setdefault(table, []).extend(rows)

    def write_out(self) -> None:
        """Writes what was kept for the end. The store calls it before it commits; so does who reads a stream."""
        if not self.pending.is_empty:
            self.flush()
        if not self._last_rows:
            return
        self.keep_commit_order()
        kept, self._last_rows = self._last_rows, {}
        for table, rows in kept.items():
            insert_many(self.connection, table, rows)

    def flush(self) -> None:
        """Writes what waits, and takes the locks of the rows it is written to. Raises StaleRowError."""
        events = self.pending.flush(self.connection, tables.jobs)
        if events:
            self.append_last(tables.events, events)

    def keep_commit_order(self) -> None:
        """Transactions that call this commit one after the other, from the call on (docs/decisions/0012).

        It should be the last lock that a transaction takes: whoever waits for it may hold any other.
        """
        if self.connection.dialect.name == "postgresql":
            self.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _COMMIT_ORDER})

    def after_commit(self, call: Callable[[], None]) -> None:
        """Calls this away from the database's thread, once the transaction is committed and only then.

        For cleaning up that may be lost in a crash, never for anything that must happen.
        """
        self.sequels.append(call)


def run_sequels(calls: list[Callable[[], None]]) -> None:
    """Calls what was to be called after a commit; one that fails does not keep the others from it."""
    for call in calls:
        try:
            call()
        except Exception:
            log.exception("store.sequel_failed")


class Moment(StrEnum):
    """Where a transaction is when a store says so to whoever watches it."""

    READING = "reading"  # a reading transaction has begun
    BEGUN = "begun"  # a writing transaction has begun; the function has not run
    WRITTEN = "written"  # the function has run, and nothing is committed
    COMMITTING = "committing"  # the commit is asked for: if it fails from here on, only the database knows
    COMMITTED = "committed"  # the commit is done, and nobody has been told


#: Is called at every moment of every transaction, in its thread. What it raises happens to the transaction as if the
#: database had failed there: so simulated runs have connections end and answers get lost.
Watch = Callable[[Moment], None]


def watch_nothing(_moment: Moment) -> None:
    """Lets every transaction be."""


class Store(Protocol):
    """Runs functions in transactions."""

    wakeups: Wakeups

    async def run(self, fn: Callable[[Transaction], T], *, durable: bool = False) -> T:
        """Runs `fn` in a writing transaction. `durable` survives a power cut, not only a killed process."""
        ...

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        """Runs `fn` in a transaction that only reads."""
        ...

    async def check(self) -> None:
        """Raises if the database does not answer."""
        ...

    def close(self) -> None:
        """Waits for what runs, then closes every connection."""
        ...


class _Write:
    """A function that waits for its turn in the writer's thread, and then what became of it."""

    def __init__(self, fn: Callable[[Transaction], Any], *, is_durable: bool) -> None:
        self.fn = fn
        self.is_durable = is_durable
        self.result: Any = None
        self.error: BaseException | None = None
        self.transaction: Transaction | None = None


class SqlStore:
    """The store on SQLite. Writers queue in one thread, as SQLite has one writer anyway; readers have their own.

    Writes that queued up behind another are committed together, each in a savepoint of its own: a hundred callers
    that want their row on disk share one wait for the disk. None of them is answered before that commit.

    With `inline=True` everything runs in the caller's thread, which a simulated run needs to be repeatable.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        entropy: Entropy,
        *,
        inline: bool = False,
        readers: int = 2,
        watch: Watch = watch_nothing,
    ) -> None:
        self._engine = engine
        self._watch = watch
        self._clock = clock
        self._entropy = entropy
        self.wakeups = Wakeups()
        self._writer = None if inline else ThreadPoolExecutor(1, thread_name_prefix="db-write")
        self._readers = None if inline else ThreadPoolExecutor(readers, thread_name_prefix="db-read")
        self._queue: deque[tuple[_Write, asyncio.Future[Any]]] = deque()
        self._write_connection: Connection | None = None
        self._reading = threading.local()
        self._read_connections: list[Connection] = []
        self._is_synced: bool | None = None

    async def run(self, fn: Callable[[Transaction], T], *, durable: bool = False) -> T:
        write = _Write(fn, is_durable=durable)
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[T] = loop.create_future()
        if self._writer is None:
            self._commit([write])
            self._deliver([(write, answered)], loop)
        else:
            self._queue.append((write, answered))
            loop.run_in_executor(self._writer, self._take_turn, loop)
        return await answered

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        if self._readers is None:
            return self._read(fn)
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, fn)

    def _take_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        group: list[tuple[_Write, asyncio.Future[Any]]] = []
        while self._queue and len(group) < _LARGEST_GROUP:
            group.append(self._queue.popleft())
        if not group:
            return
        self._commit([write for write, _ in group])
        # A loop that has ended in the meantime has nobody left who could be told.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._deliver, group, loop)

    def _deliver(
        self, group: list[tuple[_Write, asyncio.Future[Any]]], loop: asyncio.AbstractEventLoop
    ) -> None:
        for write, answered in group:
            # Even when the caller has been cancelled: a commit whose wake-ups nobody hears of must not be.
            if write.transaction is not None and write.error is None:
                self.wakeups.publish(write.transaction.topics)
                if self._writer is None:
                    run_sequels(write.transaction.sequels)
                elif write.transaction.sequels:
                    loop.run_in_executor(None, run_sequels, write.transaction.sequels)
            if answered.cancelled():
                continue
            if write.error is not None:
                answered.set_exception(write.error)
            else:
                answered.set_result(write.result)

    def _commit(self, writes: list[_Write]) -> None:
        """Runs the writes in one transaction. One that fails is undone alone; a failed commit fails them all."""
        try:
            connection = self._begin_writing(is_synced=any(write.is_durable for write in writes))
            try:
                if len(writes) == 1:
                    self._apply(connection, writes[0])
                else:
                    for write in writes:
                        self._apply_in_savepoint(connection, write)
                self._watch(Moment.COMMITTING)
                connection.commit()
                self._watch(Moment.COMMITTED)
            except BaseException:
                connection.rollback()
                # After a failed commit the line above does nothing, and the transaction would stay open for good.
                connection.connection.rollback()
                raise
        except BaseException as error:
            for write in writes:
                write.error = write.error or error

    def _begin_writing(self, *, is_synced: bool) -> Connection:
        if self._write_connection is None:
            self._write_connection = self._engine.connect()
        connection = self._write_connection
        if self._is_synced is not is_synced:
            connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if is_synced else 'NORMAL'}")
            connection.commit()
            self._is_synced = is_synced
        _begin(connection, "BEGIN IMMEDIATE")
        return connection

    def _apply_in_savepoint(self, connection: Connection, write: _Write) -> None:
        drive(connection, "SAVEPOINT one_write")
        try:
            self._apply(connection, write)
        except BaseException as error:
            write.error = error
            # Where SQLite has given up the whole transaction (disk full), this fails, and all of the group with it.
            drive(connection, "ROLLBACK TO one_write")
        drive(connection, "RELEASE one_write")

    def _apply(self, connection: Connection, write: _Write) -> None:
        write.transaction = Transaction(connection, self._clock.now(), self._entropy)
        self._watch(Moment.BEGUN)
        write.result = write.fn(write.transaction)
        write.transaction.write_out()
        self._watch(Moment.WRITTEN)

    def _read(self, fn: Callable[[Transaction], T]) -> T:
        # Each thread keeps its connection: to take one from the pool costs more than a small query.
        connection: Connection | None = getattr(self._reading, "connection", None)
        if connection is None:
            connection = self._reading.connection = self._engine.connect()
            self._read_connections.append(connection)
        _begin(connection, "BEGIN")
        try:
            self._watch(Moment.READING)
            return fn(Transaction(connection, self._clock.now(), self._entropy))
        finally:
            connection.rollback()

    def close(self) -> None:
        """Waits for what runs, then closes every connection. The last writer folds the log into the database."""
        for pool in (self._writer, self._readers):
            if pool is not None:
                pool.shutdown(wait=True)
        for connection in (self._write_connection, *self._read_connections):
            if connection is not None:
                connection.close()
        self._engine.dispose()

    async def check(self) -> None:
        """Raises if the database does not answer."""
        await self.read(lambda tx: tx.execute(text("SELECT 1")).scalar_one())


def _begin(connection: Connection, how: str) -> None:
    """Begins a transaction: SQLAlchemy's own account of it, which says nothing to the driver, and SQLite's."""
    connection.begin()
    try:
        drive(connection, how)
    except BaseException:
        connection.rollback()
        raise
