"""How much of a job's work is done, and how much of that would be lost with its machine."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from tradewind.control.records import fraction_of
from tradewind.db import tables
from tradewind.db.rows import AttemptRow
from tradewind.db.store import Transaction

#: Work that is only presumed to be done never counts as all of it.
_MOST_PRESUMED = 0.99


def share_kept(tx: Transaction, task_id: str) -> float:
    """The share of a waiting task's work that its newest kept checkpoint has, as far as its attempt told; else 0."""
    kept = tables.checkpoints
    newest = tx.execute(
        select(kept.c.attempt_id, kept.c.created_at)
        .where(kept.c.task_id == task_id, kept.c.state == "kept")
        .order_by(kept.c.created_at.desc())
        .limit(1)
    ).first()
    if newest is None:
        return 0.0
    return share_at(AttemptRow.get(tx, newest[0]), newest[1]) or 0.0


def share_at(attempt: AttemptRow, moment: datetime) -> float | None:
    """What an attempt's progress was at a moment, on a straight line between what it told; None: it told nothing."""
    first, last = attempt.observed.get("progress_from"), attempt.observed.get("progress_to")
    if first is None or (last or {}).get("starts_over"):
        return None
    at = moment.timestamp()
    if last is None or at <= float(first["at"]):
        return float(first["fraction"]) if at >= float(first["at"]) else 0.0
    span = float(last["at"]) - float(first["at"])
    part = min((at - float(first["at"])) / span, 1.0) if span > 0 else 1.0
    return float(first["fraction"]) + part * (float(last["fraction"]) - float(first["fraction"]))


def share_now(attempt: AttemptRow, now: datetime, hours_p90: float | None) -> float:
    """The share that a running attempt has done: as it told, else presumed from how long it has run."""
    told = fraction_of(attempt.observed.get("progress") or {})
    if told is not None and not (attempt.observed.get("progress_to") or {}).get("starts_over"):
        return told
    if attempt.started_at is None or attempt.resumed_from is not None or not hours_p90:
        return 0.0
    ran = (now - attempt.started_at) / timedelta(hours=1)
    return min(max(ran, 0.0) / hours_p90, _MOST_PRESUMED)


def at_risk(attempt: AttemptRow, checkpoint_at: datetime | None, now: datetime) -> timedelta:
    """Running time since the last checkpoint that is kept."""
    if attempt.started_at is None:
        return timedelta(0)
    since = max(checkpoint_at or attempt.started_at, attempt.started_at)
    return max(now - since, timedelta(0))
