"""Rows about prices as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Table, or_

from tradewind.db import price_tables
from tradewind.db.owners import Caller
from tradewind.db.rows import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSourceRow(Kept):
    """A price source without its snapshot, which may have megabytes."""

    table: ClassVar[Table] = price_tables.price_sources
    name: str
    #: None: its prices are for everybody.
    project_id: str | None
    creator_id: str | None
    settings: dict[str, Any]
    is_enabled: bool
    tried_at: datetime | None
    fetched_at: datetime | None
    error: str | None
    offer_count: int
    snapshot_version: int
    created_at: datetime

    @property
    def title(self) -> str:
        """What users call it: the name without the project that an imported one belongs to."""
        return self.name.partition("@")[0]


def open_to(caller: Caller | None, table: Any) -> ColumnElement[bool]:
    """The condition that keeps a read to prices for everybody and, for a caller, those of their project."""
    if caller is None:
        everybody: ColumnElement[bool] = table.c.project_id.is_(None)
        return everybody
    condition: ColumnElement[bool] = or_(
        table.c.project_id.is_(None), table.c.project_id == caller.project_id
    )
    return condition
