"""Makes a world of jobs, own machines and a market: the few places of the market that a policy might take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Market, Offer
from tradewind.estimate.billing import billing_rule_of
from tradewind.estimate.interruptions import interruption_rate
from tradewind.placement.candidates import Candidates, Own, Surroundings, find_candidates
from tradewind.placement.estimates import Place as Facts
from tradewind.placement.estimates import terms_of
from tradewind.placement.exclusions import why_nothing
from tradewind.placement.kinds import kinds_of, look_at_kinds
from tradewind.placement.market import screen
from tradewind.placement.replay.courses import Course
from tradewind.placement.replay.options import owned_option, rented_option
from tradewind.placement.replay.series import Series
from tradewind.placement.replay.shapes import Arrival, Shape
from tradewind.placement.replay.world import Option, Place, ReplayJob, Room, World
from tradewind.placement.strategies import strategy_for
from tradewind.placement.strategies.recommendation import JobFacts
from tradewind.spec.parts import Priority, Strategy

#: Of a market, so many of the best by each measure are looked at, on spot terms and on others.
PLACES_EACH: Final = 3
#: Pairs of a job's kind and a rented place: each is costed in full before the replay.
MOST_PAIRS: Final = 60_000
_MEASURES: Final = (Strategy.CHEAPEST, Strategy.FASTEST, Strategy.BALANCED, Strategy.RELIABLE)
_PRIORITIES: Final = {Priority.LOW: -1, Priority.NORMAL: 0, Priority.HIGH: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedMachines:
    """So many machines like this one."""

    offer: Offer
    machines: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The world, and what strategies need to rank its places."""

    world: World
    shapes: tuple[Shape, ...]
    #: The places of the market as a table; row n is the place `first_rented + n`.
    table: OfferTable
    first_rented: int
    #: Of each shape, own machines as a plan sees them, by place.
    own: tuple[Mapping[int, Own], ...]


def build_world(
    shapes: Sequence[Shape],
    arrivals: Sequence[Arrival],
    *,
    table: OfferTable,
    courses: Mapping[int, Course] | None = None,
    owned: Sequence[OwnedMachines] = (),
    seed: int = 0,
    is_strict_queue: bool = False,
) -> Built:
    """The world in which these jobs arrive. `courses` are by row of the table; rows without one keep their price.

    Raises:
        InvalidInputError: it is too much to work out.
    """
    observed = [row for row, course in (courses or {}).items() if course.is_observed]
    rows_by_group: dict[str, tuple[list[int], str]] = {}
    for shape in shapes:
        if shape.group not in rows_by_group:
            rows_by_group[shape.group] = _short_list(table, shape, observed)
    pairs = sum(len(rows_by_group[shape.group][0]) for shape in shapes)
    if pairs > MOST_PAIRS:
        raise InvalidInputError(
            f"the jobs could go to {pairs:,} places to rent in all; {MOST_PAIRS:,} is the most that is worked out",
            hint="take fewer jobs, name the accelerators and providers they may have, or leave the market out",
        )
    rows = sorted({row for found, _ in rows_by_group.values() for row in found})
    narrow = table.take(np.array(rows, dtype=np.intp))
    known = {place: (courses or {}).get(row) for place, row in enumerate(rows)}
    offers = [_priced(narrow.offer(place), known[place]) for place in range(len(rows))]
    places = [_owned_place(each) for each in owned]
    first = len(places)
    places += [_rented_place(offer, known[place]) for place, offer in enumerate(offers)]
    position = {row: first + place for place, row in enumerate(rows)}
    options: list[tuple[Option, ...]] = []
    own: list[dict[int, Own]] = []
    why: list[str] = []
    for shape in shapes:
        mine, said, here = _owned_options(shape, owned)
        found, nothing = rows_by_group[shape.group]
        mine += _rented_options(shape, [position[row] for row in found], offers, known, first)
        options.append(tuple(mine))
        own.append(here)
        against = "; ".join([*([nothing] if nothing else []), *said])
        why.append(against or ("" if mine else "nobody can say how long it takes anywhere"))
    jobs = tuple(_job(each, shapes[each.shape], options[each.shape], why[each.shape]) for each in arrivals)
    return Built(
        world=World(places=tuple(places), jobs=jobs, seed=seed, is_strict_queue=is_strict_queue),
        shapes=tuple(shapes),
        table=OfferTable.of(offers),
        first_rented=first,
        own=tuple(own),
    )


def _short_list(table: OfferTable, shape: Shape, observed: Sequence[int]) -> tuple[list[int], str]:
    """Rows of the market worth looking at, or why there are none. Those that were observed always are if they fit."""
    if not len(table) or not shape.lengths.says_something:
        return [], "the job file does not say how long it takes" if len(table) else ""
    wanted = shape.wanted
    found = screen(
        table, wanted, look_at_kinds(kinds_of(table), wanted, shape.lengths.hours, shape.lengths.fits)
    )
    if not len(found.rows):
        return [], why_nothing(found, wanted)
    candidates = find_candidates(found, terms_of(shape.spec), Surroundings())
    chosen = {int(row) for row in np.intersect1d(found.rows, np.array(observed, dtype=np.intp))}
    for is_spot in (False, True):
        these = candidates.take(candidates.is_spot == is_spot)
        for name in _MEASURES if len(these) else ():
            best = strategy_for(name)(these, JobFacts())
            if best is not None:
                chosen |= {int(these.rows[index]) for index in best.ranking[:PLACES_EACH]}
    return sorted(chosen), ""


def _priced(offer: Offer, course: Course | None) -> Offer:
    """The offer at the price that it begins with."""
    if course is None:
        return offer
    return replace(offer, rate=replace(offer.rate, micro_per_unit=course.price.values[0]))


def _owned_place(own: OwnedMachines) -> Place:
    offer = own.offer
    room = Room(1000 * len(offer.accelerators), int(offer.cpus * 1000), offer.memory_bytes)
    return Place(
        name=offer.instance_type,
        market=Market.OWNED,
        rate=offer.rate,
        price=Series.constant(offer.rate.micro_per_unit),
        machines=(room,) * own.machines,
        grams_per_kwh=offer.grams_co2e_per_kwh,
    )


def _rented_place(offer: Offer, course: Course | None) -> Place:
    rule = billing_rule_of(offer.provider, offer.instance_type, bool(offer.accelerator_count))
    is_drawn = offer.market == Market.SPOT and not (course is not None and course.is_observed)
    where = offer.zone or offer.region
    return Place(
        name=f"{offer.provider} {where} {offer.instance_type}",
        market=Market(offer.market),
        rate=rule.rate(offer.rate.micro_per_unit, offer.rate.currency),
        price=Series.constant(offer.rate.micro_per_unit) if course is None else course.price,
        up=None if course is None else course.up,
        takes_back=course is not None and course.is_observed and offer.market == Market.SPOT,
        interruptions_per_hour=interruption_rate(offer.provider, offer.accelerator).per_hour
        if is_drawn
        else 0.0,
        grams_per_kwh=Facts.grams_per_kwh(offer.provider, offer.region),
    )


def _owned_options(
    shape: Shape, owned: Sequence[OwnedMachines]
) -> tuple[list[Option], list[str], dict[int, Own]]:
    options, said, here = [], [], {}
    for place, each in enumerate(owned):
        found = owned_option(place, each.offer, shape, each.machines)
        if isinstance(found, str):
            said.append(found)
        else:
            options.append(found[0])
            here[place] = found[1]
    return options, said, here


def _rented_options(
    shape: Shape,
    places: Sequence[int],
    offers: Sequence[Offer],
    courses: Mapping[int, Course | None],
    first: int,
) -> list[Option]:
    wanted, terms = shape.wanted, terms_of(shape.spec)
    found = []
    for place in places:
        offer, course = offers[place - first], courses[place - first]
        facts = look_at_kinds(kinds_of(OfferTable.of([offer])), wanted, shape.lengths.hours, None)
        band, nodes = facts.hours[0], int(facts.nodes[0])
        if band is not None and nodes:
            is_observed = course is not None and course.is_observed
            found.append(
                rented_option(place, offer, band, replace(terms, nodes=nodes), is_observed=is_observed)
            )
    return found


def _job(arrival: Arrival, shape: Shape, options: tuple[Option, ...], why: str) -> ReplayJob:
    checkpoints = shape.spec.checkpoints
    return ReplayJob(
        name=arrival.name,
        arrival_s=arrival.arrival_s,
        options=options,
        deadline_s=arrival.deadline_s,
        budget_micro=arrival.budget_micro,
        checkpoint_every_s=None if checkpoints is None else max(round(checkpoints.every.total_seconds()), 1),
        priority=_PRIORITIES[shape.spec.priority],
        why_nowhere=why,
        shape=arrival.shape,
    )


def rank_candidates(built: Built, shape_number: int, prices: Mapping[int, int]) -> Candidates | None:
    """A shape's places as candidates at these prices (micro-dollars by place); None: there are none.

    Their rows are places counted from the first rented one; own machines have negative rows, in the order of `own`.
    """
    shape = built.shapes[shape_number]
    own = list(built.own[shape_number].values())
    rows = sorted(place - built.first_rented for place in prices)
    if not rows and not own:
        return None
    table = built.table.take(np.array(rows, dtype=np.intp))
    price = np.array(
        [prices[built.first_rented + row] for row in rows], dtype=table.numbers["price_micro"].dtype
    )
    table = table.with_numbers(price_micro=price)
    wanted = replace(shape.wanted, max_price_micro=None)
    found = screen(table, wanted, look_at_kinds(kinds_of(table), wanted, shape.lengths.hours, None))
    around = Surroundings(kilowatts=Facts.kilowatts, grams_per_kwh=Facts.grams_per_kwh)
    candidates = find_candidates(found, terms_of(shape.spec), around, own)
    places = np.array([rows[row] if row >= 0 else row for row in candidates.rows.tolist()], dtype=np.intp)
    return replace(candidates, rows=places)
