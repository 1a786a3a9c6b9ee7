"""Money that is held before it can be spent.

A launch holds its worst case for a stretch of time (a rolling hour, less where the job or its budget ends sooner). The
stretch is renewed before it ends; a renewal that the budget refuses ends the attempt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, func, select, update

from tradewind.db import tables
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.money import Rate, worst_case_micro

_COVERED: Final = "covered"
_RELEASE: Final = (
    update(tables.reservations)
    .where(
        tables.reservations.c.attempt_id == bindparam("b_attempt_id"),
        tables.reservations.c.released_at.is_(None),
    )
    .values(released_at=bindparam("b_now"))
)
ROLLING: Final = timedelta(hours=1)
#: Less than this is not worth starting for.
SHORTEST: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Hold:
    """A worst case in micro-units, and until when it covers."""

    amount_micro: int
    covers_until: datetime


def plan_hold(
    now: datetime, rate: Rate, watts_max: float, left: timedelta | None, budget_left_micro: int | None
) -> Hold | None:
    """The longest stretch up to an hour that the job's time and budget allow; None if that is too short.

    `left` is what remains of max_duration, `budget_left_micro` what remains of the budget; None: no limit.
    """
    stretch = ROLLING if left is None else min(ROLLING, max(left, SHORTEST))
    amount = worst_case_micro(rate, watts_max, stretch.total_seconds())
    if budget_left_micro is not None and amount > budget_left_micro:
        whole, whole_amount = stretch, amount
        # A worst case is rounded up, which can be one more than what is left.
        for allowed in (budget_left_micro, budget_left_micro - 1):
            stretch = whole * (max(allowed, 0) / whole_amount)
            amount = worst_case_micro(rate, watts_max, stretch.total_seconds())
            if amount <= budget_left_micro:
                break
        if stretch < SHORTEST or amount > budget_left_micro:
            return None
    return Hold(amount, now + stretch)


def reserve(
    tx: Transaction,
    *,
    project_id: str,
    creator_id: str,
    job_id: str,
    attempt_id: str,
    currency: str,
    hold: Hold,
) -> None:
    """Holds money for an attempt."""
    tx.insert(
        tables.reservations,
        {
            "id": tx.new_id(ids.RESERVATION),
            "project_id": project_id,
            "creator_id": creator_id,
            "job_id": job_id,
            "attempt_id": attempt_id,
            "amount_micro": hold.amount_micro,
            "currency": currency,
            "covers_until": hold.covers_until,
            "created_at": tx.now,
        },
    )


def renew(tx: Transaction, attempt_id: str, hold: Hold) -> None:
    """Replaces what an attempt holds by a new worst case."""
    tx.notes.get(_COVERED, {}).pop(attempt_id, None)
    tx.execute(
        update(tables.reservations)
        .where(tables.reservations.c.attempt_id == attempt_id, tables.reservations.c.released_at.is_(None))
        .values(amount_micro=hold.amount_micro, covers_until=hold.covers_until)
    )


def release(tx: Transaction, attempt_id: str) -> None:
    """Lets go of what an attempt held."""
    tx.notes.get(_COVERED, {}).pop(attempt_id, None)
    tx.pending.run(_RELEASE, {"b_attempt_id": attempt_id, "b_now": tx.now})


def look_up(tx: Transaction, attempt_ids: Sequence[str]) -> None:
    """Reads at once until when several attempts are covered; `covered_until` then knows, in this transaction."""
    if not attempt_ids:
        return
    table = tables.reservations
    known = tx.notes.setdefault(_COVERED, {})
    known.update(dict.fromkeys(attempt_ids))
    known.update(
        (row.attempt_id, row.covers_until)
        for row in tx.execute(
            select(table.c.attempt_id, table.c.covers_until).where(
                table.c.attempt_id.in_(attempt_ids), table.c.released_at.is_(None)
            )
        )
    )


def covered_until(tx: Transaction, attempt_id: str) -> datetime | None:
    """Until when the money held for an attempt covers it."""
    known: dict[str, datetime | None] = tx.notes.get(_COVERED, {})
    if attempt_id in known:
        return known[attempt_id]
    table = tables.reservations
    found: datetime | None = tx.execute(
        select(table.c.covers_until).where(table.c.attempt_id == attempt_id, table.c.released_at.is_(None))
    ).scalar()
    return found


def spent_micro(tx: Transaction, job_id: str) -> int:
    """What the job's closed intervals come to."""
    table = tables.ledger
    return int(
        tx.execute(
            select(func.coalesce(func.sum(table.c.amount_micro), 0)).where(table.c.job_id == job_id)
        ).scalar_one()
    )
