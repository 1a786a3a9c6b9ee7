"""Milliseconds of one training step of torchvision models at a small batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.accuracy.samples import Sample, accelerator_of, number, rows_of
from tradewind.estimate.presets import preset
from tradewind.estimate.workload import Family, Workload

PREFIX: Final = "torchvision_train_"


def read(path: Path) -> list[Sample]:
    """One sample a row; rows without a rate are left out."""
    found = []
    for row in rows_of(path):
        rate = number(row, "images_per_s")
        if rate is None:
            continue
        name, count = row["model"], number(row, "n_gpu") or 1.0
        known = preset(name) or Workload(family=Family.CNN, model=name, unit="image")
        key, accelerator = accelerator_of(row["gpu"])
        found.append(
            Sample(
                file=path.name,
                workload=replace(
                    known,
                    model=name,
                    recipe="torchvision",
                    micro_batch=number(row, "batch_per_gpu"),
                    precision="fp32" if row.get("precision", "").startswith("fp32") else "fp16",
                ),
                accelerator_key=key,
                accelerator=accelerator,
                count=count,
                nodes=1,
                rate=rate,
                quantity="throughput",
                actual=rate,
                group=f"torchvision:{name}",
            )
        )
    return found
