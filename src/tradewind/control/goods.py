"""What there is to choose from, in one table: machines at hand at the price of their electricity, then the market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from tradewind.control.instances import rate_micro
from tradewind.control.refusals import Refusal
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.money import MICRO, Quantity, Rate
from tradewind.domain.offer_table import AVAILABILITIES, OfferTable
from tradewind.domain.offers import Availability, Market, Offer
from tradewind.domain.schemas_explorer import WorkTerms
from tradewind.estimate.cost_columns import CostColumns, HourColumns, cost_columns
from tradewind.estimate.hours import scale_hours
from tradewind.estimate.run_terms import RunTerms
from tradewind.hardware.accelerators import AcceleratorModel
from tradewind.hardware.names import identify, short_name
from tradewind.placement.compare import HERE

Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
#: What one hour's work is told in where the user does not say on what it was measured.
USUAL_UNIT: Final = "A100-80GB-SXM"
#: How often the figures of spot machines take a checkpoint to be written.
CHECKPOINT_EVERY_S: Final = 1_800.0
_CACHE_KEY: Final = "goods"
_TOLD: Final = "your machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """`own` are the machines of the first rows of `table`. `runnable` are providers where jobs can run now."""

    table: OfferTable
    own: tuple[Offer, ...]
    runnable: frozenset[str]

    def own_at(self, row: int) -> Offer | None:
        """The machine at hand behind a row."""
        return self.own[row] if row < len(self.own) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the work costs at every row of the table, and how long it takes there. NaN: not known."""

    costs: CostColumns
    hours: Floats
    #: Micro-dollars of what one hour's work of `unit` costs.
    work_micro: Floats
    #: The accelerator as a user reads it.
    unit: str


def goods_of(
    market: OfferTable, own: Sequence[Offer], runnable: frozenset[str], refusals: Sequence[Refusal] = ()
) -> Goods:
    """One table of both. Of providers of own machines, what these say themselves replaces what lists say.

    A place that refused a machine for want of capacity counts as taken for as long as that is believed.
    """
    made_of = (tuple(own), runnable, tuple(refusals))
    kept = market._cache.get(_CACHE_KEY)
    if isinstance(kept, tuple) and kept[0] == made_of and isinstance(kept[1], Goods):
        return kept[1]
    rented = _without(market, {each.provider for each in own})
    if refusals:
        rented = _with_refusals(rented, refusals)
    table = OfferTable.concat([OfferTable.of([_hourly(each) for each in own]), rented]) if own else rented
    goods = Goods(table=table, own=tuple(own), runnable=runnable | frozenset(each.provider for each in own))
    # One at a time: what is at hand changes, and the table of a large market has megabytes.
    market._cache[_CACHE_KEY] = (made_of, goods)
    return goods


def with_told_machine(own: Sequence[Offer], terms: WorkTerms) -> list[Offer]:
    """The machines at hand; where the user says what running theirs costs, that one is what the server's would be.

    Raises:
        InvalidInputError: its GPU has no name that anybody knows.
    """
    if terms.local_cost is None:
        return list(own)
    rate = Rate(micro_per_unit=int(terms.local_cost * MICRO), per=Quantity.HOUR)
    named = identify(terms.local_gpu) if terms.local_gpu else None
    if named is not None and named.model is None:
        text = f"no GPU is called {terms.local_gpu!r}"
        raise InvalidInputError(
            f"local_gpu: {text}", details=[{"where": "query.local_gpu", "message": text}], hint=_KNOWN_GPUS
        )
    here = next((each for each in own if each.provider == HERE), None)
    base = here or Offer(
        provider=HERE, region=HERE, zone=None, instance_type=_TOLD, cpus=0.0, memory_bytes=0, disk_bytes=0,
        rate=rate, availability=Availability.HIGH,
    )  # fmt: skip
    told = replace(base, rate=rate, source="you")
    if named is not None and named.model is not None:
        told = replace(
            told,
            instance_type=_TOLD,
            accelerators=(),
            accelerator=named.key,
            accelerator_count=named.count or 1.0,
            accelerator_memory_gb=named.model.memory_gb,
            watts_low=None,
            watts_high=None,
        )
    return [told, *(each for each in own if each.provider != HERE)]


def figures_of(goods: Goods, terms: WorkTerms) -> Figures:
    """What the work costs everywhere.

    Raises:
        InvalidInputError: nothing is known of the speed of the GPU that the hours were measured on.
    """
    table = goods.table
    reference, count = _reference(terms)
    speed = _hours_of_one(table, reference, count)
    hours = np.full(len(table), terms.hours) if terms.on is None else terms.hours * speed
    rows = np.arange(len(table))
    costs = cost_columns(
        table, rows, HourColumns(p50=hours, p90=hours), RunTerms(checkpoint_every_s=CHECKPOINT_EVERY_S)
    )
    price = np.asarray(table.numbers["price_micro"], dtype=np.float64)
    unit = short_name(reference.key) if count == 1 else f"{count:g}x {short_name(reference.key)}"
    return Figures(
        costs=costs, hours=hours, work_micro=np.where(price >= 0, price * speed, np.nan), unit=unit
    )


_KNOWN_GPUS: Final = "`tradewind gpus` lists what is known"


def _reference(terms: WorkTerms) -> tuple[AcceleratorModel, float]:
    found = identify(terms.on or USUAL_UNIT)
    if found.model is None:
        text = f"nothing is known of the speed of {terms.on!r}"
        raise InvalidInputError(
            f"on: {text}",
            details=[{"where": "query.on", "message": text}],
            hint=f"{_KNOWN_GPUS}; leave it out to compare equal hours",
        )
    return found.model, found.count or 1.0


def _hours_of_one(table: OfferTable, reference: AcceleratorModel, count: float) -> Floats:
    """Per row the hours that one hour's work of the reference takes there."""
    words = table.words["accelerator"]
    counts = np.asarray(table.numbers["accelerator_count"], dtype=np.float64)
    sizes, place = np.unique(counts, return_inverse=True)
    both, where = np.unique(
        table.codes["accelerator"].astype(np.int64) * max(len(sizes), 1) + place.reshape(-1),
        return_inverse=True,
    )
    found = []
    for each in both.tolist():
        word, size = divmod(each, max(len(sizes), 1))
        model = identify(words[word]).model if words[word] else None
        have = float(sizes[size])
        is_known = model is not None and have > 0
        found.append(
            scale_hours(1.0, reference, model, measured_count=count, count=have).p50
            if is_known and model is not None
            else np.nan
        )
    return np.array(found, dtype=np.float64)[where.reshape(-1)] if len(table) else np.zeros(0)


def _hourly(own: Offer) -> Offer:
    """A machine at hand by the hour: what its electricity costs while it trains."""
    rate = Rate(micro_per_unit=rate_micro(own), per=Quantity.HOUR)
    return replace(own, market=Market.OWNED.value, rate=rate)


def _without(table: OfferTable, providers: set[str]) -> OfferTable:
    known = np.array([name in providers for name in table.words["provider"]], dtype=np.bool_)
    is_known = known[table.codes["provider"]]
    return table.take(~is_known) if is_known.any() else table


def _with_refusals(table: OfferTable, refusals: Sequence[Refusal]) -> OfferTable:
    is_refused = np.zeros(len(table), dtype=np.bool_)
    for each in refusals:
        here = np.ones(len(table), dtype=np.bool_)
        for name in ("provider", "region", "zone", "instance_type"):
            value = getattr(each, name)
            if value:
                words = table.words[name]
                here &= table.codes[name] == (words.index(value) if value in words else -1)
        if each.market:
            here &= table.numbers["market"] == list(Market).index(Market(each.market))
        is_refused |= here
    if not is_refused.any():
        return table
    taken = AVAILABILITIES.index(Availability.UNAVAILABLE)
    levels = np.where(is_refused, taken, table.numbers["availability"])
    return table.with_numbers(availability=levels.astype(table.numbers["availability"].dtype))
