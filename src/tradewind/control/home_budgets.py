"""Budgets of the first page: those that need looking at first."""

from __future__ import annotations

from typing import Final

from tradewind.control.budget_desk import budgets_of
from tradewind.control.budget_standing import Standing, standing_of
from tradewind.control.budget_words import badge_of, used_text
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.owners import Caller
from tradewind.db.store import Transaction
from tradewind.domain.schemas_home import HomeBudget
from tradewind.estimate.tariff import Tariff

_SHOWN: Final = 4
#: More are not worked out for a first page; the page of budgets has all.
_MOST: Final = 12


def budget_lines(tx: Transaction, caller: Caller, tariff: Tariff) -> tuple[list[HomeBudget], int]:
    """The budgets that are nearest to their end, and how many there are."""
    budgets = budgets_of(tx, caller)
    lines = [_line(each, standing_of(tx, each, tariff)) for each in budgets[:_MOST]]
    lines.sort(key=lambda line: -(line.used_percent or 0.0))
    return lines[:_SHOWN], len(budgets)


def _line(budget: BudgetRow, standing: Standing) -> HomeBudget:
    amount, used = budget.amount_micro, standing.used_micro
    percent = round(100 * used / amount, 1) if amount else None
    notes = []
    if budget.refused_at is not None:
        notes.append("jobs wait because of it")
    runs_out = standing.forecast.runs_out_at
    if amount is not None and used < amount and runs_out is not None:
        notes.append(f"at this pace used up on {runs_out:%Y-%m-%d}")
    return HomeBudget(
        id=budget.id,
        name=budget.name,
        badge=badge_of(budget, standing).model_copy(update={"explanation": None}),
        text=used_text(budget, standing),
        used_percent=percent,
        notes=notes,
    )
