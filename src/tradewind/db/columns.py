"""Column types and groups of columns that several tables share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time, stored as integer microseconds since 1970: exact and ordered on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


def id_column(name: str = "id", **options: Any) -> Column[str]:
    """A prefixed id."""
    return Column(name, String(40), **options)


def owner_columns() -> list[Column[Any]]:
    """Who a row belongs to (invariant 7)."""
    return [
        Column("project_id", String(40), ForeignKey("projects.id"), nullable=False, index=True),
        Column("creator_id", String(40), ForeignKey("users.id"), nullable=False),
    ]


def lease_columns() -> list[Column[Any]]:
    """What the lease runner needs on a row that a controller looks after.

    `wakes` counts wake-ups: one that arrives while a step is under way makes the row due again at once.
    """
    return [
        Column("next_due_at", UtcTime, nullable=True, index=True),
        Column("lease_token", String(40), nullable=True),
        Column("lease_expires_at", UtcTime, nullable=True),
        Column("lease_failures", Integer, nullable=False, default=0, server_default="0"),
        Column("wakes", Integer, nullable=False, default=0, server_default="0"),
    ]
