"""How a budget would stand and what it would do at once, before anybody sets it."""

from __future__ import annotations

from tradewind.control.budget_desk import draft_budget
from tradewind.control.budget_past import past_periods, past_text
from tradewind.control.budget_standing import Standing, standing_of
from tradewind.control.budget_views import names_for, view_of
from tradewind.control.budgets import STOP_MARGIN
from tradewind.db import tables
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.owners import Caller
from tradewind.db.rows import JobRow
from tradewind.db.store import Transaction
from tradewind.domain.budgets import Action
from tradewind.domain.money import format_money
from tradewind.domain.schemas_budgets import BudgetPreview, BudgetRequest, EffectView
from tradewind.estimate.tariff import Tariff
from tradewind.ledger.budgets import is_stoppable, must_stop, reached
from tradewind.ledger.limits import limits_of

_MOST_NAMES = 5


def preview_budget(tx: Transaction, caller: Caller, request: BudgetRequest, tariff: Tariff) -> BudgetPreview:
    """Raises NotFoundError, InvalidInputError as setting it would."""
    budget = draft_budget(tx, caller, request)
    standing = standing_of(tx, budget, tariff)
    view = view_of(budget, standing, names_for(tx, caller, [budget]))
    past = past_periods(tx, budget)
    effects = [*_stops(tx, budget, standing), *_holds_back(budget, standing), *_tells(budget, standing)]
    return BudgetPreview(
        view=view,
        effects=effects or [EffectView(text="Nothing happens at once.", tone="good")],
        past=past,
        past_text=past_text(budget, past),
    )


def _stops(tx: Transaction, budget: BudgetRow, standing: Standing) -> list[EffectView]:
    if not must_stop(limits_of(budget), standing.worst_used_micro, standing.hourly_micro, STOP_MARGIN):
        return []
    ids = {each.attempt.job_id for each in standing.live if is_stoppable(budget.action, each.market)}
    if not ids:
        return []
    jobs = tables.jobs
    rows = tx.execute(JobRow.select().where(jobs.c.id.in_(sorted(ids))).order_by(jobs.c.id.desc()))
    names = [JobRow.of(row).name for row in rows]
    shown = ", ".join(names[:_MOST_NAMES]) + (" and others" if len(names) > _MOST_NAMES else "")
    count = "1 job that runs is" if len(names) == 1 else f"{len(names)} jobs that run are"
    return [EffectView(text=f"{count} told to write a checkpoint and stop: {shown}.", tone="bad")]


def _holds_back(budget: BudgetRow, standing: Standing) -> list[EffectView]:
    found = []
    bound = standing.used_micro + standing.reserved_micro
    amount, hourly, most = budget.amount_micro, budget.max_hourly_micro, budget.max_concurrent_jobs
    if amount is not None and budget.action is not Action.NOTIFY and bound >= amount:
        text = f"New jobs wait at once: {format_money(bound)} of {format_money(amount)} is spent, used up or held."
        found.append(EffectView(text=text, tone="warning"))
    if hourly is not None and standing.hourly_micro >= hourly:
        text = f"New jobs wait at once: what runs costs up to {format_money(standing.hourly_micro)} an hour already."
        found.append(EffectView(text=text, tone="warning"))
    if most is not None and standing.job_count >= most:
        runs = "1 job runs" if standing.job_count == 1 else f"{standing.job_count} jobs run"
        found.append(EffectView(text=f"New jobs wait at once: {runs} already.", tone="warning"))
    return found


def _tells(budget: BudgetRow, standing: Standing) -> list[EffectView]:
    told = reached(budget.thresholds, standing.used_micro, budget.amount_micro)
    if not told:
        return []
    text = f"It is told at once that {told[-1]} % of the amount is used."
    return [EffectView(text=text, tone="warning" if told[-1] >= 100 else "quiet")]
