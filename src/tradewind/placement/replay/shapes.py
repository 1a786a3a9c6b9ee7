"""What jobs of one kind need, and how long they take where: what is the same for all jobs of one entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tradewind.domain.offers import Accelerator, Offer
from tradewind.domain.units import BYTES_PER_GIB
from tradewind.estimate.band import Band
from tradewind.hardware.names import fulfils, identify
from tradewind.placement.estimates import stated_band
from tradewind.placement.wanted import Wanted, wanted_of
from tradewind.spec.models import JobSpec

#: The basis of hours that a trace states per kind of accelerator.
_OF_TRACE = "the trace's own hours on this accelerator"


class Lengths(Protocol):
    """How long a job takes where; `placement.estimates.JobEstimates` is one."""

    @property
    def says_something(self) -> bool:
        """False where nothing is known."""
        ...

    def hours(self, accelerator: str | None, count: float, nodes: int = 1, /) -> Band | None:
        """Hours on so many accelerators of this kind on each of so many nodes."""
        ...

    def fits(self, accelerator: str | None, count: float, nodes: int = 1, /) -> bool | None:
        """False where it cannot fit into their memory."""
        ...

    def hours_at(self, offer: Offer, held: Sequence[Accelerator], /) -> Band | None:
        """Hours on a machine at hand, holding these of its accelerators."""
        ...


@dataclass(frozen=True, slots=True)
class HoursByKind:
    """Hours that are known for some kinds of accelerator, by name as in a job file (`V100`), and for no others."""

    known: Mapping[str, float]

    @property
    def says_something(self) -> bool:
        return bool(self.known)

    def hours(self, accelerator: str | None, *_how_many: float) -> Band | None:
        """The hours of this kind, whatever the number: a trace says how many it had."""
        if accelerator is None:
            return None
        found = [hours for name, hours in self.known.items() if fulfils(name, accelerator)]
        return stated_band(min(found), _OF_TRACE) if found else None

    def fits(self, *_where: object) -> bool | None:
        """Nobody can say."""
        return None

    def hours_at(self, _offer: Offer, held: Sequence[Accelerator]) -> Band | None:
        """By the accelerators that it would hold."""
        if not held:
            return None
        return self.hours(identify(held[0].name, held[0].memory_bytes / BYTES_PER_GIB).key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One kind of job. Shapes with the same `group` differ in their hours alone, and share a short list of places."""

    spec: JobSpec
    lengths: Lengths
    group: str

    @property
    def wanted(self) -> Wanted:
        """What rules places out for good; deadline and budget are what a replay is to find out about."""
        return replace(wanted_of(self.spec), deadline_h=None, budget_micro=None, tasks=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One job of a shape. Times in seconds since the beginning."""

    shape: int
    name: str
    arrival_s: int
    deadline_s: int | None = None
    budget_micro: int | None = None
