"""Replays a job mix, a trace or the caller's own past jobs under several policies. For a worker thread: it is pure.

Loaded when somebody first asks, because it needs numpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tradewind.control.simulation_courses import Priced
from tradewind.control.simulation_views import (
    best_of,
    figures_view,
    job_views,
    left_out_views,
    unfinished_note,
)
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Market, Offer
from tradewind.domain.schemas_simulation import (
    MOST_CHARACTERS,
    PolicyFigures,
    SimulationRequest,
    SimulationView,
)
from tradewind.estimate.billing import setup_time
from tradewind.estimate.interruptions import interruption_rate
from tradewind.estimate.tariff import Tariff
from tradewind.hardware.names import short_name
from tradewind.placement.replay.arrivals import Jobs, TraceTerms, jobs_of_mix, jobs_of_trace
from tradewind.placement.replay.building import Built, OwnedMachines, build_world
from tradewind.placement.replay.courses import Course
from tradewind.placement.replay.engine import MOST_LOOKS, replay
from tradewind.placement.replay.imagined import CPUS_EACH, MEMORY_GIB_EACH, imagined_machines
from tradewind.placement.replay.ranking import POLICIES, make_policy
from tradewind.placement.replay.spot_files import SpotTerms, Traced, read_spot_files
from tradewind.placement.replay.summary import summarise
from tradewind.spec.mix import Mix, validate_mix
from tradewind.spec.trace import read_trace

#: Steps of all policies of one request together: about a minute of one processor.
_MOST_STEPS: Final = 2 * MOST_LOOKS
_MOST_DETAILS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a simulation rests on beside the request."""

    table: OfferTable
    own: Sequence[Offer]
    tariff: Tariff
    now: datetime
    #: When the replay begins.
    start: datetime
    priced: Priced | None = None
    #: The caller's past jobs, and how it really went.
    past: Jobs | None = None
    actual: PolicyFigures | None = None
    notes: Sequence[str] = field(default_factory=tuple)


def check_request(request: SimulationRequest) -> None:
    """Refuses what makes no sense before anything is read for it.

    Raises:
        InvalidInputError: what is wrong.
    """
    said = [request.mix is not None, request.trace is not None, request.history_days is not None]
    if sum(said) != 1:
        raise InvalidInputError(
            "a simulation needs one of a mix, a trace or your own history",
            hint="name a mix (YAML) or a trace (CSV), or say how many days of your jobs to replay",
        )
    for name in request.policies:
        if name not in POLICIES:
            raise InvalidInputError(f"no policy is called {name!r}", hint=f"policies: {', '.join(POLICIES)}")
    texts = list(request.spot.files.values()) if request.spot else []
    if request.trace is not None:
        texts.append(request.trace.content)
    characters = sum(map(len, texts))
    if characters > MOST_CHARACTERS:
        raise InvalidInputError(
            f"the files have {characters:,} characters in all; {MOST_CHARACTERS:,} is the most",
            hint="take fewer zones, or a part of the trace",
        )


def wants_market(request: SimulationRequest) -> bool:
    """Whether offers of the price lists take part: where nothing else is said, unless there are spot files."""
    return request.market if request.market is not None else request.spot is None


def simulate(request: SimulationRequest, around: Surroundings) -> SimulationView:
    """The policies side by side.

    Raises:
        InvalidInputError: something is wrong with the request or its files, or it is too much.
    """
    mix = None if request.mix is None else validate_mix(request.mix)
    seed = request.seed if request.seed is not None else (mix.seed if mix else None) or 0
    machines, notes = _machines(request, mix, around)
    jobs = _jobs(request, mix, machines, around, seed)
    table, courses, more = _market(request, around)
    built = build_world(
        jobs.shapes,
        jobs.arrivals,
        table=table,
        courses=courses,
        owned=machines,
        seed=seed,
        is_strict_queue=request.queue == "strict",
    )
    figures = [around.actual] if around.actual is not None else []
    details = []
    unfinished: list[str | None] = []
    left = _MOST_STEPS
    for name in dict.fromkeys(request.policies):
        outcome = replay(built.world, make_policy(name, built), most_looks=min(left, MOST_LOOKS))
        left -= outcome.looks
        figures.append(figures_view(summarise(built.world, outcome), POLICIES[name]))
        unfinished.append(unfinished_note(outcome))
        if request.detail:
            details += job_views(built.world, outcome)
    if len(details) > _MOST_DETAILS:
        raise InvalidInputError(
            f"{len(details):,} lines of single jobs; {_MOST_DETAILS:,} is the most",
            hint="ask for fewer policies, or leave the single jobs out",
        )
    return SimulationView(
        name=mix.name if mix is not None else "",
        seed=seed,
        jobs=len(built.world.jobs),
        places=[place.name for place in built.world.places],
        policies=figures,
        best=best_of([each for each in figures if each is not around.actual]),
        left_out=left_out_views(built.world),
        notes=[
            *_assumptions(request, built, courses),
            *notes,
            *more,
            *jobs.notes,
            *around.notes,
            *filter(None, unfinished),
        ],
        details=details,
    )


def _jobs(
    request: SimulationRequest,
    mix: Mix | None,
    machines: Sequence[OwnedMachines],
    around: Surroundings,
    seed: int,
) -> Jobs:
    if mix is not None:
        return jobs_of_mix(mix, seed, around.start)
    if request.trace is None:
        assert around.past is not None
        return around.past
    trace = request.trace
    gpus = trace.gpus or sorted(
        {short_name(each.offer.accelerator) for each in machines if each.offer.accelerator}
    )
    read = read_trace(trace.content, trace.filename, where=trace.where, limit=trace.limit)
    terms = TraceTerms(
        speed_up=trace.speed_up,
        max_hours=trace.max_hours,
        deadline_factor=trace.deadline_factor,
        checkpoint_min=trace.checkpoint_minutes,
        gpus=tuple(gpus) or ((request.spot.gpu,) if request.spot and request.spot.gpu else ()),
    )
    return jobs_of_trace(read, terms, trace.filename)


def _market(
    request: SimulationRequest, around: Surroundings
) -> tuple[OfferTable, dict[int, Course], list[str]]:
    """The offers of the price lists and of spot files, with how their prices went."""
    traced = None if request.spot is None else _traced(request)
    has_market = wants_market(request)
    table = around.table if has_market else OfferTable.of(())
    courses: dict[int, Course] = {}
    notes: list[str] = []
    if has_market and around.priced is not None:
        courses.update(around.priced.courses)
        notes += around.priced.notes
    if traced is not None:
        first = len(table)
        table = OfferTable.concat([table, OfferTable.of(traced.offers)])
        courses |= {first + place: course for place, course in enumerate(traced.courses)}
        notes += traced.notes
        notes.append(
            f"spot zones were watched for {traced.length_s / 3600:.1f} h; after that they stay as they were"
        )
    return table, courses, notes


def _traced(request: SimulationRequest) -> Traced:
    spot = request.spot
    assert spot is not None
    prices = (spot.spot_price, spot.on_demand_price)
    spot_micro, steady_micro = (None if price is None else round(price * 1e6) for price in prices)
    return read_spot_files(
        spot.files, SpotTerms(gpu=spot.gpu, spot_micro=spot_micro, on_demand_micro=steady_micro)
    )


def _machines(
    request: SimulationRequest, mix: Mix | None, around: Surroundings
) -> tuple[list[OwnedMachines], list[str]]:
    """Own machines: those that are imagined, else those at hand."""
    said = request.own if request.own is not None else list(mix.own) if mix and mix.own else None
    if said is None:
        return [OwnedMachines(offer=offer) for offer in around.own if offer.market == Market.OWNED], []
    made = [imagined_machines(text, around.tariff) for text in said if text != "none"]
    notes = []
    if made:
        notes.append(
            f"imagined machines have {CPUS_EACH} processors and {MEMORY_GIB_EACH} GB of memory per accelerator, "
            f"and pay {around.tariff.price_note}"
        )
    return made, notes


def _assumptions(request: SimulationRequest, built: Built, courses: Mapping[int, Course]) -> list[str]:
    """What a reader must know before believing a figure."""
    notes = [
        "a simulated cost is not a bill: lengths are the middle of estimates, and nothing else goes wrong"
    ]
    rented = [built.table.offer(row) for row in range(len(built.table))]
    places = built.world.places[built.first_rented :]
    if any(option.wait_s for job in built.world.jobs for option in job.options):
        notes.append("assumed: waiting for capacity, by what each provider says of availability")
    guessed = sorted(
        {offer.provider or "unknown" for offer in rented if setup_time(offer.provider).is_assumed}
    )
    if guessed:
        notes.append(f"assumed: boot and set-up times of {', '.join(guessed)}")
    drawn = [
        interruption_rate(offer.provider, offer.accelerator)
        for offer, place in zip(rented, places, strict=True)
        if place.interruptions_per_hour
    ]
    if drawn:
        low, high = min(each.per_hour for each in drawn), max(each.per_hour for each in drawn)
        span = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        kind = "assumed" if any(each.is_assumed for each in drawn) else "measured"
        notes.append(f"{kind}: spot machines are taken back {span} times an hour, drawn with the seed")
    if rented and not courses and request.prices == "today":
        notes.append("prices stay as they are today")
    return notes
