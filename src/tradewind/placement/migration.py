"""Whether a running job should move to another place: the cost of staying against that of moving, with a brake.

Moving costs the work since the last checkpoint again, the set-up there, the time until the old machine is gone, and the
traffic of the checkpoint. It pays when another place is cheaper by more than the user's threshold after all of that.

So that a job never goes back and forth between two places whose prices cross: the other place must have been better in
`LOOKS` looks in a row; a job stays for at least `LEAST_STAY` and four times what a move takes; a place that was left is
gone back to only for twice the threshold, for a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from tradewind.domain.money import format_money
from tradewind.domain.units import format_duration

#: Looks in a row in which the same place must have been better.
LOOKS: Final = 2
LEAST_STAY: Final = timedelta(minutes=30)
#: A stay is worth its move only if it is longer than the move by this.
_STAY_PER_MOVE: Final = 4.0
#: A place that was left so lately is gone back to for this many times the threshold.
_BACK_FACTOR: Final = 2.0
REMEMBERED: Final = timedelta(hours=24)
#: Less is not worth the risk of a move, in micro-dollars.
_LEAST_SAVING_MICRO: Final = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Where the job is: what it costs there per hour, and how many hours it still takes."""

    place: str
    micro_per_hour: int
    hours_left: float
    #: Work since the last checkpoint that is kept: it is done again after a move.
    hours_at_stake: float
    stayed: timedelta
    #: Until its machine is gone it costs money on.
    termination_hours: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another place. `hours_left` and `hours_at_stake` are what the same work takes there."""

    place: str
    micro_per_hour: int
    hours_left: float
    hours_at_stake: float
    setup_hours: float
    egress_micro: int = 0
    least_micro: int = 0
    was_left_lately: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`target` is where to move now; None: stay. `candidate` is what has been better in so many `looks`."""

    target: str | None
    candidate: str | None
    looks: int
    explanation: str
    arithmetic: dict[str, Any]


def cost_of_staying(stay: Stay) -> int:
    """Micro-dollars to finish where it is."""
    return round(stay.micro_per_hour * stay.hours_left)


def cost_of_moving(stay: Stay, there: Alternative) -> int:
    """Micro-dollars to finish there, the move included."""
    hours = there.setup_hours + there.hours_at_stake + there.hours_left
    rent = max(round(there.micro_per_hour * hours), there.least_micro)
    return rent + there.egress_micro + round(stay.micro_per_hour * stay.termination_hours)


def weigh(
    stay: Stay, others: Sequence[Alternative], threshold: float, candidate: str | None, looks: int
) -> Verdict:
    """Whether to move, and where to.

    Args:
        threshold: by which share another place must be cheaper, 0..1.
        candidate: what was better at the last look, and for how many looks in a row by then.
    """
    staying = cost_of_staying(stay)
    arithmetic: dict[str, Any] = {
        "place": stay.place,
        "stay_micro": staying,
        "price_per_hour_micro": stay.micro_per_hour,
        "hours_left": round(stay.hours_left, 4),
        "threshold": threshold,
    }
    if not others:
        return Verdict(
            target=None, candidate=None, looks=0, explanation="there is no other place", arithmetic=arithmetic
        )
    best = min(others, key=lambda each: (cost_of_moving(stay, each), each.place))
    moving = cost_of_moving(stay, best)
    needed = threshold * (_BACK_FACTOR if best.was_left_lately else 1.0)
    saving = staying - moving
    share = saving / staying if staying else 0.0
    arithmetic |= {
        "other": best.place,
        "move_micro": moving,
        "other_price_per_hour_micro": best.micro_per_hour,
        "other_hours_left": round(best.hours_left, 4),
        "hours_done_again": round(best.hours_at_stake, 4),
        "setup_hours": round(best.setup_hours, 4),
        "egress_micro": best.egress_micro,
        "termination_micro": round(stay.micro_per_hour * stay.termination_hours),
        "saving_micro": saving,
        "saving_share": round(share, 4),
        "needed_share": needed,
    }
    figures = (
        f"to finish here costs {format_money(staying)}, at {best.place} {format_money(moving)} with the move: "
        f"{_percent(share)} {'less' if saving >= 0 else 'more'}"
    )
    if share < needed or saving < _LEAST_SAVING_MICRO:
        return Verdict(
            target=None,
            candidate=None,
            looks=0,
            explanation=f"{figures}; a move needs {_percent(needed)}",
            arithmetic=arithmetic,
        )
    seen = looks + 1 if candidate == best.place else 1
    move_hours = best.setup_hours + best.hours_at_stake + stay.termination_hours
    least = max(LEAST_STAY, timedelta(hours=_STAY_PER_MOVE * move_hours))
    if seen < LOOKS or stay.stayed < least:
        wait = (
            f"it has been here for {format_duration(stay.stayed)} of at least {format_duration(least)}"
            if stay.stayed < least
            else "looking once more before it moves"
        )
        return Verdict(
            target=None,
            candidate=best.place,
            looks=seen,
            explanation=f"{figures}; {wait}",
            arithmetic=arithmetic,
        )
    return Verdict(
        target=best.place, candidate=best.place, looks=seen, explanation=figures, arithmetic=arithmetic
    )


def _percent(share: float) -> str:
    return f"{abs(share) * 100:.0f} %"
