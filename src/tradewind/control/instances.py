"""Instances in the form of `/api/cloud`, the cheapest first, or why there is none."""

from __future__ import annotations

from typing import Final

from tradewind.control.shop import (
    Shop,
    Wish,
    cloud_id,
    gpu_name,
    provider_of,
    rows_of,
    show_time,
    usd,
)
from tradewind.domain.offers import Availability, Offer
from tradewind.domain.schemas_cloud import (
    Instance,
    InstanceQuery,
    InstancesAnswer,
    PlatformAnswer,
    PlatformQuery,
)
from tradewind.estimate.power import Watts
from tradewind.hardware.names import fulfils
from tradewind.placement.choose import hourly_micro

_GIB: Final = 1 << 30


def find_instances(shop: Shop, query: InstanceQuery) -> InstancesAnswer:
    """Instances that answer the query, the cheapest first. Raises NotFoundError for an unknown platform."""
    wanted = query.platforms
    providers = None if wanted is None else frozenset(provider_of(shop, each) for each in wanted)
    return _find(shop, query, providers)


def show_platform(shop: Shop, platform: str, query: PlatformQuery) -> PlatformAnswer:
    """What one provider has, the cheapest first. Raises NotFoundError for an unknown one."""
    provider = provider_of(shop, platform)
    found = _find(shop, query, frozenset({provider}))
    return PlatformAnswer(platform=cloud_id(provider), **dict(found))


def rate_micro(offer: Offer) -> int:
    """Micro-dollars per hour; of a machine at hand the electricity of an hour's training."""
    return hourly_micro(offer.rate, expected_watts(offer))


def expected_watts(offer: Offer) -> float:
    """What a machine at hand draws while it trains."""
    return Watts(offer.watts_low or 0.0, offer.watts_high or 0.0).expected


def _find(shop: Shop, query: PlatformQuery, providers: frozenset[str] | None) -> InstancesAnswer:
    wish = Wish(
        providers=providers,
        gpu_type=query.gpu_type,
        min_memory_gb=query.min_memory_gb,
        terms=query.market,
    )
    rows = rows_of(shop.table, wish)
    found = [_instance(each) for each in shop.table.offers(rows[: query.limit])]
    own = [_instance(each) for each in shop.own if _is_asked_for(each, wish)]
    instances = sorted([*own, *found], key=lambda each: each.hourly_rate_usd)[: query.limit]
    total = len(own) + len(rows)
    message = None if total else _why_none(shop, wish)
    return InstancesAnswer(instances=instances, count=len(instances), total=total, message=message)


def _instance(offer: Offer) -> Instance:
    memory = offer.accelerator_memory_gb
    return Instance(
        platform=cloud_id(offer.provider),
        gpu_type=gpu_name(offer),
        gpu_count=round(offer.accelerator_count, 4),
        memory_gb=None if memory is None else round(memory * min(offer.accelerator_count, 1.0), 3),
        vcpus=round(offer.cpus, 3) or None,
        ram_gb=_gib(offer.memory_bytes),
        storage_gb=_gib(offer.disk_bytes),
        hourly_rate_usd=usd(rate_micro(offer)),
        availability=(offer.availability if offer.is_available else Availability.UNAVAILABLE).value,
        region=offer.region,
        instance_type=offer.instance_type,
        market=offer.market,
        price_source=offer.source,
        seen_at=show_time(offer.seen_at),
    )


def _is_asked_for(own: Offer, wish: Wish) -> bool:
    if wish.providers is not None and own.provider not in wish.providers:
        return False
    if wish.terms not in ("on_demand", "any"):
        return False
    if wish.gpu_type is not None and not (own.accelerator and fulfils(wish.gpu_type, own.accelerator)):
        return False
    return not wish.min_memory_gb or (own.accelerator_memory_gb or 0.0) >= wish.min_memory_gb


def _why_none(shop: Shop, wish: Wish) -> str:
    """Which of the wishes leaves nothing, and the nearest that would do."""
    priced = rows_of(shop.table, Wish(providers=wish.providers))
    own = [each for each in shop.own if wish.providers is None or each.provider in wish.providers]
    count = len(priced) + len(own)
    if not count:
        names = "any platform" if wish.providers is None else ", ".join(map(cloud_id, sorted(wish.providers)))
        return f"no price is known for {names}"
    of_type = rows_of(shop.table, Wish(providers=wish.providers, gpu_type=wish.gpu_type))
    if wish.gpu_type is not None and not len(of_type):
        return f"none of {_offers(count)} has {wish.gpu_type}; /api/cloud/gpu-types lists what there is"
    if wish.min_memory_gb:
        from tradewind.catalog.identity import usable_memory_gb

        memory = usable_memory_gb(shop.table)[of_type]
        largest = max((float(each) for each in memory if each == each), default=0.0)
        if largest < wish.min_memory_gb:
            return (
                f"none of {_offers(len(of_type) or count)} has {wish.min_memory_gb:g} GB per GPU; "
                f"the largest has {largest:g} GB"
            )
    return f"nothing that fits is offered {wish.terms.replace('_', ' ')}; `market=any` shows other terms"


def _offers(count: int) -> str:
    return "1 offer" if count == 1 else f"{count} offers"


def _gib(size_bytes: int) -> float | None:
    return round(size_bytes / _GIB, 3) if size_bytes else None
