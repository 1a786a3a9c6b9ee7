"""The comparison of providers under `/api/cloud`: thin, read-only, and free on loopback."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel
from starlette.responses import Response

from tradewind.api.services import CallerOrNobody, Services, ServicesOf
from tradewind.db.owners import Caller
from tradewind.domain.schemas_cloud import (
    ComparisonAnswer,
    CostComparison,
    GpuTypesAnswer,
    InstanceQuery,
    InstancesAnswer,
    PlatformAnswer,
    PlatformQuery,
    PlatformsAnswer,
    SetupInstructions,
)

if TYPE_CHECKING:
    from tradewind.control.shop import Shop

router = APIRouter(tags=["cloud"])
_Platform = Annotated[str, Path(min_length=1, max_length=64)]


@router.post("/instances", response_model=InstancesAnswer)
async def find_instances(query: InstanceQuery, services: ServicesOf, caller: CallerOrNobody) -> Response:
    """Instances that answer the query, the cheapest first."""
    from tradewind.control import instances

    shop = await _shop(services, caller, query.price_source)
    return await _answer(services, lambda: instances.find_instances(shop, query))


@router.get("/instances", response_model=InstancesAnswer)
async def list_instances(
    query: Annotated[InstanceQuery, Query()], services: ServicesOf, caller: CallerOrNobody
) -> Response:
    """The same, asked with a query string; several platforms are repeated or separated by commas."""
    return await find_instances(query, services, caller)


@router.get("/platforms", response_model=PlatformsAnswer)
async def list_platforms(services: ServicesOf, caller: CallerOrNobody) -> Response:
    """Every provider that is known."""
    from tradewind.control import platforms

    shop = await _shop(services, caller)
    return await _answer(services, lambda: platforms.list_platforms(shop))


@router.get("/platforms/{platform}", response_model=PlatformAnswer)
async def show_platform(
    platform: _Platform,
    query: Annotated[PlatformQuery, Query()],
    services: ServicesOf,
    caller: CallerOrNobody,
) -> Response:
    """What one provider has, the cheapest first."""
    from tradewind.control import instances

    shop = await _shop(services, caller, query.price_source)
    return await _answer(services, lambda: instances.show_platform(shop, platform, query))


@router.get("/gpu-types", response_model=GpuTypesAnswer)
async def list_gpu_types(services: ServicesOf, caller: CallerOrNobody) -> Response:
    """Kinds of GPU that somebody has."""
    from tradewind.control import platforms

    shop = await _shop(services, caller)
    return await _answer(services, lambda: platforms.list_gpu_types(shop))


@router.get("/setup-instructions/{platform}", response_model=SetupInstructions)
async def show_setup(platform: _Platform, services: ServicesOf, caller: CallerOrNobody) -> Response:
    """How to get ready for a provider."""
    from tradewind.control import platforms

    shop = await _shop(services, caller)
    return await _answer(services, lambda: platforms.setup_instructions(shop, platform))


@router.post("/compare-costs", response_model=ComparisonAnswer)
async def compare_costs(request: CostComparison, services: ServicesOf, caller: CallerOrNobody) -> Response:
    """What the training costs on every platform and here: cheapest, fastest, recommended."""
    from tradewind.control import comparing

    shop = await _shop(services, caller, request.price_source)
    return await _answer(services, lambda: comparing.compare_costs(shop, request))


async def _shop(services: Services, caller: Caller | None, price_source: str | None = None) -> Shop:
    from tradewind.control.shop import Shop, providers_in

    whole = await services.catalog.table(caller)
    if price_source is None:
        return Shop(table=whole, own=await services.shelf.offers())
    # One price list that was asked for by name says nothing of the machines at hand.
    table = await services.catalog.table(caller, source=price_source)
    return Shop(table=table, listed=providers_in(whole))


async def _answer(services: Services, work: Callable[[], BaseModel]) -> Response:
    # Not checked again on its way out: there may be ten thousand instances, and they are what the types say.
    content = await services.context.offload(lambda: work().model_dump_json().encode())
    return Response(content, media_type="application/json")
