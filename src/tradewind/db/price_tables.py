"""Tables of prices, alerts, preferences and predictions. Prices are appended, never overwritten."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from tradewind.db.columns import UtcTime, id_column, lease_columns, owner_columns
from tradewind.db.tables import BIG_KEY, metadata

#: One row per price source. A source that a user has imported belongs to a project; the others to nobody.
price_sources: Final = Table(
    "price_sources",
    metadata,
    id_column(primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("project_id", String(40), ForeignKey("projects.id"), nullable=True, index=True),
    Column("creator_id", String(40), ForeignKey("users.id"), nullable=True),
    Column("settings", JSON, nullable=False),
    Column("is_enabled", Boolean, nullable=False, default=True),
    Column("tried_at", UtcTime, nullable=True),
    Column("fetched_at", UtcTime, nullable=True),
    Column("error", Text, nullable=True),
    Column("offer_count", Integer, nullable=False, default=0, server_default="0"),
    #: Grows with every change of the snapshot, so that a cache knows when it is old.
    Column("snapshot_version", Integer, nullable=False, default=0, server_default="0"),
    Column("snapshot", LargeBinary, nullable=True),
    Column("created_at", UtcTime, nullable=False),
    *lease_columns(),
)
price_changes: Final = Table(
    "price_changes",
    metadata,
    Column("position", BIG_KEY, primary_key=True, autoincrement=True),
    Column("source_id", String(40), ForeignKey("price_sources.id"), nullable=False),
    Column("project_id", String(40), ForeignKey("projects.id"), nullable=True),
    Column("provider", String(32), nullable=False),
    Column("region", String(128), nullable=False),
    Column("zone", String(128), nullable=False),
    Column("instance_type", String(128), nullable=False),
    Column("accelerator", String(64), nullable=False),
    Column("accelerator_count", Float, nullable=False),
    Column("market", String(16), nullable=False),
    #: None: the offer was gone.
    Column("price_micro", BigInteger, nullable=True),
    Column("previous_micro", BigInteger, nullable=True),
    Column("currency", String(3), nullable=False),
    Column("availability", String(16), nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Index("ix_price_changes_offer", "provider", "instance_type", "region", "zone", "market", "seen_at"),
    Index("ix_price_changes_accelerator", "accelerator", "seen_at"),
    Index("ix_price_changes_source", "source_id", "seen_at"),
)
notification_channels: Final = Table(
    "notification_channels",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("name", String(64), nullable=False),
    #: What it is, without secrets, for example `slack` or `mailto`.
    Column("kind", String(32), nullable=False),
    Column("url_ciphertext", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("creator_id", "name"),
)
price_alerts: Final = Table(
    "price_alerts",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("name", String(64), nullable=False),
    Column("condition", JSON, nullable=False),
    Column("channel_ids", JSON, nullable=False),
    #: What the last look found, so that one change is told once.
    Column("state", JSON, nullable=False),
    Column("is_muted", Boolean, nullable=False, default=False),
    Column("created_at", UtcTime, nullable=False),
    Column("fired_at", UtcTime, nullable=True),
    *lease_columns(),
    UniqueConstraint("creator_id", "name"),
)
#: What an alert has found, one row per change, whether anybody was told or not.
alert_firings: Final = Table(
    "alert_firings",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("alert_id", String(40), ForeignKey("price_alerts.id"), nullable=False),
    #: Counts from 1 within the alert.
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("was_muted", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("alert_id", "number"),
)
notifications: Final = Table(
    "notifications",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("channel_id", String(40), ForeignKey("notification_channels.id"), nullable=False),
    Column("alert_id", String(40), ForeignKey("price_alerts.id"), nullable=True, index=True),
    Column("firing_id", String(40), ForeignKey("alert_firings.id"), nullable=True, index=True),
    #: One change is told once per channel.
    Column("key", String(128), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),  # pending | sent | failed
    Column("tries", Integer, nullable=False, default=0, server_default="0"),
    Column("error", Text, nullable=True),
    Column("created_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime, nullable=True),
    *lease_columns(),
)
preferences: Final = Table(
    "preferences",
    metadata,
    Column("user_id", String(40), ForeignKey("users.id"), primary_key=True),
    Column("values", JSON, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)
predictions: Final = Table(
    "predictions",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("job_id", String(40), ForeignKey("jobs.id"), nullable=False, index=True),
    Column("attempt_id", String(40), ForeignKey("attempts.id"), nullable=True),
    #: What makes two runs the same work: a hash of command, environment, workdir and what is said of the workload.
    Column("fingerprint", String(64), nullable=False),
    Column("provider", String(32), nullable=False),
    Column("accelerator", String(64), nullable=False),
    Column("accelerator_count", Float, nullable=False),
    Column("layer", String(16), nullable=False),
    Column("hours", JSON, nullable=True),  # {p10, p50, p90}
    Column("cost_micro", JSON, nullable=True),
    Column("energy_kwh", JSON, nullable=True),
    Column("actual_hours", Float, nullable=True),
    Column("actual_cost_micro", BigInteger, nullable=True),
    Column("actual_energy_kwh", Float, nullable=True),
    #: How far a run came that did not finish, and the hours that its pace implies for the whole.
    Column("fraction", Float, nullable=True),
    Column("implied_hours", Float, nullable=True),
    Column("outcome", String(16), nullable=True),
    Column("created_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime, nullable=True),
    Index("ix_predictions_work", "project_id", "fingerprint", "closed_at"),
)
