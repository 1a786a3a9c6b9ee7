"""What every strategy is given and gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tradewind.domain.offer_table import AVAILABILITIES
from tradewind.domain.offers import Availability
from tradewind.placement.candidates import Candidates

Ranking = npt.NDArray[np.intp]

#: How many machines of one offer can be counted on at once, by what its provider says. Assumed: nobody publishes it.
MACHINES_TO_COUNT_ON: Final = {
    Availability.HIGH: 8,
    Availability.MEDIUM: 4,
    Availability.LOW: 1,
    Availability.UNKNOWN: 2,
    Availability.UNAVAILABLE: 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """What a strategy needs to know of a job."""

    #: Independent ones.
    tasks: int = 1
    deadline_h: float | None = None
    #: `provider` or `provider/region`.
    data_location: str | None = None
    #: Places that fit, those included that are clearly worse than the candidates; None: the candidates are all.
    fitting: int | None = None

    def places(self, candidates: Candidates) -> str:
        """`1,557 places`."""
        return count(self.fitting or len(candidates), "place")


@dataclass(frozen=True, slots=True)
class Share:
    """So many tasks at the candidate with this position."""

    index: int
    tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """Where the tasks go, all candidates from best to worst, and why, in one sentence without its full stop."""

    shares: tuple[Share, ...]
    ranking: Ranking
    reason: str

    @property
    def best(self) -> int:
        """The candidate with the first share."""
        return self.shares[0].index


Strategy = Callable[[Candidates, JobFacts], Recommendation | None]


def rank(*keys: npt.NDArray[np.generic]) -> Ranking:
    """Positions by the first key, equal ones by the next, and so on; the smallest first."""
    return np.lexsort(tuple(reversed(keys)))


def all_to_one(ranking: Ranking, facts: JobFacts, reason: str) -> Recommendation:
    """Everything goes to the best."""
    return Recommendation(shares=(Share(int(ranking[0]), facts.tasks),), ranking=ranking, reason=reason)


def machines_to_count_on(candidates: Candidates, index: int) -> int:
    """Of one candidate; a machine at hand is one."""
    if candidates.rows[index] < 0:
        return 1
    return MACHINES_TO_COUNT_ON[AVAILABILITIES[int(candidates.availability[index])]]


def deal_out(candidates: Candidates, order: Ranking, facts: JobFacts) -> tuple[Share, ...]:
    """Fills one place after the other with as many tasks as can be counted on; what is left goes to the first."""
    shares: list[Share] = []
    left = facts.tasks
    for index in order.tolist():
        if left <= 0:
            break
        most = min(machines_to_count_on(candidates, index), left)
        if most:
            shares.append(Share(index, most))
            left -= most
    if left > 0:
        first = shares[0] if shares else Share(int(order[0]), 0)
        shares[:1] = [Share(first.index, first.tasks + left)]
    return tuple(shares)


def count(number: int, noun: str) -> str:
    """`1 place`, `3 places`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def by_the_hour(candidates: Candidates) -> str:
    """Ends a reason where costs are those of an hour."""
    return "" if candidates.has_hours else " (by the hour: it is not known how long the job takes)"
