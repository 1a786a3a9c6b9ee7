"""The offers that the server holds in memory, always those of the newest snapshots.

Nothing is read before somebody asks, and numpy is not loaded before either: a server that nobody asks for offers
stays small.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Row, select

from tradewind.catalog.ranks import rank_of
from tradewind.db import price_tables
from tradewind.db.owners import Caller
from tradewind.db.price_rows import open_to
from tradewind.db.store import Store, Transaction
from tradewind.domain.errors import NotFoundError
from tradewind.providers.base import Offload

if TYPE_CHECKING:
    from tradewind.domain.offer_table import OfferTable

log = structlog.get_logger(__name__)
_KEPT_MERGES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A source as it was when the shelf last looked."""

    id: str
    name: str
    rank: int
    version: int
    fetched_at: datetime | None

    @property
    def title(self) -> str:
        return self.name.partition("@")[0]


class Catalog:
    """Offers of all sources that a caller may see."""

    def __init__(self, store: Store, offload: Offload) -> None:
        self._store = store
        self._offload = offload
        self._lock = asyncio.Lock()
        #: Snapshots by source id, with their versions.
        self._tables: dict[str, tuple[int, OfferTable]] = {}
        #: Merged tables by what they were merged from, the one used last at the end.
        self._merged: dict[tuple[_Held, ...], OfferTable] = {}
        #: Called whenever somebody asks, before the answer: whoever fetches prices may bring what is missing.
        self.on_ask: Callable[[], Awaitable[None]] | None = None

    async def table(self, caller: Caller | None, source: str | None = None) -> OfferTable:
        """What the caller may see: each offer as the best source has it, or everything that one source says.
        Nobody in particular sees what everybody sees.

        Raises:
            NotFoundError: no source of this name is known to the caller.
        """
        if self.on_ask is not None:
            await self.on_ask()
        held = await self._store.read(lambda tx: _held(tx, caller))
        if source is not None:
            named = [each for each in held if each.title == source]
            if not named:
                return await self._from_within(held, source)
            held = named
        return await self._merge(tuple(each for each in held if each.version))

    async def _from_within(self, held: list[_Held], source: str) -> OfferTable:
        """The offers that carry this name as their source, whichever source brought them."""
        import numpy as np

        parts = [await self._merge((each,)) for each in held if each.version]
        found = []
        for table in parts:
            if source in table.words["source"]:
                code = table.words["source"].index(source)
                found.append(table.take(np.asarray(table.codes["source"] == code, dtype=np.bool_)))
        if not any(len(table) for table in found):
            known = sorted(
                {each.title for each in held} | {w for each in parts for w in each.words["source"] if w}
            )
            raise NotFoundError(
                f"no price source is called {source!r}", hint=f"known sources: {', '.join(known)}"
            )
        return type(found[0]).concat(found)

    async def _merge(self, held: tuple[_Held, ...]) -> OfferTable:
        async with self._lock:
            merged = self._merged.pop(held, None)
            if merged is None:
                await self._load(held)
                tables = [(each, self._tables[each.id][1]) for each in held if each.id in self._tables]
                merged = await self._offload(_merge, tables)
            self._merged[held] = merged
            while len(self._merged) > _KEPT_MERGES:
                del self._merged[next(iter(self._merged))]
            return merged

    async def _load(self, held: tuple[_Held, ...]) -> None:
        wanted = [each.id for each in held if self._tables.get(each.id, (0,))[0] != each.version]
        if not wanted:
            return
        for row in await self._store.read(lambda tx: _snapshots(tx, wanted)):
            try:
                self._tables[row.id] = (row.snapshot_version, await self._offload(_unpack, row.snapshot))
            except ValueError as error:
                # Of another version of ours, or damaged: the next fetch replaces it.
                self._tables.pop(row.id, None)
                log.warning("catalog.snapshot_unreadable", source=row.id, error=str(error))


def _held(tx: Transaction, caller: Caller | None) -> list[_Held]:
    table = price_tables.price_sources
    columns = (table.c.id, table.c.name, table.c.settings, table.c.snapshot_version, table.c.fetched_at)
    rows = tx.execute(
        select(*columns, table.c.snapshot.is_not(None))
        .where(open_to(caller, table), table.c.is_enabled)
        .order_by(table.c.name)
    )
    return [
        _Held(
            id=row[0],
            name=row[1],
            rank=rank_of(row[1], row[2]),
            version=row[3] if row[5] else 0,
            fetched_at=row[4],
        )
        for row in rows
    ]


def _snapshots(tx: Transaction, source_ids: list[str]) -> list[Row[*tuple[Any, ...]]]:
    table = price_tables.price_sources
    return list(
        tx.execute(
            select(table.c.id, table.c.snapshot_version, table.c.snapshot).where(
                table.c.id.in_(source_ids), table.c.snapshot.is_not(None)
            )
        )
    )


def _unpack(packed: bytes) -> OfferTable:
    from tradewind.domain.offer_table import OfferTable

    return OfferTable.from_bytes(packed)


def _merge(tables: list[tuple[_Held, OfferTable]]) -> OfferTable:
    from tradewind.catalog.merging import Part, merge

    return merge(
        [
            Part(name=each.title, rank=each.rank, fetched_at=each.fetched_at, table=table)
            for each, table in tables
        ]
    )
