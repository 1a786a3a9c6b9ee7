"""Policies that need nothing but what is seen at the moment.

A machine of one's own that is free is taken first, but by `on-demand-only`. Spot policies keep deadlines: they go to a
place that nobody takes back as soon as waiting longer could miss the deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tradewind.domain.offers import Market
from tradewind.placement.replay.policy import Choice, Decision, Policy, Situation
from tradewind.placement.replay.world import Place

#: How often a policy looks that has to see a line crossed.
_LOOK_S: Final = 600


def cheapest_first(choices: Sequence[Choice]) -> list[Choice]:
    """By what the rest would cost, then by when it would be done."""
    return sorted(choices, key=lambda each: (each.expected_micro, each.need_s, each.option.place))


def best_open(seen: Situation, ranked: Sequence[Choice]) -> Choice | None:
    """The first that is open and meets the deadline; if none does, the open one that ends soonest."""
    found = [each for each in ranked if each.is_open or each.option is seen.here]
    if not found:
        return None
    return next((each for each in found if seen.ends_in_time(each)), min(found, key=lambda each: each.need_s))


@dataclass(frozen=True, slots=True)
class Ranked:
    """Takes the first open place of a ranking, and stays there until it ends or is lost.

    `waits_for_own`: if an own machine is the best of all, it waits for it, as long as the deadline allows.
    """

    name: str
    rank: Callable[[Situation], Sequence[Choice]]
    waits_for_own: bool = False

    def watches(self, _here: Place) -> bool:
        """Never: who runs stays."""
        return False

    def decide(self, seen: Situation) -> Decision:
        """The first of the ranking that is open."""
        if seen.here is not None:
            return Decision(seen.here)
        ranked = self.rank(seen)
        if self.waits_for_own:
            first = next((each for each in ranked if seen.ends_in_time(each)), None)
            if first is not None and first.place.is_owned and not first.is_open:
                deadline = seen.job.deadline_s
                return Decision(None, again_at_s=None if deadline is None else deadline - first.need_s + 1)
        best = best_open(seen, ranked)
        return Decision(None if best is None else best.option)


def owned_only() -> Policy:
    """Own machines, however long that takes."""
    return Ranked(
        "owned-only", lambda seen: cheapest_first([each for each in seen.choices if each.place.is_owned])
    )


def owned_first() -> Policy:
    """An own machine that is free, else the cheapest place to rent."""

    def rank(seen: Situation) -> list[Choice]:
        own = [each for each in seen.choices if each.place.is_owned]
        return cheapest_first(own) + cheapest_first(
            [each for each in seen.choices if not each.place.is_owned]
        )

    return Ranked("owned-first", rank)


def on_demand_only() -> Policy:
    """The cheapest rented place that nobody takes back; own machines stay idle."""
    return Ranked("on-demand-only", lambda seen: cheapest_first(_steady(seen.choices)))


@dataclass(frozen=True, slots=True)
class Patient:
    """Waits for the place where the job is cheapest, for as long as an open one can still meet the deadline."""

    name: str = "deadline"

    def watches(self, _here: Place) -> bool:
        """Never: who runs stays."""
        return False

    def decide(self, seen: Situation) -> Decision:
        """The cheapest; another one when the deadline asks for it."""
        if seen.here is not None:
            return Decision(seen.here)
        line = _Line.of(seen)
        ranked = [each for each in cheapest_first(seen.choices) if line.is_safe(seen, each)]
        if not ranked:
            best = best_open(seen, cheapest_first(seen.choices))
            return Decision(None if best is None else best.option)
        if ranked[0].is_open or seen.job.deadline_s is None:
            return Decision(ranked[0].option if ranked[0].is_open else None)
        others = [each for each in ranked if each.is_open]
        if not others:
            return Decision(None)
        latest = max(seen.job.deadline_s - line.least_s(seen, each) for each in others)
        if seen.now_s >= latest:
            return Decision(others[0].option)
        return Decision(None, again_at_s=latest)


@dataclass(frozen=True, slots=True)
class SpotGreedy:
    """Spot whenever it is up; else it waits, until only a steady place can meet the deadline. Then it stays there."""

    name: str = "spot-greedy"

    def watches(self, _here: Place) -> bool:
        """Never: it asks for itself when the deadline comes near."""
        return False

    def decide(self, seen: Situation) -> Decision:
        """Spot if it is up and there is time to lose it again."""
        line = _Line.of(seen)
        if line.here is not None and not line.here.place.is_spot:
            return Decision(seen.here)
        return line.on_own(seen) or line.on_spot(seen) or line.wait(seen)


@dataclass(frozen=True, slots=True)
class UniformProgress:
    """Keeps to the straight line from arrival to deadline: below it steady machines, above it only spot.

    After "Can't Be Late" (NSDI'24), by its released rule: from a steady machine it goes back to spot, and only when it
    is two changeovers ahead of the line. A job without a deadline has no line and is treated as by `spot-greedy`.
    """

    name: str = "uniform-progress"

    def watches(self, here: Place) -> bool:
        """From a steady machine it may go back to spot."""
        return not here.is_owned and not here.is_spot

    def decide(self, seen: Situation) -> Decision:
        """Spot if it is up; else a steady place when the job is behind the line."""
        line, deadline = _Line.of(seen), seen.job.deadline_s
        if line.here is not None and line.here.place.is_owned:
            return Decision(seen.here)
        if deadline is None or line.steady is None:
            return SpotGreedy().decide(seen)
        span = max(deadline - seen.job.arrival_s, 1)
        whole_s = line.steady.option.run_s
        ahead_s = seen.done * whole_s - (seen.now_s - seen.job.arrival_s) * whole_s / span
        soon = seen.now_s + _LOOK_S
        if line.here is not None and not line.here.place.is_spot:
            can_leave = seen.job.checkpoint_every_s is not None and ahead_s >= 2 * line.steady.option.start_s
            spot = line.on_spot(seen) if can_leave else None
            return spot or Decision(seen.here, again_at_s=soon)
        found = line.on_own(seen) or line.on_spot(seen)
        if found is not None:
            return found
        if ahead_s <= 0 and line.steady.is_open:
            return Decision(line.steady.option, again_at_s=soon)
        waits = line.wait(seen)
        return (
            waits
            if waits.option is not None
            else Decision(None, again_at_s=min(soon, waits.again_at_s or soon))
        )


@dataclass(frozen=True, slots=True)
class _Line:
    """How long a job may still do without a steady machine."""

    here: Choice | None
    #: The cheapest steady place that meets the deadline; else the one where it ends soonest.
    steady: Choice | None
    #: Seconds until it must go there; None: no deadline.
    slack_s: int | None

    @classmethod
    def of(cls, seen: Situation) -> _Line:
        here = next((each for each in seen.choices if each.option is seen.here), None)
        steady = best_open(seen, cheapest_first(_steady(seen.choices)))
        deadline = seen.job.deadline_s
        slack = None if deadline is None or steady is None else deadline - seen.now_s - steady.need_s
        return cls(here, steady, slack)

    def on_own(self, seen: Situation) -> Decision | None:
        """The cheapest own machine that is free, for a job that waits, unless only a steady one is in time."""
        if self.here is not None:
            return None
        own = cheapest_first([each for each in seen.choices if each.place.is_owned and each.is_open])
        return Decision(own[0].option) if own and (self.steady is None or seen.ends_in_time(own[0])) else None

    def on_spot(self, seen: Situation) -> Decision | None:
        """The cheapest spot place that is up, if the deadline stands even when it is lost at the worst moment."""
        if self.here is not None and self.here.place.is_spot:
            return self._stay(seen)
        spots = cheapest_first([each for each in seen.choices if each.place.is_spot and each.is_open])
        for each in spots:
            if self.is_safe(seen, each):
                return Decision(each.option, again_at_s=self._look_at(seen))
        return None

    def wait(self, seen: Situation) -> Decision:
        """Nothing for now, or the steady place if it is time. Jobs that have no spot place never wait for one."""
        steady = self.steady
        has_spot = any(each.place.is_spot for each in seen.choices)
        if steady is not None and (not has_spot or (self.slack_s is not None and self.slack_s <= 0)):
            return Decision(steady.option)
        return Decision(None, again_at_s=None if self.slack_s is None else seen.now_s + self.slack_s)

    def is_safe(self, seen: Situation, choice: Choice) -> bool:
        """Whether the deadline stands if the job goes there now, even if a spot machine is lost at the worst moment."""
        deadline = seen.job.deadline_s
        return deadline is None or seen.now_s + self.least_s(seen, choice) <= deadline

    def least_s(self, seen: Situation, choice: Choice) -> int:
        """How long before the deadline it must go there at the latest."""
        if not choice.place.is_spot or self.steady is None:
            return choice.need_s
        return max(self.steady.need_s + self._at_risk_s(seen, choice), choice.need_s)

    def _stay(self, seen: Situation) -> Decision:
        can_move = seen.job.checkpoint_every_s is not None and self.steady is not None
        if can_move and self.slack_s is not None and self.steady is not None and self.slack_s <= 0:
            return Decision(self.steady.option)
        return Decision(seen.here, again_at_s=self._look_at(seen))

    def _look_at(self, seen: Situation) -> int | None:
        if self.slack_s is None or seen.job.checkpoint_every_s is None:
            return None
        return seen.now_s + max(self.slack_s // 2, _LOOK_S)

    def _at_risk_s(self, seen: Situation, spot: Choice) -> int:
        """What losing the machine can cost in time: its set-up, and work since the last checkpoint."""
        every = seen.job.checkpoint_every_s
        return spot.option.start_s + (spot.left_s if every is None else min(every, spot.left_s))


def _steady(choices: Sequence[Choice]) -> list[Choice]:
    return [each for each in choices if each.place.market in (Market.ON_DEMAND, Market.RESERVED)]
