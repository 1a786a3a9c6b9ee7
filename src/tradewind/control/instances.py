"""What every provider has, in the form of `/api/cloud`: instances, platforms, kinds of GPU, set-up instructions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from tradewind.domain.errors import NotFoundError
from tradewind.domain.money import MICRO
from tradewind.domain.offers import Market, Offer
from tradewind.domain.schemas_cloud import (
    GpuTypeDetail,
    GpuTypesAnswer,
    Instance,
    InstanceQuery,
    InstancesAnswer,
    PlatformsAnswer,
    PlatformSummary,
    SetupInstructions,
)
from tradewind.estimate.billing import setup_time
from tradewind.estimate.power import Watts
from tradewind.hardware.names import cloud_gpu_name, fulfils
from tradewind.placement.choose import hourly_micro
from tradewind.placement.compare import show_minutes
from tradewind.providers.about import all_abouts, find_about

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tradewind.domain.offer_table import OfferTable

_GIB: Final = 1 << 30
#: Offers whose price is no price.
_NEVER_CHOSEN: Final = frozenset({"placeholder", "no_price"})
#: How a machine without an accelerator is called.
CPU: Final = "CPU"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What there is to compare: offers of markets, and machines at hand that are charged by energy."""

    table: OfferTable
    own: Sequence[Offer] = ()


def cloud_id(provider_id: str) -> str:
    """A provider's id under `/api/cloud`; the id itself where only a price list knows it."""
    about = all_abouts().get(provider_id)
    return provider_id if about is None else about.cloud_id


def provider_of(shop: Shop, platform: str) -> str:
    """The provider behind a platform's id or alias. Raises NotFoundError with the known ids."""
    wanted = platform.strip().lower()
    listed = set(shop.table.words["provider"]) - {""}
    if wanted in listed:
        return wanted
    try:
        return find_about(wanted).id
    except NotFoundError:
        known = sorted({cloud_id(each) for each in (*all_abouts(), *listed)})
        raise NotFoundError(
            f"no platform is called {platform!r}", hint=f"known platforms: {', '.join(known)}"
        ) from None


def find_instances(shop: Shop, query: InstanceQuery) -> InstancesAnswer:
    """Instances that answer the query, the cheapest first. Raises NotFoundError for an unknown platform."""
    providers = None if query.platforms is None else {provider_of(shop, each) for each in query.platforms}
    rows = rows_of(shop.table, providers, query)
    found = [_instance(each) for each in shop.table.offers(rows[: query.limit])]
    own = [_own_instance(each) for each in shop.own if _is_asked_for(each, providers, query)]
    instances = sorted([*own, *found], key=lambda each: each.hourly_rate_usd)[: query.limit]
    total = len(own) + len(rows)
    message = None if total else _why_none(shop, query, providers)
    return InstancesAnswer(instances=instances, count=len(instances), total=total, message=message)


def list_platforms(shop: Shop) -> PlatformsAnswer:
    """Every provider that describes itself or has prices."""
    ids = {*all_abouts(), *(set(shop.table.words["provider"]) - {""})}
    platforms = [_platform(shop, each) for each in ids]
    platforms.sort(key=lambda each: (each.instance_count == 0, each.id))
    return PlatformsAnswer(platforms=platforms, count=len(platforms))


def list_gpu_types(shop: Shop) -> GpuTypesAnswer:
    """Every kind of GPU that an offer has."""
    details: dict[str, GpuTypeDetail] = {}
    for offer in cheapest_each(shop.table):
        name = cloud_gpu_name(offer.accelerator or "")
        price, platform = (
            usd(offer.rate.micro_per_unit / (offer.accelerator_count or 1)),
            cloud_id(offer.provider),
        )
        known = details.get(name)
        if known is None:
            details[name] = GpuTypeDetail(
                name=name,
                memory_gb=offer.accelerator_memory_gb,
                platforms=[platform],
                from_hourly_rate_usd=price,
            )
            continue
        details[name] = known.model_copy(
            update={
                "platforms": sorted({*known.platforms, platform}),
                "from_hourly_rate_usd": min(price, known.from_hourly_rate_usd or price),
            }
        )
    ordered = sorted(details.values(), key=lambda each: each.name)
    return GpuTypesAnswer(gpu_types=[each.name for each in ordered], count=len(ordered), details=ordered)


def setup_instructions(platform: str) -> SetupInstructions:
    """How to get ready. Raises NotFoundError for a platform nobody describes."""
    about = find_about(platform)
    return SetupInstructions(
        platform=about.cloud_id,
        title=f"Set up {about.title}",
        steps=list(about.setup_steps),
        api_docs=about.api_docs,
        estimated_time=about.estimated_time,
        pros=list(about.pros),
        cons=list(about.cons),
    )


def rows_of(table: OfferTable, providers: set[str] | None, query: InstanceQuery) -> npt.NDArray[np.intp]:
    """Rows that answer, by price. A price that is none is no answer."""
    import numpy as np

    keep = _is_priced(table)
    if providers is not None:
        keep &= _word_mask(table, "provider", lambda word: word in providers)
    wanted = query.gpu_type
    if wanted is not None:
        keep &= _word_mask(table, "accelerator", lambda word: bool(word) and fulfils(wanted, word))
    if query.min_memory_gb:
        keep &= np.asarray(table.numbers["accelerator_memory_gb"] >= np.float32(query.min_memory_gb))
    rows = np.flatnonzero(keep)
    prices = table.numbers["price_micro"][rows]
    return rows[np.argsort(prices, kind="stable")]


def _is_priced(table: OfferTable) -> npt.NDArray[np.bool_]:
    import numpy as np

    has_price = np.asarray(table.numbers["price_micro"] > np.int64(0))
    return has_price & _word_mask(table, "flags", lambda word: _NEVER_CHOSEN.isdisjoint(word.split(",")))


def _word_mask(table: OfferTable, column: str, is_wanted: Callable[[str], bool]) -> npt.NDArray[np.bool_]:
    import numpy as np

    return np.array([is_wanted(word) for word in table.words[column]], dtype=bool)[table.codes[column]]


def cheapest_each(table: OfferTable, providers: set[str] | None = None) -> list[Offer]:
    """The cheapest row of each provider, accelerator, memory and availability that has an accelerator.

    Different accelerators can carry the same name for users; those are told apart here and joined by the comparison.
    Spot machines are left out: the comparison is of machines that stay.
    """
    import numpy as np

    from tradewind.domain.offer_table import MARKETS

    rows = rows_of(table, providers, InstanceQuery())
    steady = np.isin(
        table.numbers["market"], [MARKETS.index(each) for each in (Market.ON_DEMAND, Market.OWNED)]
    )
    rows = rows[steady[rows] & (table.codes["accelerator"][rows] != table.words["accelerator"].index(""))]
    keys = np.stack(
        [
            table.codes["provider"][rows],
            table.codes["accelerator"][rows],
            table.numbers["availability"][rows],
        ]
    )
    # Rows are by price, so the first of each kind is the cheapest.
    _, first = np.unique(keys, axis=1, return_index=True)
    return table.offers(rows[np.sort(first)])


def _instance(offer: Offer, hourly_rate_micro: int | None = None) -> Instance:
    micro = offer.rate.micro_per_unit if hourly_rate_micro is None else hourly_rate_micro
    return Instance(
        platform=cloud_id(offer.provider),
        gpu_type=gpu_name(offer),
        gpu_count=offer.accelerator_count,
        memory_gb=offer.accelerator_memory_gb,
        vcpus=offer.cpus or None,
        ram_gb=_gib(offer.memory_bytes),
        storage_gb=_gib(offer.disk_bytes),
        hourly_rate_usd=usd(micro),
        availability=offer.availability.value,
        region=offer.region,
        instance_type=offer.instance_type,
        market=offer.market,
        price_source=offer.source,
        seen_at=show_time(offer.seen_at),
    )


def _own_instance(offer: Offer) -> Instance:
    """A machine at hand; its rate is the electricity of an hour's training."""
    idle, busy = offer.watts_low or 0.0, offer.watts_high or 0.0
    return _instance(offer, hourly_micro(offer.rate, Watts(idle, busy).expected))


def _is_asked_for(offer: Offer, providers: set[str] | None, query: InstanceQuery) -> bool:
    if providers is not None and offer.provider not in providers:
        return False
    if query.price_source is not None:
        return False
    if query.gpu_type is not None and not (offer.accelerator and fulfils(query.gpu_type, offer.accelerator)):
        return False
    return not query.min_memory_gb or (offer.accelerator_memory_gb or 0.0) >= query.min_memory_gb


def gpu_name(offer: Offer) -> str:
    """What users call its accelerator; `CPU` where it has none."""
    return cloud_gpu_name(offer.accelerator) if offer.accelerator else CPU


def _why_none(shop: Shop, query: InstanceQuery, providers: set[str] | None) -> str:
    """Which of the wishes leaves nothing, and the nearest that would do."""
    priced = len(rows_of(shop.table, providers, InstanceQuery()))
    if not priced:
        return "no price is known for " + (", ".join(query.platforms) if query.platforms else "any platform")
    if query.gpu_type is not None:
        of_type = rows_of(shop.table, providers, InstanceQuery(gpu_type=query.gpu_type))
        if not len(of_type):
            return f"none of {priced} offers has a {query.gpu_type}; /api/cloud/gpu-types lists what there is"
    largest = shop.table.numbers["accelerator_memory_gb"][
        rows_of(shop.table, providers, InstanceQuery(gpu_type=query.gpu_type))
    ]
    import numpy as np

    return (
        f"none of {len(largest)} offers has {query.min_memory_gb:g} GB per GPU; "
        f"the largest has {float(np.nanmax(largest, initial=0.0)):g} GB"
    )


def _platform(shop: Shop, provider: str) -> PlatformSummary:
    about = all_abouts().get(provider)
    rows = rows_of(shop.table, {provider}, InstanceQuery())
    offers = cheapest_each(shop.table, {provider})
    own = [each for each in shop.own if each.provider == provider]
    setup = setup_time(provider)
    seen = sorted(text for text in (show_time(each.seen_at) for each in offers) if text)
    instances = [_instance(each) for each in shop.table.offers(rows[:1])] + [
        _own_instance(each) for each in own
    ]
    return PlatformSummary(
        id=cloud_id(provider),
        name=provider if about is None else about.title,
        kind="machines" if about is None else about.kind,
        runs=["any_command"] if about is None else list(about.runs),
        can_run_jobs=about is not None and about.can_run,
        instance_count=len(rows) + len(own),
        gpu_types=sorted({gpu_name(each) for each in (*offers, *own)}),
        from_hourly_rate_usd=min((each.hourly_rate_usd for each in instances), default=None),
        setup_time=show_minutes(setup.billed.p50 + setup.unbilled.p50),
        price_sources=sorted({each.source for each in offers}),
        oldest_price=seen[0] if seen else None,
        newest_price=seen[-1] if seen else None,
    )


def usd(micro: float) -> float:
    """Dollars, as a number of a few digits."""
    return round(micro / MICRO, 6)


def show_time(at: datetime | None) -> str | None:
    """ISO 8601."""
    return None if at is None else at.isoformat()


def _gib(size_bytes: int) -> float | None:
    return round(size_bytes / _GIB, 3) if size_bytes else None
