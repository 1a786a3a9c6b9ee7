"""Mean watts of whole nodes in MLPerf runs: estimates beside what was metered.

Inputs of an estimate are the accelerator, its TDP and count, the number of nodes, the length of the run, the kind of
model, whether the meter sat before or behind the power supplies, and whose meter it was. The highest and lowest power
of a row are results of the same measurement and are not looked at.

    python -m benchmarks.accuracy.power FILE     # fits the constants anew and prints them as node_power.csv
"""

from __future__ import annotations

import csv
import math
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.accuracy.power_fit import Reading, fit, predict
from benchmarks.accuracy.results import Outcome
from tradewind.estimate.energy import Cooling, NodePower, shipped_node_power
from tradewind.estimate.workload import Family
from tradewind.hardware.accelerators import AcceleratorModel
from tradewind.hardware.names import identify

PREFIX: Final = "node_power"
#: Accelerators and workloads of the rows that the shipped constants were fitted on.
SEEN_ACCELERATORS: Final = frozenset({"H100-SXM", "B200"})
SEEN_WORKLOADS: Final = frozenset(
    {"bert", "dlrm_dcnv2", "gpt3", "llama2_70b_lora", "resnet", "ssd", "unet3d"}
)
_FAMILIES: Final = (
    ("resnet", Family.CNN),
    ("unet3d", Family.CNN),
    ("ssd", Family.DETECTION),
    ("retinanet", Family.DETECTION),
    ("maskrcnn", Family.DETECTION),
    ("dlrm", Family.RECOMMENDER),
    ("gnn", Family.GRAPH),
    ("rgat", Family.GRAPH),
    ("bert", Family.ENCODER),
    ("rnnt", Family.SPEECH),
    ("stable_diffusion", Family.DIFFUSION),
    ("flux", Family.DIFFUSION),
    ("gpt", Family.LLM),
    ("llama", Family.LLM),
)
#: Machines whose fans are known to be in the figure.
_AIR_COOLED: Final = ("XE9680",)


def evaluate(path: Path) -> list[Outcome]:
    """Every row by the constants as they ship."""
    constants = shipped_node_power()
    return [_outcome(path, reading, constants, "") for reading in read(path)]


def cross_validate(path: Path) -> list[Outcome]:
    """Every row by constants fitted without its accelerator, and by constants fitted without its workload."""
    readings = read(path)
    found = []
    folds: tuple[tuple[str, Callable[[Reading], str]], ...] = (
        ("accelerator", lambda each: each.accelerator),
        ("workload", lambda each: each.workload),
    )
    for name, key in folds:
        for left_out in sorted({key(each) for each in readings}):
            constants = fit([each for each in readings if key(each) != left_out])
            found += [_outcome(path, each, constants, name) for each in readings if key(each) == left_out]
    return found


def read(path: Path) -> list[Reading]:
    """The rows that say what was drawn by how many accelerators; others cannot be compared and are left out."""
    with path.open(encoding="utf-8", newline="") as file:
        readings = [_reading(row) for row in csv.DictReader(file)]
    return [each for each in readings if each is not None]


def _reading(row: dict[str, str]) -> Reading | None:
    watts, count, tdp = (_number(row.get(name)) for name in ("node_w_mean", "gpus_per_node", "tdp_w"))
    model = identify(row.get("gpu") or "").model
    tdp = tdp or (model.tdp_watts if model else None)
    if not watts or not count or not tdp:
        return None
    system, benchmark = row.get("system") or "", row.get("benchmark") or ""
    leading = re.match(r"(\d+)x", system)
    return Reading(
        accelerator=model.key if model else row.get("gpu") or "",
        workload=benchmark,
        model=replace(model, tdp_watts=tdp) if model else _unknown_model(row.get("gpu") or "", tdp),
        count=count,
        nodes=int(leading[1]) if leading else int(_number(row.get("nodes_sampled")) or 1),
        minutes=_number(row.get("window_min")),
        family=next((family for name, family in _FAMILIES if benchmark.lower().startswith(name)), None),
        cooling=Cooling.AIR if any(name in system for name in _AIR_COOLED) else Cooling.LIQUID,
        is_direct_current="DC" in (row.get("meter") or ""),
        metered_by=re.sub(r"[-_ ](ac|dc)[-_ ]?power$", "", (row.get("org") or "").lower()),
        watts=watts,
    )


def _unknown_model(name: str, tdp: float) -> AcceleratorModel:
    return AcceleratorModel(
        key=name,
        title=name,
        vendor="",
        architecture="",
        compute_capability="",
        year=0,
        memory_gb=0.0,
        memory_bandwidth_gb_per_s=0.0,
        peak_tflops={},
        tdp_watts=tdp,
        form="board",
    )


def _outcome(path: Path, reading: Reading, constants: NodePower, fold: str) -> Outcome:
    band = predict(reading, constants)
    return Outcome(
        file=path.name,
        quantity="watts",
        accelerator=reading.accelerator,
        workload=reading.workload,
        actual=reading.watts,
        p10=band.p10,
        p50=band.p50,
        p90=band.p90,
        layer=band.layer.value,
        is_accelerator_seen=fold != "accelerator" and reading.accelerator in SEEN_ACCELERATORS,
        is_workload_seen=fold != "workload" and reading.workload in SEEN_WORKLOADS,
        fold=fold,
    )


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    value: float
    source: str

    def __str__(self) -> str:
        return f"{self.name},{self.value:.4g},{self.source}"


def main(arguments: Sequence[str]) -> int:
    """Prints the constants fitted on a file."""
    readings = read(Path(arguments[0]))
    constants = fit(readings)
    source = f"fitted on {len(readings)} rows of MLPerf power logs, v4.0 to v5.0"
    lines = [
        _Line("over_tdp", constants.over_tdp, source),
        _Line(
            "over_tdp_air",
            constants.over_tdp_air,
            "air-cooled 8 x H100: 9.4 kW at most of the time, 5 % less on mean",
        ),
        _Line("start_minutes", constants.start_minutes, f"{source}; mean over who metered"),
        *(
            _Line(f"start_minutes:{name}", value, source)
            for name, value in sorted(constants.start_minutes_by.items())
        ),
        _Line("waiting_share", constants.waiting_share, source),
        _Line("direct_current_share", constants.direct_current_share, source),
        _Line("sigma", constants.sigma, f"{source}; with each workload left out"),
    ]
    print("name,value,source")
    for line in lines:
        print(line)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
