"""What a job would take on a machine at hand, at the price of its electricity."""

from __future__ import annotations

from tradewind.control.money_views import money_view
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.money import worst_case_micro
from tradewind.domain.offers import Accelerator, Exclusion, Offer
from tradewind.domain.schemas_estimate import EstimateLine
from tradewind.domain.schemas_plan import BandView
from tradewind.domain.units import BYTES_PER_GIB
from tradewind.estimate.band import Band
from tradewind.estimate.energy import estimate_energy
from tradewind.estimate.memory import MemoryEstimate, estimate_memory
from tradewind.estimate.power import Watts
from tradewind.estimate.workload import Workload
from tradewind.hardware.accelerators import AcceleratorModel
from tradewind.hardware.names import identify, short_name
from tradewind.placement.choose import fit_offer
from tradewind.placement.demand import demand_of, pick_accelerators
from tradewind.placement.estimates import JobEstimates
from tradewind.placement.gangs import OwnGang
from tradewind.spec.models import JobSpec


def own_line(spec: JobSpec, estimates: JobEstimates, offer: Offer) -> EstimateLine | None:
    """The share of the machine that the job would hold; None where it cannot run there."""
    demand = demand_of(spec)
    watts = fit_offer(spec, demand, offer)
    if isinstance(watts, Exclusion):
        return None
    # A job that asks for no accelerator is told of those it could have.
    held = pick_accelerators(demand, offer.accelerators) or offer.accelerators
    return _line(estimates, offer, watts, held, 1)


def gang_line(estimates: JobEstimates, gang: OwnGang) -> EstimateLine:
    """The shares of several machines that the job would hold together."""
    return _line(estimates, gang.offer, gang.watts, gang.held, len(gang.offers))


def _line(
    estimates: JobEstimates, offer: Offer, watts: Watts, held: tuple[Accelerator, ...], nodes: int
) -> EstimateLine:
    first = identify(held[0].name, held[0].memory_bytes / BYTES_PER_GIB) if held else None
    count = float(len(held)) or 1.0
    hours = estimates.hours_at(offer, held, nodes)
    memory = None
    if first is not None and first.model is not None:
        memory = memory_on(estimates.workload, first.model, count, nodes)
    line = EstimateLine(
        accelerator=f"{offer.cpus:g} processors" if first is None else short_name(first.key),
        count=count,
        verdict=None if memory is None else memory.verdict.value,
        memory_gb=None if memory is None else band_view(memory.total),
        usable_gb=None if memory is None else memory.usable_gb,
        hours=None if hours is None else band_view(hours),
        provider=offer.provider,
        region=offer.region,
        market=offer.market,
        is_here=True,
    )
    if hours is None:
        return line
    drawn = Band(
        p10=watts.idle, p50=watts.expected, p90=watts.busy, layer=hours.layer, basis="the job's share of it"
    )
    energy = estimate_energy(drawn, hours)
    grams = offer.grams_co2e_per_kwh
    cost, cost_p90 = (
        worst_case_micro(offer.rate, drawn_watts, long * 3600)
        for drawn_watts, long in ((watts.expected, hours.p50), (watts.busy, hours.p90))
    )
    return line.model_copy(
        update={
            "cost": money_view(cost, offer.rate.currency),
            "cost_p90": money_view(max(cost, cost_p90), offer.rate.currency),
            "energy_kwh": band_view(energy),
            "carbon_grams": None if grams is None else band_view(energy.scaled(grams)),
        }
    )


def memory_on(
    workload: Workload | None, model: AcceleratorModel, count: float, nodes: int = 1
) -> MemoryEstimate | None:
    """What one of so many accelerators on each node needs; None where the job file says too little to know."""
    if workload is None or count < 1:
        return None
    try:
        return estimate_memory(workload, model, int(count), nodes=nodes)
    except InvalidInputError:
        # What the memory follows from is not said; the hours may still be known.
        return None


def band_view(band: Band) -> BandView:
    """A band as it travels."""
    return BandView(p10=band.p10, p50=band.p50, p90=band.p90, layer=band.layer.value, basis=band.basis)
