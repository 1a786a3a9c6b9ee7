"""What a run takes and leaves beside its hours: data, outputs, checkpoints, disk, nodes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from tradewind.domain.errors import InvalidInputError

#: More than the largest runs have; keeps every amount inside a BIGINT.
MAX_NODES: Final = 10_000
MAX_GB: Final = 1e7
#: What a machine fetches data and checkpoints with, GB per second: a link of 1 Gbit/s, nearly full. Assumed.
STAGING_GB_PER_S: Final = 0.1
#: Nine of ten links are at least this share as fast. Assumed.
SLOW_LINK_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTerms:
    """GB are 10^9 bytes.

    Raises:
        InvalidInputError: a figure is negative, not a number, or beyond anything that can be run.
    """

    #: What has to be fetched before training.
    data_gb: float = 0.0
    #: `provider/region` or `provider` (also an object store: `cloudflare-r2`) where the data are and where outputs
    #: and checkpoints go. None: with the user; they are sent in free of charge and leave over the internet.
    data_location: str | None = None
    output_gb: float = 0.0
    #: Of one checkpoint. Every checkpoint is copied away from the machine, as it must survive it.
    checkpoint_gb: float = 0.0
    #: None: none are written; an interruption starts from zero.
    checkpoint_every_s: float | None = None
    #: Disk needed on each node; what the offer has not got is rented beside it.
    disk_gb: float = 0.0
    #: Steps of training, for the cost of one.
    steps: int | None = None
    nodes: int = 1
    #: False: an offer of a spot market has no cost to estimate.
    is_spot_ok: bool = True

    def __post_init__(self) -> None:
        for name in ("data_gb", "output_gb", "checkpoint_gb", "disk_gb"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= MAX_GB):
                raise InvalidInputError(
                    f"{name} is {value}", hint=f"write a number from 0 to {MAX_GB:.0f} (GB)"
                )
        every = self.checkpoint_every_s
        if every is not None and not (math.isfinite(every) and every >= 1):
            raise InvalidInputError(f"checkpoint_every_s is {every}", hint="write at least 1 second")
        if not 1 <= self.nodes <= MAX_NODES:
            raise InvalidInputError(f"nodes is {self.nodes}", hint=f"write 1 to {MAX_NODES}")
        if self.steps is not None and self.steps < 1:
            raise InvalidInputError(f"steps is {self.steps}", hint="write at least 1")

    @property
    def checkpoint_every_h(self) -> float | None:
        return None if self.checkpoint_every_s is None else self.checkpoint_every_s / 3_600

    @property
    def staging_h(self) -> float:
        """Hours to fetch the data once, on an ordinary link."""
        return self.data_gb / STAGING_GB_PER_S / 3_600

    @property
    def restore_h(self) -> float:
        """Hours to fetch a checkpoint."""
        written = self.checkpoint_gb if self.checkpoint_every_s is not None else 0.0
        return written / STAGING_GB_PER_S / 3_600
