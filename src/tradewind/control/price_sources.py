"""Which sources of prices there are, and which of them the user wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import insert, update

from tradewind.catalog.ranks import SHIPPED
from tradewind.db import price_tables
from tradewind.db.price_rows import PriceSourceRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.errors import InvalidInputError

#: `TRADEWIND_PRICE_SOURCES`: everything that can be asked, or only what ships.
AUTO: Final = "auto"
SHIPPED_ONLY: Final = "shipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which sources are used. `names` None: all that need no more than there is."""

    names: frozenset[str] | None = None

    @classmethod
    def parse(cls, text: str) -> Wanted:
        """`auto`, `shipped`, or names with commas."""
        if text.strip() in {"", AUTO}:
            return cls()
        if text.strip() == SHIPPED_ONLY:
            return cls(names=SHIPPED)
        return cls(names=frozenset(name.strip() for name in text.split(",") if name.strip()))

    def check(self, known: Sequence[str]) -> None:
        """Raises InvalidInputError for a name that no source has."""
        unknown = sorted((self.names or frozenset()) - set(known) - SHIPPED)
        if unknown:
            raise InvalidInputError(
                f"no price source is called {', '.join(unknown)} (in TRADEWIND_PRICE_SOURCES or [prices] sources)",
                hint=f"known sources: {', '.join(known)}; or `{AUTO}`, `{SHIPPED_ONLY}`",
            )

    def includes(self, name: str) -> bool:
        """True if the source of this name may be used at all."""
        return self.names is None or name in self.names

    def names_it(self, name: str) -> bool:
        """True if the user has said this very name."""
        return self.names is not None and name in self.names


def ensure_sources(tx: Transaction, names: Sequence[str], wanted: Wanted, *, is_alone: bool = True) -> None:
    """One row per known source; those that are not wanted are switched off.

    At the start of a process that is alone none of them is due, and leases of a dead one are ended.
    """
    table = price_tables.price_sources
    if is_alone:
        tx.execute(update(table).values(lease_token=None, lease_expires_at=None, next_due_at=None))
    rows = {row.name: row for row in all_rows(tx)}
    for name in names:
        if name not in rows:
            tx.execute(
                insert(table).values(
                    id=tx.new_id(ids.PRICE_SOURCE),
                    name=name,
                    settings={},
                    is_enabled=wanted.includes(name),
                    created_at=tx.now,
                )
            )
    for row in rows.values():
        is_enabled = row.name in names and wanted.includes(row.name)
        if not row.settings.get("format") and row.is_enabled != is_enabled:
            tx.execute(update(table).where(table.c.id == row.id).values(is_enabled=is_enabled))


def all_rows(tx: Transaction) -> list[PriceSourceRow]:
    statement = PriceSourceRow.select().order_by(PriceSourceRow.table.c.name)
    return [PriceSourceRow.of(row) for row in tx.execute(statement)]
