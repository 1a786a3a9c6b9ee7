"""What a source last said, kept in one row; everything its prices ever were, in another table that only grows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy import insert, select, update

from tradewind.db import price_tables
from tradewind.db.price_rows import PriceSourceRow
from tradewind.db.rows import StaleRowError
from tradewind.db.store import Transaction
from tradewind.domain.offers import Offer

if TYPE_CHECKING:
    from tradewind.catalog.comparing import Difference

log = structlog.get_logger(__name__)

#: Of `price_changes`: what a change says, as the database keeps it (times in microseconds since 1970).
CHANGE_COLUMNS: Final = (
    "provider",
    "region",
    "zone",
    "instance_type",
    "accelerator",
    "accelerator_count",
    "market",
    "price_micro",
    "previous_micro",
    "currency",
    "availability",
    "seen_at",
)
_COLUMNS: Final = ("source_id", "project_id", *CHANGE_COLUMNS)


def read_snapshot(tx: Transaction, source_id: str) -> tuple[int, bytes | None]:
    """Version and bytes of the offers that a source last named; None before its first answer."""
    table = price_tables.price_sources
    row = tx.execute(select(table.c.snapshot_version, table.c.snapshot).where(table.c.id == source_id)).one()
    return int(row[0]), row[1]


def write_snapshot(
    tx: Transaction,
    source: PriceSourceRow,
    difference: Difference,
    *,
    version: int,
    fetched_at: datetime,
    packed: bytes,
) -> int:
    """Makes the compared table the source's newest, and appends what it changes to the history: both, or neither.

    `version` is that of the snapshot which was compared with. Returns the version that holds from now on.

    Raises:
        StaleRowError: the source has been given another snapshot since.
    """
    values: dict[str, Any] = {"tried_at": fetched_at, "fetched_at": fetched_at, "error": None}
    if not difference.is_same_table:
        values |= {
            "snapshot": packed,
            "snapshot_version": version + 1,
            "offer_count": len(difference.table),
        }
    table = price_tables.price_sources
    written = tx.execute(
        update(table).where(table.c.id == source.id, table.c.snapshot_version == version).values(**values)
    )
    if written.rowcount != 1:
        raise StaleRowError(f"the offers of {source.name} are no longer those that were compared with")
    if difference.is_same_table:
        return version
    tx.keep_commit_order()
    for rows in difference.changes(fetched_at):
        _append(tx, [(source.id, source.project_id, *row) for row in rows])
    tx.wake(table.name)
    return version + 1


def _append(tx: Transaction, rows: list[tuple[Any, ...]]) -> None:
    # Past the ORM's handling of each value, which takes three quarters of the time of a first import, while which
    # every other writer waits.
    dialect = tx.connection.dialect
    statement = insert(price_tables.price_changes).inline()
    compiled = statement.compile(dialect=dialect, column_keys=list(_COLUMNS))
    if dialect.positional:
        order = [_COLUMNS.index(name) for name in compiled.positiontup or ()]
        values: Any = [tuple(row[place] for place in order) for row in rows]
    else:
        values = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    tx.connection.exec_driver_sql(str(compiled), values)


def compare_and_pack(
    packed: bytes | None, offers: list[Offer], name: str, asked_at: datetime
) -> tuple[Difference, bytes]:
    """What these offers change, and the new snapshot. For a worker thread: it computes for a while."""
    from tradewind.catalog.comparing import compare
    from tradewind.domain.offer_table import OfferTable

    try:
        before = None if packed is None else OfferTable.from_bytes(packed)
    except ValueError as error:
        log.warning("prices.snapshot_unreadable", source=name, error=str(error))
        before = None
    difference = compare(before, OfferTable.of(offers), name=name, asked_at=asked_at)
    return difference, b"" if difference.is_same_table else difference.table.to_bytes()
