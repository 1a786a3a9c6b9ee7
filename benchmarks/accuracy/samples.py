"""Measurements of speed, read from files of calibration data into one form."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tradewind.estimate.workload import Workload
from tradewind.hardware.accelerators import AcceleratorModel
from tradewind.hardware.names import identify


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement. `rate` is in units per second of the whole job, `actual` is what the file says (hours, or a
    rate): an error in one is an error in the other."""

    file: str
    workload: Workload
    accelerator_key: str
    accelerator: AcceleratorModel | None
    count: float
    nodes: int
    rate: float
    quantity: str
    actual: float
    #: What folds of workloads leave out together: variants of a model that share all they teach.
    group: str
    #: How often a row like this counts against others when fitting.
    trust: float = 1.0
    #: Units of the whole run where `actual` is hours; the run's own where the file says so.
    units: float | None = None


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a file, absent cells as empty strings; nothing for an empty file."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield {key: (value or "").strip() for key, value in row.items() if key is not None}


def number(row: dict[str, str], column: str) -> float | None:
    """A positive finite number, or None where the cell holds none."""
    try:
        value = float(row.get(column, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def accelerator_of(name: str) -> tuple[str, AcceleratorModel | None]:
    """Our key for a name, and the model behind it. Memory and power variants of a known part stand for it:
    `H100-SXM-96GB-500W` has the rates of `H100-SXM`."""
    found = identify(name)
    if found.model is None:
        parts = name.split("-")
        for end in range(len(parts) - 1, 1, -1):
            shorter = identify("-".join(parts[:end]))
            if shorter.model is not None:
                return name, shorter.model
    return found.key, found.model
