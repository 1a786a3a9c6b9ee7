"""A figure that says how sure it is: a middle, a low and a high end, and the layer it came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Layer(StrEnum):
    """Where a figure came from, the most trusted first."""

    STATED = "stated"  #: the user's own figure for this very place
    HISTORY = "history"  #: earlier runs of the same job
    PROBE = "probe"  #: a short run of this job on the accelerator in question
    MEASURED = (
        "measured"  #: published measurements of this workload, carried over to the accelerator where needed
    )
    ROOFLINE = "roofline"  #: arithmetic and memory traffic against what the accelerator can do
    FAMILY = "family"  #: nothing but the kind of workload is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A quantity as a distribution: one run in ten ends below `p10`, half below `p50`, nine in ten below `p90`.

    Never negative, and `p10 <= p50 <= p90`.
    """

    p10: float
    p50: float
    p90: float
    layer: Layer
    #: One sentence for the user: what the figure rests on.
    basis: str

    def __post_init__(self) -> None:
        if not 0 <= self.p10 <= self.p50 <= self.p90:
            raise ValueError(f"not a band: {self.p10}, {self.p50}, {self.p90}")

    def scaled(self, factor: float) -> Band:
        """The band of a quantity that is this one times a positive number."""
        return replace(self, p10=self.p10 * factor, p50=self.p50 * factor, p90=self.p90 * factor)
