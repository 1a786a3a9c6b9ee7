"""What is told of a budget: kept as a notice, and put into the outbox for each of its channels."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import insert, select

from tradewind.control.budget_standing import Standing
from tradewind.db import budget_tables, price_tables
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.budgets import Action, Period, now_in
from tradewind.domain.money import format_money

_WHAT_FOLLOWS = {
    Action.NOTIFY: "It only tells; nothing is held back.",
    Action.BLOCK_NEW: "Nothing new begins that may not fit into what is left; what runs goes on.",
    Action.STOP_SPOT: "Nothing new begins that may not fit; at its end what runs on spot machines is stopped.",
    Action.STOP_ALL: "Nothing new begins that may not fit; at its end everything is stopped, with a checkpoint.",
}


def tell_of_threshold(tx: Transaction, budget: BudgetRow, standing: Standing, percent: int) -> None:
    """Tells that this share of the amount is used."""
    used, amount = _show(budget, standing.used_micro), _show(budget, budget.amount_micro or 0)
    title = f"Budget {budget.name}: {percent} % used ({used} of {amount} {now_in(budget.period)})"
    tell(tx, budget, "threshold", f"{_period(standing)}:{percent}", title, _figures(budget, standing))


def tell_of_stop(tx: Transaction, budget: BudgetRow, standing: Standing, count: int) -> None:
    """Tells that what runs was told to end."""
    jobs = "1 job was" if count == 1 else f"{count} jobs were"
    title = f"Budget {budget.name} is used up: {jobs} told to write a checkpoint and stop"
    tell(tx, budget, "stop", f"{_period(standing)}:stop", title, _figures(budget, standing))


def tell(
    tx: Transaction,
    budget: BudgetRow,
    kind: Literal["threshold", "stop", "anomaly"],
    what: str,
    title: str,
    body: str,
) -> bool:
    """Keeps a notice and puts a message for each channel into the outbox; False if it was told before.

    `what` tells this change from every other one of the budget.
    """
    key = f"{budget.id}:{budget.state.get('revision', 0)}:{what}"
    notices, table = budget_tables.budget_notices, price_tables.notifications
    if tx.execute(select(notices.c.id).where(notices.c.key == key)).first() is not None:
        return False
    body = f"{body}\nSeen: {tx.now:%Y-%m-%d %H:%M} UTC."
    owner = {"project_id": budget.project_id, "creator_id": budget.creator_id}
    tx.execute(
        insert(notices).values(
            id=tx.new_id(ids.NOTICE),
            budget_id=budget.id,
            kind=kind,
            key=key,
            title=title,
            body=body,
            created_at=tx.now,
            **owner,
        )
    )
    channels = price_tables.notification_channels
    known = set(tx.execute(select(channels.c.id).where(channels.c.id.in_(budget.channel_ids))).scalars())
    for channel_id in dict.fromkeys(budget.channel_ids):
        if channel_id not in known:
            continue
        tx.execute(
            insert(table).values(
                id=tx.new_id(ids.NOTIFICATION),
                channel_id=channel_id,
                key=f"{key}:{channel_id}",
                title=title,
                body=body,
                state="pending",
                created_at=tx.now,
                next_due_at=tx.now,
                **owner,
            )
        )
    tx.wake(table.name)
    return True


def _figures(budget: BudgetRow, standing: Standing) -> str:
    lines = [
        f"Counted: {budget.scope}, in UTC, {_span(budget, standing)}.",
        f"Spent: {_show(budget, standing.spent_micro)} closed, {_show(budget, standing.running_micro)} by what runs.",
        f"Held for what runs: {_show(budget, standing.reserved_micro)}.",
        f"Forecast: {_show(budget, standing.forecast.amount_micro)} by {standing.forecast.until:%Y-%m-%d %H:%M} UTC.",
        _WHAT_FOLLOWS[budget.action],
    ]
    return "\n".join(lines)


def _span(budget: BudgetRow, standing: Standing) -> str:
    if budget.period is Period.TOTAL or standing.span.end is None:
        return "from the beginning on"
    return f"{standing.span.start:%Y-%m-%d} up to {standing.span.end:%Y-%m-%d}"


def _period(standing: Standing) -> str:
    return standing.span.start.date().isoformat()


def _show(budget: BudgetRow, micro: int) -> str:
    return format_money(micro, budget.currency)
