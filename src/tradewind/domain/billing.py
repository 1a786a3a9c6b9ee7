"""How a provider turns seconds into money."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tradewind.domain.money import Quantity, Rate


class Phase(StrEnum):
    """Parts of a machine's life that may or may not be billed."""

    WAITING = "waiting"  #: for capacity
    BOOTING = "booting"
    SETUP = "setup"  #: image pull, driver and environment installation, data staging
    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingRule:
    """Granularity and minimum in seconds, and which phases count.

    `assumed` names the parts nobody has published, for a user to see ("minimum"); empty when all is known.
    """

    granularity_s: int = 1
    minimum_s: int = 0
    #: The least that anything but nothing costs.
    minimum_micro: int = 0
    billed: frozenset[Phase] = frozenset({Phase.SETUP, Phase.RUNNING})
    assumed: frozenset[str] = frozenset()
    note: str = ""
    source: str = ""

    def rate(self, micro_per_hour: int, currency: str = "USD") -> Rate:
        """An hourly price under this rule."""
        return Rate(
            micro_per_unit=micro_per_hour,
            per=Quantity.HOUR,
            currency=currency,
            granularity=self.granularity_s,
            minimum=self.minimum_s,
            minimum_micro=self.minimum_micro,
        )
