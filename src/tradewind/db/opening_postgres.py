"""Opens a database on PostgreSQL. The driver is imported only here, by those who have such a database."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import QueuePool

from tradewind.db.opening import SCHEMA_HEAD, refuse_unknown, revision_on
from tradewind.db.postgres import READERS, WRITERS
from tradewind.domain.errors import InvalidInputError, NotSupportedError, UnreachableError
from tradewind.domain.secrets import Secret

_SCHEMES: Final = frozenset({"postgresql", "postgresql+psycopg"})
#: The advisory lock under which one of the servers that start together brings the schema up to date.
_MIGRATION: Final = 0x7472616465776E02
#: Set on every connection. A server that hangs within a transaction must not keep the others waiting for good.
_SETTINGS: Final = (
    "SET TIME ZONE 'UTC'",
    "SET default_transaction_isolation = 'read committed'",
    "SET idle_in_transaction_session_timeout = '60s'",
    "SET lock_timeout = '30s'",
)


def parse_url(url: Secret) -> URL:
    """The address of a database on PostgreSQL.

    Raises:
        InvalidInputError: it is not one. The message never repeats it: it may hold a password.
    """
    hint = "for example postgresql://USER:PASSWORD@HOST:5432/DATABASE"
    try:
        parsed = make_url(url.reveal())
    except (ArgumentError, ValueError):
        raise InvalidInputError("TRADEWIND_DATABASE_URL is not the URL of a database", hint=hint) from None
    if parsed.drivername not in _SCHEMES:
        raise InvalidInputError(
            f"TRADEWIND_DATABASE_URL begins with {parsed.drivername}://, which is not supported",
            hint=f"{hint}; leave it out to use SQLite in the state folder",
        )
    return parsed.set(drivername="postgresql+psycopg")


def name_of(url: URL) -> str:
    """What a database is called in messages: where it is, without user and password."""
    host = url.host or str(url.query.get("host", "")) or "this machine"
    return f"{url.database or 'the default database'} on {host}"


def open_postgres(url: Secret) -> Engine:
    """An engine on a database on PostgreSQL. Nothing is connected yet.

    Raises:
        InvalidInputError: the URL is wrong.
        NotSupportedError: the driver is not installed.
    """
    parsed = parse_url(url)
    try:
        import psycopg
        from psycopg.types.string import StrDumper
    except ImportError:
        raise NotSupportedError(
            "PostgreSQL needs the package psycopg, which is not installed",
            hint="pip install 'tradewind[postgres]'",
        ) from None

    class Printable(StrDumper):
        """No text on PostgreSQL holds a zero byte: it is kept as the sign for what cannot be shown."""

        def dump(self, value: Any) -> Any:
            return super().dump(value.replace("\x00", "\ufffd"))

    engine = create_engine(
        parsed,
        poolclass=QueuePool,
        pool_size=WRITERS + READERS,
        max_overflow=2,
        # Statements travel into logs with errors; what is in them stays here.
        hide_parameters=True,
        connect_args={"connect_timeout": 10, "application_name": "tradewind"},
    )

    @event.listens_for(engine, "connect")
    def on_connect(connection: psycopg.Connection[Any], _record: Any) -> None:
        connection.adapters.register_dumper(str, Printable)
        connection.autocommit = True
        for setting in _SETTINGS:
            connection.execute(setting.encode())
        connection.autocommit = False

    return engine


def bring_postgres_up_to_date(engine: Engine) -> bool:
    """Migrates to the newest schema; of servers that start together, one does. True if this one did.

    Raises:
        ConflictError: the database was written by a newer version.
        UnreachableError: it does not answer, or lets nobody in.
    """
    try:
        with engine.connect() as connection:
            if revision_on(connection) == SCHEMA_HEAD:
                return False
            return _migrate(connection)
    except OperationalError as error:
        raise UnreachableError(
            f"the database ({name_of(engine.url)}) cannot be used: {_first_line(error)}",
            hint="check TRADEWIND_DATABASE_URL, and that the database runs and lets this machine in",
        ) from None


def _migrate(connection: Connection) -> bool:
    connection.rollback()
    # Another server may be at it for longer than an ordinary lock is waited for.
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION})
    revision = revision_on(connection)
    if revision == SCHEMA_HEAD:
        return False
    from tradewind.db.migrating import upgrade_on

    refuse_unknown(revision)
    upgrade_on(connection)
    connection.commit()
    return True


def _first_line(error: OperationalError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__
