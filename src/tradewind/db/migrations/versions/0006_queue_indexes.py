"""Indexes for the next task that may be tried again, and for earlier runs of the same work"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_tasks_retry", "tasks", ["status", "not_before"])
    op.drop_index("ix_predictions_fingerprint", "predictions")
    op.create_index("ix_predictions_work", "predictions", ["project_id", "fingerprint", "closed_at"])
