"""Whole-training hours of NVIDIA's published recipes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from benchmarks.accuracy.samples import Sample, accelerator_of, number, rows_of
from tradewind.estimate.workload import Family, Workload

PREFIX: Final = "nvidia_recipes_hours_"
_FAMILIES: Final = (
    ("Detection", Family.DETECTION),
    ("Segmentation", Family.DETECTION),
    ("Classification", Family.CNN),
    ("Recommend", Family.RECOMMENDER),
    ("Language", Family.ENCODER),
    ("Translation", Family.ENCODER),
    ("Speech", Family.SPEECH),
)
#: A published recipe is one run as a whole: the tables do not say how many samples it passes over.
_RUN_GFLOPS: Final = 1e7


def read(path: Path) -> list[Sample]:
    """One sample a row. A recipe with several data sets or tasks is several workloads."""
    found = []
    for row in rows_of(path):
        hours, count = number(row, "hours"), number(row, "n_gpu")
        if hours is None or count is None:
            continue
        name = row["recipe"] + _variant(row)
        batch = re.match(r"[\d,]+$", row.get("batch", ""))
        key, accelerator = accelerator_of(row["gpu"])
        family = next((family for word, family in _FAMILIES if f"/{word}" in row["recipe"]), Family.OTHER)
        found.append(
            Sample(
                file=path.name,
                workload=Workload(
                    family=family,
                    model=name,
                    recipe="nvidia",
                    unit="run",
                    units=1.0,
                    forward_gflops_per_unit=_RUN_GFLOPS,
                    micro_batch=float(batch[0].replace(",", "")) if batch else None,
                    precision={"amp": "fp16"}.get(row.get("precision", ""), row.get("precision")) or None,
                ),
                accelerator_key=key,
                accelerator=accelerator,
                count=count,
                nodes=max(1, round(count / 8)),
                rate=1 / hours / 3600,
                quantity="hours",
                actual=hours,
                group=f"nvidia:{row['recipe']}",
                units=1.0,
            )
        )
    return found


def _variant(row: dict[str, str]) -> str:
    """What sets apart the runs of one recipe: its data set, or the task it was tuned for."""
    told = re.search(r"Dataset=([^;]+)", row.get("row", "")) or re.search(
        r"results? for ([^:]+):|accuracy for ([^:]+):", row.get("heading", "")
    )
    if told is None:
        return ""
    return "#" + next(group for group in told.groups() if group).strip()
