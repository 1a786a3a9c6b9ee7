"""The store on PostgreSQL: transactions that really run at once, tried again when they got in each other's way.

Every statement sees what is committed by then (READ COMMITTED), and code relies on the same three things as on SQLite:
rows are claimed under their locks, written by version, and kept apart by unique constraints. Where another
transaction came first, the function is run again from its beginning, and sees what the other did (docs/decisions/0012).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DataError, DBAPIError

from tradewind.db.rows import StaleRowError
from tradewind.db.store import Moment, Transaction, Watch, run_sequels, watch_nothing
from tradewind.db.wakeups import Wakeups
from tradewind.domain.clock import Clock, Entropy
from tradewind.domain.errors import InvalidInputError

T = TypeVar("T")

#: Wake-ups travel on this channel, each as `SENDER TOPIC`.
CHANNEL: Final = "tradewind_wakeups"
#: Connections that a store keeps: one per thread.
WRITERS: Final = 8
READERS: Final = 4
_SERIALIZATION_FAILURE: Final = "40001"
_DEADLOCK: Final = "40P01"
_UNIQUE_VIOLATION: Final = "23505"
_LOCK_TIMEOUT: Final = "55P03"
#: How often a function is run in all, by what went wrong. A stale row or a row that is there already may be the
#: function's own fault: then the same error comes again, and is given to the caller.
_TRIES: Final = {
    _SERIALIZATION_FAILURE: 12,
    _DEADLOCK: 12,
    _UNIQUE_VIOLATION: 3,
    _LOCK_TIMEOUT: 3,
    "stale": 3,
    "connection": 4,
}
_FIRST_PAUSE_S: Final = 0.005
_LONGEST_PAUSE_S: Final = 0.5
_NOTIFY: Final = text("SELECT pg_notify(:channel, topic) FROM unnest(CAST(:topics AS text[])) AS topic")


class _Outcome:
    """What became of one run of a function."""

    def __init__(self) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self.transaction: Transaction | None = None
        self.has_begun_to_commit = False


class PostgresStore:
    """The store on PostgreSQL, with a few threads that each work on a connection of their own.

    `tx.now` is the database's time, so that servers whose clocks differ agree on leases. With
    `is_database_time=False` it is the given clock's, which tests set.

    With `inline=True` everything runs in the caller's thread, which a simulated run needs to be repeatable.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        entropy: Entropy,
        *,
        is_database_time: bool = True,
        inline: bool = False,
        watch: Watch = watch_nothing,
    ) -> None:
        self._engine = engine
        self._watch = watch
        self._reading_engine = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._clock = clock
        self._entropy = entropy
        self._is_database_time = is_database_time
        self.wakeups = Wakeups()
        #: What this store's own wake-ups are known by: they are delivered at once and not again when they come back.
        self.sender = entropy.token(8).hex()
        self._writers = None if inline else ThreadPoolExecutor(WRITERS, thread_name_prefix="db-write")
        self._readers = None if inline else ThreadPoolExecutor(READERS, thread_name_prefix="db-read")
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def engine(self) -> Engine:
        """The engine, for what needs connections of its own."""
        return self._engine

    async def run(self, fn: Callable[[Transaction], T], *, durable: bool = False) -> T:  # noqa: ARG002
        """Runs `fn` in a writing transaction. PostgreSQL makes every commit durable, whatever is asked for."""
        if self._writers is None:
            return await self._settle(fn)
        task = asyncio.create_task(self._settle(fn))
        self._running.add(task)
        task.add_done_callback(self._settled)
        # A cancelled caller does not undo a commit, and its wake-ups must be heard.
        return await asyncio.shield(task)

    def _settled(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            # Who was cancelled meanwhile does not ask for the error any more.
            task.exception()

    async def _settle(self, fn: Callable[[Transaction], T]) -> T:
        loop = asyncio.get_running_loop()
        tries = 0
        while True:
            if self._writers is None:
                outcome = self._write(fn)
            else:
                outcome = await loop.run_in_executor(self._writers, self._write, fn)
            tries += 1
            if outcome.error is None:
                break
            if tries >= _tries_for(outcome.error, has_begun_to_commit=outcome.has_begun_to_commit):
                raise _translated(outcome.error)
            pause = min(_FIRST_PAUSE_S * 2 ** (tries - 1), _LONGEST_PAUSE_S)
            await self._clock.sleep(pause * (0.5 + self._entropy.uniform()))
        assert outcome.transaction is not None
        self.wakeups.publish(outcome.transaction.topics)
        if self._writers is None:
            run_sequels(outcome.transaction.sequels)
        elif outcome.transaction.sequels:
            loop.run_in_executor(None, run_sequels, outcome.transaction.sequels)
        result: T = outcome.result
        return result

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        """Runs `fn` in a transaction that only reads, and sees the database as it was at one instant."""
        loop = asyncio.get_running_loop()
        tries = 0
        while True:
            try:
                if self._readers is None:
                    return self._read(fn)
                return await loop.run_in_executor(self._readers, self._read, fn)
            except DBAPIError as error:
                tries += 1
                if tries >= _tries_for(error, has_begun_to_commit=False):
                    raise _translated(error) from None
            await self._clock.sleep(_FIRST_PAUSE_S * 2**tries)

    def _write(self, fn: Callable[[Transaction], Any]) -> _Outcome:
        outcome = _Outcome()
        try:
            with self._engine.connect() as connection:
                outcome.transaction = self._begin(connection)
                self._watch(Moment.BEGUN)
                outcome.result = fn(outcome.transaction)
                outcome.transaction.write_out()
                if outcome.transaction.topics:
                    topics = [f"{self.sender} {topic}" for topic in sorted(outcome.transaction.topics)]
                    connection.execute(_NOTIFY, {"channel": CHANNEL, "topics": topics})
                self._watch(Moment.WRITTEN)
                outcome.has_begun_to_commit = True
                self._watch(Moment.COMMITTING)
                connection.commit()
                self._watch(Moment.COMMITTED)
        except BaseException as error:
            outcome.error = error
        return outcome

    def _read(self, fn: Callable[[Transaction], T]) -> T:
        with self._reading_engine.connect() as connection:
            transaction = self._begin(connection)
            self._watch(Moment.READING)
            return fn(transaction)

    def _begin(self, connection: Connection) -> Transaction:
        now: datetime = self._clock.now()
        if self._is_database_time:
            now = connection.exec_driver_sql("SELECT now()").scalar_one().astimezone(UTC)
        return Transaction(connection, now, self._entropy)

    def close(self) -> None:
        """Waits for what runs, then closes every connection."""
        for pool in (self._writers, self._readers):
            if pool is not None:
                pool.shutdown(wait=True)
        with contextlib.suppress(DBAPIError):
            self._engine.dispose()

    async def check(self) -> None:
        """Raises if the database does not answer."""
        await self.read(lambda tx: tx.execute(text("SELECT 1")).scalar_one())


def _tries_for(error: BaseException, *, has_begun_to_commit: bool) -> int:
    """How often a function that ended in this error may be run in all."""
    if isinstance(error, StaleRowError):
        return _TRIES["stale"]
    if not isinstance(error, DBAPIError):
        return 1
    if error.connection_invalidated:
        # Of a commit that was under way nobody knows whether it happened: only the caller can look.
        return 1 if has_begun_to_commit else _TRIES["connection"]
    return _TRIES.get(str(getattr(error.orig, "sqlstate", None)), 1)


def _translated(error: BaseException) -> BaseException:
    """A value that no column can hold is the asker's fault; SQLite takes longer texts and larger numbers."""
    if isinstance(error, DataError):
        return InvalidInputError("a value is too large or too long for the database")
    return error
