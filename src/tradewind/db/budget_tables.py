"""Tables of budgets and of providers' invoices."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    true,
)

from tradewind.db.columns import UtcTime, id_column, lease_columns, owner_columns
from tradewind.db.tables import metadata

#: Limits on what a project, a team, a user or a provider may cost. Whoever sets one is told of it.
budgets: Final = Table(
    "budgets",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    #: Budgets of users and providers count what the projects of this team cost.
    Column("team_id", String(40), ForeignKey("teams.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("scope", String(16), nullable=False),  # project | team | user | provider
    #: The id of a project, team or user; the name of a provider.
    Column("target", String(64), nullable=False),
    Column("period", String(8), nullable=False),  # day | week | month | total
    #: None: no limit on the amount, what is spent is only watched.
    Column("amount_micro", BigInteger, nullable=True),
    Column("currency", String(3), nullable=False),
    Column("action", String(16), nullable=False),  # notify | block_new | stop_spot | stop_all
    Column("thresholds", JSON, nullable=False),
    Column("channel_ids", JSON, nullable=False),
    Column("max_hourly_micro", BigInteger, nullable=True),
    Column("max_concurrent_jobs", Integer, nullable=True),
    Column("watches_anomalies", Boolean, nullable=False, default=True, server_default=true()),
    #: What was told already, so that a change is told once.
    Column("state", JSON, nullable=False),
    #: Set while something may be waiting because of it.
    Column("refused_at", UtcTime, nullable=True),
    Column("created_at", UtcTime, nullable=False),
    *lease_columns(),
    UniqueConstraint("team_id", "name"),
    Index("ix_budgets_scope", "team_id", "scope", "target"),
)
#: What was found about a budget, whether anybody was told or not.
budget_notices: Final = Table(
    "budget_notices",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("budget_id", String(40), ForeignKey("budgets.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),  # threshold | stop | anomaly
    Column("key", String(96), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)
#: Files of invoices that were imported.
invoices: Final = Table(
    "invoices",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("provider", String(32), nullable=False),
    Column("name", String(255), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)
#: Lines of invoices as they were imported. Never changed.
invoice_lines: Final = Table(
    "invoice_lines",
    metadata,
    id_column(primary_key=True),
    *owner_columns(),
    Column("invoice_id", String(40), ForeignKey("invoices.id"), nullable=False, index=True),
    Column("provider", String(32), nullable=False),
    #: Of its content and of how many equal ones came before it: what makes a second import harmless.
    Column("fingerprint", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Column("resource", String(255), nullable=False),
    Column("description", Text, nullable=False),
    Column("quantity", String(32), nullable=False),
    Column("unit", String(32), nullable=False),
    Column("amount_micro", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    UniqueConstraint("project_id", "provider", "fingerprint"),
)
