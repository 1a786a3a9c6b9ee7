"""What is known of each accelerator model: memory, bandwidth, dense peak rates, watts, links.

Figures are the vendors' own, cross-checked where the table's `verified_with` says with what; a rate that the vendor
does not publish is absent, never guessed. GeForce tensor rates are those with fp32 accumulation, as training uses.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceleratorModel:
    """One model of accelerator. Rates are dense TFLOP/s per type of number, for one device."""

    #: The one name that everything of ours uses, for example `H100-SXM`.
    key: str
    title: str
    vendor: str
    architecture: str
    compute_capability: str
    year: int
    memory_gb: float
    memory_bandwidth_gb_per_s: float
    #: By `fp32`, `tf32`, `fp16`, `bf16`, `fp8`, `fp4`; absent where the device has no such rate.
    peak_tflops: Mapping[str, float] = field(hash=False)
    #: Best matrix multiplication that was measured in bf16; None where nobody has published one.
    achieved_bf16_tflops: float | None = None
    tdp_watts: float | None = None
    form: str = ""
    link: str = ""
    link_gb_per_s: float = 0.0
    has_mig: bool = False
    memory_type: str = ""  #: HBM2e, GDDR6, ...
    verified_with: str = ""
    note: str = ""


@cache
def all_models() -> Mapping[str, AcceleratorModel]:
    """Every known model by key, in the order of the table."""
    text = files("tradewind.hardware").joinpath("data", "accelerators.csv").read_text(encoding="utf-8")
    return {row["key"]: _model(row) for row in csv.DictReader(text.splitlines())}


def _model(row: dict[str, str]) -> AcceleratorModel:
    kinds = ("fp32", "tf32", "fp16", "bf16", "fp8", "fp4")
    return AcceleratorModel(
        key=row["key"],
        title=row["name"],
        vendor=row["vendor"].lower(),
        architecture=row["arch"],
        compute_capability=row["cuda_cc"],
        year=int(row["year"]),
        memory_gb=float(row["memory_gb"]),
        memory_bandwidth_gb_per_s=float(row["mem_bw_gbs"]),
        peak_tflops={kind: float(row[f"{kind}_tflops"]) for kind in kinds if row[f"{kind}_tflops"]},
        achieved_bf16_tflops=_optional(row["mamf_bf16_tflops"]),
        tdp_watts=_optional(row["tdp_w"]),
        form=row["form"],
        link=row["link"],
        link_gb_per_s=float(row["link_gbs_bidir"] or 0),
        has_mig=row["mig"] == "Y",
        memory_type=row["memory_type"],
        verified_with=row["verified_with"],
        note=row["notes"],
    )


def _optional(text: str) -> float | None:
    return float(text) if text else None
