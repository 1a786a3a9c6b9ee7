"""Money that is held before it can be spent.

A launch holds its worst case for a stretch of time (a rolling hour, less where the job or its budget ends sooner). The
stretch is renewed before it ends; a renewal that the budget refuses ends the attempt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, func, select, update

from tradewind.db import tables
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.money import MICRO, Quantity, Rate, hourly_worst_micro, worst_case_micro

_COVERED: Final = "covered"
_RELEASE: Final = (
    update(tables.reservations)
    .where(
        tables.reservations.c.attempt_id == bindparam("b_attempt_id"),
        tables.reservations.c.released_at.is_(None),
    )
    .values(released_at=bindparam("b_now"))
)
_COVERS: Final = select(tables.reservations.c.attempt_id, tables.reservations.c.covers_until).where(
    tables.reservations.c.attempt_id.in_(bindparam("ids", expanding=True)),
    tables.reservations.c.released_at.is_(None),
)
ROLLING: Final = timedelta(hours=1)
#: Less than this is not worth starting for.
SHORTEST: Final = timedelta(seconds=30)
#: A rented machine costs money until the provider has ended it, which takes a while.
RENTED_LAG: Final = timedelta(minutes=10)
#: The market of what is in none: a machine of one's own.
OWNED: Final = "owned"


@dataclass(frozen=True, slots=True)
class Hold:
    """The most that can be added until `covers_until` and for the lag after it, in micro-units.

    `accrued_micro` is what had been used up when it was made, so that the two together are the most that the attempt
    can have cost by then; `hourly_micro` is what an hour costs at full load.
    """

    amount_micro: int
    covers_until: datetime
    accrued_micro: int = 0
    hourly_micro: int = 0


@dataclass(frozen=True, slots=True)
class Leg:
    """One of several things that cost money at the same time, for one attempt.

    `used` (in seconds or joules) is what there was before.
    """

    rate: Rate
    watts_max: float
    used: float = 0.0

    @property
    def accrued_micro(self) -> int:
        """What was used before costs so much, at this rate."""
        return self.rate.charge(math.ceil(self.used)).micro

    def most_micro(self, stretch: timedelta) -> int:
        """The most that is added in so much time."""
        most = worst_case_micro(self.rate, self.watts_max, stretch.total_seconds(), used=self.used)
        return max(most - self.accrued_micro, 0)


def lag_of(rate: Rate) -> timedelta:
    """How long something goes on costing money after it was told to end, where the place does not say."""
    return RENTED_LAG if rate.per is Quantity.HOUR else timedelta(0)


def plan_hold(
    now: datetime,
    rate: Rate,
    watts_max: float,
    left: timedelta | None,
    budget_left_micro: int | None,
    *,
    lag: timedelta = timedelta(0),
    used: float = 0.0,
    accrued_micro: int = 0,
    others: Sequence[Leg] = (),
) -> Hold | None:
    """The longest stretch up to an hour that the job's time and budget allow; None if that is too short.

    `left` is what remains of max_duration, `budget_left_micro` what remains of the budget; None: no limit. `lag` is how
    long it may cost money after it was told to end. `used` (seconds or joules) and `accrued_micro` are what there was
    before. Minimum and granularity of the rate apply to all of it, once. `others` run beside it for as long, each at
    a rate and with a minimum of its own.
    """

    def amount_for(stretch: timedelta) -> int:
        seconds = (stretch + lag).total_seconds()
        own = max(worst_case_micro(rate, watts_max, seconds, used=used) - accrued_micro, 0)
        return own + sum(each.most_micro(stretch + lag) for each in others) if others else own

    stretch = ROLLING if left is None else min(ROLLING, max(left, SHORTEST))
    amount = amount_for(stretch)
    if budget_left_micro is not None and amount > budget_left_micro:
        if others:
            stretch = _longest(amount_for, stretch, budget_left_micro)
        else:
            affordable = _affordable(rate, watts_max, used, budget_left_micro + accrued_micro)
            stretch = min(stretch, affordable - lag)
        amount = amount_for(stretch)
        # Where seconds and joules are no exact floats, the last microsecond can be one too many.
        if amount > budget_left_micro:
            stretch -= timedelta(microseconds=1)
            amount = amount_for(stretch)
        if stretch < SHORTEST or amount > budget_left_micro:
            return None
    hourly = hourly_worst_micro(rate, watts_max)
    hourly += sum(hourly_worst_micro(each.rate, each.watts_max) for each in others)
    return Hold(amount, now + stretch, accrued_micro, hourly)


def _longest(amount_for: Callable[[timedelta], int], most: timedelta, micro: int) -> timedelta:
    """The longest stretch that costs no more than this, to the microsecond: amounts never fall as time goes on."""
    step = timedelta(microseconds=1)
    low, high = 0, most // step
    while low < high:
        middle = (low + high + 1) // 2
        if amount_for(middle * step) <= micro:
            low = middle
        else:
            high = middle - 1
    return low * step


def _affordable(rate: Rate, watts_max: float, used: float, micro: int) -> timedelta:
    """How much longer it can run until all of it costs this much."""
    most = rate.largest_within(micro)
    per_second = watts_max if rate.per is Quantity.KWH else 1.0
    if most is None or per_second <= 0:
        return timedelta(0) if micro < rate.minimum_micro else ROLLING
    return timedelta(microseconds=max(int((most - used) / per_second * MICRO), 0))


def reserve(
    tx: Transaction,
    *,
    project_id: str,
    creator_id: str,
    job_id: str,
    attempt_id: str,
    currency: str,
    hold: Hold,
    provider: str = "",
    market: str = OWNED,
) -> None:
    """Holds money for an attempt, at this provider and in this market."""
    tx.insert(
        tables.reservations,
        {
            "id": tx.new_id(ids.RESERVATION),
            "project_id": project_id,
            "creator_id": creator_id,
            "job_id": job_id,
            "attempt_id": attempt_id,
            "provider": provider,
            "market": market,
            "amount_micro": hold.amount_micro,
            "accrued_micro": hold.accrued_micro,
            "hourly_micro": hold.hourly_micro,
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
        .values(
            amount_micro=hold.amount_micro,
            accrued_micro=hold.accrued_micro,
            hourly_micro=hold.hourly_micro,
            covers_until=hold.covers_until,
        )
    )


def release(tx: Transaction, attempt_id: str) -> None:
    """Lets go of what an attempt held."""
    tx.notes.get(_COVERED, {}).pop(attempt_id, None)
    tx.pending.run(_RELEASE, {"b_attempt_id": attempt_id, "b_now": tx.now})


def look_up(tx: Transaction, attempt_ids: Sequence[str]) -> None:
    """Reads at once until when several attempts are covered; `covered_until` then knows, in this transaction."""
    if not attempt_ids:
        return
    known = tx.notes.setdefault(_COVERED, {})
    known.update(dict.fromkeys(attempt_ids))
    known.update((row[0], row[1]) for row in tx.fetch(_COVERS, {"ids": attempt_ids}))


def covered_until(tx: Transaction, attempt_id: str) -> datetime | None:
    """Until when the money held for an attempt covers it."""
    known: dict[str, datetime | None] = tx.notes.get(_COVERED, {})
    if attempt_id in known:
        return known[attempt_id]
    found = tx.fetch(_COVERS, {"ids": [attempt_id]})
    return found[0][1] if found else None


def spent_micro(tx: Transaction, job_id: str) -> int:
    """What the job's closed intervals come to."""
    table = tables.ledger
    return int(
        tx.execute(
            select(func.coalesce(func.sum(table.c.amount_micro), 0)).where(table.c.job_id == job_id)
        ).scalar_one()
    )
