"""A server's own connection to PostgreSQL: it hears what other servers wake, and says that this one lives.

Servers that share a database share the files of its jobs too, or there is only one of them. Which of the two holds is
said by an advisory lock that lasts as long as the connection: shared by servers with a common folder, else exclusive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import structlog

from tradewind.db.postgres import CHANNEL, PostgresStore
from tradewind.domain.clock import Clock
from tradewind.domain.errors import ConflictError

if TYPE_CHECKING:
    import psycopg

log = structlog.get_logger(__name__)

_SERVERS: Final = 0x7472616465776E03
#: For a server that was just killed to be forgotten, and for one that is starting to let others in.
_TRIES_TO_BE_ALONE: Final = 12
_TRIES_TO_JOIN: Final = 80
_JOIN_PAUSE_S: Final = 0.25
#: How often a connection that hears nothing is tried out.
_QUIET_S: Final = 15.0
#: While there is no connection, everybody looks this often.
_POLL_S: Final = 1.0


class Presence:
    """Joins the servers of a database, and hears their wake-ups while `run` runs."""

    def __init__(self, store: PostgresStore, clock: Clock, *, shares_files: bool) -> None:
        self._store = store
        self._clock = clock
        self._shares_files = shares_files
        self._connection: psycopg.AsyncConnection[Any] | None = None
        #: There was no other server when this one joined; until `let_others_in` none can join.
        self.is_alone = False

    async def join(self) -> None:
        """Takes a place among the servers.

        Raises:
            ConflictError: there are others, and they and this one do not share the files of jobs.
        """
        connection = await self._connect()
        for _ in range(_TRIES_TO_JOIN if self._shares_files else _TRIES_TO_BE_ALONE):
            self.is_alone = await self._call(connection, "pg_try_advisory_lock")
            if self.is_alone:
                return
            if self._shares_files and await self._call(connection, "pg_try_advisory_lock_shared"):
                return
            await self._clock.sleep(_JOIN_PAUSE_S)
        which = "that one" if self._shares_files else "this one"
        raise ConflictError(
            f"another server uses this database, and {which} keeps the files of jobs in its own state folder",
            hint="set TRADEWIND_STORAGE to the same shared folder for every server of the database",
        )

    async def let_others_in(self) -> None:
        """Ends being alone, where others could work with the same files."""
        connection = self._connection
        if connection is not None and self._shares_files and self.is_alone:
            await self._call(connection, "pg_advisory_lock_shared")
            await self._call(connection, "pg_advisory_unlock")

    async def run(self) -> None:
        """Delivers wake-ups until cancelled. Without a connection everybody is woken every second instead."""
        import psycopg

        while True:
            try:
                await self._hear()
            except (psycopg.Error, OSError) as error:
                log.warning("listening.connection_lost", error=type(error).__name__)
            await self.close()
            await self._come_back()

    async def close(self) -> None:
        """Ends the connection, and with it this server's place."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _hear(self) -> None:
        connection = self._connection
        if connection is None:
            return
        await connection.execute(f"LISTEN {CHANNEL}".encode())
        # What was woken before this moment was not heard.
        self._store.wakeups.publish_all()
        while True:
            async for notification in connection.notifies(timeout=_QUIET_S):
                sender, _, topic = notification.payload.partition(" ")
                if sender != self._store.sender:
                    self._store.wakeups.publish((topic,))
            await connection.execute(b"SELECT 1")

    async def _come_back(self) -> None:
        import psycopg

        lock = "pg_try_advisory_lock_shared" if self._shares_files else "pg_try_advisory_lock"
        while True:
            self._store.wakeups.publish_all()
            await self._clock.sleep(_POLL_S)
            try:
                if await self._call(await self._connect(), lock):
                    return
                log.error("listening.place_taken", hint="a server that does not share the files has joined")
            except (psycopg.Error, OSError) as error:
                log.info("listening.still_away", error=type(error).__name__)
            await self.close()

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        import psycopg

        engine = self._store.engine
        arguments, keywords = engine.dialect.create_connect_args(engine.url)
        options: dict[str, Any] = {**keywords, "connect_timeout": 10, "application_name": "tradewind"}
        self._connection = await psycopg.AsyncConnection.connect(*arguments, autocommit=True, **options)
        return self._connection

    @staticmethod
    async def _call(connection: psycopg.AsyncConnection[Any], function: str) -> bool:
        cursor = await connection.execute(f"SELECT {function}(%s)".encode(), (_SERVERS,))
        row = await cursor.fetchone()
        return row is not None and row[0] is True
