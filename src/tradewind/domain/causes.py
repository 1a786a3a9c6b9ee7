"""What an attempt's end counts against, how long to wait before the next, and whether its place is avoided: one table.

`docs/health.md` and `docs/errors.md` show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from tradewind.domain.status import Reason


class Allowance(StrEnum):
    """The key of `retry` in the job file that an end counts against, or that it counts against none."""

    INTERRUPTIONS = "interruptions"
    FAILURES = "failures"
    NODE_FAILURES = "node_failures"
    UNHEALTHY = "unhealthy"
    UNCOUNTED = "uncounted"  #: nothing went wrong with the job: it is tried for as long as it takes
    NEVER = "never"  #: another try would only repeat it


_SHORT: Final = timedelta(seconds=2)
_LONGEST: Final = timedelta(minutes=5)
#: How long a device that broke is not handed out again.
REST_OF_DEVICE: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Cause:
    """What follows from one reason."""

    counts_against: Allowance
    #: Before the first try again; doubles with every further one, up to five minutes. Zero: elsewhere, at once.
    pause: timedelta = _SHORT
    #: Whether the device, where it is known, is left alone for `REST_OF_DEVICE`.
    rests_device: bool = False
    #: Whether the end was the place's doing, and not the command's: the attempt is `interrupted`, not `failed`.
    is_places_doing: bool = False

    def pause_before(self, tries: int) -> timedelta:
        """The pause before the next try after this many ends that count alike."""
        doublings: int = 2 ** min(max(tries - 1, 0), 10)
        return min(self.pause * doublings, _LONGEST)


_INTERRUPTED: Final = Cause(Allowance.INTERRUPTIONS, is_places_doing=True)
_NODE_FAILED: Final = Cause(Allowance.NODE_FAILURES, is_places_doing=True)
_REFUSED: Final = Cause(Allowance.UNCOUNTED, pause=timedelta(0), is_places_doing=True)
_UNHEALTHY: Final = Cause(Allowance.UNHEALTHY)
_FAILED: Final = Cause(Allowance.FAILURES)
_FINAL: Final = Cause(Allowance.NEVER)

CAUSES: Final[dict[Reason, Cause]] = {
    Reason.SUPERVISOR_LOST: _INTERRUPTED,
    Reason.MACHINE_RESTARTED: _INTERRUPTED,
    Reason.VANISHED: _INTERRUPTED,
    Reason.FENCED: _INTERRUPTED,
    Reason.LOST_CONTACT: _INTERRUPTED,
    Reason.START_FAILED: _INTERRUPTED,
    Reason.RECLAIMED: _INTERRUPTED,
    Reason.PEER_ENDED: _INTERRUPTED,
    Reason.NODE_LOST: _NODE_FAILED,
    Reason.GPU_ERROR: Cause(Allowance.NODE_FAILURES, rests_device=True, is_places_doing=True),
    Reason.MIGRATED: _REFUSED,
    Reason.GIVEN_BACK: _REFUSED,
    Reason.NO_CAPACITY: _REFUSED,
    Reason.NO_QUOTA: _REFUSED,
    Reason.REFUSED: _REFUSED,
    Reason.STALLED: _UNHEALTHY,
    Reason.NO_PROGRESS: _UNHEALTHY,
    Reason.NAN_LOSS: _UNHEALTHY,
    Reason.EXITED: _FAILED,
    Reason.SETUP_FAILED: _FAILED,
    Reason.COMMAND_NOT_FOUND: _FAILED,
    Reason.KILLED_BY_SIGNAL: _FAILED,
    Reason.MEMORY_LIMIT: _FAILED,
    Reason.MAX_DURATION: _FINAL,
    Reason.BUDGET: _FINAL,
    Reason.STOPPED_BY_USER: _FINAL,
    Reason.INVALID: _FINAL,
}


def cause_of(reason: Reason | None) -> Cause:
    """What follows from a reason; one that ends no attempt by itself is taken for the command's failure."""
    return _FAILED if reason is None else CAUSES.get(reason, _FAILED)


def reasons_against(allowance: Allowance) -> frozenset[Reason]:
    """The reasons that count against one allowance."""
    return frozenset(reason for reason, cause in CAUSES.items() if cause.counts_against is allowance)


#: Ends that are not the command's doing: the attempt is `interrupted`.
INTERRUPTIONS: Final = frozenset(reason for reason, cause in CAUSES.items() if cause.is_places_doing)
