"""What is foretold of a job in the moment it is placed."""

from __future__ import annotations

from statistics import median

import structlog

from tradewind.control.predicting import Foretold, fingerprint_of, past_runs, split_runs
from tradewind.db.store import Transaction
from tradewind.domain.errors import TradewindError
from tradewind.domain.money import Rate, worst_case_micro
from tradewind.domain.offers import Accelerator
from tradewind.domain.units import BYTES_PER_GIB
from tradewind.estimate.band import Band
from tradewind.estimate.power import Watts
from tradewind.hardware.names import identify
from tradewind.placement.estimates import JobEstimates
from tradewind.spec.models import JobSpec

log = structlog.get_logger(__name__)


def foretell(
    tx: Transaction,
    project_id: str,
    spec: JobSpec,
    held: tuple[Accelerator, ...],
    rate: Rate,
    watts: Watts,
) -> Foretold:
    """Hours, money and energy of a job on the share of a machine it is about to hold; empty where nobody can say."""
    runs = past_runs(tx, project_id, fingerprint_of(spec))
    if spec.estimate is None and not runs:
        return Foretold()
    key = identify(held[0].name, held[0].memory_bytes / BYTES_PER_GIB).key if held else None
    try:
        hours = JobEstimates(spec, *split_runs(runs)).hours(key, float(len(held)) or 1.0)
    except (TradewindError, ArithmeticError, LookupError, ValueError):
        # A job that can be run must be: what would have been foretold of it is the smaller loss.
        log.exception("nothing can be foretold of a job", job_name=spec.name)
        return Foretold()
    if hours is None:
        return Foretold()
    # How busy it keeps a machine is best known from how busy it kept one of the same kind.
    drawn = [
        run.watts
        for run in runs
        if run.watts is not None and (run.accelerator or None) == key and run.accelerator_count == len(held)
    ]
    expected = median(drawn) if drawn else watts.expected
    return Foretold(
        hours=hours,
        cost_micro=_cost(rate, expected, hours),
        energy_kwh=hours.scaled(expected / 1000),
    )


def _cost(rate: Rate, watts: float, hours: Band) -> Band:
    low, middle, high = (
        float(worst_case_micro(rate, watts, each * 3600)) for each in (hours.p10, hours.p50, hours.p90)
    )
    return Band(p10=low, p50=middle, p90=high, layer=hours.layer, basis="the rate it was placed at")
