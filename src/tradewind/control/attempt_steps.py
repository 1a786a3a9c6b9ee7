"""How often and how long attempts are looked at, and under which key a provider knows them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from tradewind.db.rows import AttemptRow
from tradewind.domain.errors import ProviderFault
from tradewind.domain.status import AttemptStatus

#: What lies elsewhere is brought here for so long in one step, so that a stop is told in time; at the end there is
#: nothing more to tell.
BRING_S: Final = 2.0
BRING_LAST_S: Final = 10.0
LOOK_SOON: Final = timedelta(milliseconds=250)
#: A running attempt is looked at every second while it has news, and less often the longer it has none.
_SHORTEST_LOOK_S: Final = 1.0
_LONGEST_LOOK_S: Final = 5.0
#: A start that the place refuses for its own reasons is tried this often before the attempt is given up.
START_TRIES: Final = 4
#: While its machine boots, and while nobody answers there.
LOOK_FOR_MACHINE: Final = timedelta(minutes=1)
LOOK_UNREACHABLE: Final = timedelta(seconds=15)
#: Faults at a start that no repetition mends.
FINAL_FAULTS: Final = frozenset(
    {ProviderFault.INVALID, ProviderFault.PERMISSION, ProviderFault.CREDENTIALS, ProviderFault.BALANCE}
)


def intent_key(installation_id: str, attempt_id: str) -> str:
    """The deterministic key under which a provider knows an attempt (invariant 1)."""
    return f"{installation_id}/{attempt_id}"


def next_look(row: AttemptRow, now: datetime) -> timedelta:
    """How soon an attempt is to be looked at again."""
    if row.status is not AttemptStatus.RUNNING:
        return LOOK_SOON
    progress = row.observed.get("progress") or {}
    news_at = max(float(progress.get("at") or 0), float(row.observed.get("running_since") or 0))
    quiet_s = now.timestamp() - news_at
    return timedelta(seconds=min(max(quiet_s / 10, _SHORTEST_LOOK_S), _LONGEST_LOOK_S))
