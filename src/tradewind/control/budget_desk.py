"""Budgets as users set them. Everybody of a team sees its budgets; its owners set them."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, update

from tradewind.control.alert_desk import find_channel
from tradewind.control.budget_waiting import let_try_again
from tradewind.control.loops import wake_placers
from tradewind.control.offer_names import resolve_providers
from tradewind.db import budget_tables, tables
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.owners import Caller, is_owner
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.budgets import Scope
from tradewind.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from tradewind.domain.schemas_budgets import BudgetPatch, BudgetRequest

MOST_BUDGETS: Final = 200
_B: Final = budget_tables.budgets
_CLEARED: Final = {
    "amount": "amount_micro",
    "max_cost_per_hour": "max_hourly_micro",
    "max_concurrent_jobs": "max_concurrent_jobs",
}


def of_team(caller: Caller) -> ColumnElement[bool]:
    """The condition that keeps a read to budgets of the caller's team."""
    condition: ColumnElement[bool] = _B.c.team_id == caller.team_id
    return condition


def budgets_of(tx: Transaction, caller: Caller) -> list[BudgetRow]:
    """The budgets of the caller's team, by name."""
    rows = tx.execute(BudgetRow.select().where(of_team(caller)).order_by(_B.c.name))
    return [BudgetRow.of(row) for row in rows]


def find_budget(tx: Transaction, caller: Caller, reference: str) -> BudgetRow:
    """The budget with this id or name. Raises NotFoundError."""
    by = _B.c.id if ids.is_id(reference, ids.BUDGET) else _B.c.name
    row = tx.execute(BudgetRow.select().where(of_team(caller), by == reference)).first()
    if row is None:
        raise NotFoundError(
            f"there is no budget {reference!r}", hint="`tradewind budgets ls` lists what there is"
        )
    return BudgetRow.of(row)


def add_budget(tx: Transaction, caller: Caller, request: BudgetRequest) -> BudgetRow:
    """A new budget, looked at at once.

    Raises:
        ForbiddenError: the caller is no owner of the team.
        NotFoundError, InvalidInputError: there is no such project, team, user or channel.
        ConflictError: the name is taken, or there are too many.
    """
    _check_owner(tx, caller)
    count = tx.execute(select(func.count()).select_from(_B).where(of_team(caller))).scalar_one()
    if count >= MOST_BUDGETS:
        raise ConflictError(f"there are {count} budgets, and more are not kept", hint="remove one first")
    if tx.execute(select(_B.c.id).where(of_team(caller), _B.c.name == request.name)).first() is not None:
        raise ConflictError(
            f"a budget is called {request.name!r} already",
            hint=f"`tradewind budgets set {request.name} …` changes it",
        )
    budget_id = tx.new_id(ids.BUDGET)
    tx.execute(
        insert(_B).values(
            id=budget_id,
            project_id=caller.project_id,
            creator_id=caller.user_id,
            team_id=caller.team_id,
            name=request.name,
            scope=request.scope,
            target=_target(tx, caller, request.scope, request.target),
            period=request.period,
            amount_micro=request.amount_micro,
            currency="USD",
            action=request.action,
            thresholds=request.thresholds,
            channel_ids=_channel_ids(tx, caller, request.channels),
            max_hourly_micro=request.max_hourly_micro,
            max_concurrent_jobs=request.max_concurrent_jobs,
            watches_anomalies=request.watches_anomalies,
            state={"revision": 0},
            created_at=tx.now,
            next_due_at=tx.now,
        )
    )
    tx.wake(_B.name)
    return BudgetRow.get(tx, budget_id)


def change_budget(tx: Transaction, caller: Caller, reference: str, patch: BudgetPatch) -> BudgetRow:
    """A budget, changed. Those who wait because of a budget try again; thresholds that are reached are told anew."""
    _check_owner(tx, caller)
    budget = find_budget(tx, caller, reference)
    wake_placers(tx)
    # Nobody counts by the old limits after this.
    tx.execute(select(_B.c.id).where(_B.c.id == budget.id).with_for_update())
    values: dict[str, Any] = patch.model_dump(exclude_none=True, exclude={"clears", "channels"})
    values |= {_CLEARED[each]: None for each in patch.clears}
    if patch.channels is not None:
        values["channel_ids"] = _channel_ids(tx, caller, patch.channels)
    values = {name: value for name, value in values.items() if getattr(budget, name) != value}
    if not values:
        return budget
    if values.keys() & {"amount_micro", "period", "thresholds"}:
        kept = {name: budget.state[name] for name in ("anomalies",) if name in budget.state}
        values["state"] = {**kept, "revision": int(budget.state.get("revision", 0)) + 1}
    tx.execute(
        update(_B).where(_B.c.id == budget.id).values(**values, next_due_at=tx.now, wakes=_B.c.wakes + 1)
    )
    tx.wake(_B.name)
    let_try_again(tx, budget.team_id)
    return BudgetRow.get(tx, budget.id)


def remove_budget(tx: Transaction, caller: Caller, reference: str) -> BudgetRow:
    """Removes a budget and what was noted about it. Returns what was removed."""
    _check_owner(tx, caller)
    budget = find_budget(tx, caller, reference)
    wake_placers(tx)
    notices = budget_tables.budget_notices
    tx.execute(delete(notices).where(notices.c.budget_id == budget.id))
    tx.execute(delete(_B).where(_B.c.id == budget.id))
    let_try_again(tx, budget.team_id)
    return budget


def _check_owner(tx: Transaction, caller: Caller) -> None:
    if not is_owner(tx, caller):
        raise ForbiddenError(
            f"budgets of team {caller.team_name} are set by its owners", hint="ask an owner of the team"
        )


def _target(tx: Transaction, caller: Caller, scope: Scope, name: str | None) -> str:
    if scope is Scope.PROVIDER:
        if name is None:
            raise InvalidInputError(
                "a budget of a provider needs its name", hint="for example lambda or local"
            )
        return resolve_providers([name])[0]
    own = {Scope.PROJECT: caller.project_id, Scope.TEAM: caller.team_id, Scope.USER: caller.user_id}[scope]
    if name is None:
        return own
    projects, teams, users, members = tables.projects, tables.teams, tables.users, tables.team_members
    if scope is Scope.PROJECT:
        table, mine = projects, projects.c.team_id == caller.team_id
    elif scope is Scope.TEAM:
        table, mine = teams, teams.c.id == caller.team_id
    else:
        of_us = select(members.c.user_id).where(members.c.team_id == caller.team_id)
        table, mine = users, users.c.id.in_(of_us)
    found = tx.execute(
        select(table.c.id).where(mine, or_(table.c.id == name, table.c.name == name)).order_by(table.c.id)
    ).scalar()
    if found is None:
        raise NotFoundError(f"team {caller.team_name} has no {scope} {name!r}")
    return str(found)


def _channel_ids(tx: Transaction, caller: Caller, references: list[str]) -> list[str]:
    try:
        return list(dict.fromkeys(find_channel(tx, caller, each).id for each in references))
    except NotFoundError as error:
        raise InvalidInputError(
            f"channels: {error.message}", hint="`tradewind channels add NAME` makes one"
        ) from None
