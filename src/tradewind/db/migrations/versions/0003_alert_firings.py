"""What alerts have found"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradewind.db.columns import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert_firings",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("project_id", sa.String(length=40), nullable=False),
        sa.Column("creator_id", sa.String(length=40), nullable=False),
        sa.Column("alert_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("was_muted", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["price_alerts.id"], name=op.f("fk_alert_firings_alert_id_price_alerts")
        ),
        sa.ForeignKeyConstraint(["creator_id"], ["users.id"], name=op.f("fk_alert_firings_creator_id_users")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_alert_firings_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_firings")),
        sa.UniqueConstraint("alert_id", "number", name=op.f("uq_alert_firings_alert_id_number")),
    )
    with op.batch_alter_table("alert_firings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_firings_project_id"), ["project_id"], unique=False)
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.add_column(sa.Column("firing_id", sa.String(length=40), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_notifications_firing_id_alert_firings"), "alert_firings", ["firing_id"], ["id"]
        )
        batch_op.create_index(batch_op.f("ix_notifications_firing_id"), ["firing_id"], unique=False)
