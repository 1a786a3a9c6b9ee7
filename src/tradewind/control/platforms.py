"""Providers and kinds of GPU in the form of `/api/cloud`, and how to get ready for a provider."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tradewind.control.instances import rate_micro
from tradewind.control.shop import (
    ONLY_PRICES,
    Shop,
    Wish,
    cheapest_each,
    cloud_id,
    gpu_name,
    provider_of,
    rows_of,
    show_time,
    usd,
)
from tradewind.domain.offers import Offer
from tradewind.domain.schemas_cloud import (
    GpuTypeDetail,
    GpuTypesAnswer,
    PlatformsAnswer,
    PlatformSummary,
    SetupInstructions,
)
from tradewind.estimate.billing import setup_time
from tradewind.placement.compare import show_minutes
from tradewind.providers.about import all_abouts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tradewind.domain.offer_table import OfferTable


def list_platforms(shop: Shop) -> PlatformsAnswer:
    """Every provider that describes itself or has prices; those with prices first."""
    cheapest = _by_provider(cheapest_each(shop.table, Wish(terms="on_demand")))
    own = _by_provider(shop.own)
    counts = _counts(shop.table, rows_of(shop.table, Wish()))
    platforms = [
        _summary(each, cheapest[each], own[each], counts.get(each, 0)) for each in sorted(shop.providers)
    ]
    platforms.sort(key=lambda each: (each.instance_count == 0, each.id))
    return PlatformsAnswer(platforms=platforms, count=len(platforms))


def list_gpu_types(shop: Shop) -> GpuTypesAnswer:
    """Every kind of GPU that an offer or a machine at hand has."""
    kinds: dict[str, list[Offer]] = defaultdict(list)
    for offer in [*cheapest_each(shop.table, Wish(terms="on_demand")), *shop.own]:
        if offer.accelerator:
            kinds[gpu_name(offer)].append(offer)
    details = [
        GpuTypeDetail(
            name=name,
            memory_gb=min(
                (each.accelerator_memory_gb for each in offers if each.accelerator_memory_gb), default=None
            ),
            platforms=sorted({cloud_id(each.provider) for each in offers}),
            from_hourly_rate_usd=min(
                usd(rate_micro(each) / max(each.accelerator_count, 1.0)) for each in offers
            ),
        )
        for name, offers in sorted(kinds.items())
    ]
    return GpuTypesAnswer(gpu_types=[each.name for each in details], count=len(details), details=details)


def setup_instructions(shop: Shop, platform: str) -> SetupInstructions:
    """How to get ready. Raises NotFoundError for an unknown platform."""
    provider = provider_of(shop, platform)
    about = all_abouts().get(provider)
    if about is None:
        return SetupInstructions(
            platform=provider,
            title=f"Set up {provider}",
            steps=[
                "Open an account with the provider itself, and rent the machine there.",
                f"`tradewind offers --provider {provider}` shows its prices with their source and age.",
                "`tradewind prices import FILE` adds prices of your own, for example negotiated ones.",
            ],
            api_docs="",
            estimated_time="unknown",
            pros=[],
            cons=[ONLY_PRICES],
        )
    return SetupInstructions(
        platform=about.cloud_id,
        title=f"Set up {about.title}",
        steps=list(about.setup_steps),
        api_docs=about.api_docs,
        estimated_time=about.estimated_time,
        pros=list(about.pros),
        cons=[*about.cons, *about.shortcomings],
    )


def _summary(provider: str, offers: Sequence[Offer], own: Sequence[Offer], count: int) -> PlatformSummary:
    about = all_abouts().get(provider)
    setup = setup_time(provider)
    seen = sorted(text for text in (show_time(each.seen_at) for each in offers) if text)
    return PlatformSummary(
        id=cloud_id(provider),
        name=provider if about is None else about.title,
        kind="unknown" if about is None else about.kind,
        runs=[] if about is None else list(about.runs),
        can_run_jobs=about is not None and about.can_run,
        instance_count=count + len(own),
        gpu_types=sorted({gpu_name(each) for each in (*offers, *own)}),
        from_hourly_rate_usd=min((usd(rate_micro(each)) for each in (*offers, *own)), default=None),
        setup_time=show_minutes(setup.billed.p50 + setup.unbilled.p50),
        price_sources=sorted({each.source for each in offers}),
        oldest_price=seen[0] if seen else None,
        newest_price=seen[-1] if seen else None,
    )


def _by_provider(offers: Sequence[Offer]) -> defaultdict[str, list[Offer]]:
    found: defaultdict[str, list[Offer]] = defaultdict(list)
    for each in offers:
        found[each.provider].append(each)
    return found


def _counts(table: OfferTable, rows: npt.NDArray[np.intp]) -> dict[str, int]:
    """How many of these rows each provider has."""
    import numpy as np

    words = table.words["provider"]
    counts = np.bincount(table.codes["provider"][rows], minlength=len(words))
    return dict(zip(words, counts.tolist(), strict=True))
