"""Connections as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Table

from tradewind.db import tables
from tradewind.db.rows import Owned
from tradewind.domain.schemas_connections import ConnectionState, CredentialSource


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRow(Owned):
    """A connection. What it is sealed with is bound to its id."""

    table: ClassVar[Table] = tables.connections
    provider: str
    name: str
    state: ConnectionState
    source: CredentialSource
    secret_ciphertext: bytes | None
    settings: dict[str, Any]
    account: dict[str, Any] | None
    error: str | None
    examined_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime | None
