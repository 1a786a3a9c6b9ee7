"""Attempts on several nodes"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradewind.db.columns import UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("nodes", sa.Integer(), server_default="1", nullable=False))
    with op.batch_alter_table("allocations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rank", sa.Integer(), server_default="0", nullable=False))
        batch_op.drop_constraint("uq_allocations_attempt_id", type_="unique")
        batch_op.create_unique_constraint("uq_allocations_attempt_id_rank", ["attempt_id", "rank"])
    if op.get_bind().dialect.name == "postgresql":
        # The id of a node is longer than the word that this was made for. SQLite holds nobody to a length.
        op.alter_column(
            "tasks",
            "place",
            existing_type=sa.String(length=8),
            type_=sa.String(length=40),
            existing_nullable=True,
        )
    _ranks()


def _ranks() -> None:
    op.create_table(
        "ranks",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("project_id", sa.String(length=40), nullable=False),
        sa.Column("creator_id", sa.String(length=40), nullable=False),
        sa.Column("attempt_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("node_id", sa.String(length=40), nullable=False),
        sa.Column("offer", sa.JSON(), nullable=False),
        sa.Column("address", sa.String(length=255), nullable=True),
        sa.Column("handle", sa.JSON(), nullable=True),
        sa.Column("cursor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("observed", sa.JSON(), nullable=False),
        sa.Column("energy_j", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("explanation", sa.Text(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("signal", sa.Integer(), nullable=True),
        sa.Column("accepted_at", UtcTime(), nullable=True),
        sa.Column("started_at", UtcTime(), nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name=op.f("fk_ranks_attempt_id_attempts")),
        sa.ForeignKeyConstraint(["creator_id"], ["users.id"], name=op.f("fk_ranks_creator_id_users")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_ranks_node_id_nodes")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_ranks_project_id_projects")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ranks")),
        sa.UniqueConstraint("attempt_id", "number", name=op.f("uq_ranks_attempt_id_number")),
    )
    with op.batch_alter_table("ranks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ranks_node_id"), ["node_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ranks_project_id"), ["project_id"], unique=False)
