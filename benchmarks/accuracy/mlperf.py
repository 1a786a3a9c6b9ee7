"""MLPerf Training: minutes to train of the closed division."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.accuracy.samples import Sample, accelerator_of, number, rows_of
from tradewind.estimate.presets import recipe_workload
from tradewind.estimate.workload import Family, Workload
from tradewind.hardware.accelerators import AcceleratorModel

PREFIX: Final = "mlperf_training_"
#: The year that a round's software stands for: v1.0 to v5.1, two a year.
_FIRST_YEAR: Final = 2021.0
_EIGHT_BITS_YEAR: Final = 2022.5
#: Without a count of units a run counts as one unit.
_RUN: Final = "run"


def read(path: Path) -> list[Sample]:
    """One sample a row; rows without minutes or accelerators are left out."""
    found = []
    for row in rows_of(path):
        minutes, count = (
            number(row, "minutes_mean_trimmed") or number(row, "minutes_median"),
            number(row, "n_gpu"),
        )
        if minutes is None or count is None:
            continue
        name = row["workload"]
        workload = recipe_workload("mlperf", name) or Workload(
            family=Family.OTHER, recipe="mlperf", model=name
        )
        units = 1.0 if workload.unit == _RUN else number(row, "units_trained")
        key, accelerator = accelerator_of(row["gpu"])
        year = _year(row.get("round", ""))
        found.append(
            Sample(
                file=path.name,
                workload=replace(
                    workload,
                    global_batch=number(row, "global_batch"),
                    precision=_precision(workload.family, accelerator, year),
                    software_year=year,
                    units=units,
                ),
                accelerator_key=key,
                accelerator=accelerator,
                count=count,
                nodes=max(1, int(number(row, "nodes") or 1)),
                rate=units / minutes / 60 if units else 0.0,
                quantity="hours",
                actual=minutes / 60,
                group=f"mlperf:{name}",
                units=units,
            )
        )
    return found


def _precision(family: Family, accelerator: AcceleratorModel | None, year: float | None) -> str:
    """Submitters train transformers over tokens in 8 bits wherever the device can, since the round that brought the
    first such device (v2.1); anything else in 16. The table does not say."""
    can = accelerator is not None and "fp8" in accelerator.peak_tflops
    is_tokens = family in (Family.LLM, Family.ENCODER)
    return "fp8" if can and is_tokens and (year or 0.0) >= _EIGHT_BITS_YEAR else "fp16"


def _year(release: str) -> float | None:
    match = re.fullmatch(r"v?(\d+)\.(\d+)", release)
    return _FIRST_YEAR + int(match[1]) - 1 + int(match[2]) / 2 if match else None
