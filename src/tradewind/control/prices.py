"""Asks the sources of prices, each in its own time.

Nothing is asked before somebody wants offers: a server that nobody asks makes no traffic. What ships is read at that
moment; everything else follows by itself, at most once in the time that its prices are good for. A source that
fails or hangs holds up no other, and what it said last stays, with its age.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import update

from tradewind.catalog.ranks import SHIPPED
from tradewind.catalog.snapshot import compare_and_pack, read_snapshot, write_snapshot
from tradewind.control import leases
from tradewind.control.patience import within
from tradewind.control.price_sources import Wanted, all_rows
from tradewind.control.runner import Apply
from tradewind.db import price_tables
from tradewind.db.price_rows import PriceSourceRow
from tradewind.db.rows import StaleRowError
from tradewind.db.store import Store, Transaction
from tradewind.domain.clock import Clock, Entropy
from tradewind.domain.errors import ProviderError, TradewindError
from tradewind.providers.base import Offload
from tradewind.providers.prices import PriceSource, Wire

if TYPE_CHECKING:
    import httpx2

    from tradewind.catalog.comparing import Difference

log = structlog.get_logger(__name__)

#: A source that has not answered by then has failed.
TIME_LIMIT_S: Final = 180.0
#: The same for one that is large or slow, and therefore asked only when it is named.
LARGE_TIME_LIMIT_S: Final = 1800.0
_SHORTEST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=6)
_LONGEST_ERROR: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the controller gets its sources from, and what they get. `load` may take a while: it imports."""

    names: Sequence[str]
    load: Callable[[str], PriceSource]
    environment: Mapping[str, str]
    make_http: Callable[[], AbstractAsyncContextManager[httpx2.AsyncClient]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What a source said, compared with what it said before."""

    asked_at: datetime
    version: int
    difference: Difference
    packed: bytes


class PriceController:
    """Looks after the rows of `price_sources`."""

    row_type = PriceSourceRow

    def __init__(
        self, store: Store, clock: Clock, entropy: Entropy, offload: Offload, sources: Sources, wanted: Wanted
    ) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._offload = offload
        self._sources = sources
        self._wanted = wanted
        self._lock = asyncio.Lock()
        self._is_awake = False
        #: Sources that somebody wants to hear of since this process began.
        self._asked: set[str] = set()
        self._loaded: dict[str, PriceSource] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Every source that is installed."""
        return tuple(self._sources.names)

    async def ask(self) -> None:
        """Somebody wants offers. The first time, what ships is read, and the others are set going."""
        if self._is_awake:
            return
        async with self._lock:
            if self._is_awake:
                return
            try:
                await self._wake_up()
            except Exception:
                # What is on the shelf is served all the same.
                log.exception("prices.waking_failed")
            self._is_awake = True

    async def credentials_changed(self) -> None:
        """Sets going what there was no credential for until now, and what failed with the one there was."""
        if not self._is_awake:
            return
        async with self._lock:
            await self._wake_up()
            await self._store.run(self._try_again)

    def _try_again(self, tx: Transaction) -> None:
        for row in all_rows(tx):
            source = self._loaded.get(row.name)
            has_failed = row.error is not None and row.name in self._asked
            if has_failed and source is not None and self._credentials(source):
                leases.wake(tx, price_tables.price_sources, row.id)

    async def refresh(self, row: PriceSourceRow) -> None:
        """Makes the source be asked now, whatever its age, and also one that is asked only on request."""
        self._asked.add(row.name)
        await self._store.run(lambda tx: leases.wake(tx, price_tables.price_sources, row.id))

    async def act(self, row: PriceSourceRow) -> Apply[PriceSourceRow]:
        """Asks the source, if it is wanted. What it says is applied in one transaction."""
        if row.name not in self._asked or not row.is_enabled:
            return lambda _tx, _row: None
        asked_at = self._clock.now()
        try:
            source = await self._load(row.name)
            answer = await self._ask(row, source, asked_at)
        except Exception as error:
            return self._failed(row, error)
        pause = source.max_age * (1 + self._entropy.uniform() / 10)
        return lambda tx, now: _apply(tx, now, answer, tx.now + pause)

    async def state_of(self, row: PriceSourceRow) -> str:
        """In words: `asked every 6 h`, `needs LAMBDA_API_KEY`, `switched off`, …"""
        if row.settings.get("format"):
            return "imported" if row.is_enabled else "removed"
        if not row.is_enabled:
            return "switched off"
        if row.name in SHIPPED:
            return "ships with Tradewind"
        try:
            source = await self._load(row.name)
        except Exception as error:
            return f"cannot be loaded ({type(error).__name__})"
        missing = self._missing(source)
        if missing:
            return f"needs {' and '.join(missing)}"
        if source.is_opt_in and not self._wanted.names_it(row.name):
            return "on request"
        hours = source.max_age.total_seconds() / 3600
        return f"asked every {hours:g} h" if hours >= 1 else f"asked every {hours * 60:.0f} min"

    async def _wake_up(self) -> None:
        rows = await self._store.read(all_rows)
        due: dict[str, datetime] = {}
        for row in rows:
            if not row.is_enabled or row.name not in self._sources.names or row.name in self._asked:
                continue
            if row.name in SHIPPED:
                self._asked.add(row.name)
                await self._take_now(row)
                continue
            try:
                source = await self._load(row.name)
            except Exception as error:
                await self._store.run(lambda tx, row=row, error=error: _note(tx, row, _words(error, {})))  # type: ignore[misc]
                continue
            if self._missing(source) or (source.is_opt_in and not self._wanted.names_it(row.name)):
                continue
            self._asked.add(row.name)
            fresh_until = row.fetched_at + source.max_age if row.fetched_at else None
            due[row.id] = max(self._clock.now(), fresh_until) if fresh_until else self._clock.now()
        await self._store.run(lambda tx: _set_due(tx, due))

    async def _take_now(self, row: PriceSourceRow) -> None:
        """Reads a source that needs no network, at once."""
        apply = await self.act(row)
        try:
            await self._store.run(lambda tx: apply(tx, PriceSourceRow.get(tx, row.id)))
        except StaleRowError:
            log.info("prices.already_read", source=row.name)

    async def _load(self, name: str) -> PriceSource:
        if name not in self._loaded:
            self._loaded[name] = await self._offload(self._sources.load, name)
        return self._loaded[name]

    def _missing(self, source: PriceSource) -> list[str]:
        return [name for name in source.credentials if not self._sources.environment.get(name)]

    def _credentials(self, source: PriceSource) -> dict[str, str]:
        names = (*source.credentials, *getattr(source, "optional_credentials", ()))
        environment = self._sources.environment
        return {name: environment[name] for name in names if environment.get(name)}

    async def _ask(self, row: PriceSourceRow, source: PriceSource, asked_at: datetime) -> _Answer:
        async with self._sources.make_http() as http:
            wire = Wire(
                http=http,
                clock=self._clock,
                offload=self._offload,
                credentials=self._credentials(source),
                settings=row.settings,
            )
            limit_s = LARGE_TIME_LIMIT_S if source.is_opt_in else TIME_LIMIT_S
            offers = await within(self._clock, source.fetch(wire), limit_s)
        version, packed = await self._store.read(lambda tx: read_snapshot(tx, row.id))
        difference, repacked = await self._offload(compare_and_pack, packed, offers, row.name, asked_at)
        return _Answer(asked_at=asked_at, version=version, difference=difference, packed=repacked)

    def _failed(self, row: PriceSourceRow, error: Exception) -> Apply[PriceSourceRow]:
        source = self._loaded.get(row.name)
        said = _words(error, self._credentials(source) if source else {})
        log.warning("prices.source_failed", source=row.name, error=said)
        pause = _SHORTEST_PAUSE
        if row.error is not None and row.tried_at is not None:
            pause = max(2 * (self._clock.now() - row.tried_at), pause)
        pause = min(pause, _LONGEST_PAUSE) * (1 + self._entropy.uniform() / 4)
        if isinstance(error, ProviderError) and error.retry_after_s:
            pause = max(pause, min(timedelta(seconds=error.retry_after_s), timedelta(days=1)))

        def apply(tx: Transaction, now: PriceSourceRow) -> datetime:
            _note(tx, now, said)
            return tx.now + pause

        return apply


def _set_due(tx: Transaction, due: Mapping[str, datetime]) -> None:
    table = price_tables.price_sources
    for source_id, when in due.items():
        tx.execute(update(table).where(table.c.id == source_id).values(next_due_at=when))
    tx.wake(table.name)


def _apply(tx: Transaction, row: PriceSourceRow, answer: _Answer, due_at: datetime) -> datetime:
    write_snapshot(
        tx, row, answer.difference, version=answer.version, fetched_at=answer.asked_at, packed=answer.packed
    )
    return due_at


def _note(tx: Transaction, row: PriceSourceRow, error: str) -> None:
    table = price_tables.price_sources
    tx.execute(update(table).where(table.c.id == row.id).values(tried_at=tx.now, error=error))
    tx.wake(table.name)


def _words(error: Exception, credentials: Mapping[str, str]) -> str:
    """The error as a user may see it: without credentials, and not longer than it must be."""
    if isinstance(error, TradewindError):
        said = error.message
    elif isinstance(error, TimeoutError):
        said = str(error)
    else:
        said = f"its answer cannot be used ({type(error).__name__}: {error})"
    for secret in credentials.values():
        said = said.replace(secret, "***")
    return said[:_LONGEST_ERROR]
