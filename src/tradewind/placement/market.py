"""Holds every row of an offer table against a job: which rows will do, and which constraint ruled out each other.

A row is charged to the first constraint that it fails, in the order of `Constraint`; so the counts add up to all rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from tradewind.domain.offer_table import AVAILABILITIES, MARKETS, OfferTable
from tradewind.domain.offers import Availability, Market
from tradewind.placement.choose import ASSUMED_RELIABILITY
from tradewind.placement.kinds import Bools, Floats, Ints, KindFacts, Kinds, kinds_of
from tradewind.placement.wanted import Wanted
from tradewind.spec.resources import Spot


class Constraint(StrEnum):
    """What can rule a row out, in the order in which rows are charged. Dotted ones are keys of a job file."""

    PROVIDERS = "resources.providers"
    NODES = "resources.nodes"  #: several of them are not rented together, or would not reach each other
    REGIONS = "resources.regions"
    SPOT = "resources.spot"
    ACCELERATORS = "resources.accelerators"
    CPUS = "resources.cpus"
    MEMORY = "resources.memory"
    DISK = "resources.disk"
    LENGTH = "estimate"  #: nobody can say how long the job takes there
    FIT = "estimate.model"  #: it does not fit into the memory of the accelerators
    NETWORK = "network"  #: too slow between the nodes of one cluster
    RELIABILITY = "constraints.min_reliability"
    PRICE_KNOWN = "price"  #: absent, or a placeholder
    AVAILABILITY = "availability"
    MAX_DURATION = "constraints.max_duration"
    DEADLINE = "constraints.deadline"
    MAX_PRICE = "constraints.max_price"
    BUDGET = "constraints.budget"


#: Prices that are none.
NO_REAL_PRICE: Final = frozenset({"placeholder", "no_price"})
_CACHE_KEY: Final = "placement_market"
_ORDER: Final = tuple(Constraint)
_BIT: Final = {constraint: 1 << place for place, constraint in enumerate(_ORDER)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """The verdict on every row of `table`: bit n of `bits[i]` is set if row i fails the n-th constraint."""

    table: OfferTable
    kinds: Kinds
    facts: KindFacts
    bits: npt.NDArray[np.uint32]
    #: Rows that fail nothing.
    rows: npt.NDArray[np.intp]
    #: Rows charged to each constraint that ruled something out.
    counts: dict[Constraint, int]
    #: A lower bound of what one task costs at every row: its price for the hours of training alone.
    least_micro: Floats

    def charged_to(self, constraint: Constraint) -> npt.NDArray[np.intp]:
        """The rows charged to this constraint."""
        bit = np.uint32(_BIT[constraint])
        before = np.uint32(_BIT[constraint] - 1)
        return np.flatnonzero(((self.bits & bit) != 0) & ((self.bits & before) == 0))

    def ruled_out_by_nothing_but(self, constraint: Constraint) -> npt.NDArray[np.intp]:
        """The rows that would do if this one constraint were dropped."""
        return np.flatnonzero(self.bits == np.uint32(_BIT[constraint]))


def screen(table: OfferTable, wanted: Wanted, facts: KindFacts) -> Screen:
    """Holds every row against what is wanted. Rows of which a fact is not known pass the test of that fact."""
    kinds = kinds_of(table)
    always = _always(table)
    bits = always.bits.copy()
    nodes = facts.nodes[kinds.codes]
    hourly = always.price_micro * nodes
    # Not known counts as endless; a machine without a price has failed already.
    hours = np.where(np.isnan(facts.hours_p50), np.inf, facts.hours_p50)[kinds.codes]
    least = np.maximum(hourly, 1.0) * hours
    for constraint, fails in _failures(table, wanted, facts, kinds, hourly, hours, nodes, least):
        bits |= fails.astype(np.uint32) * np.uint32(_BIT[constraint])
    return Screen(
        table=table,
        kinds=kinds,
        facts=facts,
        bits=bits,
        rows=np.flatnonzero(bits == 0),
        counts=_count(bits),
        least_micro=least,
    )


def _failures(
    table: OfferTable,
    wanted: Wanted,
    facts: KindFacts,
    kinds: Kinds,
    hourly: Floats,
    hours: Floats,
    nodes: Ints,
    least: Floats,
) -> Iterable[tuple[Constraint, Bools]]:
    """Every constraint that the job has, with the rows that fail it."""
    number = table.numbers
    if wanted.providers:
        yield Constraint.PROVIDERS, ~_words(table, "provider", wanted.providers)
    if wanted.together is not None and wanted.nodes_min > 1:
        yield Constraint.NODES, ~_words(table, "provider", sorted(wanted.together))
    if wanted.regions:
        yield Constraint.REGIONS, ~_words(table, "region", wanted.regions)
    if wanted.spot is not Spot.AUTO:
        is_spot = np.asarray(number["market"] == MARKETS.index(Market.SPOT))
        yield Constraint.SPOT, ~is_spot if wanted.spot is Spot.ONLY else is_spot
    if wanted.accelerators:
        yield Constraint.ACCELERATORS, (~facts.is_asked_for | (facts.nodes == 0))[kinds.codes]
    for constraint, name, need in (
        (Constraint.CPUS, "cpus", wanted.cpus),
        (Constraint.MEMORY, "memory_gib", wanted.memory_gib),
        (Constraint.DISK, "disk_gib", wanted.disk_gib),
    ):
        if need:
            have = number[name].astype(np.float32)
            # Nothing at all means that nobody says how much.
            yield constraint, (have < np.float32(need)) & (have > 0)
    if not facts.has_hours.all():
        yield Constraint.LENGTH, (~facts.has_hours)[kinds.codes]
    if not facts.fits.all():
        yield Constraint.FIT, (~facts.fits)[kinds.codes]
    if wanted.nodes_max > 1:
        yield (
            Constraint.NETWORK,
            (nodes > 1) & (number["network_gbit_per_s"] < np.float32(wanted.network_gbit_per_s)),
        )
    if wanted.min_reliability is not None:
        yield Constraint.RELIABILITY, _always(table).reliability < wanted.min_reliability
    if wanted.max_duration_h is not None:
        yield Constraint.MAX_DURATION, (hours > wanted.max_duration_h) & np.isfinite(hours)
    if wanted.deadline_h is not None:
        yield Constraint.DEADLINE, (hours > wanted.deadline_h) & np.isfinite(hours)
    if wanted.max_price_micro is not None:
        yield Constraint.MAX_PRICE, hourly > wanted.max_price_micro
    if wanted.budget_micro is not None:
        yield Constraint.BUDGET, (least * wanted.tasks > wanted.budget_micro) & np.isfinite(least)


@dataclass(frozen=True, slots=True)
class _Always:
    """What holds for a table whatever the job."""

    bits: npt.NDArray[np.uint32]
    #: Never negative.
    price_micro: Floats
    reliability: Floats


def _always(table: OfferTable) -> _Always:
    found = table._cache.get(_CACHE_KEY)
    if found is None:
        found = table._cache.setdefault(_CACHE_KEY, _judge(table))
    return cast(_Always, found)


def _judge(table: OfferTable) -> _Always:
    number = table.numbers
    price = number["price_micro"].astype(np.float64)
    # Rented machines are never free: a zero is a price that somebody did not know.
    is_free = (price == 0) & (number["market"] != MARKETS.index(Market.OWNED))
    has_no_price = (price < 0) | is_free | _flagged(table, NO_REAL_PRICE)
    is_gone = number["availability"] == AVAILABILITIES.index(Availability.UNAVAILABLE)
    is_gone = is_gone | ~number["is_available"].astype(np.bool_)
    bits = has_no_price.astype(np.uint32) * np.uint32(_BIT[Constraint.PRICE_KNOWN])
    bits |= is_gone.astype(np.uint32) * np.uint32(_BIT[Constraint.AVAILABILITY])
    said = number["reliability"].astype(np.float64)
    assumed = np.array([ASSUMED_RELIABILITY[market] for market in MARKETS])[number["market"].astype(np.intp)]
    return _Always(bits, np.maximum(price, 0.0), np.where(np.isnan(said), assumed, said))


def reliability_of(table: OfferTable) -> Floats:
    """Of every row: what the provider says, else what is assumed of its market."""
    return _always(table).reliability


def _words(table: OfferTable, name: str, patterns: Iterable[str]) -> Bools:
    wanted = tuple(patterns)
    fits = [any(fnmatchcase(word, pattern) for pattern in wanted) for word in table.words[name]]
    return np.array(fits, dtype=np.bool_)[table.codes[name]]


def _flagged(table: OfferTable, flags: frozenset[str]) -> Bools:
    has = [not flags.isdisjoint(word.split(",")) for word in table.words["flags"]]
    return np.array(has, dtype=np.bool_)[table.codes["flags"]]


def _count(bits: npt.NDArray[np.uint32]) -> dict[Constraint, int]:
    counts: dict[Constraint, int] = {}
    by_pattern = np.bincount(bits, minlength=1)
    for pattern in np.flatnonzero(by_pattern).tolist():
        if pattern:
            first = _ORDER[(pattern & -pattern).bit_length() - 1]
            counts[first] = counts.get(first, 0) + int(by_pattern[pattern])
    return {constraint: counts[constraint] for constraint in _ORDER if constraint in counts}
