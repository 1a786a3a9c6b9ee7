"""The budget controller: tells whoever set a budget how it stands, and ends what a used-up budget says must end.

What it found and the messages about it are written with what it knows from then on in one transaction, so a change is
told once, whatever crashes. Ends are asked for in a transaction of their own, before that: attempts are never locked by
somebody who holds a budget.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, update

from tradewind.control import leases
from tradewind.control.anomalies import look_for_anomalies
from tradewind.control.budget_standing import Standing, standing_of
from tradewind.control.budget_telling import tell_of_stop, tell_of_threshold
from tradewind.control.context import Context
from tradewind.control.runner import Apply
from tradewind.db import budget_tables, tables
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.events import append_event
from tradewind.db.moves import change
from tradewind.db.rows import AttemptRow
from tradewind.db.store import Transaction
from tradewind.domain.budgets import STOPPING, now_in, span_of
from tradewind.domain.money import format_money
from tradewind.domain.status import Reason, has_ended
from tradewind.ledger.budgets import is_stoppable, must_stop, reached
from tradewind.ledger.limits import limits_of

LOOK_EVERY: Final = timedelta(minutes=1)
#: What runs is told this long before the amount would be used up at full load: until the next look, and to stop.
STOP_MARGIN: Final = LOOK_EVERY + timedelta(minutes=1)


class BudgetController:
    """Looks at one budget at a time. It talks to nobody."""

    row_type = BudgetRow

    def __init__(self, context: Context) -> None:
        self._context = context

    async def act(self, row: BudgetRow, /) -> Apply[BudgetRow]:
        """Ends what has to end; what is told comes with the outcome."""
        if row.action in STOPPING and row.amount_micro is not None:
            await self._context.store.run(lambda tx: self._enforce(tx, row.id))
        return self._apply

    def _enforce(self, tx: Transaction, budget_id: str) -> None:
        budget = BudgetRow.get(tx, budget_id)
        standing = standing_of(tx, budget, self._context.tariff)
        if not must_stop(limits_of(budget), standing.worst_used_micro, standing.hourly_micro, STOP_MARGIN):
            return
        for live in standing.live:
            if live.attempt.stop_reason is None and is_stoppable(budget.action, live.market):
                _stop(tx, budget, standing, live.attempt)

    def _apply(self, tx: Transaction, budget: BudgetRow) -> datetime:
        standing = standing_of(tx, budget, self._context.tariff)
        state = dict(budget.state)
        period = standing.span.start.date().isoformat()
        if state.get("period") != period:
            state |= {"period": period, "told": [], "is_stopped": False}
        told = reached(budget.thresholds, standing.used_micro, budget.amount_micro)
        news = [percent for percent in told if percent not in state["told"]]
        if news:
            state["told"] = sorted({*state["told"], *told})
            tell_of_threshold(tx, budget, standing, news[-1])
        stopping = [each for each in standing.live if each.attempt.stop_reason is Reason.BUDGET]
        is_used_up = must_stop(
            limits_of(budget), standing.worst_used_micro, standing.hourly_micro, STOP_MARGIN
        )
        if stopping and is_used_up and not state["is_stopped"]:
            state["is_stopped"] = True
            tell_of_stop(tx, budget, standing, len(stopping))
        if budget.watches_anomalies:
            state["anomalies"] = look_for_anomalies(
                tx, budget, standing.live, dict(state.get("anomalies") or {})
            )
        if state != budget.state:
            table = budget_tables.budgets
            tx.execute(update(table).where(table.c.id == budget.id).values(state=state))
        self._forget_refusals(tx, budget)
        end = span_of(budget.period, tx.now).end
        return tx.now + LOOK_EVERY if end is None else min(tx.now + LOOK_EVERY, end)

    def _forget_refusals(self, tx: Transaction, budget: BudgetRow) -> None:
        """Nobody waits any more: ends need not look for those who do."""
        if budget.refused_at is None:
            return
        jobs, projects, table = tables.jobs, tables.projects, budget_tables.budgets
        waits = tx.execute(
            select(jobs.c.id)
            .join(projects, projects.c.id == jobs.c.project_id)
            .where(
                projects.c.team_id == budget.team_id,
                jobs.c.ended_at.is_(None),
                jobs.c.reason == Reason.WAITING_FOR_BUDGET,
            )
            .limit(1)
        ).first()
        if waits is None:
            tx.execute(update(table).where(table.c.id == budget.id).values(refused_at=None))


def _stop(tx: Transaction, budget: BudgetRow, standing: Standing, attempt: AttemptRow) -> None:
    current = AttemptRow.get(tx, attempt.id)
    if has_ended(current.status) or current.stop_reason is not None:
        return
    used = format_money(standing.used_micro, budget.currency)
    amount = format_money(budget.amount_micro or 0, budget.currency)
    message = (
        f"budget {budget.name} is used up ({used} of {amount} {now_in(budget.period)}): "
        "told to write a checkpoint and stop"
    )
    data: dict[str, Any] = {"budget": budget.id, "attempt": current.number}
    change(tx, current, stop_reason=Reason.BUDGET)
    append_event(tx, current.job_id, "job.budget_reached", message, data)
    leases.wake(tx, tables.attempts, current.id)
