"""Budgets, costs and invoices: the part of the client that speaks of them.

Their types are loaded when a method needs them: most commands never do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tradewind.client.calls import API, Calls, quoted

if TYPE_CHECKING:
    from datetime import datetime

    from tradewind.client.exchange import Parameters
    from tradewind.domain import schemas_budgets, schemas_cost

#: A large invoice takes its time.
_IMPORT_TIMEOUT_S: Final = 120.0


class MoneyCalls(Calls):
    """Methods of `AsyncClient`. Budgets are named by id or by name."""

    async def budgets(self) -> schemas_budgets.BudgetPage:
        """The budgets of the caller's team, by name."""
        from tradewind.domain import schemas_budgets

        return await self._ask(schemas_budgets.BudgetPage, "GET", "/budgets")

    async def budget(self, budget: str) -> schemas_budgets.BudgetDetail:
        """One budget, with the days of its period and what was told of it."""
        from tradewind.domain import schemas_budgets

        return await self._ask(schemas_budgets.BudgetDetail, "GET", f"/budgets/{quoted(budget)}")

    async def add_budget(
        self, request: schemas_budgets.BudgetRequest, *, key: str | None = None
    ) -> schemas_budgets.BudgetView:
        """A new budget."""
        from tradewind.domain import schemas_budgets

        body = request.model_dump(mode="json", exclude_none=True)
        return await self._ask(schemas_budgets.BudgetView, "POST", "/budgets", body, key=key)

    async def change_budget(
        self, budget: str, patch: schemas_budgets.BudgetPatch
    ) -> schemas_budgets.BudgetView:
        """A budget, changed where the patch says something."""
        from tradewind.domain import schemas_budgets

        body = patch.model_dump(mode="json", exclude_none=True)
        return await self._ask(schemas_budgets.BudgetView, "PATCH", f"/budgets/{quoted(budget)}", body)

    async def remove_budget(self, budget: str) -> None:
        """Removes a budget and what was noted about it."""
        await self._exchange.request("DELETE", f"{API}/budgets/{quoted(budget)}")

    async def cost_outlook(self) -> schemas_cost.CostOutlook:
        """What the project spends this month: closed, by what runs, held, and foreseen."""
        from tradewind.domain import schemas_cost

        return await self._ask(schemas_cost.CostOutlook, "GET", "/cost/outlook")

    async def job_costs(
        self, *, since: datetime | None = None, until: datetime | None = None, limit: int | None = None
    ) -> schemas_cost.JobCostPage:
        """Jobs that ended in a period, newest first: what was estimated and what came."""
        from tradewind.domain import schemas_cost

        parameters: Parameters = {
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
            "limit": limit,
        }
        return await self._ask(schemas_cost.JobCostPage, "GET", "/cost/jobs", parameters=parameters)

    async def invoices(self) -> schemas_cost.InvoicePage:
        """Imported invoices, newest first."""
        from tradewind.domain import schemas_cost

        return await self._ask(schemas_cost.InvoicePage, "GET", "/cost/invoices")

    async def import_invoice(self, order: schemas_cost.InvoiceImport) -> schemas_cost.InvoiceAnswer:
        """Takes a provider's invoice in. The same lines twice change nothing."""
        from tradewind.domain import schemas_cost

        body = order.model_dump(mode="json", exclude_none=True)
        return await self._ask(
            schemas_cost.InvoiceAnswer, "POST", "/cost/invoices", body, timeout_s=_IMPORT_TIMEOUT_S
        )

    async def reconciliation(
        self, *, provider: str, since: datetime | None = None, until: datetime | None = None
    ) -> schemas_cost.Reconciliation:
        """A provider's invoices against the ledger, thing by thing."""
        from tradewind.domain import schemas_cost

        parameters: Parameters = {
            "provider": provider,
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
        }
        return await self._ask(
            schemas_cost.Reconciliation, "GET", "/cost/reconciliation", parameters=parameters
        )

    async def accept_differences(
        self, order: schemas_cost.AcceptOrder, *, key: str | None = None
    ) -> schemas_cost.AcceptAnswer:
        """Writes a correction for each difference that is accepted."""
        from tradewind.domain import schemas_cost

        body = order.model_dump(mode="json", exclude_none=True)
        return await self._ask(schemas_cost.AcceptAnswer, "POST", "/cost/reconciliation", body, key=key)
