"""What so many hours cost everywhere: puts offers and providers' facts before `placement.compare`."""

from __future__ import annotations

from tradewind.catalog.ranks import LAST_RESORT, SHIPPED
from tradewind.control.instances import expected_watts, rate_micro
from tradewind.control.shop import (
    ONLY_PRICES,
    Shop,
    Wish,
    cheapest_each,
    cloud_id,
    gpu_name,
    provider_of,
    show_time,
    usd,
)
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.offers import Availability, Offer
from tradewind.domain.schemas_cloud import (
    CheapestOption,
    ComparisonAnswer,
    ComparisonOption,
    ComparisonSummary,
    CostComparison,
    FastestOption,
    RecommendedOption,
)
from tradewind.estimate.billing import billing_rule_of, setup_time
from tradewind.estimate.carbon import carbon_intensity, pue
from tradewind.estimate.energy import node_watts
from tradewind.estimate.hours import scale_hours
from tradewind.hardware.names import cloud_gpu_name, identify
from tradewind.placement.compare import HERE, Comparison, Here, Option, Place, Question, Scale, compare
from tradewind.providers.about import About, all_abouts


def compare_costs(shop: Shop, request: CostComparison) -> ComparisonAnswer:
    """What the training costs on every platform and here.

    Raises:
        NotFoundError: a platform is unknown.
        InvalidInputError: `reference_gpu` is no accelerator whose speed is known.
    """
    wanted = request.platforms
    providers = None if wanted is None else frozenset(provider_of(shop, each) for each in wanted)
    offers = cheapest_each(shop.table, Wish(providers=providers, terms="on_demand"))
    if request.price_source is None:
        offers = _without_needless_last_resort(offers)
    places = [_place(each, is_asked_for_by_name=request.price_source is not None) for each in offers]
    question = Question(
        training_hours=request.training_hours,
        local_gpu_type=request.local_gpu_type,
        local_electricity_cost=request.local_electricity_cost,
        electricity_price_usd_per_kwh=request.electricity_price_usd_per_kwh,
        local_power_watts=request.local_power_watts,
        min_memory_gb=request.min_memory_gb,
        platforms=tuple(map(cloud_id, sorted(providers or ()))),
        price_source=request.price_source,
        reference_gpu=request.reference_gpu,
    )
    here = _here(shop, request, is_wanted=providers is None or not providers.isdisjoint(_own_ids(shop)))
    answer = _answer(compare(question, places, here, scale=_scale(request)))
    if request.price_source is None:
        answer.notes += _shipped_note(answer.options)
    return answer


def _place(offer: Offer, *, is_asked_for_by_name: bool) -> Place:
    about = all_abouts().get(offer.provider)
    has_accelerator = offer.accelerator is not None
    rule = billing_rule_of(offer.provider, offer.instance_type, has_accelerator)
    # A price list has its own idea of set-up times; it counts where that list was asked for.
    setup = setup_time(offer.provider, price_source=offer.source if is_asked_for_by_name else "", rule=rule)
    model = identify(offer.accelerator).model if offer.accelerator else None
    watts = None if model is None else node_watts(model, offer.accelerator_count).p50
    effectiveness = pue(offer.provider).p50
    return Place(
        platform=cloud_id(offer.provider),
        gpu=gpu_name(offer),
        accelerator=offer.accelerator,
        gpu_count=offer.accelerator_count,
        memory_gb=offer.accelerator_memory_gb,
        rate_micro_per_hour=offer.rate.micro_per_unit,
        availability=offer.availability if offer.is_available else Availability.UNAVAILABLE,
        setup_minutes=setup.billed.p50 + setup.unbilled.p50,
        billed_setup_minutes=setup.billed.p50,
        billing=rule,
        region=offer.region,
        price_source=offer.source,
        seen_at=offer.seen_at,
        kilowatts=None if watts is None else watts * effectiveness / 1000,
        grams_co2e_per_kwh=carbon_intensity(offer.provider, offer.region).g_per_kwh,
        pros=_pros(about),
        cons=(*_cons(about), *(() if is_asked_for_by_name else _age(offer))),
    )


def _without_needless_last_resort(offers: list[Offer]) -> list[Offer]:
    """Without old reference prices of providers whose own list is at hand: what that lacks is gone."""
    fresh = {each.provider for each in offers if each.source not in SHIPPED}
    return [each for each in offers if each.source not in LAST_RESORT or each.provider not in fresh]


def _age(offer: Offer) -> tuple[str, ...]:
    """What to know of a price that nobody has just been asked for."""
    if offer.source not in SHIPPED:
        return ()
    day = "an unknown day" if offer.seen_at is None else f"{offer.seen_at:%Y-%m-%d}"
    if offer.source in LAST_RESORT:
        return (
            f"Its price is of {day} ({offer.source}): nothing fresher is known, and it may not be had any more.",
        )
    return (f"Its price is of {day}, from the table that ships with Tradewind.",)


def _shipped_note(options: list[ComparisonOption]) -> list[str]:
    """How many prices nobody has been asked for lately, and of which time they are."""
    shipped = [each for each in options if each.price_source in SHIPPED]
    days = sorted(each.seen_at[:10] for each in shipped if each.seen_at)
    if not days:
        return []
    span = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    return [f"{len(shipped)} of {len(options)} prices are from tables that ship with Tradewind, seen {span}"]


def _own_ids(shop: Shop) -> frozenset[str]:
    return frozenset(each.provider for each in shop.own)


def _here(shop: Shop, request: CostComparison, *, is_wanted: bool) -> Here:
    named = request.local_gpu_type
    own = next((each for each in shop.own if each.accelerator), None)
    about = all_abouts().get(HERE)
    grams = shop.own[0].grams_co2e_per_kwh if shop.own else None
    if named is None and own is not None and is_wanted:
        return Here(
            gpu=gpu_name(own),
            accelerator=own.accelerator,
            gpu_count=own.accelerator_count,
            memory_gb=own.accelerator_memory_gb,
            watts=expected_watts(own),
            rate_micro_per_hour=rate_micro(own),
            grams_co2e_per_kwh=grams,
            pros=_pros(about),
            cons=_cons(about),
        )
    if named is None:
        return Here(grams_co2e_per_kwh=grams, pros=_pros(about), cons=_cons(about))
    said = identify(named)
    watts = None if said.model is None else node_watts(said.model, said.count or 1.0).p50
    is_own = own is not None and own.accelerator == said.key
    return Here(
        gpu=cloud_gpu_name(said.key),
        accelerator=said.key if said.model else None,
        gpu_count=said.count or 1.0,
        memory_gb=own.accelerator_memory_gb
        if is_own and own
        else said.model.memory_gb
        if said.model
        else None,
        watts=watts,
        rate_micro_per_hour=rate_micro(own) if is_own and own else None,
        grams_co2e_per_kwh=grams,
        pros=_pros(about),
        cons=_cons(about),
    )


def _scale(request: CostComparison) -> Scale | None:
    if request.reference_gpu is None:
        return None
    reference = identify(request.reference_gpu)
    measured_on = reference.model
    if measured_on is None:
        text = f"nothing is known of the speed of {request.reference_gpu!r}"
        raise InvalidInputError(
            f"reference_gpu: {text}",
            details=[{"where": "body.reference_gpu", "message": text}],
            hint="`tradewind gpus` lists what is known; leave it out to compare equal hours",
        )

    def scaled(accelerator: str, count: float) -> float | None:
        model = identify(accelerator).model
        if model is None:
            return None
        band = scale_hours(
            request.training_hours,
            measured_on,
            model,
            measured_count=reference.count or 1.0,
            count=count or 1.0,
        )
        return band.p50

    return scaled


def _answer(comparison: Comparison) -> ComparisonAnswer:
    summary = None
    cheapest, fastest, best = comparison.cheapest, comparison.fastest, comparison.recommended
    if cheapest is not None and fastest is not None and best is not None:
        summary = ComparisonSummary(
            cheapest=CheapestOption(
                platform=cheapest.place.platform, cost=cheapest.cost, gpu=cheapest.place.gpu
            ),
            fastest=FastestOption(
                platform=fastest.place.platform, setup_time=fastest.setup_time, gpu=fastest.place.gpu
            ),
            recommended=RecommendedOption(
                platform=best.place.platform, cost=best.cost, gpu=best.place.gpu, reason=comparison.reason
            ),
            savings_vs_local=comparison.savings_vs_local,
        )
    return ComparisonAnswer(
        summary=summary,
        options=[_option(each) for each in comparison.options],
        message=comparison.message,
        notes=list(comparison.notes),
    )


def _option(option: Option) -> ComparisonOption:
    place = option.place
    return ComparisonOption(
        platform=place.platform,
        gpu=place.gpu,
        cost=option.cost,
        hourly_rate=option.hourly_rate,
        setup_time=option.setup_time,
        availability=place.availability.value,
        pros=list(place.pros),
        cons=list(place.cons),
        cost_usd=usd(option.cost_micro),
        hourly_rate_usd=usd(place.rate_micro_per_hour),
        training_hours=option.hours,
        gpu_count=place.gpu_count,
        region=place.region,
        price_source=place.price_source,
        seen_at=show_time(place.seen_at),
        gpu_hours=option.gpu_hours,
        energy_kwh=option.energy_kwh,
        carbon_g=option.carbon_g,
    )


def _pros(about: About | None) -> tuple[str, ...]:
    return () if about is None else about.pros


def _cons(about: About | None) -> tuple[str, ...]:
    return (ONLY_PRICES,) if about is None else about.cons
