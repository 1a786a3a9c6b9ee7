"""How much is measured: in full, or just enough to see that a benchmark still runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`runs` of short things, `seconds` of watching, `jobs` submitted a run, `log_megabytes` sent a run."""

    runs: int
    repeats: int
    seconds: float
    first_lines: int
    jobs: int
    bulk_jobs: int
    log_megabytes: int


FULL: Final = Size(
    runs=20, repeats=5, seconds=60.0, first_lines=50, jobs=500, bulk_jobs=5000, log_megabytes=256
)
TINY: Final = Size(runs=1, repeats=1, seconds=0.5, first_lines=1, jobs=8, bulk_jobs=20, log_megabytes=1)
