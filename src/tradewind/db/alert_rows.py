"""Alerts, channels and messages as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Table

from tradewind.db import price_tables
from tradewind.db.rows import Leased, Owned


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow(Leased):
    """An alert."""

    table: ClassVar[Table] = price_tables.price_alerts
    name: str
    condition: dict[str, Any]
    channel_ids: list[str]
    state: dict[str, Any]
    is_muted: bool
    created_at: datetime
    fired_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRow(Owned):
    """A channel. What it is sealed with is bound to its id."""

    table: ClassVar[Table] = price_tables.notification_channels
    name: str
    kind: str
    url_ciphertext: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRow(Leased):
    """A message to one channel."""

    table: ClassVar[Table] = price_tables.notifications
    channel_id: str
    alert_id: str | None
    firing_id: str | None
    key: str
    title: str
    body: str
    state: str
    tries: int
    error: str | None
    created_at: datetime
    sent_at: datetime | None
