"""Budgets, what is needed to count in them, and providers' invoices"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from tradewind.db.columns import UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "budgets",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("project_id", sa.String(length=40), nullable=False),
        sa.Column("creator_id", sa.String(length=40), nullable=False),
        sa.Column("team_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("amount_micro", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("thresholds", sa.JSON(), nullable=False),
        sa.Column("channel_ids", sa.JSON(), nullable=False),
        sa.Column("max_hourly_micro", sa.BigInteger(), nullable=True),
        sa.Column("max_concurrent_jobs", sa.Integer(), nullable=True),
        sa.Column("watches_anomalies", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("refused_at", UtcTime(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("next_due_at", UtcTime(), nullable=True),
        sa.Column("lease_token", sa.String(length=40), nullable=True),
        sa.Column("lease_expires_at", UtcTime(), nullable=True),
        sa.Column("lease_failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("wakes", sa.Integer(), server_default="0", nullable=False),
        *_owners("budgets"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_budgets_team_id_teams")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budgets")),
        sa.UniqueConstraint("team_id", "name", name=op.f("uq_budgets_team_id_name")),
    )
    op.create_index(op.f("ix_budgets_project_id"), "budgets", ["project_id"])
    op.create_index(op.f("ix_budgets_next_due_at"), "budgets", ["next_due_at"])
    op.create_index("ix_budgets_scope", "budgets", ["team_id", "scope", "target"])
    op.create_table(
        "budget_notices",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("project_id", sa.String(length=40), nullable=False),
        sa.Column("creator_id", sa.String(length=40), nullable=False),
        sa.Column("budget_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        *_owners("budget_notices"),
        sa.ForeignKeyConstraint(
            ["budget_id"], ["budgets.id"], name=op.f("fk_budget_notices_budget_id_budgets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_notices")),
        sa.UniqueConstraint("key", name=op.f("uq_budget_notices_key")),
    )
    op.create_index(op.f("ix_budget_notices_project_id"), "budget_notices", ["project_id"])
    op.create_index(op.f("ix_budget_notices_budget_id"), "budget_notices", ["budget_id"])
    _create_invoices()
    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("provider", sa.String(length=32), server_default="", nullable=False))
        batch_op.add_column(sa.Column("market", sa.String(length=16), server_default="owned", nullable=False))
        batch_op.add_column(sa.Column("accrued_micro", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("hourly_micro", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.create_index("ix_reservations_live", ["released_at", "project_id"])
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.add_column(sa.Column("accelerator", sa.String(length=64), server_default="", nullable=False))
        batch_op.add_column(sa.Column("accelerator_count", sa.Float(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("resource", sa.String(length=255), nullable=True))
        batch_op.create_index("ix_ledger_project_ended", ["project_id", "ended_at"])
    _fill_in()


def _create_invoices() -> None:
    op.create_table(
        "invoices",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("project_id", sa.String(length=40), nullable=False),
        sa.Column("creator_id", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        *_owners("invoices"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
    )
    op.create_index(op.f("ix_invoices_project_id"), "invoices", ["project_id"])
    op.create_table(
        "invoice_lines",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("project_id", sa.String(length=40), nullable=False),
        sa.Column("creator_id", sa.String(length=40), nullable=False),
        sa.Column("invoice_id", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=False),
        sa.Column("resource", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("quantity", sa.String(length=32), nullable=False),
        sa.Column("unit", sa.String(length=32), nullable=False),
        sa.Column("amount_micro", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        *_owners("invoice_lines"),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_invoice_lines_invoice_id_invoices")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_lines")),
        sa.UniqueConstraint(
            "project_id",
            "provider",
            "fingerprint",
            name=op.f("uq_invoice_lines_project_id_provider_fingerprint"),
        ),
    )
    op.create_index(op.f("ix_invoice_lines_project_id"), "invoice_lines", ["project_id"])
    op.create_index(op.f("ix_invoice_lines_invoice_id"), "invoice_lines", ["invoice_id"])


def _owners(table: str) -> list[Any]:
    return [
        sa.ForeignKeyConstraint(["creator_id"], ["users.id"], name=op.f(f"fk_{table}_creator_id_users")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f(f"fk_{table}_project_id_projects")
        ),
    ]


def _fill_in() -> None:
    """Says of holds where they are, and of what was paid the accelerators that the job was placed on."""
    op.execute(
        "UPDATE reservations SET provider = (SELECT provider FROM attempts WHERE attempts.id = reservations.attempt_id)"
    )
    op.execute(
        "UPDATE ledger SET accelerator = COALESCE((SELECT max(predictions.accelerator) FROM predictions "
        "WHERE predictions.job_id = ledger.job_id), ''), "
        "accelerator_count = COALESCE((SELECT max(predictions.accelerator_count) FROM predictions "
        "WHERE predictions.job_id = ledger.job_id), 0)"
    )
