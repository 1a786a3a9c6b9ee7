"""What Amazon says of a machine, and what that means."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from tradewind.domain.clock import Clock
from tradewind.providers.aws.calling import Aws
from tradewind.providers.aws.offers import spot_prices
from tradewind.providers.base import MachinePhase, PriceChange
from tradewind.providers.normalising import micro_of, read_amount

_PHASES: Final = {
    "pending": MachinePhase.STARTING,
    "running": MachinePhase.READY,
    # It exists until it is terminated, and its disk costs money.
    "shutting-down": MachinePhase.UNKNOWN,
    "stopping": MachinePhase.UNKNOWN,
    "stopped": MachinePhase.UNKNOWN,
    "terminated": MachinePhase.GONE,
}
#: General knowledge: what Amazon says of a machine that it took back.
_RECLAIMED: Final = ("Server.SpotInstanceTermination", "Server.SpotInstanceShutdown")
_ENDED_AT: Final = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")
_BETWEEN_PRICES_S: Final = 300.0


def phase_of(instance: dict[str, Any]) -> MachinePhase:
    """How it is; what is not known is never taken for an end."""
    return _PHASES.get(str((instance.get("State") or {}).get("Name")), MachinePhase.UNKNOWN)


def was_reclaimed(instance: dict[str, Any]) -> bool:
    """True if Amazon says that it took the machine back."""
    return str((instance.get("StateReason") or {}).get("Code")) in _RECLAIMED


def ended_at_of(instance: dict[str, Any]) -> datetime | None:
    """When it was terminated, as Amazon says it in words; None where it does not."""
    found = _ENDED_AT.search(str(instance.get("StateTransitionReason") or ""))
    if found is None:
        return None
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def explain(instance: dict[str, Any]) -> str:
    """Its state in Amazon's words."""
    state = (instance.get("State") or {}).get("Name")
    said = (instance.get("StateReason") or {}).get("Message")
    return f"Amazon says: {state}{f' ({said})' if said else ''}"


class SpotPrices:
    """What became of the prices of spot machines; asked for every few minutes, and when a machine has ended."""

    def __init__(self, aws: Aws, clock: Clock) -> None:
        self._aws = aws
        self._clock = clock
        self._known: dict[str, tuple[float, tuple[PriceChange, ...]]] = {}

    async def changes(
        self, instance: dict[str, Any], region: str, ended_at: datetime | None
    ) -> tuple[PriceChange, ...]:
        """The prices that a machine has had since it was started; none for one that is no spot machine."""
        if instance.get("InstanceLifecycle") != "spot":
            return ()
        name, now_s = str(instance["InstanceId"]), self._clock.monotonic()
        is_gone = phase_of(instance) is MachinePhase.GONE
        known = self._known.get(name)
        if known is not None and now_s - known[0] < _BETWEEN_PRICES_S and not is_gone:
            return known[1]
        prices = await self._ask(instance, region, ended_at)
        if is_gone:
            self._known.pop(name, None)
        else:
            self._known[name] = (now_s, prices)
        return prices

    async def _ask(
        self, instance: dict[str, Any], region: str, ended_at: datetime | None
    ) -> tuple[PriceChange, ...]:
        since = instance["LaunchTime"].astimezone(UTC)
        zone = str(instance["Placement"]["AvailabilityZone"])
        rows = await spot_prices(self._aws, region, [str(instance["InstanceType"])], since, zone)
        changes = {}
        for row in sorted(rows, key=lambda each: each["Timestamp"]):
            at, dollars = row["Timestamp"].astimezone(UTC), read_amount(row["SpotPrice"])
            if dollars is not None and (ended_at is None or at <= ended_at):
                # What held when it began is listed with the time at which that price had come.
                changes[max(at, since)] = micro_of(dollars)
        return tuple(PriceChange(at=at, micro_per_hour=micro) for at, micro in changes.items())
