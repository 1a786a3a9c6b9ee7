"""What a replay is about: jobs, the places where they can run, and what each job needs of each place.

Times are whole seconds of virtual time; money is micro-dollars; accelerators and processors are counted in
thousandths, so that parts of them add up exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from tradewind.domain.money import Rate
from tradewind.domain.offers import Market
from tradewind.placement.replay.series import Series

#: Stands for as many machines as anybody wants.
MANY: Final = 1 << 40


class Room(NamedTuple):
    """What a machine has, or a job holds of one."""

    milli_accelerators: int = 0
    milli_cpus: int = 0
    memory_bytes: int = 0

    def fits_into(self, free: Room) -> bool:
        """True if all of it is free."""
        return (
            self.milli_accelerators <= free.milli_accelerators
            and self.milli_cpus <= free.milli_cpus
            and self.memory_bytes <= free.memory_bytes
        )

    def plus(self, other: Room, sign: int = 1) -> Room:
        """The sum; with a sign of -1 what is left."""
        return Room(
            self.milli_accelerators + sign * other.milli_accelerators,
            self.milli_cpus + sign * other.milli_cpus,
            self.memory_bytes + sign * other.memory_bytes,
        )


NOTHING: Final = Room()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where jobs can run: an offer of a market, or machines of one's own.

    `rate` gives the billing rule; what a unit costs at a time says `price`.
    """

    name: str
    market: Market
    rate: Rate
    price: Series
    #: How many machines can be had; None: as many as anybody wants. What is held beyond it is taken back.
    up: Series | None = None
    #: False: who has a machine keeps it when there are fewer; only nobody else gets one.
    takes_back: bool = True
    #: Of one machine, per hour that it is held; drawn with the seed of the replay.
    interruptions_per_hour: float = 0.0
    #: Own machines; empty for a place of a market, where every job rents machines of its own.
    machines: tuple[Room, ...] = ()
    grams_per_kwh: float | None = None

    @property
    def is_owned(self) -> bool:
        return self.market == Market.OWNED

    @property
    def is_spot(self) -> bool:
        return self.market == Market.SPOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What one job takes at one place. Everything is for all of its nodes together but `room`, which is per node."""

    #: Position of the place.
    place: int
    #: Uninterrupted training.
    run_s: int
    #: From asking to the first second that is billed: waiting for capacity, and boot where it is free.
    lead_s: int = 0
    #: Of that, waiting for capacity; an assumption.
    wait_s: int = 0
    #: Billed, before training.
    setup_s: int = 0
    nodes: int = 1
    room: Room = NOTHING
    #: Of one node, while it is held; None: not known. What an own machine costs rests on it.
    watts: float | None = None
    #: Data in and outputs out, once per job; and data in again after an interruption or a move.
    traffic_micro: int = 0
    again_micro: int = 0
    disk_micro_per_hour: int = 0
    #: What a plan would say that the whole costs at the price of the beginning, interruptions included.
    expected_micro: int = 0

    @property
    def start_s(self) -> int:
        """From asking to the first step of training."""
        return self.lead_s + self.setup_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayJob:
    """One job. `options` are in no particular order."""

    name: str
    arrival_s: int
    options: tuple[Option, ...]
    #: When it must be done.
    deadline_s: int | None = None
    budget_micro: int | None = None
    #: Training seconds between checkpoints; None: there are none, and whatever stops it costs all of its work.
    checkpoint_every_s: int | None = None
    #: Higher goes first.
    priority: int = 0
    #: What spoke against other places, or against all.
    why_nowhere: str = ""
    #: Jobs with the same key are ranked alike by strategies.
    shape: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that a policy does not decide."""

    places: tuple[Place, ...]
    jobs: tuple[ReplayJob, ...]
    seed: int = 0
    #: True: whoever waits for an own machine holds up all behind it. False: whoever fits goes.
    is_strict_queue: bool = False
