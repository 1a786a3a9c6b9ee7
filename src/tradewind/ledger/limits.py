"""Whether something may begin: every budget that it counts in is asked, and held still until the answer is written.

The rows of the budgets are locked in one order before anything is added up, so that of two launches at once the second
sees the first (on PostgreSQL by `FOR UPDATE`; SQLite has one writer). The hold has to be made in the same transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from tradewind.db import budget_tables, tables
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.store import Transaction
from tradewind.domain.budgets import STOPPING, Action, Scope, span_of
from tradewind.ledger.budgets import (
    Launch,
    Limits,
    Refusal,
    Usage,
    is_stoppable,
    left_micro,
    refuse,
    strongest,
)

__all__ = ["Launch", "Refusal", "counting", "left_for_renewal", "limits_of", "usage_of", "why_not"]

_B: Final = budget_tables.budgets
_R: Final = tables.reservations
_L: Final = tables.ledger


def why_not(tx: Transaction, launch: Launch) -> Refusal | None:
    """Why this may not begin now, or None: then what it may cost has to be held before the transaction ends."""
    is_a_limit = or_(
        and_(_B.c.amount_micro.is_not(None), _B.c.action != Action.NOTIFY),
        _B.c.max_hourly_micro.is_not(None),
        _B.c.max_concurrent_jobs.is_not(None),
    )
    where = and_(counting(launch.team_id, launch.project_id, launch.creator_id, launch.provider), is_a_limit)
    found = []
    for row in _locked(tx, where):
        refusal = refuse(
            limits_of(row), usage_of(tx, row, tx.now), launch, span_of(row.period, tx.now), tx.now
        )
        if refusal is not None:
            found.append(refusal)
            if row.refused_at is None:
                # Whoever ends something later looks for those who wait for it.
                tx.execute(update(_B).where(_B.c.id == row.id).values(refused_at=tx.now))
    return strongest(found)


def left_for_renewal(tx: Transaction, attempt_id: str, accrued_micro: int) -> tuple[int | None, str]:
    """What may be held for an attempt that runs on, by the budgets that would end it, and the name of the narrowest.

    `accrued_micro` is what it has used up by now. None: no budget limits it.
    """
    own = tx.execute(
        select(_R, tables.projects.c.team_id)
        .join(tables.projects, tables.projects.c.id == _R.c.project_id)
        .where(_R.c.attempt_id == attempt_id, _R.c.released_at.is_(None))
    ).first()
    if own is None:
        return None, ""
    where = and_(
        counting(own.team_id, own.project_id, own.creator_id, own.provider),
        _B.c.amount_micro.is_not(None),
        _B.c.action.in_(sorted(STOPPING)),
    )
    narrowest: tuple[int | None, str] = (None, "")
    for row in _locked(tx, where):
        if not is_stoppable(row.action, own.market) or row.currency != own.currency:
            continue
        left = left_micro(limits_of(row), usage_of(tx, row, tx.now))
        if left is None:
            continue
        # What this attempt holds now is replaced.
        left += own.amount_micro + own.accrued_micro - accrued_micro
        if narrowest[0] is None or left < narrowest[0]:
            narrowest = (left, row.name)
    return narrowest


def _locked(tx: Transaction, where: ColumnElement[bool]) -> list[BudgetRow]:
    rows = tx.execute(BudgetRow.select().where(where).order_by(_B.c.id).with_for_update())
    return [BudgetRow.of(row) for row in rows]


def counting(team_id: str, project_id: str, creator_id: str, provider: str) -> ColumnElement[bool]:
    """The condition for budgets that count what this user does in this project at this provider."""
    targets = (
        (Scope.PROJECT, project_id),
        (Scope.TEAM, team_id),
        (Scope.USER, creator_id),
        (Scope.PROVIDER, provider),
    )
    is_meant = or_(*(and_(_B.c.scope == scope, _B.c.target == target) for scope, target in targets))
    return and_(_B.c.team_id == team_id, is_meant)


def limits_of(row: BudgetRow) -> Limits:
    """What a budget allows."""
    return Limits(
        id=row.id,
        name=row.name,
        period=row.period,
        currency=row.currency,
        action=row.action,
        amount_micro=row.amount_micro,
        max_hourly_micro=row.max_hourly_micro,
        max_concurrent_jobs=row.max_concurrent_jobs,
    )


def usage_of(tx: Transaction, budget: BudgetRow, at: datetime) -> Usage:
    """What its scope has used of a budget in the period of this time. An interval counts where it ended."""
    span = span_of(budget.period, at)
    ended = _L.c.ended_at >= span.start
    if span.end is not None:
        ended = and_(ended, _L.c.ended_at < span.end)
    spent = tx.execute(
        select(func.coalesce(func.sum(_L.c.amount_micro), 0)).where(
            in_scope(budget, _L), _L.c.currency == budget.currency, ended
        )
    ).scalar_one()
    runs = tx.execute(
        select(_R.c.job_id, _R.c.amount_micro, _R.c.accrued_micro, _R.c.hourly_micro, _R.c.currency).where(
            _R.c.released_at.is_(None), in_scope(budget, _R)
        )
    ).all()
    same = [row for row in runs if row.currency == budget.currency]
    return Usage(
        spent_micro=int(spent),
        committed_micro=sum(row.amount_micro + row.accrued_micro for row in same),
        hourly_micro=sum(row.hourly_micro for row in same),
        job_ids=frozenset(row.job_id for row in runs),
    )


def in_scope(budget: BudgetRow, table: Any) -> ColumnElement[bool]:
    """The condition for rows (with owner and provider) that count in a budget."""
    if budget.scope is Scope.PROJECT:
        condition: ColumnElement[bool] = table.c.project_id == budget.target
        return condition
    projects = tables.projects
    in_team = table.c.project_id.in_(select(projects.c.id).where(projects.c.team_id == budget.team_id))
    if budget.scope is Scope.USER:
        return and_(in_team, table.c.creator_id == budget.target)
    if budget.scope is Scope.PROVIDER:
        return and_(in_team, table.c.provider == budget.target)
    whole_team: ColumnElement[bool] = in_team
    return whole_team
