"""What was spent, on what, what comes, and whether the providers' invoices agree."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime

from tradewind.api.idempotency import Key, once
from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.costing import cost_outlook, job_costs
from tradewind.control.invoicing import accept, invoice_page, reconciliation, take_in
from tradewind.control.money_views import money_view
from tradewind.control.offer_names import resolve_providers
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.money import JOULES_PER_KWH
from tradewind.domain.schemas import CostReport, CostRow
from tradewind.domain.schemas_cost import (
    AcceptAnswer,
    AcceptOrder,
    CostOutlook,
    InvoiceAnswer,
    InvoiceImport,
    InvoicePage,
    JobCostPage,
    Provider,
    Reconciliation,
)
from tradewind.ledger.invoices import read_invoice
from tradewind.ledger.reports import GROUPS, Spend, is_group, spend_by

router = APIRouter(tags=["cost"])
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_GROUPS: Final = 6
_GROUP: Final = re.compile(r"[a-z]+(:[^\x00-\x1f,\"'\\]{1,128})?")


@router.get("/cost")
async def cost(
    services: ServicesOf,
    caller: CallerOf,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    by: Annotated[str, Query(min_length=1, max_length=1024)] = "project,provider",
) -> CostReport:
    """Closed intervals of a period, by project, team, provider, user, job, accelerator, kind, day or tag:NAME."""
    groups = by.split(",")
    unknown = [name for name in groups if not (_GROUP.fullmatch(name) and is_group(name))]
    if unknown or len(groups) > _MOST_GROUPS:
        raise InvalidInputError(
            f"cannot group by {', '.join(unknown) or 'so much at once'}",
            hint=f"group by any of {', '.join(GROUPS)} and tag:NAME",
        )
    start, end = _period(services, since, until)
    rows = await services.context.store.read(lambda tx: spend_by(tx, caller, start, end, groups))
    return CostReport(
        since=start,
        until=end,
        by=groups,
        rows=[_row(group, spend) for group, spend in rows],
        total=_row({}, _total([spend for _, spend in rows])),
    )


@router.get("/cost/outlook")
async def outlook(services: ServicesOf, caller: CallerOf) -> CostOutlook:
    """What your project spends this month: closed, used up by what runs, held, and foreseen."""
    context = services.context
    return await context.store.read(lambda tx: cost_outlook(tx, caller, context.tariff))


@router.get("/cost/jobs")
async def costs_of_jobs(
    services: ServicesOf,
    caller: CallerOf,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> JobCostPage:
    """Jobs that ended in a period, newest first: what was estimated and what came."""
    start, end = _period(services, since, until)
    return await services.context.store.read(lambda tx: job_costs(tx, caller, start, end, limit, cursor))


@router.get("/cost/invoices")
async def list_invoices(services: ServicesOf, caller: CallerOf) -> InvoicePage:
    """Imported invoices, newest first."""
    return await services.context.store.read(lambda tx: invoice_page(tx, caller))


@router.post("/cost/invoices")
async def import_invoice(order: InvoiceImport, services: ServicesOf, caller: CallerOf) -> InvoiceAnswer:
    """Takes in a provider's invoice as CSV. Lines that are there already change nothing."""
    context, provider = services.context, _provider(order.provider)
    lines = await context.offload(read_invoice, order.content, order.filename)
    return await context.store.run(
        lambda tx: take_in(tx, caller, provider, order.filename, lines, is_dry=order.dry_run), durable=True
    )


@router.get("/cost/reconciliation")
async def reconcile_invoices(
    services: ServicesOf,
    caller: CallerOf,
    provider: Annotated[Provider, Query()],
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    tolerance_percent: Annotated[float, Query(ge=0, le=100, allow_inf_nan=False)] = 1.0,
) -> Reconciliation:
    """A provider's invoices against the ledger, thing by thing; what differs comes first."""
    name = _provider(provider)
    return await services.context.store.read(
        lambda tx: reconciliation(tx, caller, name, since, until, tolerance_percent)
    )


@router.post("/cost/reconciliation")
async def accept_differences(
    order: AcceptOrder, services: ServicesOf, caller: CallerOf, http: Request, key: Key = None
) -> AcceptAnswer:
    """Takes over what the invoice says: each difference becomes a row of its own in the ledger."""
    meant = order.model_copy(update={"provider": _provider(order.provider)})
    return await once(
        services.context.store,
        caller,
        key,
        http.url.path,
        order,
        AcceptAnswer,
        lambda tx: accept(tx, caller, meant),
    )


def _provider(name: str) -> str:
    return resolve_providers([name])[0]


def _period(
    services: ServicesOf, since: datetime | None, until: datetime | None
) -> tuple[datetime, datetime]:
    end = until or services.context.clock.now()
    # Nothing was spent before the epoch, and the first days that can be written have no month before them.
    return since or max(end, _EPOCH) - timedelta(days=30), end


def _row(group: dict[str, str], spend: Spend) -> CostRow:
    basis: Literal["metered", "modelled", "mixed", "billed"] = "modelled"
    if spend.basis == "metered":
        basis = "metered"
    elif spend.basis == "mixed":
        basis = "mixed"
    elif spend.basis == "billed":
        basis = "billed"
    return CostRow(
        group=group,
        jobs=spend.jobs,
        hours=spend.seconds / 3600,
        amount=money_view(spend.amount_micro),
        energy_kwh=spend.energy_j / JOULES_PER_KWH,
        carbon_grams=spend.carbon_mg / 1000,
        basis=basis,
        accelerator_hours=spend.accelerator_hours,
        idle=money_view(spend.idle_micro),
    )


def _total(spends: list[Spend]) -> Spend:
    bases = {spend.basis for spend in spends}
    return Spend(
        amount_micro=sum(spend.amount_micro for spend in spends),
        energy_j=sum(spend.energy_j for spend in spends),
        carbon_mg=sum(spend.carbon_mg for spend in spends),
        seconds=sum(spend.seconds for spend in spends),
        jobs=sum(spend.jobs for spend in spends),
        basis=bases.pop() if len(bases) == 1 else "mixed" if bases else "none",
        idle_micro=sum(spend.idle_micro for spend in spends),
        accelerator_hours=sum(spend.accelerator_hours for spend in spends),
    )
