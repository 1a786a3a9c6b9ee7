"""Price sources and the history of prices: look, refresh, import, export."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from tradewind.api.idempotency import Key, once
from tradewind.api.services import CallerOf, Services, ServicesOf
from tradewind.catalog import history
from tradewind.catalog.ranks import PRICE_FILE
from tradewind.catalog.snapshot import compare_and_pack
from tradewind.control import own_prices
from tradewind.control.price_courses import change_row, change_view, history_filter, price_history
from tradewind.control.price_desk import (
    find_source,
    import_answer,
    read_import,
    remove_import,
    source_view,
    stored_import,
    visible_sources,
    withdrawn,
    write_import,
)
from tradewind.db.owners import Caller
from tradewind.db.rows import StaleRowError
from tradewind.db.store import Transaction
from tradewind.domain.errors import ConflictError
from tradewind.domain.schemas_offers import (
    ChangesQuery,
    CourseQuery,
    HistoryQuery,
    OwnPricePage,
    OwnPriceRequest,
    OwnPriceView,
    PriceChangePage,
    PriceChangeView,
    PriceHistory,
    PriceImport,
    PriceImportAnswer,
    PriceSourcePage,
    PriceSourceView,
)

router = APIRouter(prefix="/prices", tags=["prices"])
_PORTION: Final = 5000


class ExportQuery(HistoryQuery):
    """Which changes, and in which form."""

    format: Literal["csv", "jsonl"] = "csv"


@router.get("/sources")
async def list_sources(services: ServicesOf, caller: CallerOf) -> PriceSourcePage:
    """Every source with its age, its number of offers and its last error."""
    rows = await services.context.store.read(lambda tx: visible_sources(tx, caller))
    return PriceSourcePage(items=[source_view(row, await services.prices.state_of(row)) for row in rows])


@router.post("/sources/{name}/refresh")
async def refresh(
    name: str,
    services: ServicesOf,
    caller: CallerOf,
    wait_s: Annotated[float, Field(ge=0, le=120)] = 30,
) -> PriceSourceView:
    """Asks a source now, and answers when it has, or with how it is when the time is over."""
    context = services.context
    row = await context.store.read(lambda tx: find_source(tx, caller, name))
    if row.project_id is not None:
        raise ConflictError(f"{name} was imported; nobody can be asked for it", hint="import it again")
    if not row.is_enabled:
        raise ConflictError(
            f"{name} is switched off", hint="name it in TRADEWIND_PRICE_SOURCES, and start the server again"
        )
    tried_at, deadline = row.tried_at, context.clock.monotonic() + wait_s
    with context.store.wakeups.subscribe(row.table.name) as woken:
        await services.prices.refresh(row)
        while row.tried_at == tried_at:
            left = deadline - context.clock.monotonic()
            if left <= 0:
                break
            await context.clock.wait(woken, min(left, 1.0))
            woken.clear()
            row = await context.store.read(lambda tx: find_source(tx, caller, name))
    return source_view(row, await services.prices.state_of(row))


@router.delete("/sources/{name}")
async def remove(name: str, services: ServicesOf, caller: CallerOf) -> PriceSourceView:
    """Withdraws what was imported under this name. Its history stays."""
    row = await services.context.store.run(
        lambda tx: remove_import(tx, caller, name, withdrawn(name)), durable=True
    )
    return source_view(row, await services.prices.state_of(row))


@router.post("/import", status_code=201)
async def take_import(
    order: PriceImport, services: ServicesOf, caller: CallerOf, request: Request, key: Key = None
) -> PriceImportAnswer:
    """Takes a file with prices. They are seen in the caller's project only, and win over public ones."""
    context, known = services.context, services.prices.names
    offers = await context.offload(read_import, order, context.clock.now())
    version, packed = await context.store.read(lambda tx: stored_import(tx, caller, order.name, known))
    compared = await context.offload(compare_and_pack, packed, offers, order.name, context.clock.now())
    if order.dry_run:
        return import_answer(order.name, compared[0])

    def write(tx: Transaction) -> PriceImportAnswer:
        return write_import(tx, caller, order, version, compared)

    return await once(context.store, caller, key, request.url.path, order, PriceImportAnswer, write)


@router.get("/own")
async def list_own(services: ServicesOf, caller: CallerOf) -> OwnPricePage:
    """Your own prices: those that were added one by one, and those of files that were imported."""
    stored = await services.context.store.read(lambda tx: own_prices.stored_own(tx, caller))
    return await services.context.offload(own_prices.own_price_page, stored)


@router.post("/own", status_code=201)
async def add_own(request: OwnPriceRequest, services: ServicesOf, caller: CallerOf) -> OwnPriceView:
    """Adds a price of your own; one of the same machine on the same terms is replaced."""
    context, known = services.context, services.prices.names
    order = own_prices.order_of(request)
    version, packed = await context.store.read(lambda tx: own_prices.read_by_hand(tx, caller, known))
    offer, compared = await context.offload(own_prices.with_price, packed, order, context.clock.now())
    await _write_own(services, caller, order, version, compared)
    return own_prices.view_of(offer)


@router.delete("/own/{price_id}", status_code=204)
async def remove_own(price_id: str, services: ServicesOf, caller: CallerOf) -> Response:
    """Removes a price that was added by itself. Its history stays."""
    context, known = services.context, services.prices.names
    version, packed = await context.store.read(lambda tx: own_prices.read_by_hand(tx, caller, known))
    compared = await context.offload(own_prices.without_price, packed, price_id, context.clock.now())
    order = PriceImport(name=own_prices.BY_HAND, format=PRICE_FILE, content="-")
    await _write_own(services, caller, order, version, compared)
    return Response(status_code=204)


async def _write_own(
    services: Services, caller: Caller, order: PriceImport, version: int, compared: tuple[Any, bytes]
) -> None:
    try:
        await services.context.store.run(
            lambda tx: own_prices.write_by_hand(tx, caller, order, version, compared), durable=True
        )
    except StaleRowError:
        raise ConflictError(
            "your own prices were changed by somebody else at the same moment", hint="try again"
        ) from None


@router.get("/history", response_model=PriceHistory)
async def show_history(
    query: Annotated[CourseQuery, Query()], services: ServicesOf, caller: CallerOf
) -> Response:
    """The course of prices: per accelerator the least, the middle and the most, and offers one by one."""
    course = await services.context.store.read(lambda tx: price_history(tx, caller, query))
    return await _answer(services, lambda: course)


@router.get("/changes", response_model=PriceChangePage)
async def list_changes(
    query: Annotated[ChangesQuery, Query()], services: ServicesOf, caller: CallerOf
) -> Response:
    """What changed, newest first: new, gone, rose, fell, or another availability."""
    before = int(query.cursor) if query.cursor else None
    found = await services.context.store.read(
        lambda tx: history.changes(tx, caller, history_filter(query), query.limit + 1, before)
    )
    page = found[: query.limit]
    cursor = str(page[-1].position) if len(found) > query.limit else None

    def answer() -> PriceChangePage:
        return PriceChangePage(items=[change_row(change) for change in page], next_cursor=cursor)

    return await _answer(services, answer)


@router.get("/export", response_class=StreamingResponse)
async def export(
    query: Annotated[ExportQuery, Query()], services: ServicesOf, caller: CallerOf
) -> StreamingResponse:
    """Every change since the first day, in the order in which they were recorded, as CSV or JSON lines."""
    kind = "text/csv" if query.format == "csv" else "application/jsonl"
    return StreamingResponse(_lines(services, caller, query), media_type=f"{kind}; charset=utf-8")


async def _lines(services: Services, caller: Caller, query: ExportQuery) -> AsyncIterator[str]:
    wanted, after = history_filter(query), 0
    if query.format == "csv":
        yield _csv([list(PriceChangeView.model_fields)])
    while True:
        # Each portion is a transaction of its own: a long export holds up nobody.
        portion = await services.context.store.read(
            lambda tx, after=after: history.export_page(tx, caller, wanted, after, _PORTION)  # type: ignore[misc]
        )
        if not portion:
            return
        yield await services.context.offload(_written, portion, query.format)
        after = portion[-1].position


async def _answer(services: Services, make: Callable[[], BaseModel]) -> Response:
    # Not checked again on its way out, and not on the server's one loop: it may have ten thousand rows.
    content = await services.context.offload(lambda: make().model_dump_json().encode())
    return Response(content, media_type="application/json")


def _written(portion: list[history.PriceChange], form: str) -> str:
    views = [change_view(change) for change in portion]
    if form == "csv":
        return _csv([list(view.model_dump(mode="json").values()) for view in views])
    return "".join(view.model_dump_json() + "\n" for view in views)


def _csv(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
