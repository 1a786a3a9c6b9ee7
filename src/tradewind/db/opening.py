"""Opens the database: the right settings, the right schema, and a clear refusal where it could be damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.pool import QueuePool, StaticPool

from tradewind.db.documents import dump_document, load_document
from tradewind.domain.errors import ConflictError, NotSupportedError

#: The newest migration. A test keeps it equal to what Alembic says.
SCHEMA_HEAD: Final = "0011"
_NETWORK_FILE_SYSTEMS: Final = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "fuse.sshfs",
        "9p",
        "afs",
        "lustre",
        "glusterfs",
        "fuse.glusterfs",
        "ceph",
    }
)
_DOCUMENTS: Final[dict[str, Any]] = {"json_serializer": dump_document, "json_deserializer": load_document}


def open_sqlite(path: Path | None) -> Engine:
    """An engine on this SQLite file, or on a fresh in-memory database when the path is None.

    Raises:
        NotSupportedError: when the file lies on a network file system, where SQLite's locks cannot be trusted.
    """
    if path is None:
        engine = create_engine(
            "sqlite://",
            poolclass=StaticPool,
            connect_args={"check_same_thread": False, "isolation_level": None},
            **_DOCUMENTS,
        )
    else:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _refuse_network_file_system(path)
        engine = create_engine(
            f"sqlite:///{path}",
            poolclass=QueuePool,
            pool_size=4,
            connect_args={"check_same_thread": False, "timeout": 30, "isolation_level": None},
            **_DOCUMENTS,
        )
    _configure(engine)
    return engine


def _configure(engine: Engine) -> None:
    # The driver must not begin transactions by itself: every one starts with the BEGIN that the store chose.
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=30000", "cache_size=-8000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


def schema_revision(engine: Engine) -> str | None:
    """The migration the database is at; None for an empty one."""
    with engine.connect() as connection:
        return revision_on(connection)


def revision_on(connection: Connection) -> str | None:
    """The same, seen through a connection."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    return None if row is None else str(row[0])


def refuse_unknown(revision: str | None) -> None:
    """Raises ConflictError when a newer version has written the database."""
    from tradewind.db.migrating import known_revisions

    if revision is not None and revision not in known_revisions():
        raise ConflictError(
            f"the database is at schema {revision}, which this version does not know",
            hint="start the version that wrote it, or a newer one; nothing was changed",
        )


def bring_up_to_date(engine: Engine, backup_of: Path | None = None) -> bool:
    """Migrates to the newest schema; a copy of an older database is kept first. True if anything was done.

    Raises:
        ConflictError: when the database was written by a newer version.
    """
    revision = schema_revision(engine)
    if revision == SCHEMA_HEAD:
        return False
    # Alembic is imported only when there is something to migrate: a start on an existing database stays fast.
    from tradewind.db.migrating import upgrade

    refuse_unknown(revision)
    if revision is not None and backup_of is not None:
        _back_up(engine, backup_of.with_suffix(f".before-{SCHEMA_HEAD}.db"))
    upgrade(engine)
    return True


def _back_up(engine: Engine, target: Path) -> None:
    """A whole copy, with what is still in the write-ahead log; an older copy of the same migration is replaced."""
    target.unlink(missing_ok=True)
    with engine.connect() as connection:
        connection.exec_driver_sql("VACUUM INTO ?", (str(target),))
    target.chmod(0o600)


def _refuse_network_file_system(path: Path) -> None:
    kind = file_system_type(path.parent)
    if kind in _NETWORK_FILE_SYSTEMS:
        raise NotSupportedError(
            f"{path.parent} lies on a network file system ({kind}), where SQLite can lose data",
            hint="set TRADEWIND_STATE_DIR to a folder on a local disk",
        )


def file_system_type(folder: Path) -> str | None:
    """The type of the file system a folder lies on, as /proc/mounts has it; None where there is no such file."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    best, kind = "", None
    target = str(folder.resolve())
    for line in mounts.splitlines():
        fields = line.split()
        point = fields[1].replace("\\040", " ")
        inside = target == point or target.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind
