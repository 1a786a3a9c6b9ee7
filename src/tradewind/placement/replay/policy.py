"""The question that a replay asks, and the form of an answer: "where next?".

A policy sees what a control plane could know at that moment, never the future: prices, free machines, how far the job
is. It is asked when a job arrives, when it lost its place, when something opened or changed for a job that waits, at
the time that it asked for itself and, where it `watches`, when something changed for a job that runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from tradewind.placement.replay.world import Option, Place, ReplayJob


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of the job, as it is now."""

    option: Option
    place: Place
    is_open: bool
    #: Training that is left there.
    left_s: int
    #: What the rest would cost from here at today's price, expected interruptions included.
    expected_micro: int

    @property
    def need_s(self) -> int:
        """From asking to the end, if nothing interrupts it."""
        return self.option.start_s + self.left_s


@dataclass(frozen=True, slots=True)
class Situation:
    """What a policy decides on."""

    now_s: int
    job: ReplayJob
    #: Where it is; None: it waits.
    here: Option | None
    #: Every option of the job, the present one included.
    choices: tuple[Choice, ...]
    #: Work that is done and kept, from 0 to 1.
    done: float = 0.0

    def ends_in_time(self, choice: Choice) -> bool:
        """Whether it would meet the deadline there, from now on and uninterrupted."""
        return self.job.deadline_s is None or self.now_s + choice.need_s <= self.job.deadline_s


class Decision(NamedTuple):
    """Where the job is to be from now on: its present place to stay, another open one to move, None to wait.

    `again_at_s`: ask again then, whatever happens.
    """

    option: Option | None
    again_at_s: int | None = None


class Policy(Protocol):
    """Decides where a job goes."""

    @property
    def name(self) -> str:
        """What users call it."""
        ...

    def watches(self, here: Place, /) -> bool:
        """Whether it wants to be asked when something changes for a job that runs here."""
        ...

    def decide(self, seen: Situation) -> Decision:
        """Where next. The option must be open, or the present one."""
        ...
