"""Budgets and limits. Everybody of a team sees its budgets; its owners set them."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from tradewind.api.idempotency import Key, once
from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.budget_desk import add_budget, change_budget, remove_budget
from tradewind.control.budget_preview import preview_budget
from tradewind.control.budget_views import budget_detail, budget_page, budget_view, names_for
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.owners import Caller
from tradewind.db.store import Transaction
from tradewind.domain.schemas_budgets import (
    BudgetDetail,
    BudgetPage,
    BudgetPatch,
    BudgetPreview,
    BudgetRequest,
    BudgetView,
)
from tradewind.estimate.tariff import Tariff

router = APIRouter(tags=["budgets"])


@router.get("/budgets")
async def list_budgets(services: ServicesOf, caller: CallerOf) -> BudgetPage:
    """Your team's budgets by name, each with what is spent, held, left and foreseen."""
    context = services.context
    return await context.store.read(lambda tx: budget_page(tx, caller, context.tariff))


@router.post("/budgets", status_code=201)
async def create_budget(
    request: BudgetRequest, services: ServicesOf, caller: CallerOf, http: Request, key: Key = None
) -> BudgetView:
    """Sets a budget. It counts what was spent in the period before, too."""
    context = services.context

    def add(tx: Transaction) -> BudgetView:
        return _view(tx, caller, add_budget(tx, caller, request), context.tariff)

    return await once(context.store, caller, key, http.url.path, request, BudgetView, add)


@router.post("/budgets/preview")
async def preview(request: BudgetRequest, services: ServicesOf, caller: CallerOf) -> BudgetPreview:
    """How such a budget would stand now, what it would do at once, and when it would have been reached before."""
    context = services.context
    return await context.store.read(lambda tx: preview_budget(tx, caller, request, context.tariff))


@router.get("/budgets/{reference}")
async def show_budget(reference: str, services: ServicesOf, caller: CallerOf) -> BudgetDetail:
    """One budget, by id or by name, with the days of its period and what was told of it."""
    context = services.context
    return await context.store.read(lambda tx: budget_detail(tx, caller, reference, context.tariff))


@router.patch("/budgets/{reference}")
async def update_budget(
    reference: str, patch: BudgetPatch, services: ServicesOf, caller: CallerOf
) -> BudgetView:
    """Changes what is given. Jobs that wait because of a budget are tried again at once."""
    context = services.context

    def change(tx: Transaction) -> BudgetView:
        return _view(tx, caller, change_budget(tx, caller, reference, patch), context.tariff)

    return await context.store.run(change, durable=True)


@router.delete("/budgets/{reference}", status_code=204)
async def delete_budget(reference: str, services: ServicesOf, caller: CallerOf) -> Response:
    """Removes a budget and what was noted about it. What was spent stays in the ledger."""
    await services.context.store.run(lambda tx: remove_budget(tx, caller, reference), durable=True)
    return Response(status_code=204)


def _view(tx: Transaction, caller: Caller, budget: BudgetRow, tariff: Tariff) -> BudgetView:
    return budget_view(tx, budget, tariff, names_for(tx, caller, [budget]))
