"""The jobs of the two load tests: the generator settings of Kueue's published ones, in processors of one place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from benchmarks.control_place import COMMAND


@dataclass(frozen=True, slots=True)
class JobClass:
    """So many jobs of a queue that each hold `units` for `seconds`."""

    name: str
    count: int
    units: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`cohorts` of `queues` with the same jobs each, on `units` processors in all."""

    cohorts: int
    queues: int
    classes: tuple[JobClass, ...]
    units: int

    @property
    def jobs(self) -> int:
        """How many there are."""
        return self.cohorts * self.queues * sum(each.count for each in self.classes)

    @property
    def work_s(self) -> float:
        """How long the work alone takes: with every unit busy all the time."""
        unit_seconds = sum(each.count * each.units * each.seconds for each in self.classes)
        return self.cohorts * self.queues * unit_seconds / self.units

    def with_queues(self, cohorts: int, queues: int) -> Load:
        """The same jobs per queue on other numbers of queues, with as many units per queue."""
        units = max(self.units * cohorts * queues // (self.cohorts * self.queues), self._widest)
        return Load(cohorts=cohorts, queues=queues, classes=self.classes, units=units)

    def reduced(self, queues: int, share: int) -> Load:
        """One cohort of so many queues with one job in `share`, on two queues' units."""
        classes = tuple(replace(each, count=max(each.count // share, 1)) for each in self.classes)
        return Load(cohorts=1, queues=queues, classes=classes, units=2 * self._widest)

    @property
    def _widest(self) -> int:
        return max(each.units for each in self.classes)

    def specs(self) -> Iterator[dict[str, Any]]:
        """Job files in the order of submission: the queues take turns, and in each the classes are mixed evenly."""
        turns = sorted(
            ((index + 0.5) / each.count, each.name, each)
            for each in self.classes
            for index in range(each.count)
        )
        for _, _, each in turns:
            for cohort in range(self.cohorts):
                for queue in range(self.queues):
                    yield {
                        "version": 1,
                        "name": f"{each.name}-{cohort}-{queue}",
                        "run": f"{COMMAND} {each.seconds:g}",
                        "resources": {"cpus": each.units},
                        "tags": {"cohort": str(cohort), "queue": str(queue)},
                    }


#: 5 cohorts x 6 queues; a quota of 20 each, and 100 more to borrow in the cohort: 120 units in a cohort.
SMALL: Final = Load(
    cohorts=5,
    queues=6,
    classes=(JobClass("small", 350, 1, 0.2), JobClass("medium", 100, 5, 0.5), JobClass("large", 50, 20, 1.0)),
    units=600,
)
#: 10 cohorts x 100 queues with 20 units each.
LARGE: Final = Load(
    cohorts=10,
    queues=100,
    classes=(JobClass("small", 35, 1, 0.15), JobClass("medium", 11, 5, 0.35), JobClass("large", 4, 20, 0.7)),
    units=20_000,
)
