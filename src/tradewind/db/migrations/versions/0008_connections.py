"""What connections need to be used, and secrets of the installation"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradewind.db.columns import UtcTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installation_secrets",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation_secrets")),
    )
    with op.batch_alter_table("connections", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("state", sa.String(length=16), server_default="prices_only", nullable=False)
        )
        batch_op.add_column(
            sa.Column("source", sa.String(length=16), server_default="stored", nullable=False)
        )
        batch_op.add_column(sa.Column("account", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("error", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("examined_at", UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("updated_at", UtcTime(), nullable=True))
