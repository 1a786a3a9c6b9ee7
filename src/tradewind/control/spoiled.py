"""Checkpoints that a loss that was no longer a number may be in: nothing is resumed from them."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import and_, func, or_, select, update

from tradewind.control.health import is_loss
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.rows import AttemptRow
from tradewind.db.store import Transaction

SPOILED = "spoiled"


def set_aside(tx: Transaction, attempt: AttemptRow) -> None:
    """Before a restart: puts checkpoints aside that were written since the loss went wrong, and says so.

    When the attempt wrote none before that, the one it was resumed from leads there too, and is put aside as well: the
    restart goes one further back each time, and never round in a circle.
    """
    first = first_non_finite(attempt)
    if first is None:
        return
    since, step = first
    table = tables.checkpoints
    ours = and_(table.c.attempt_id == attempt.id, table.c.state == "kept")
    bad = table.c.created_at >= datetime.fromtimestamp(since, UTC)
    if step is not None:
        bad = or_(bad, table.c.step >= step)
    wrote_good = tx.execute(select(func.count()).where(ours, ~bad)).scalar_one()
    spoiled = int(tx.execute(update(table).where(ours, bad).values(state=SPOILED)).rowcount)
    if not wrote_good and attempt.resumed_from is not None:
        spoiled += int(
            tx.execute(
                update(table)
                .where(table.c.id == attempt.resumed_from, table.c.state == "kept")
                .values(state=SPOILED)
            ).rowcount
        )
    if not spoiled:
        return
    left = tx.execute(
        select(table.c.path)
        .where(table.c.task_id == attempt.task_id, table.c.state == "kept")
        .order_by(table.c.created_at.desc(), table.c.id.desc())
        .limit(1)
    ).scalar()
    passed = "1 checkpoint is" if spoiled == 1 else f"{spoiled} checkpoints are"
    where = f"the next attempt resumes from {left}" if left else "the next attempt begins anew"
    append_event(
        tx, attempt.job_id, "checkpoint.passed_over",
        f"{passed} passed over, because the loss was no longer a number soon after or before: {where}",
        {"count": spoiled, "resumes_from": left, "step": step},
    )  # fmt: skip


def first_non_finite(attempt: AttemptRow) -> tuple[float, float | None] | None:
    """When, by the machine's clock, and at which step a loss of this attempt was first not a number."""
    found = [
        (float(each["since"]), each.get("step"))
        for name, each in (attempt.observed.get("non_finite") or {}).items()
        if is_loss(name) and not each.get("is_over")
    ]
    return min(found, key=lambda each: each[0]) if found else None
