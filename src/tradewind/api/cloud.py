"""The comparison of providers under `/api/cloud`: thin, read-only, and free on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query

from tradewind.api.services import CallerOrNobody, Services, ServicesOf
from tradewind.db.owners import Caller
from tradewind.domain.schemas_cloud import (
    ComparisonAnswer,
    CostComparison,
    GpuTypesAnswer,
    InstanceQuery,
    InstancesAnswer,
    PlatformAnswer,
    PlatformsAnswer,
    SetupInstructions,
)

if TYPE_CHECKING:
    from tradewind.control.instances import Shop

router = APIRouter(tags=["cloud"])
_Platform = Annotated[str, Path(min_length=1, max_length=64)]
_Memory = Annotated[float | None, Query(ge=0, le=1_000_000, allow_inf_nan=False)]
_GpuType = Annotated[str | None, Query(min_length=1, max_length=64)]


@router.post("/instances")
async def find_instances(
    query: InstanceQuery, services: ServicesOf, caller: CallerOrNobody
) -> InstancesAnswer:
    """Instances that answer the query, the cheapest first."""
    from tradewind.control import instances

    return instances.find_instances(await _shop(services, caller, query.price_source), query)


@router.get("/instances")
async def list_instances(
    query: Annotated[InstanceQuery, Query()], services: ServicesOf, caller: CallerOrNobody
) -> InstancesAnswer:
    """The same, asked with a query string; several platforms are repeated or separated by commas."""
    return await find_instances(query, services, caller)


@router.get("/platforms")
async def list_platforms(services: ServicesOf, caller: CallerOrNobody) -> PlatformsAnswer:
    """Every provider that is known."""
    from tradewind.control import instances

    return instances.list_platforms(await _shop(services, caller))


@router.get("/platforms/{platform}")
async def show_platform(
    platform: _Platform,
    services: ServicesOf,
    caller: CallerOrNobody,
    gpu_type: _GpuType = None,
    min_memory_gb: _Memory = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
) -> PlatformAnswer:
    """What one provider has, the cheapest first."""
    from tradewind.control import instances

    shop = await _shop(services, caller)
    query = InstanceQuery(gpu_type=gpu_type, min_memory_gb=min_memory_gb, platforms=[platform], limit=limit)
    found = instances.find_instances(shop, query)
    return PlatformAnswer(
        platform=instances.cloud_id(instances.provider_of(shop, platform)),
        instances=found.instances,
        count=found.count,
        total=found.total,
        message=found.message,
    )


@router.get("/gpu-types")
async def list_gpu_types(services: ServicesOf, caller: CallerOrNobody) -> GpuTypesAnswer:
    """Kinds of GPU that somebody has."""
    from tradewind.control import instances

    return instances.list_gpu_types(await _shop(services, caller))


@router.get("/setup-instructions/{platform}")
async def show_setup(platform: _Platform, caller: CallerOrNobody) -> SetupInstructions:
    """How to get ready for a provider."""
    from tradewind.control import instances

    return instances.setup_instructions(platform)


@router.post("/compare-costs")
async def compare_costs(
    request: CostComparison, services: ServicesOf, caller: CallerOrNobody
) -> ComparisonAnswer:
    """What the training costs on every platform and here: cheapest, fastest, recommended."""
    from tradewind.control import comparing

    return comparing.compare_costs(await _shop(services, caller, request.price_source), request)


async def _shop(services: Services, caller: Caller | None, price_source: str | None = None) -> Shop:
    from tradewind.control.instances import Shop

    table = await services.catalog.table(caller, source=price_source)
    # One price list that was asked for by name says nothing of the machines at hand.
    own = [] if price_source else await services.shelf.offers()
    return Shop(table=table, own=own)
