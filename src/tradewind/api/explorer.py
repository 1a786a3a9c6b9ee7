"""The offers page: search with cards and counts, one offer in full, side by side, saved views, export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from tradewind.api.services import CallerOf, Services, ServicesOf
from tradewind.control.price_desk import failures_of, visible_sources
from tradewind.control.refusals import live_refusals
from tradewind.db.owners import Caller
from tradewind.domain.schemas_alerts import ViewName
from tradewind.domain.schemas_explorer import (
    ExplorerExport,
    ExplorerPage,
    ExplorerQuery,
    OfferComparison,
    OfferDetail,
    OfferQuestion,
    OffersQuestion,
    SavedSearchPage,
    SavedSearchRequest,
    WorkTerms,
)

if TYPE_CHECKING:
    from tradewind.control.goods import Goods

router = APIRouter(prefix="/offers", tags=["offers"])
_Name = Annotated[ViewName, Path()]


@router.get("/explore", response_model=ExplorerPage)
async def explore(
    query: Annotated[ExplorerQuery, Query()], services: ServicesOf, caller: CallerOf
) -> Response:
    """Offers and machines at hand, worded; the first page has cards, counts per filter and the state of sources."""
    from tradewind.control.explorer import explorer_page, sources_health

    goods = await _goods(services, caller, query, query.source)
    rows = await services.context.store.read(lambda tx: visible_sources(tx, caller))
    health, now = sources_health(rows, failures_of(rows)), services.context.clock.now()
    return await _answer(services, lambda: explorer_page(goods, query, health, now))


@router.get("/detail", response_model=OfferDetail)
async def show_offer(
    question: Annotated[OfferQuestion, Query()], services: ServicesOf, caller: CallerOf
) -> Response:
    """One offer with its provider's strengths, weaknesses and set-up steps, how it is billed, and what is like it."""
    from tradewind.control.explorer_detail import offer_detail
    from tradewind.control.shop import Shop

    goods = await _goods(services, caller, question)
    shop, now = Shop(table=goods.table), services.context.clock.now()
    return await _answer(services, lambda: offer_detail(goods, shop, question, now))


@router.get("/compare", response_model=OfferComparison)
async def compare(
    question: Annotated[OffersQuestion, Query()], services: ServicesOf, caller: CallerOf
) -> Response:
    """Up to four offers side by side, line by line."""
    from tradewind.control.explorer_detail import compare_offers

    goods = await _goods(services, caller, question)
    now = services.context.clock.now()
    return await _answer(services, lambda: compare_offers(goods, question, now))


@router.get("/export", response_class=StreamingResponse)
async def export(
    query: Annotated[ExplorerExport, Query()], services: ServicesOf, caller: CallerOf
) -> StreamingResponse:
    """Everything that the same filters show, in the same order, as CSV or JSON."""
    from tradewind.control.explorer_export import export_portions

    goods = await _goods(services, caller, query, query.source)
    now = services.context.clock.now()
    portions = await services.context.offload(export_portions, goods, query, now)
    kind = "text/csv" if query.format == "csv" else "application/json"
    name = f"offers-{now:%Y%m%d-%H%M}.{query.format}"
    return StreamingResponse(
        _pieces(services, portions),
        media_type=f"{kind}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/views", response_model=SavedSearchPage)
async def list_views(services: ServicesOf, caller: CallerOf) -> Response:
    """Your saved views, each with how many offers it gives now and the cheapest of them."""
    from tradewind.control.saved_searches import saved_view_views, saved_views

    views = await services.context.store.read(lambda tx: saved_views(tx, caller))
    goods, now = await _goods(services, caller, WorkTerms()), services.context.clock.now()
    return await _answer(services, lambda: SavedSearchPage(items=saved_view_views(goods, views, now)))


@router.put("/views/{name}", response_model=SavedSearchPage)
async def put_view(
    name: _Name, request: SavedSearchRequest, services: ServicesOf, caller: CallerOf
) -> Response:
    """Keeps a search under a name; what had the name before is replaced."""
    from tradewind.control.saved_searches import save_view

    await services.context.store.run(lambda tx: save_view(tx, caller, name, request.search), durable=True)
    return await list_views(services, caller)


@router.delete("/views/{name}", response_model=SavedSearchPage)
async def delete_view(name: _Name, services: ServicesOf, caller: CallerOf) -> Response:
    """Forgets a saved view."""
    from tradewind.control.saved_searches import remove_view

    await services.context.store.run(lambda tx: remove_view(tx, caller, name), durable=True)
    return await list_views(services, caller)


async def _goods(services: Services, caller: Caller, terms: WorkTerms, source: str | None = None) -> Goods:
    """What there is for this caller. One price list that was asked for by name says nothing of machines at hand."""
    from tradewind.control.goods import goods_of, with_told_machine

    context = services.context
    table = await services.catalog.table(caller, source)
    own = [] if source is not None else with_told_machine(await services.shelf.offers(), terms)
    refusals = await context.store.read(live_refusals)
    runnable = frozenset(context.machines) if context.can_rent else frozenset[str]()
    return await context.offload(goods_of, table, own, runnable, refusals)


async def _answer(services: Services, work: Callable[[], BaseModel]) -> Response:
    # Not checked again on its way out, and not on the server's one loop: a page may have a thousand rows.
    content = await services.context.offload(lambda: work().model_dump_json().encode())
    return Response(content, media_type="application/json")


async def _pieces(services: Services, portions: Iterator[str]) -> AsyncIterator[str]:
    while (piece := await services.context.offload(next, portions, None)) is not None:
        yield piece
