"""Offers and models of accelerators: what can be had, where, at what price."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.price_desk import failures_of, visible_sources
from tradewind.domain.schemas_offers import GpuPage, OfferPage, OfferQuery

router = APIRouter(tags=["offers"])


@router.get("/offers", response_model=OfferPage)
async def list_offers(
    query: Annotated[OfferQuery, Query()], services: ServicesOf, caller: CallerOf
) -> Response:
    """Offers, the cheapest first unless told otherwise, from what is known at this moment."""
    from tradewind.control.offer_views import offer_page

    table = await services.catalog.table(caller, query.source)
    failures = failures_of(await services.context.store.read(lambda tx: visible_sources(tx, caller)))

    def answer() -> bytes:
        return offer_page(table, query, failures).model_dump_json().encode()

    # Not checked again on its way out: a page may have ten thousand offers, and they are what the types say.
    return Response(await services.context.offload(answer), media_type="application/json")


@router.get("/gpus")
async def list_gpus(
    services: ServicesOf, caller: CallerOf, offered: bool = False, source: str | None = None
) -> GpuPage:
    """Models of accelerators with their names, who has them, and the cheapest now. `offered`: only those on offer."""
    from tradewind.control.offer_views import gpu_views

    table = await services.catalog.table(caller, source)
    views = await services.context.offload(gpu_views, table, only_offered=offered)
    return GpuPage(items=views)
