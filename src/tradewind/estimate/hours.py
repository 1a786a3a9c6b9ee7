"""How long a training run takes somewhere, and how sure that is.

Layers, the best first: the user's own earlier runs of the job, a short probe, published measurements of the workload
carried over to the accelerator, arithmetic against what measurements of like workloads reached.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.band import Band, Layer
from tradewind.estimate.calibration import Calibration, Usual, shipped, surface_for, task_of
from tradewind.estimate.finetune import estimate_token_rate
from tradewind.estimate.presets import completed
from tradewind.estimate.transfer import scale_hours, speed_ratio
from tradewind.estimate.workload import Family, Method, Workload
from tradewind.hardware.accelerators import AcceleratorModel, all_models

__all__ = ["Probe", "Run", "estimate_hours", "estimate_throughput", "scale_hours"]

#: Normal deviate of the ends of a band that holds eight of ten.
_DEVIATE: Final = 1.2816
#: Spread of repeated runs of one job on one accelerator in different machines: the median difference between
#: submitters of the same MLPerf result is 3.4 %, the 90th percentile 14.6 %.
_REPEAT_SPREAD: Final = 0.06
#: Spread of a whole run around a probe of a minute: start-up, evaluation and input stalls that it did not see.
_PROBE_SPREAD: Final = 0.06
_PROBE_OVERHEAD: Final = 1.04
#: JPEG images of a training crop that one processor thread decodes and augments per second (believed).
_IMAGES_PER_CPU: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An earlier run of the same job: how long it took, on what, and how much it did (None: all of it)."""

    hours: float
    accelerator_key: str
    count: float = 1.0
    units: float | None = None
    nodes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A short run of the same job: its steady rate, whole job, over `seconds`."""

    units_per_s: float
    accelerator_key: str
    count: float = 1.0
    seconds: float = 60.0
    nodes: int = 1


def estimate_hours(
    workload: Workload,
    accelerator: AcceleratorModel,
    count: float = 1,
    *,
    nodes: int = 1,
    cpus: float | None = None,
    history: Sequence[Run] = (),
    probe: Probe | None = None,
    calibration: Calibration | None = None,
) -> Band | None:
    """Hours for `workload.units` on `count` accelerators in all, spread over `nodes`.

    The time of training itself with its evaluations as the measurements held them; not the wait for a machine, its
    boot or set-up. `cpus` are all that the job holds, and bound how fast images arrive. None where neither history,
    nor a probe, nor the workload says how much work there is.

    Raises:
        InvalidInputError: a count that is not positive.
    """
    _check(count, nodes)
    whole = completed(workload)
    told = _from_history(whole, accelerator, count, nodes, history)
    if told is not None:
        return told
    units = whole.units or _usual(whole, calibration or shipped()).units
    if not units or units <= 0:
        return None
    rate = _from_probe(whole, accelerator, count, nodes, probe) or estimate_throughput(
        whole, accelerator, count, nodes=nodes, cpus=cpus, calibration=calibration
    )
    if rate is None:
        return None
    hours = units / 3600
    return Band(
        p10=hours / rate.p90, p50=hours / rate.p50, p90=hours / rate.p10, layer=rate.layer, basis=rate.basis
    )


def estimate_throughput(
    workload: Workload,
    accelerator: AcceleratorModel,
    count: float = 1,
    *,
    nodes: int = 1,
    cpus: float | None = None,
    calibration: Calibration | None = None,
) -> Band | None:
    """Units per second of the whole job, by what was published; None where the work of one unit is not known.

    Raises:
        InvalidInputError: a count that is not positive.
    """
    _check(count, nodes)
    whole = completed(workload)
    if _is_tuned_by_step(whole):
        tuned = estimate_token_rate(whole, accelerator, max(1, round(count / nodes)), nodes=nodes)
        if tuned is not None:
            # Less than one accelerator is a share of one.
            return tuned.scaled(min(1.0, count / nodes))
    known = calibration or shipped()
    found = known.predict(whole, accelerator, float(count), nodes)
    if found is None:
        return None
    low, high = known.spread(found)
    # The spread is of actual over predicted time, so its high end is the slow one.
    band = Band(
        p10=found.units_per_s * math.exp(-max(high, 0.0)),
        p50=found.units_per_s,
        p90=found.units_per_s * math.exp(-min(low, 0.0)),
        layer=found.layer,
        basis=found.basis,
    )
    if cpus and workload.family in (Family.CNN, Family.VIT, Family.DETECTION):
        return _fed_by(band, cpus)
    return band


def _is_tuned_by_step(workload: Workload) -> bool:
    """Fine-tunes of language models whose step is worked out: launches and short samples decide, not arithmetic.

    A public benchmark's recipe was measured as a whole, which tells more.
    """
    if workload.family is not Family.LLM or workload.recipe or not workload.parameters:
        return False
    is_short = workload.mean_sequence_length is not None and not workload.is_packed
    return is_short or workload.method in (Method.LORA, Method.QLORA, Method.ADAPTER)


def _fed_by(band: Band, cpus: float) -> Band:
    limit = cpus * _IMAGES_PER_CPU
    if limit >= band.p50:
        return replace(band, p90=max(band.p50, min(band.p90, limit * 2)))
    return replace(
        band,
        p10=min(band.p10, limit / 2),
        p50=limit,
        p90=max(limit, min(band.p90, limit * 2)),
        basis=f"{band.basis}; held back by {cpus:g} vCPUs that prepare the images",
    )


def _usual(workload: Workload, calibration: Calibration) -> Usual:
    return calibration.usual.get(task_of(workload, surface_for(workload)), Usual())


def _check(count: float, nodes: int) -> None:
    if not (count > 0 and math.isfinite(count)) or nodes < 1:
        raise InvalidInputError(
            f"cannot estimate for {count:g} accelerators on {nodes} nodes", hint="give a positive count"
        )


def _from_history(
    workload: Workload, accelerator: AcceleratorModel, count: float, nodes: int, history: Sequence[Run]
) -> Band | None:
    """The middle of earlier runs, each carried over to this place; runs on the same accelerator count alone."""
    usable = [
        run for run in history if run.hours > 0 and run.count > 0 and run.accelerator_key in all_models()
    ]
    here = [run for run in usable if run.accelerator_key == accelerator.key]
    if not usable:
        return None
    hours, spreads = [], []
    for run in here or usable:
        share = workload.units / run.units if workload.units and run.units else 1.0
        ratio, spread = speed_ratio(
            all_models()[run.accelerator_key],
            accelerator,
            measured_count=run.count,
            count=count,
            measured_nodes=run.nodes,
            nodes=nodes,
            family=workload.family,
            precision=workload.precision,
        )
        hours.append(run.hours * share / ratio)
        spreads.append(spread)
    middle = statistics.median(hours)
    seen = statistics.pstdev([math.log(each) for each in hours]) if len(hours) > 1 else 0.0
    # Few runs say little of their own spread: what repeats are known to differ by counts as three more.
    own = math.sqrt((len(hours) * seen**2 + 3 * _REPEAT_SPREAD**2) / (len(hours) + 3))
    spread = math.hypot(own * math.sqrt(1 + 1 / len(hours)), min(spreads))
    where = accelerator.key if here else "other accelerators, carried over"
    runs = "1 earlier run" if len(hours) == 1 else f"{len(hours)} earlier runs"
    return _band(middle, spread, Layer.HISTORY, f"{runs} of this job on {where}")


def _from_probe(
    workload: Workload, accelerator: AcceleratorModel, count: float, nodes: int, probe: Probe | None
) -> Band | None:
    if probe is None or probe.units_per_s <= 0 or probe.accelerator_key not in all_models():
        return None
    ratio, spread = speed_ratio(
        all_models()[probe.accelerator_key],
        accelerator,
        measured_count=probe.count,
        count=count,
        measured_nodes=probe.nodes,
        nodes=nodes,
        family=workload.family,
        precision=workload.precision,
    )
    # A short probe has seen less: its own noise falls with the root of its length.
    own = _PROBE_SPREAD * math.sqrt(1 + 30 / max(probe.seconds, 1.0))
    rate = probe.units_per_s / _PROBE_OVERHEAD * ratio
    where = "" if probe.accelerator_key == accelerator.key else f" on {probe.accelerator_key}, carried over"
    return _band(rate, math.hypot(own, spread), Layer.PROBE, f"a probe of {probe.seconds:.0f} s{where}")


def _band(middle: float, spread: float, layer: Layer, basis: str) -> Band:
    factor = math.exp(_DEVIATE * spread)
    return Band(p10=middle / factor, p50=middle, p90=middle * factor, layer=layer, basis=basis)
