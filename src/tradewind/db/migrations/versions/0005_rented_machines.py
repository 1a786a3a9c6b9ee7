"""Rented machines, singleton loops, refusals and decisions"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _lease_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("next_due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.String(length=40), nullable=True),
        sa.Column("lease_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("wakes", sa.Integer(), server_default="0", nullable=False),
    ]


def upgrade() -> None:
    _nodes()
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("place", sa.String(length=8), nullable=True))
        batch_op.add_column(sa.Column("wish", sa.JSON(), nullable=True))
    with op.batch_alter_table("intents", schema=None) as batch_op:
        batch_op.alter_column("attempt_id", existing_type=sa.String(length=40), nullable=True)
        batch_op.add_column(sa.Column("node_id", sa.String(length=40), nullable=True))
        batch_op.create_foreign_key("fk_intents_node_id_nodes", "nodes", ["node_id"], ["id"])
        batch_op.create_index("ix_intents_node_id", ["node_id"])
    op.create_table(
        "loops",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        *_lease_columns(),
        sa.PrimaryKeyConstraint("id", name="pk_loops"),
    )
    op.create_index("ix_loops_next_due_at", "loops", ["next_due_at"])
    op.create_table(
        "refusals",
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("instance_type", sa.String(length=128), nullable=False),
        sa.Column("market", sa.String(length=16), nullable=False),
        sa.Column("fault", sa.String(length=32), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("refused_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "region", "zone", "instance_type", "market", name="pk_refusals"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("project_id", sa.String(length=40), nullable=False),
        sa.Column("creator_id", sa.String(length=40), nullable=False),
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("attempt_id", sa.String(length=40), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("arithmetic", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_decisions_project_id_projects"),
        sa.ForeignKeyConstraint(["creator_id"], ["users.id"], name="fk_decisions_creator_id_users"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_decisions_job_id_jobs"),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_project_id", "decisions", ["project_id"])
    op.create_index("ix_decisions_job_id", "decisions", ["job_id"])


def _nodes() -> None:
    with op.batch_alter_table("nodes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_rented", sa.Boolean(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("status", sa.String(length=16), server_default="ready", nullable=False))
        batch_op.add_column(sa.Column("desired", sa.String(length=8), server_default="keep", nullable=False))
        batch_op.add_column(sa.Column("reason", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("explanation", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("key", sa.String(length=128), nullable=True))
        batch_op.add_column(sa.Column("offer", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("handle", sa.JSON(), nullable=True))
        for name in ("attempt_id", "job_id"):
            batch_op.add_column(sa.Column(name, sa.String(length=40), nullable=True))
        for name in (
            "called_at", "accepted_at", "ready_at", "billed_from", "keep_until", "lost_since", "ended_at",
        ):  # fmt: skip
            batch_op.add_column(sa.Column(name, sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("observed", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))
        batch_op.create_index("uq_nodes_key", ["key"], unique=True)
        batch_op.create_index("ix_nodes_attempt_id", ["attempt_id"])
        batch_op.create_index("ix_nodes_job_id", ["job_id"])
        batch_op.create_index("ix_nodes_rented", ["is_rented", "status"])
