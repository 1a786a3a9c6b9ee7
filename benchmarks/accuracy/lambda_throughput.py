"""Throughput of PyTorch training, one to eight accelerators of one machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.accuracy.samples import Sample, accelerator_of, number, rows_of
from tradewind.estimate.presets import recipe_workload
from tradewind.estimate.workload import Family, Workload

PREFIX: Final = "lambda_throughput_"


def read(path: Path) -> list[Sample]:
    """One sample a row; rows without a rate are left out."""
    found = []
    for row in rows_of(path):
        rate, count = number(row, "throughput"), number(row, "n_gpu")
        if rate is None or count is None:
            continue
        name = row["task"]
        workload = recipe_workload("lambda", name) or Workload(
            family=Family.OTHER, recipe="lambda", model=name
        )
        key, accelerator = accelerator_of(row["gpu"])
        found.append(
            Sample(
                file=path.name,
                workload=replace(
                    workload, micro_batch=number(row, "batch_per_gpu"), precision=row.get("precision") or None
                ),
                accelerator_key=key,
                accelerator=accelerator,
                count=count,
                nodes=1,
                rate=rate,
                quantity="throughput",
                actual=rate,
                group=f"lambda:{name}",
            )
        )
    return found
