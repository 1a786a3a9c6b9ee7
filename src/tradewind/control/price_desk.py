"""Price sources and history as users handle them: look, import, remove."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, update

from tradewind.catalog.ranks import PRICE_FILE
from tradewind.catalog.snapshot import compare_and_pack, read_snapshot, write_snapshot
from tradewind.control.offer_names import resolve_providers
from tradewind.db import price_tables
from tradewind.db.owners import Caller
from tradewind.db.price_rows import PriceSourceRow, open_to
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.errors import ConflictError, InvalidInputError, NotFoundError
from tradewind.domain.offers import Offer
from tradewind.domain.schemas_offers import (
    PriceImport,
    PriceImportAnswer,
    PriceSourceView,
    SourceFailure,
)

if TYPE_CHECKING:
    from tradewind.catalog.comparing import Difference

Compared = tuple["Difference", bytes]
_MOST_FAILURES: Final = 32


def visible_sources(tx: Transaction, caller: Caller | None) -> list[PriceSourceRow]:
    """The sources that the caller may see, by name."""
    table = PriceSourceRow.table
    statement = PriceSourceRow.select().where(open_to(caller, table)).order_by(table.c.name)
    return [PriceSourceRow.of(row) for row in tx.execute(statement)]


def find_source(tx: Transaction, caller: Caller, name: str) -> PriceSourceRow:
    """The source of this name. Raises NotFoundError with the known ones."""
    rows = visible_sources(tx, caller)
    for row in rows:
        if row.title == name:
            return row
    raise NotFoundError(
        f"no price source is called {name!r}", hint=f"known sources: {', '.join(row.title for row in rows)}"
    )


def source_view(row: PriceSourceRow, state: str) -> PriceSourceView:
    """A source as it is shown."""
    return PriceSourceView(
        name=row.title,
        is_imported=row.project_id is not None,
        is_enabled=row.is_enabled,
        state=state,
        offers=row.offer_count,
        version=row.snapshot_version,
        fetched_at=row.fetched_at,
        tried_at=row.tried_at,
        error=row.error,
        next_due_at=row.next_due_at,
    )


def failures_of(rows: list[PriceSourceRow]) -> list[SourceFailure]:
    """The sources whose last answer was an error."""
    return [
        SourceFailure(name=row.title, error=row.error, tried_at=row.tried_at, fetched_at=row.fetched_at)
        for row in rows
        if row.error is not None and row.is_enabled
    ][:_MOST_FAILURES]


def read_import(order: PriceImport, now: datetime) -> list[Offer]:
    """The offers of a file that was handed in. For a worker thread.

    Raises:
        InvalidInputError: what is wrong, where.
    """
    name = order.filename or order.name
    if order.format == PRICE_FILE:
        from tradewind.catalog.sources.price_file import read_price_file

        return read_price_file(order.content, name=name, seen_at=now, source_id=order.name)
    from tradewind.catalog.sources.skypilot import read_skypilot_csv

    if order.provider is None:
        raise InvalidInputError(
            "provider: a SkyPilot catalogue does not say whose prices it has",
            hint="give the provider, for example `--provider aws`",
        )
    (provider,) = resolve_providers([order.provider])
    return read_skypilot_csv(order.content, provider, name=name, seen_at=now, source_id=order.name)


def stored_import(
    tx: Transaction, caller: Caller, name: str, known: tuple[str, ...]
) -> tuple[int, bytes | None]:
    """Version and offers of what was imported under this name before.

    Raises:
        ConflictError: the name is that of a source that is not imported.
    """
    if name in known:
        raise ConflictError(f"{name} is the name of a price source", hint="choose another name")
    row = _imported(tx, caller, name)
    return (0, None) if row is None else read_snapshot(tx, row.id)


def write_import(
    tx: Transaction, caller: Caller, order: PriceImport, version: int, compared: Compared
) -> PriceImportAnswer:
    """Puts imported offers in the place of those that were imported under this name before."""
    row = _imported(tx, caller, order.name) or _add(tx, caller, order)
    difference, packed = compared
    if not row.is_enabled or row.settings.get("format") != order.format:
        tx.execute(
            update(row.table)
            .where(row.table.c.id == row.id)
            .values(is_enabled=True, settings={"format": order.format})
        )
    write_snapshot(tx, row, difference, version=version, fetched_at=tx.now, packed=packed)
    return import_answer(order.name, difference)


def import_answer(name: str, difference: Difference) -> PriceImportAnswer:
    """What was read, in figures."""
    from tradewind.catalog.identity import has_real_price

    table = difference.table
    priced = int(has_real_price(table).sum())
    return PriceImportAnswer(
        name=name, offers=len(table), changes=difference.change_count, unpriced=len(table) - priced
    )


def remove_import(
    tx: Transaction, caller: Caller, name: str, withdraw: Callable[[bytes | None, datetime], Compared]
) -> PriceSourceRow:
    """Withdraws the offers of an imported source. What its prices were stays in the history.

    Raises:
        NotFoundError: nothing was imported under this name.
        ConflictError: it is a source that was not imported.
    """
    found = find_source(tx, caller, name)
    if found.project_id is None:
        raise ConflictError(
            f"{name} was not imported, so it cannot be removed",
            hint="leave it out of TRADEWIND_PRICE_SOURCES to do without it",
        )
    version, packed = read_snapshot(tx, found.id)
    if found.is_enabled:
        difference, repacked = withdraw(packed, tx.now)
        write_snapshot(tx, found, difference, version=version, fetched_at=tx.now, packed=repacked)
        tx.execute(update(found.table).where(found.table.c.id == found.id).values(is_enabled=False))
    return PriceSourceRow.get(tx, found.id)


def withdrawn(name: str) -> Callable[[bytes | None, datetime], Compared]:
    """What leaves nothing of a source's offers."""
    return lambda packed, now: compare_and_pack(packed, [], name, now)


def _stored_name(caller: Caller, name: str) -> str:
    return f"{name}@{caller.project_id}"


def _imported(tx: Transaction, caller: Caller, name: str) -> PriceSourceRow | None:
    table = PriceSourceRow.table
    found = tx.execute(
        PriceSourceRow.select().where(open_to(caller, table), table.c.name == _stored_name(caller, name))
    ).first()
    return None if found is None else PriceSourceRow.of(found)


def _add(tx: Transaction, caller: Caller, order: PriceImport) -> PriceSourceRow:
    source_id = tx.new_id(ids.PRICE_SOURCE)
    tx.execute(
        insert(price_tables.price_sources).values(
            id=source_id,
            name=_stored_name(caller, order.name),
            project_id=caller.project_id,
            creator_id=caller.user_id,
            settings={"format": order.format},
            is_enabled=True,
            created_at=tx.now,
        )
    )
    return PriceSourceRow.get(tx, source_id)
