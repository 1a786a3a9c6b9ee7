"""What budgets are called: how they stand in a word, what happens at their limits, what may be done with them."""

from __future__ import annotations

from typing import Final

from tradewind.control.budget_standing import Standing
from tradewind.db.budget_rows import BudgetRow
from tradewind.domain.budgets import Action, each, now_in
from tradewind.domain.money import format_money
from tradewind.domain.schemas_shown import ActionView, BadgeView

_AT_AMOUNT: Final = {
    Action.NOTIFY: "new jobs begin and what runs goes on: it is only told",
    Action.BLOCK_NEW: "new jobs wait; what runs goes on",
    Action.STOP_SPOT: (
        "new jobs wait; jobs on spot machines are told to write a checkpoint and stop, others go on"
    ),
    Action.STOP_ALL: "new jobs wait; what runs is told to write a checkpoint and stop",
}
#: From this share on it is worth a look.
_NEAR: Final = 80


def badge_of(budget: BudgetRow, standing: Standing) -> BadgeView:
    """How it stands, in a word or two."""
    runs_out, amount = standing.forecast.runs_out_at, budget.amount_micro
    if budget.refused_at is not None:
        return BadgeView(
            label="Jobs wait", tone="bad", icon="lock", explanation="jobs are held back because of it"
        )
    if amount is None:
        return BadgeView(label="Watching", tone="quiet", icon="clock", explanation="it has no amount")
    if standing.used_micro >= amount:
        return BadgeView(label="Used up", tone="bad", icon="alert", explanation=_AT_AMOUNT[budget.action])
    if runs_out is not None:
        return BadgeView(
            label="Runs out",
            tone="warning",
            icon="alert",
            explanation=f"at this pace used up on {runs_out:%Y-%m-%d}",
        )
    if standing.used_micro * 100 >= amount * _NEAR:
        return BadgeView(label="Nearly used up", tone="warning", icon="alert")
    return BadgeView(label="On track", tone="good", icon="check")


def what_happens(budget: BudgetRow, channels: list[str]) -> list[str]:
    """What happens at the amount and at the other limits, a sentence each."""
    said = []
    if budget.amount_micro is not None:
        amount = format_money(budget.amount_micro, budget.currency)
        said.append(f"At {amount} {each(budget.period)}: {_AT_AMOUNT[budget.action]}.")
        if budget.thresholds:
            shares = ", ".join(f"{percent} %" for percent in budget.thresholds)
            whom = f"on {', '.join(channels)}" if channels else "in its history only: it has no channel"
            said.append(f"At {shares} of it: told once each period, {whom}.")
    if budget.max_hourly_micro is not None:
        most = format_money(budget.max_hourly_micro, budget.currency)
        said.append(f"A new job waits while it would bring what runs above {most} an hour.")
    if budget.max_concurrent_jobs is not None:
        most = "1 job" if budget.max_concurrent_jobs == 1 else f"{budget.max_concurrent_jobs} jobs"
        said.append(f"A new job waits while {most} of its scope run.")
    if budget.watches_anomalies:
        said.append("Spending out of the ordinary is told, too.")
    return said or ["Nothing: it only counts."]


def used_text(budget: BudgetRow, standing: Standing) -> str:
    """What is gone, and of how much."""
    used = format_money(standing.used_micro, budget.currency)
    if budget.amount_micro is None:
        return f"{used} {now_in(budget.period)}"
    amount = format_money(budget.amount_micro, budget.currency)
    if not budget.amount_micro:
        return f"{used} of {amount}"
    return f"{used} of {amount} ({100 * standing.used_micro / budget.amount_micro:.0f} %)"


def forecast_text(budget: BudgetRow, standing: Standing) -> str:
    """Where it leads."""
    seen = standing.forecast
    foreseen = format_money(seen.amount_micro, budget.currency)
    by = f"by {seen.until:%Y-%m-%d}"
    if seen.runs_out_at is not None and budget.amount_micro is not None:
        if standing.used_micro >= budget.amount_micro:
            return f"used up; {foreseen} {by} if things go on"
        return f"used up on {seen.runs_out_at:%Y-%m-%d %H:%M} UTC at this pace; {foreseen} {by}"
    if budget.amount_micro is None:
        return f"{foreseen} {by} at this pace"
    left = format_money(budget.amount_micro - seen.amount_micro, budget.currency)
    return f"{foreseen} {by} at this pace: {left} would be left"


def permitted(budget: BudgetRow, *, is_owner: bool) -> list[ActionView]:
    """What may be done with it: only owners of the team set budgets."""
    if not is_owner:
        return []
    ask = (
        f"Remove the budget {budget.name}? What it noted is removed too. What was spent stays in the ledger."
    )
    if budget.amount_micro is not None and budget.action is not Action.NOTIFY:
        ask += " Jobs that wait because of it begin."
    return [
        ActionView(id="edit", label="Change"),
        ActionView(id="remove", label="Remove", confirm=ask, is_destructive=True),
    ]
