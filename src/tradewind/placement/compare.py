"""What so many hours of training cost in many places and here: the arithmetic of `/api/cloud/compare-costs`.

Cheapest is the lowest total, the user's own machine included. Fastest is the least of expected wait, set-up and
training together. Recommended is a place within 20 % of the cheapest total that sets up faster, else the cheapest.

The cost of running here takes part as soon as it is known. Whether the machine here is large enough, and as fast, is
known only when its GPU is named: only then can it be the fastest or the recommended one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from tradewind.domain.billing import BillingRule
from tradewind.domain.money import Money, format_money
from tradewind.domain.offers import Availability
from tradewind.estimate.billing import wait_time

#: A faster set-up may cost this much more than the cheapest place.
WORTH_FASTER_SETUP: Final = Decimal("1.20")
LOWEST_COST: Final = "Lowest cost option"
#: How the user's own machine is called among platforms.
HERE: Final = "local"
_PLAIN: Final = BillingRule(note="rate times hours")

#: Hours on a kind and number of accelerators; None where nothing is known of it.
Scale = Callable[[str, float], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a user asks. `min_memory_gb` is of one GPU.

    `local_electricity_cost` is US dollars per hour of running here; `electricity_price_usd_per_kwh` with
    `local_power_watts` says the same physically, and counts only where the first is absent.
    """

    training_hours: float
    local_gpu_type: str | None = None
    local_electricity_cost: float | None = None
    electricity_price_usd_per_kwh: float | None = None
    local_power_watts: float | None = None
    min_memory_gb: float | None = None
    platforms: tuple[str, ...] = ()
    price_source: str | None = None
    reference_gpu: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One kind of GPU at one platform. Money is micro-dollars; set-up is minutes, `billed_setup_minutes` of it paid.

    The default billing is the plain rate times hours.
    """

    platform: str
    #: As a user reads it, for example `A100 80GB`.
    gpu: str
    #: Key of `hardware.accelerators`, where known; what hours are scaled by.
    accelerator: str | None = None
    gpu_count: float = 1.0
    memory_gb: float | None = None
    rate_micro_per_hour: int
    availability: Availability = Availability.UNKNOWN
    setup_minutes: float = 0.0
    billed_setup_minutes: float = 0.0
    billing: BillingRule = _PLAIN
    region: str = ""
    price_source: str = ""
    seen_at: datetime | None = None
    #: Drawn while it trains, cooling included.
    kilowatts: float | None = None
    grams_co2e_per_kwh: float | None = None
    pros: tuple[str, ...] = ()
    cons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """What is known of the user's own machine beyond the question: memory of its GPU, its draw, its carbon."""

    gpu: str = ""
    accelerator: str | None = None
    gpu_count: float = 1.0
    memory_gb: float | None = None
    #: Used where the question names no `local_power_watts`.
    watts: float | None = None
    #: Micro-dollars for an hour's electricity; used where the question names no cost of running here.
    rate_micro_per_hour: int | None = None
    grams_co2e_per_kwh: float | None = None
    pros: tuple[str, ...] = ()
    cons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A place with what the training costs there."""

    place: Place
    hours: float
    cost_micro: int
    #: False where it is known only as a cost to compare with: too small, or of unknown size.
    is_comparable: bool = True
    #: False where hours were to be scaled and nothing is known of its speed: `hours` are those of another GPU.
    has_own_hours: bool = True

    @property
    def cost(self) -> str:
        """`$12.90`."""
        return show_dollars(self.cost_micro)

    @property
    def hourly_rate(self) -> str:
        """`$1.29/hr`."""
        return f"{show_dollars(self.place.rate_micro_per_hour)}/hr"

    @property
    def setup_time(self) -> str:
        """`1 min` or `immediate`."""
        return show_minutes(self.place.setup_minutes)

    @property
    def finish_minutes(self) -> float:
        """Expected wait, set-up and training; infinite where nothing is to be had."""
        wait = expected_wait_minutes(self.place.availability)
        return wait + self.place.setup_minutes + self.hours * 60

    @property
    def gpu_hours(self) -> float:
        """Hours of all its GPUs."""
        return self.hours * self.place.gpu_count

    @property
    def energy_kwh(self) -> float | None:
        """Drawn while it trains."""
        return None if self.place.kilowatts is None else self.place.kilowatts * self.hours

    @property
    def carbon_g(self) -> float | None:
        """Grams CO2e of that energy."""
        grams = self.place.grams_co2e_per_kwh
        return None if self.energy_kwh is None or grams is None else self.energy_kwh * grams


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Options by cost, and what follows from them. Without any option `message` says why."""

    options: tuple[Option, ...] = ()
    cheapest: Option | None = None
    fastest: Option | None = None
    recommended: Option | None = None
    reason: str = ""
    #: `48.4%`; None where the cost of running here is not known.
    savings_vs_local: str | None = None
    message: str | None = None
    notes: tuple[str, ...] = ()


def compare(
    question: Question, places: Iterable[Place], here: Here | None = None, *, scale: Scale | None = None
) -> Comparison:
    """Every place that answers the question, one per platform and GPU.

    Args:
        places: already of the platforms and the price source that were asked for; several of one platform and GPU
            are reduced to the cheapest, and what is too small is left out.
        here: the user's own machine; needed only for what the question does not say of it.
        scale: hours by accelerator, measured on `reference_gpu`. Without it every GPU takes `training_hours`.
    """
    notes: list[str] = []
    fitting = _fitting(question, list(places), notes)
    options = _one_each(_option(question, place, scale, notes) for place in fitting)
    local = _local_option(question, here or Here(), scale, notes)
    if local is not None:
        options.append(local)
    options.sort(key=lambda each: (each.cost_micro, each.finish_minutes, each.place.platform, each.place.gpu))
    return conclude(options, local, notes, question)


def _fitting(question: Question, places: list[Place], notes: list[str]) -> list[Place]:
    least = question.min_memory_gb
    if not least:
        return places
    unknown = sum(place.memory_gb is None for place in places)
    if unknown:
        notes.append(f"{unknown} offers were left out because nobody says how much memory their GPUs have")
    fitting = [place for place in places if place.memory_gb is not None and place.memory_gb >= least]
    largest = max((place.memory_gb for place in places if place.memory_gb is not None), default=None)
    if not fitting and largest is not None:
        notes.append(
            f"the largest of {len(places)} offers has {largest:g} GB per GPU, {least:g} GB were asked for"
        )
    return fitting


def _option(question: Question, place: Place, scale: Scale | None, notes: list[str]) -> Option:
    hours = question.training_hours
    has_own_hours = True
    if scale is not None:
        scaled = scale(place.accelerator or place.gpu, place.gpu_count)
        if scaled is None:
            has_own_hours = False
            _note(
                notes,
                f"hours were not scaled to {place.gpu}, which therefore wins nothing: nothing is known of its speed",
            )
        else:
            hours = scaled
    billed_s = seconds(hours) + seconds(place.billed_setup_minutes / 60)
    cost = place.billing.rate(place.rate_micro_per_hour).charge(billed_s).micro
    return Option(place=place, hours=hours, cost_micro=cost, has_own_hours=has_own_hours)


def _one_each(options: Iterable[Option]) -> list[Option]:
    """The cheapest of each platform and GPU; one that can be had before one that cannot."""
    best: dict[tuple[str, str], Option] = {}
    for option in options:
        key = (option.place.platform, option.place.gpu)
        if key not in best or _rank(option) < _rank(best[key]):
            best[key] = option
    return list(best.values())


def _rank(option: Option) -> tuple[bool, int, float]:
    return math.isinf(option.finish_minutes), option.cost_micro, option.finish_minutes


def _local_option(question: Question, here: Here, scale: Scale | None, notes: list[str]) -> Option | None:
    watts = question.local_power_watts if question.local_power_watts is not None else here.watts
    rate = _local_rate_micro(question, watts)
    said_by = "request"
    if rate is None and question.electricity_price_usd_per_kwh is None:
        rate, said_by = here.rate_micro_per_hour, HERE
    if rate is None:
        is_asked_for = HERE in question.platforms or question.electricity_price_usd_per_kwh is not None
        if question.local_gpu_type or is_asked_for:
            notes.append(
                "what running here costs is not known: give `local_electricity_cost` (US dollars per hour), or "
                "`electricity_price_usd_per_kwh` with `local_power_watts`"
            )
        return None
    gpu = here.gpu or question.local_gpu_type or "your machine"
    place = Place(
        platform=HERE,
        gpu=gpu,
        accelerator=here.accelerator,
        gpu_count=here.gpu_count,
        memory_gb=here.memory_gb,
        rate_micro_per_hour=rate,
        availability=Availability.HIGH,
        region=HERE,
        price_source=said_by,
        kilowatts=None if watts is None else watts / 1000,
        grams_co2e_per_kwh=here.grams_co2e_per_kwh,
        pros=here.pros,
        cons=here.cons,
    )
    option = _option(question, place, scale if here.accelerator else None, notes)
    least, memory = question.min_memory_gb or 0.0, here.memory_gb
    if memory is not None and memory < least:
        notes.append(f"{gpu} here has {memory:g} GB, {least:g} GB were asked for: only its cost is compared")
    is_named = bool(question.local_gpu_type or here.accelerator)
    is_comparable = is_named and (memory is not None or not least) and (memory or least) >= least
    return replace(option, is_comparable=is_comparable)


def _local_rate_micro(question: Question, watts: float | None) -> int | None:
    if question.local_electricity_cost is not None:
        return Money.parse(str(question.local_electricity_cost)).micro
    price = question.electricity_price_usd_per_kwh
    if price is None or watts is None:
        return None
    return Money.parse(Decimal(str(price)) * Decimal(str(watts)) / 1000).micro


def conclude(
    options: Sequence[Option], local: Option | None, notes: list[str], question: Question
) -> Comparison:
    """The cheapest, the fastest and the recommended of these options, and what the cheapest saves against here."""
    if not options:
        return Comparison(message="; ".join([*notes, "no offer fits"][:2]), notes=tuple(notes))
    there = [each for each in options if not math.isinf(each.finish_minutes)]
    if not there:
        notes.append("none of them can be had now")
    standing = [each for each in (there or options) if _may_be_cheapest(each, question)]
    if not standing:
        return Comparison(options=tuple(options), message="; ".join(notes), notes=tuple(notes))
    cheapest = min(standing, key=lambda each: (each.cost_micro, each.finish_minutes))
    able = [each for each in standing if each.is_comparable] or [cheapest]
    fastest = min(able, key=lambda each: (each.finish_minutes, each.cost_micro))
    recommended, reason = recommend(cheapest, able)
    if not there:
        reason = f"{reason}, though none of them can be had now"
    saved = saved_share(cheapest, local)
    return Comparison(
        options=tuple(options),
        cheapest=cheapest,
        fastest=fastest,
        recommended=recommended,
        reason=reason,
        savings_vs_local=None if saved is None else show_percent(saved),
        notes=tuple(notes),
    )


def saved_share(option: Option, local: Option | None) -> Decimal | None:
    """Of what running here costs, the part that the option saves; negative where it costs more. None: not known."""
    if local is None or not local.cost_micro:
        return None
    return 1 - Decimal(option.cost_micro) / local.cost_micro


def _may_be_cheapest(option: Option, question: Question) -> bool:
    if not option.has_own_hours:
        return False
    memory = option.place.memory_gb
    return memory is None or memory >= (question.min_memory_gb or 0.0)


def recommend(cheapest: Option, options: Sequence[Option]) -> tuple[Option, str]:
    """The 20 % rule: of the options at most 20 % dearer, the one that sets up fastest if that is faster, and why."""
    limit = cheapest.cost_micro * WORTH_FASTER_SETUP
    quicker = [
        each
        for each in options
        if each.place.setup_minutes < cheapest.place.setup_minutes and each.cost_micro <= limit
    ]
    if not quicker:
        return cheapest, LOWEST_COST
    best = min(quicker, key=lambda each: (each.place.setup_minutes, each.cost_micro))
    more = show_percent(Decimal(best.cost_micro) / cheapest.cost_micro - 1) if cheapest.cost_micro else "0.0%"
    return best, (
        f"Set up in {best.setup_time} instead of {cheapest.setup_time}, for {more} more than the cheapest"
    )


def expected_wait_minutes(availability: Availability) -> float:
    """Until there is capacity; infinite where there is none."""
    return math.inf if availability is Availability.UNAVAILABLE else wait_time(availability).p50


def seconds(hours: float) -> int:
    """Whole seconds that cover these hours; an error of a float's last digits does not add one."""
    return math.ceil(round(hours * 3600, 6))


def show_dollars(micro: int) -> str:
    """`$12.90`, without separators; below ten cents two digits that say something."""
    return format_money(micro).replace(",", "")


def show_minutes(minutes: float) -> str:
    """`1 min`; nothing is `immediate`."""
    return f"{math.ceil(minutes)} min" if minutes > 0 else "immediate"


def show_percent(share: Decimal) -> str:
    """`48.4%`."""
    return f"{share * 100:.1f}%"


def _note(notes: list[str], text: str) -> None:
    if text not in notes:
        notes.append(text)
