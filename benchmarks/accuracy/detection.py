"""Whole training times of detectors, as their users reported them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.accuracy.samples import Sample, accelerator_of, number, rows_of
from tradewind.estimate.presets import preset
from tradewind.estimate.workload import Family, Workload

PREFIX: Final = "detection_training_"


def read(path: Path) -> list[Sample]:
    """One sample a row; rows without hours, images or epochs are left out."""
    found = []
    for row in rows_of(path):
        hours, images, epochs = number(row, "hours_total"), number(row, "images"), number(row, "epochs")
        if hours is None or images is None or epochs is None:
            continue
        name, count = row["model"], number(row, "n_gpu") or 1.0
        known = preset(name) or Workload(family=Family.DETECTION, model=name, unit="image")
        gflops, parameters = number(row, "fwd_gflops_640"), number(row, "params_m")
        key, accelerator = accelerator_of(row["gpu"])
        found.append(
            Sample(
                file=path.name,
                workload=replace(
                    known,
                    model=name,
                    units=images * epochs,
                    precision="fp16",
                    forward_gflops_per_unit=gflops or known.forward_gflops_per_unit,
                    parameters=parameters * 1e6 if parameters else known.parameters,
                ),
                accelerator_key=key,
                accelerator=accelerator,
                count=count,
                nodes=1,
                rate=images * epochs / hours / 3600,
                quantity="hours",
                actual=hours,
                group=f"detection:{name}",
                units=images * epochs,
            )
        )
    return found
