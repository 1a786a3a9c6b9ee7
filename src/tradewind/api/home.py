"""The first page, in one answer."""

from __future__ import annotations

from fastapi import APIRouter

from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.home import overview
from tradewind.domain.schemas_home import OverviewView

router = APIRouter(tags=["overview"])


@router.get("/overview")
async def show_overview(services: ServicesOf, caller: CallerOf) -> OverviewView:
    """What runs and what it costs an hour, what waits and why, what failed lately, budgets, idle machines, the cheapest
    offers for what you look for, and what to do first."""
    from tradewind.control.home_offers import cheapest_of, wanted_by

    context = services.context
    wanted = await context.store.read(lambda tx: wanted_by(tx, caller))
    table = await services.catalog.table(caller)
    cheapest = await context.offload(cheapest_of, table, wanted)
    return await context.store.read(lambda tx: overview(context, services.connections, tx, caller, cheapest))
