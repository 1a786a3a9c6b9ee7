"""Simulations: what would come of some jobs under several policies. Changes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from tradewind.api.services import CallerOf, Services, ServicesOf
from tradewind.catalog.history import MOST_CHANGES, HistoryFilter, changes_in_order
from tradewind.db.owners import Caller
from tradewind.domain.errors import ConflictError, InvalidInputError, TooLargeError
from tradewind.domain.schemas_simulation import SimulationRequest, SimulationView

if TYPE_CHECKING:
    from tradewind.control.simulating import Surroundings

router = APIRouter(tags=["simulations"])
_MOST_BYTES: Final = 32 << 20
_DAYS: Final = 30.0
#: A replay is a minute of one processor at most; more at once would only be in each other's way.
_MOST_AT_ONCE: Final = 2


@router.post("/simulations", response_model=SimulationView, status_code=200)
async def simulate(
    order: SimulationRequest, services: ServicesOf, caller: CallerOf, request: Request
) -> Response:
    """Replays a mix, a trace or the caller's past jobs: cost, waiting and misses of each policy. Nothing is started."""
    if int(request.headers.get("content-length", "0")) > _MOST_BYTES:
        raise TooLargeError("a simulation takes 32 MiB at most", hint="take a shorter trace or fewer zones")
    from tradewind.control import simulating

    simulating.check_request(order)
    state = request.app.state
    running = getattr(state, "simulations_running", 0)
    if running >= _MOST_AT_ONCE:
        raise ConflictError(
            f"{_MOST_AT_ONCE} simulations are running already", hint="ask again when one of them is done"
        )
    state.simulations_running = running + 1
    try:
        around = await _surroundings(order, services, caller)
        content = await services.context.offload(
            lambda: simulating.simulate(order, around).model_dump_json().encode()
        )
    finally:
        state.simulations_running -= 1
    return Response(content, media_type="application/json")


async def _surroundings(order: SimulationRequest, services: Services, caller: Caller) -> Surroundings:
    from tradewind.control.simulating import Surroundings, wants_market
    from tradewind.control.simulation_courses import courses_of
    from tradewind.control.simulation_history import actual_figures, jobs_of_past, read_past
    from tradewind.domain.offer_table import OfferTable

    context = services.context
    now = context.clock.now()
    start = _start(order, now)
    # Nobody is asked for prices that nobody needs.
    table = await services.catalog.table(caller) if wants_market(order) else OfferTable.of(())
    priced = past = actual = None
    if order.history_days is not None:
        found, others = await context.store.read(lambda tx: read_past(tx, caller, start))
        if not found:
            raise InvalidInputError(
                f"no job of yours of the last {order.history_days:g} days has succeeded",
                hint="take a longer time, or a job mix",
            )
        past = await context.offload(jobs_of_past, found, others, start)
        actual = await context.offload(actual_figures, found)
    if order.prices == "history" and wants_market(order):
        changes = await context.store.read(
            lambda tx: changes_in_order(tx, caller, HistoryFilter(until=now), MOST_CHANGES)
        )
        priced = await context.offload(courses_of, table, changes, start)
    return Surroundings(
        table=table,
        own=await services.shelf.offers(),
        tariff=context.tariff,
        now=now,
        start=start,
        priced=priced,
        past=past,
        actual=actual,
    )


def _start(order: SimulationRequest, now: datetime) -> datetime:
    """When the replay begins: as far back as its jobs or its prices."""
    days = order.history_days
    if days is None and order.prices == "history":
        days = order.price_days or _DAYS
    return now if days is None else now - timedelta(days=days)
