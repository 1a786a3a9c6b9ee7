"""Slices of an accelerator: what NVIDIA's multi-instance mode (MIG) can cut each model into.

A slice has its own share of the compute and of the memory. Slices have no fast link to each other and a process sees
one of them, so a training job cannot be spread over several. Figures: NVIDIA's MIG user guide and the default
configurations of its mig-parted tool.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Final

from tradewind.hardware.accelerators import all_models
from tradewind.hardware.names import fulfils

#: The table's multiprocessor counts are those of the SXM parts. The PCIe part of this family has fewer, which nobody
#: has written down per slice: its compute is told by slices.
_WITHOUT_COUNTS: Final = frozenset({"H100-PCIe"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MigProfile:
    """One way of cutting an accelerator."""

    #: As NVIDIA writes it, for example `3g.40gb`.
    name: str
    #: How many of these fit on one accelerator.
    max_instances: int
    compute_slices: int
    total_compute_slices: int
    memory_slices: int
    total_memory_slices: int
    memory_gb: float
    #: Streaming multiprocessors of the slice and of the whole accelerator; None where nobody has said.
    multiprocessors: int | None
    total_multiprocessors: int | None
    note: str = ""

    @property
    def compute_share(self) -> float:
        """Share of the whole accelerator's arithmetic, 0..1.

        Multiprocessors where they are known: an A100 uses 98 of its 108 in this mode, so that even its largest slice
        has 0.91 of the compute. Elsewhere the share of the slices.
        """
        if self.multiprocessors is not None and self.total_multiprocessors:
            return self.multiprocessors / self.total_multiprocessors
        return self.compute_slices / self.total_compute_slices

    @property
    def memory_share(self) -> float:
        """Share of the whole accelerator's memory and of its bandwidth, 0..1: one eighth for a `1g` of seven."""
        return self.memory_slices / self.total_memory_slices


def profiles(key: str) -> tuple[MigProfile, ...]:
    """What the model with this key can be cut into; nothing where it cannot be, or nobody has said."""
    return _table().get(key, ())


def find_profile(key: str, name: str) -> MigProfile | None:
    """A model's profile by name (`3g.40gb`); None where the model has no such slice."""
    wanted = name.strip().casefold()
    return next((each for each in profiles(key) if each.name.casefold() == wanted), None)


def keys_with(name: str) -> tuple[str, ...]:
    """The models that can be cut into this profile, in the order of the table of accelerators."""
    return tuple(key for key in all_models() if find_profile(key, name) is not None)


@cache
def _table() -> Mapping[str, tuple[MigProfile, ...]]:
    text = files("tradewind.hardware").joinpath("data", "mig_profiles.csv").read_text(encoding="utf-8")
    found: dict[str, list[MigProfile]] = {}
    for row in csv.DictReader(text.splitlines()):
        profile = _profile(row)
        for key, model in all_models().items():
            if model.has_mig and fulfils(row["gpu_family"], key):
                plain = replace(profile, multiprocessors=None, total_multiprocessors=None)
                found.setdefault(key, []).append(plain if key in _WITHOUT_COUNTS else profile)
    return {key: tuple(each) for key, each in found.items()}


def _profile(row: dict[str, str]) -> MigProfile:
    count = row["sm_count"]
    return MigProfile(
        name=row["profile"],
        max_instances=int(row["max_instances"]),
        compute_slices=int(row["compute_slices"]),
        total_compute_slices=int(row["total_slices"]),
        memory_slices=int(row["mem_slices"]),
        total_memory_slices=int(row["total_mem_slices"]),
        memory_gb=float(row["mem_gb_nominal"]),
        multiprocessors=int(count) if count else None,
        total_multiprocessors=int(row["total_sms"]) if count else None,
        note=row["notes"],
    )
