"""What a job would take on each kind of accelerator: memory, hours, money, energy and carbon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Final

from tradewind.control.money_views import money_view
from tradewind.control.own_estimate import band_view, gang_line, memory_on, own_line
from tradewind.control.predicting import Outcome, PastRun, split_runs
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.offers import Market, Offer
from tradewind.domain.schemas_estimate import (
    AccuracyView,
    EstimateLine,
    EstimateView,
    MemoryItemView,
    MemoryView,
    SwitchView,
)
from tradewind.estimate.band import Band
from tradewind.estimate.carbon import estimate_carbon
from tradewind.estimate.cost import estimate_cost
from tradewind.estimate.energy import estimate_energy, node_watts
from tradewind.estimate.memory import estimate_memory
from tradewind.estimate.switches import find_switches
from tradewind.estimate.workload import Workload
from tradewind.hardware.accelerators import AcceleratorModel, all_models
from tradewind.hardware.names import fulfils, identify, short_name
from tradewind.placement.demand import node_count
from tradewind.placement.estimates import JobEstimates, terms_of
from tradewind.placement.gangs import find_gangs
from tradewind.spec.models import JobSpec
from tradewind.spec.resources import AcceleratorRequest

if TYPE_CHECKING:
    from tradewind.domain.offer_table import OfferTable

_MOST_LINES: Final = 20
_MOST_SWITCHES: Final = 6


def estimate_job(
    spec: JobSpec,
    accelerators: Sequence[str] | None,
    table: OfferTable,
    own: Sequence[Offer],
    history: Sequence[PastRun],
    outcomes: Sequence[Outcome],
) -> EstimateView:
    """The estimate of a job file.

    Raises:
        InvalidInputError: nobody knows one of the accelerators that were asked for.
    """
    estimates = JobEstimates(spec, *split_runs(history))
    kinds = _kinds(spec, accelerators, table)
    lines = [_line(spec, estimates, model, count, table) for model, count in kinds]
    if node_count(spec) > 1:
        gangs = [gang for each in spec.alternatives() for gang in find_gangs(each, own)[0]]
        lines += _each_once([gang_line(estimates, each) for each in gangs])
    else:
        some = [own_line(each, estimates, offer) for each in spec.alternatives() for offer in own]
        lines += _each_once([line for line in some if line is not None])
    if accelerators is None and not _requests(spec) and any(map(_tells, lines)):
        # All there is was looked at: what nothing is known of is no answer.
        lines = [line for line in lines if _tells(line)]
    lines.sort(key=_order)
    warnings = list(estimates.notes)
    if node_count(spec) > 1:
        warnings.append(f"price, cost, energy and carbon are of {node_count(spec)} nodes together")
    if accelerators is None:
        warnings += _not_found(spec, kinds)
    if not estimates.says_something:
        warnings.append(
            "how long it takes is not known: add `estimate: {hours: 10, on: RTX 4090}`, or a model and its data"
        )
    return EstimateView(
        job_name=spec.name,
        workload=_in_words(spec, estimates.workload),
        lines=lines[:_MOST_LINES],
        memory=_memory_of_first(estimates.workload, kinds, lines),
        earlier_runs=len(history),
        accuracy=accuracy(outcomes),
        warnings=warnings,
    )


def accuracy(outcomes: Sequence[Outcome]) -> AccuracyView:
    """How far recent estimates were off."""
    if not outcomes:
        return AccuracyView(runs=0, text="no estimate to check yet: finished jobs show how far off they were")
    error = median(each.error for each in outcomes)
    within = sum(each.p10 <= each.actual_hours <= each.p90 for each in outcomes) / len(outcomes)
    runs = f"the last {len(outcomes)} estimates were" if len(outcomes) > 1 else "the last estimate was"
    return AccuracyView(
        runs=len(outcomes), median_error=error, within_band=within, text=f"{runs} {100 * error:.0f} % off"
    )


def _kinds(
    spec: JobSpec, accelerators: Sequence[str] | None, table: OfferTable
) -> list[tuple[AcceleratorModel, float]]:
    """The kinds and numbers to estimate for: those asked for, else those of the job file, else all that are offered."""
    if accelerators is not None:
        return [_asked_for(name) for name in accelerators]
    models = all_models()
    offered = [models[word] for word in table.words["accelerator"] if word in models]
    requests = _requests(spec)
    if not requests:
        stated = spec.estimate.on if spec.estimate is not None else None
        count = (identify(stated).count if stated else None) or 1.0
        return [(model, count) for model in offered]
    found = {}
    for request in requests:
        for model in offered or models.values():
            if request.mig is None and fulfils(request.name, model.key):
                found[model.key, request.count] = (model, request.count)
    return list(found.values())


def _requests(spec: JobSpec) -> list[AcceleratorRequest]:
    """The accelerators of all alternatives; none where one of them asks for none: then any will do."""
    asked = [each.resources.accelerators for each in spec.alternatives()]
    return list(dict.fromkeys(request for some in asked for request in some)) if all(asked) else []


def _each_once(lines: Sequence[EstimateLine]) -> list[EstimateLine]:
    """Without those that several alternatives have alike."""
    found: list[EstimateLine] = []
    for line in lines:
        if line not in found:
            found.append(line)
    return found


def _alternative_for(spec: JobSpec, model: AcceleratorModel, count: float) -> JobSpec:
    """The first alternative that so many of these fulfil; the first of all where none does."""
    every = spec.alternatives()
    for each in every:
        wanted = each.resources.accelerators
        if not wanted or any(fulfils(ask.name, model.key) and ask.count == count for ask in wanted):
            return each
    return every[0]


def _asked_for(name: str) -> tuple[AcceleratorModel, float]:
    said = identify(name)
    if said.model is None:
        raise InvalidInputError(
            f"nobody knows an accelerator called {name!r}", hint="`tradewind gpus` lists what is known"
        )
    _, sign, count = name.rpartition(":")
    if sign and not count.strip().strip("0."):
        raise InvalidInputError(f"{name!r} is none at all", hint="write for example H100:8")
    return said.model, said.count or 1.0


def _not_found(spec: JobSpec, kinds: Sequence[tuple[AcceleratorModel, float]]) -> list[str]:
    return [
        f"nothing is known of an accelerator called {request.name!r}; `tradewind gpus` lists what is"
        for request in _requests(spec)
        if request.name and not any(fulfils(request.name, model.key) for model, _ in kinds)
    ]


def _tells(line: EstimateLine) -> bool:
    return line.hours is not None or line.memory_gb is not None


def _line(
    spec: JobSpec, estimates: JobEstimates, model: AcceleratorModel, count: float, table: OfferTable
) -> EstimateLine:
    nodes = node_count(spec)
    hours = estimates.hours(model.key, count, nodes)
    offer = cheapest_offer(table, model.key, count)
    memory = memory_on(estimates.workload, model, count, nodes)
    line = EstimateLine(
        accelerator=short_name(model.key),
        count=count,
        verdict=None if memory is None else memory.verdict.value,
        memory_gb=None if memory is None else band_view(memory.total),
        usable_gb=None if memory is None else memory.usable_gb,
        hours=None if hours is None else band_view(hours),
    )
    if offer is not None:
        line = line.model_copy(
            update={
                "provider": offer.provider,
                "region": offer.region,
                "market": offer.market,
                "price_per_hour": money_view(nodes * offer.rate.micro_per_unit),
            }
        )
    if hours is None:
        return line
    return line.model_copy(update=_of_run(spec, model, count, hours, offer))


def _of_run(
    spec: JobSpec, model: AcceleratorModel, count: float, hours: Band, offer: Offer | None
) -> dict[str, object]:
    nodes = node_count(spec)
    energy = estimate_energy(node_watts(model, count, run_minutes=hours.p50 * 60), hours, nodes=nodes)
    found: dict[str, object] = {"energy_kwh": band_view(energy)}
    if offer is None:
        return found
    carbon = estimate_carbon(
        energy, offer.provider, offer.region, accelerator=model, accelerator_hours=nodes * count * hours.p50
    )
    cost = estimate_cost(offer, hours, replace(terms_of(_alternative_for(spec, model, count)), nodes=nodes))
    return found | {
        "carbon_grams": band_view(carbon.total),
        "cost": money_view(cost.p50_micro, cost.currency),
        "cost_p90": money_view(cost.p90_micro, cost.currency),
        "cost_per_step": None if cost.per_step_micro is None else money_view(cost.per_step_micro),
        "notes": list(cost.notes),
    }


def cheapest_offer(table: OfferTable, key: str, count: float) -> Offer | None:
    """The cheapest offer with exactly so many of this accelerator that can be had and is not taken back at will."""
    import numpy as np

    from tradewind.catalog.identity import UNAVAILABLE, has_real_price, levels_of
    from tradewind.domain.offer_table import MARKETS

    if key not in table.words["accelerator"]:
        return None
    steady = MARKETS.index(Market.ON_DEMAND)
    prices = table.numbers["price_micro"].astype(np.int64)
    rows = np.flatnonzero(
        (table.codes["accelerator"] == table.words["accelerator"].index(key))
        & (np.abs(table.numbers["accelerator_count"].astype(np.float64) - count) < 1e-6)
        & (table.numbers["market"] == np.uint8(steady))
        & (prices > 0)
        & has_real_price(table)
        & (levels_of(table) != UNAVAILABLE)
    )
    return table.offer(int(rows[np.argmin(prices[rows])])) if len(rows) else None


def _memory_of_first(
    workload: Workload | None, kinds: Sequence[tuple[AcceleratorModel, float]], lines: Sequence[EstimateLine]
) -> MemoryView | None:
    """The ledger for the first line that has one: the cheapest accelerator that was asked for."""
    for line in lines:
        named = [
            (model, count)
            for model, count in kinds
            if short_name(model.key) == line.accelerator and count == line.count
        ]
        if workload is None or line.memory_gb is None or not named:
            continue
        model, count = named[0]
        return memory_view(workload, model, int(count), line.accelerator)
    return None


def memory_view(workload: Workload, model: AcceleratorModel, count: int, name: str) -> MemoryView:
    """The ledger of each of so many accelerators."""
    memory = estimate_memory(workload, model, count)
    return MemoryView(
        accelerator=name,
        count=count,
        total_gb=band_view(memory.total),
        usable_gb=memory.usable_gb,
        verdict=memory.verdict.value,
        items=[MemoryItemView(name=each.name, gb=each.gb, note=each.note) for each in memory.items],
        switches=[
            SwitchView(
                name=each.name,
                explanation=each.explanation,
                memory_gb=each.after.total.p50,
                time_factor=each.time_factor,
                makes_it_fit=each.makes_it_fit,
                changes_result=each.changes_result,
                changes_hardware=each.changes_hardware,
            )
            for each in find_switches(workload, model, count)[:_MOST_SWITCHES]
        ],
    )


def _order(line: EstimateLine) -> tuple[bool, bool, float, float]:
    cost = float("inf") if line.cost is None else float(line.cost.micro)
    price = float("inf") if line.price_per_hour is None else float(line.price_per_hour.micro)
    return line.verdict == "does_not_fit", not line.is_here and line.cost is None, cost, price


def _in_words(spec: JobSpec, workload: Workload | None) -> str:
    said = spec.estimate
    if workload is not None:
        units = f"{workload.units:,.0f} {workload.unit}s" if workload.units else "work of unknown length"
        return (
            f"{workload.model}, {workload.method.value}, {units}, {workload.precision or 'mixed precision'}"
        )
    if said is not None and said.hours is not None:
        return f"{said.hours:g} hours" + (f" on {said.on}" if said.on else "")
    return "not described"
