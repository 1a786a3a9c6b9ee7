"""The one seam through which all database work goes (invariant 5).

`store.run(fn)` calls `fn`, a plain synchronous function of a transaction, in a worker thread (inline in simulation),
commits, and then delivers the wake-ups the function asked for. There is never a network call inside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, Executable, text
from sqlalchemy.engine import CursorResult

from tradewind.db.wakeups import Wakeups
from tradewind.domain.clock import Clock, Entropy
from tradewind.domain.ids import new_id

T = TypeVar("T")


class Transaction:
    """What a function given to the store works with. `now` is one time for the whole transaction."""

    def __init__(self, connection: Connection, now: datetime, entropy: Entropy) -> None:
        self.connection = connection
        self.now = now
        self._entropy = entropy
        self.topics: set[str] = set()
        self.sequels: list[Callable[[], None]] = []

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[*tuple[Any, ...]]:
        """Runs a statement."""
        return self.connection.execute(statement, parameters)

    def new_id(self, prefix: str) -> str:
        """A new id of this kind, dated with the transaction's time."""
        return new_id(prefix, self.now, self._entropy)

    def wake(self, topic: str) -> None:
        """Delivers a wake-up on this topic after the commit, and only then."""
        self.topics.add(topic)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Calls this away from the database's thread, once the transaction is committed and only then.

        For cleaning up that may be lost in a crash, never for anything that must happen.
        """
        self.sequels.append(call)


class Store(Protocol):
    """Runs functions in transactions."""

    wakeups: Wakeups

    async def run(self, fn: Callable[[Transaction], T], *, durable: bool = False) -> T:
        """Runs `fn` in a writing transaction. `durable` survives a power cut, not only a killed process."""
        ...

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        """Runs `fn` in a transaction that only reads."""
        ...


class SqlStore:
    """The store on SQLite. Writers queue in one thread, as SQLite has one writer anyway; readers have their own.

    With `inline=True` everything runs in the caller's thread, which a simulated run needs to be repeatable.
    """

    def __init__(
        self, engine: Engine, clock: Clock, entropy: Entropy, *, inline: bool = False, readers: int = 2
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._entropy = entropy
        self.wakeups = Wakeups()
        self._writer = None if inline else ThreadPoolExecutor(1, thread_name_prefix="db-write")
        self._readers = None if inline else ThreadPoolExecutor(readers, thread_name_prefix="db-read")
        self._write_connection: Connection | None = None

    async def run(self, fn: Callable[[Transaction], T], *, durable: bool = False) -> T:
        result, done = await self._in_thread(self._writer, lambda: self._write(fn, durable))
        self.wakeups.publish(done.topics)
        for call in done.sequels:
            if self._writer is None:
                call()
            else:
                asyncio.get_running_loop().run_in_executor(None, call)
        return result

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        return await self._in_thread(self._readers, lambda: self._read(fn))

    async def _in_thread(self, pool: ThreadPoolExecutor | None, call: Callable[[], T]) -> T:
        if pool is None:
            return call()
        future = asyncio.get_running_loop().run_in_executor(pool, call)
        # A cancelled caller must not make a commit whose wake-ups nobody hears of: the shield lets it finish.
        return await asyncio.shield(future)

    def _write(self, fn: Callable[[Transaction], T], durable: bool) -> tuple[T, Transaction]:
        if self._write_connection is None:
            self._write_connection = self._engine.connect()
        connection = self._write_connection
        level = "FULL" if durable else "NORMAL"
        connection.exec_driver_sql(f"PRAGMA synchronous={level}")
        connection.commit()
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            transaction = Transaction(connection, self._clock.now(), self._entropy)
            result = fn(transaction)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        return result, transaction

    def _read(self, fn: Callable[[Transaction], T]) -> T:
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            return fn(Transaction(connection, self._clock.now(), self._entropy))

    def close(self) -> None:
        """Waits for what runs, then closes every connection. The last writer folds the log into the database."""
        for pool in (self._writer, self._readers):
            if pool is not None:
                pool.shutdown(wait=True)
        if self._write_connection is not None:
            self._write_connection.close()
        self._engine.dispose()

    async def check(self) -> None:
        """Raises if the database does not answer."""
        await self.read(lambda tx: tx.execute(text("SELECT 1")).scalar_one())
