"""The accelerators of an attempt as a column, so that jobs can be found by them"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_PAGE = 500


def upgrade() -> None:
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("accelerator", sa.String(length=64), nullable=False, server_default=""))
    _fill()


def _fill() -> None:
    attempts = sa.table(
        "attempts",
        sa.column("id", sa.String),
        sa.column("offer", sa.JSON),
        sa.column("accelerator", sa.String),
    )
    connection, last = op.get_bind(), ""
    while True:
        rows = connection.execute(
            sa.select(attempts.c.id, attempts.c.offer)
            .where(attempts.c.id > last)
            .order_by(attempts.c.id)
            .limit(_PAGE)
        ).all()
        if not rows:
            return
        last = rows[-1][0]
        for row_id, offer in rows:
            name = _name(offer)
            if name:
                connection.execute(
                    sa.update(attempts).where(attempts.c.id == row_id).values(accelerator=name[:64])
                )


def _name(offer: Any) -> str:
    known: dict[str, Any] = json.loads(offer) if isinstance(offer, str) else offer or {}
    held = known.get("accelerators") or []
    return str(known.get("accelerator") or (held[0]["name"] if held else ""))
