"""What is set on the settings page"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradewind.db.columns import UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installation_settings",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_installation_settings_user_id_users")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation_settings")),
    )
