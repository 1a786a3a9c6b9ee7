"""The story of each job: a sequence without gaps, assigned under the job's row lock (invariant 3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.store import Transaction

CONTROL_PLANE: Final = "control-plane"
#: The topic that is woken by every event.
STREAM: Final = "events"
#: What the column can hold: PostgreSQL compares with nothing larger.
_LARGEST_SEQ: Final = 2**31 - 1


def append_event(
    tx: Transaction,
    job_id: str,
    kind: str,
    message: str,
    data: dict[str, Any] | None = None,
    *,
    actor: str = CONTROL_PLANE,
    at: datetime | None = None,
) -> None:
    """Adds an event to the job's story. It is numbered under the job's row lock, in the order of commits."""
    event = {
        "job_id": job_id, "type": kind, "at": at or tx.now, "actor": actor, "message": message, "data": data or {},
    }  # fmt: skip
    tx.pending.event(job_id, event)
    tx.wake(f"job:{job_id}")
    tx.wake(STREAM)


def events_after(tx: Transaction, job_id: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Events of a job with a sequence number above `after`, in order."""
    tx.write_out()
    events = tables.events
    rows = tx.execute(
        select(events)
        .where(events.c.job_id == job_id, events.c.seq > min(after, _LARGEST_SEQ))
        .order_by(events.c.seq)
        .limit(limit)
    )
    return [dict(row._mapping) for row in rows]


def stream_after(tx: Transaction, caller: Caller, after: int, limit: int) -> list[dict[str, Any]]:
    """Events of all the caller's jobs with a position above `after`, in order.

    Positions are handed out in the order of commits, so none is ever skipped: SQLite has one writer at a time, and on
    PostgreSQL events are numbered under a lock that is held until the commit (docs/decisions/0012).
    """
    tx.write_out()
    events = tables.events
    rows = tx.execute(
        select(events)
        .where(visible_to(caller, events), events.c.position > after)
        .order_by(events.c.position)
        .limit(limit)
    )
    return [dict(row._mapping) for row in rows]
