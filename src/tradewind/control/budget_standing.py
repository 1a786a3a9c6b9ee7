"""How a budget stands: closed, used up by what runs, still held, and where that leads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, func, select

from tradewind.control.accruing import accrued_by
from tradewind.db import tables
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.rows import AttemptRow
from tradewind.db.store import Transaction
from tradewind.domain.budgets import Span, span_of
from tradewind.estimate.tariff import Tariff
from tradewind.ledger.forecast import TRAILING, Forecast, Running, forecast, trailing_hourly_micro
from tradewind.ledger.limits import in_scope, usage_of

_L: Final = tables.ledger
_R: Final = tables.reservations
#: Shorter than this says nothing of a pace.
_LEAST_RUN: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Something that runs in the scope of a budget. `worst_micro` counts what was not measured yet at full load."""

    attempt: AttemptRow
    market: str
    accrued_micro: int
    worst_micro: int
    held_micro: int
    hourly_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A budget's figures at one time."""

    span: Span
    spent_micro: int
    live: tuple[Live, ...]
    job_count: int
    forecast: Forecast

    @property
    def running_micro(self) -> int:
        """What runs has used up so far."""
        return sum(each.accrued_micro for each in self.live)

    @property
    def used_micro(self) -> int:
        """What is gone: closed, and used up by what runs."""
        return self.spent_micro + self.running_micro

    @property
    def worst_used_micro(self) -> int:
        """The same, with what was not measured yet at full load."""
        return self.spent_micro + sum(each.worst_micro for each in self.live)

    @property
    def reserved_micro(self) -> int:
        """What is held beyond what is used up."""
        return sum(each.held_micro for each in self.live)

    @property
    def hourly_micro(self) -> int:
        """What an hour of all that runs costs at full load."""
        return sum(each.hourly_micro for each in self.live)


def standing_of(tx: Transaction, budget: BudgetRow, tariff: Tariff) -> Standing:
    """A budget's figures now."""
    span, usage, live = (
        span_of(budget.period, tx.now),
        usage_of(tx, budget, tx.now),
        live_of(tx, budget, tariff),
    )
    spent = usage.spent_micro
    used = spent + sum(each.accrued_micro for each in live)
    return Standing(
        span=span,
        spent_micro=spent,
        live=live,
        job_count=len(usage.job_ids),
        forecast=forecast(
            used,
            [_running(each, tx.now) for each in live],
            _trailing(tx, budget),
            span,
            tx.now,
            budget.amount_micro,
        ),
    )


def live_of(tx: Transaction, budget: BudgetRow, tariff: Tariff) -> tuple[Live, ...]:
    """What runs in a budget's scope and in its currency, by the money that is held for it."""
    holds = {
        row.attempt_id: row
        for row in tx.execute(
            select(_R).where(
                _R.c.released_at.is_(None), in_scope(budget, _R), _R.c.currency == budget.currency
            )
        )
    }
    if not holds:
        return ()
    attempts = tables.attempts
    rows = tx.execute(AttemptRow.select().where(attempts.c.id.in_(sorted(holds))).order_by(attempts.c.id))
    live = [AttemptRow.of(row) for row in rows]
    used = accrued_by(tx, live, tariff, tx.now)
    found = []
    for attempt in live:
        hold, accrued = holds[attempt.id], used[attempt.id].measured_micro
        found.append(
            Live(
                attempt=attempt,
                market=hold.market,
                accrued_micro=accrued,
                worst_micro=used[attempt.id].worst_micro,
                held_micro=max(hold.accrued_micro + hold.amount_micro - accrued, 0),
                hourly_micro=hold.hourly_micro,
            )
        )
    return tuple(found)


def _running(live: Live, now: datetime) -> Running:
    ran = now - (live.attempt.accepted_at or now)
    if ran < _LEAST_RUN:
        return Running(0, timedelta(0))
    return Running(live.accrued_micro, ran)


def _trailing(tx: Transaction, budget: BudgetRow) -> int:
    closed, first = tx.execute(
        select(
            func.coalesce(func.sum(_L.c.amount_micro), 0),
            func.min(_L.c.started_at, type_=_L.c.started_at.type),
        ).where(
            and_(
                in_scope(budget, _L),
                _L.c.currency == budget.currency,
                _L.c.ended_at > tx.now - TRAILING,
                _L.c.ended_at <= tx.now,
            )
        )
    ).one()
    return trailing_hourly_micro(int(closed), first, tx.now)
