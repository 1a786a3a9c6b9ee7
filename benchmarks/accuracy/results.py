"""One estimate beside one measurement. Every file of calibration data has a module that makes these.

A module has `PREFIX` (how the names of its files begin), `evaluate(path) -> list[Outcome]`, which runs the estimator
as it ships, and `cross_validate(path) -> list[Outcome]`, which fits it anew without the fold each row belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Predicted and actual are positive and in the same unit. `quantity`: hours, throughput, step, memory or watts."""

    file: str
    quantity: str
    accelerator: str
    workload: str
    actual: float
    p10: float
    p50: float
    p90: float
    layer: str
    #: Whether any row of this accelerator or workload was there when the estimator was fitted.
    is_accelerator_seen: bool
    is_workload_seen: bool
    #: For memory: what the estimator said of the device (`fits`, `tight`, `does_not_fit`) and the GB it has.
    verdict: str = ""
    capacity_gb: float | None = None
    #: Under `--cross-validate`: `accelerator` or `workload`, what was left out.
    fold: str = ""

    @property
    def error(self) -> float:
        """Absolute error as a fraction of what was measured."""
        return abs(self.p50 - self.actual) / self.actual
