"""What a machine type is, for price lists that only name it. Facts of a table, not of any decision."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tradewind.hardware.names import identify
from tradewind.providers.normalising import GIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Accelerators, processors and memory of one machine type. Zero: not known."""

    label: str
    count: float
    accelerator_memory_gb: float | None
    cpus: float = 0.0
    memory_bytes: int = 0


@cache
def known_sizes(provider: str) -> Mapping[str, Size]:
    """The machine types of a provider that the table has, by name."""
    text = files("tradewind.providers").joinpath("data", "machine_sizes.csv").read_text(encoding="utf-8")
    return {
        row["instance_type"]: Size(
            label=row["label"],
            count=float(row["count"]),
            accelerator_memory_gb=float(row["accelerator_memory_gb"])
            if row["accelerator_memory_gb"]
            else None,
            cpus=float(row["cpus"] or 0),
            memory_bytes=int(float(row["memory_gib"] or 0) * GIB),
        )
        for row in csv.DictReader(text.splitlines())
        if row["provider"] == provider
    }


def find_size(provider: str, instance_type: str) -> Size | None:
    """The size by the table; else what the name itself says of accelerators; None where neither says anything."""
    known = known_sizes(provider).get(instance_type)
    if known is not None:
        return known
    found = identify(instance_type)
    if found.model is None:
        return None
    return Size(
        label=found.model.title, count=found.count or 1.0, accelerator_memory_gb=found.model.memory_gb
    )
