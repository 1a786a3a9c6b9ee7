"""What a controller should do now with a job that has a deadline: stay, go somewhere, or wait, and why.

In continuous time nothing is promised between two looks: spot may be gone the moment after one, with all work since the
last checkpoint. So no progress is counted on before it has been seen, and on-demand is started while there is time for
the whole of it: work left, work that would be lost, and getting ready. `next_look_at` is when that time ends. Whoever
asks again by then, and finds on-demand capacity that gets ready in the changeover stated, meets the deadline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tradewind.domain.money import Quantity
from tradewind.domain.offers import Market as Terms
from tradewind.domain.offers import Offer
from tradewind.placement.spot.observed import Observation, prior_rates, rows_of
from tradewind.placement.spot.outlook import look_out
from tradewind.placement.spot.planned import choose
from tradewind.placement.spot.values import Decision, Market, State, Where

LOOK_EVERY: Final = timedelta(minutes=5)
_SPOT: Final = Terms.SPOT


class Action(StrEnum):
    """What to do."""

    STAY = "stay"
    GO = "go"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A place the job could run in. `hours_left` and `changeover` should be cautious figures, as of nine runs in ten.

    `hours_left`: of running, if it goes on from where it is now. `changeover`: from the decision to work going on.
    `offer.is_available` is what is true now; `observations` are of the past, in any order.
    """

    offer: Offer
    hours_left: float
    changeover: timedelta
    machines: int = 1
    observations: tuple[Observation, ...] = ()
    #: From tables, where nothing was observed.
    interruptions_per_hour: float | None = None

    @property
    def is_spot(self) -> bool:
        """Whether it can be taken back at any time."""
        return self.offer.market == _SPOT

    @property
    def price_per_hour(self) -> float:
        """For all machines, in units of the offer's currency."""
        return self.offer.rate.micro_per_unit * self.machines / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A job at one moment."""

    now: datetime
    deadline: datetime
    candidates: tuple[Candidate, ...]
    #: The candidate it is at; None: nowhere.
    place: int | None = None
    #: What is left of the changeover into that place.
    ready_in: timedelta = timedelta(0)
    #: Running time since the last checkpoint: lost with the place.
    at_risk: timedelta = timedelta(0)
    #: How soon it will be looked at again, if nothing goes wrong with that.
    look_every: timedelta = LOOK_EVERY


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to do, and until when at the latest that may go without another look."""

    action: Action
    #: Where to be; None while waiting.
    candidate: int | None
    reason: str
    #: The latest safe moment to look again.
    next_look_at: datetime
    #: Whether the deadline holds if on-demand capacity does.
    is_guaranteed: bool


def advise(situation: Situation) -> Advice:
    """The advice for this moment.

    Raises:
        ValueError: no candidates, different currencies, or a price that is not per hour.
    """
    _check(situation.candidates)
    fallback = _fallback(situation)
    if fallback is None:
        return _without_on_demand(situation)
    latest = _latest(situation, fallback)
    decision, spots = _decide(situation, fallback)
    has_time = situation.now + situation.look_every <= latest
    if decision is None or decision.where is Where.ON_DEMAND or not has_time:
        why = decision.reason if decision is not None and has_time else None
        return Advice(
            action=Action.STAY if situation.place == fallback else Action.GO,
            candidate=fallback,
            reason=_why_on_demand(situation, fallback, why),
            next_look_at=max(situation.now + situation.look_every, situation.deadline),
            is_guaranteed=_is_in_time(situation, fallback),
        )
    chosen = spots[decision.zone] if decision.where is Where.SPOT and decision.zone is not None else None
    action = Action.WAIT if chosen is None else Action.STAY if chosen == situation.place else Action.GO
    return Advice(
        action=action,
        candidate=chosen,
        reason=f"{decision.reason}; on-demand has to start by {_clock(latest)}: {_sum(situation, fallback)}",
        next_look_at=latest,
        is_guaranteed=True,
    )


def _check(candidates: Sequence[Candidate]) -> None:
    if not candidates:
        raise ValueError("there is no candidate")
    if len({each.offer.rate.currency for each in candidates}) > 1:
        raise ValueError("candidates have to be priced in one currency")
    if any(each.offer.rate.per is not Quantity.HOUR for each in candidates if each.is_spot):
        raise ValueError("spot has to be priced per hour")


def _fallback(situation: Situation) -> int | None:
    """Where the job can always go: where it is if that is not spot, else the cheapest in time, else the fastest."""
    candidates = situation.candidates
    lasting = [
        index
        for index, each in enumerate(candidates)
        if not each.is_spot and (each.offer.is_available or index == situation.place)
    ]
    if not lasting:
        return None
    in_time = [index for index in lasting if _is_in_time(situation, index)]
    if situation.place in in_time:
        return situation.place
    if in_time:
        return min(in_time, key=lambda index: candidates[index].price_per_hour * candidates[index].hours_left)
    return max(lasting, key=lambda index: _latest(situation, index))


def _lost_h(situation: Situation, fallback: int) -> float:
    """What it takes on the fallback to do again what is not in a checkpoint yet."""
    here = situation.place
    speed = 1.0
    if here is not None and situation.candidates[here].hours_left > 0:
        speed = situation.candidates[fallback].hours_left / situation.candidates[here].hours_left
    return situation.at_risk.total_seconds() / 3600 * max(speed, 0.0)


def _is_in_time(situation: Situation, index: int) -> bool:
    """Whether the deadline holds if it is there, or goes there now, and stays."""
    if index == situation.place:
        hours_left = _hours(situation.candidates[index].hours_left)
        return situation.now + situation.ready_in + hours_left <= situation.deadline
    return situation.now <= _latest(situation, index)


def _latest(situation: Situation, fallback: int) -> datetime:
    """When the fallback has to be started at the latest, were the place it is at lost right before."""
    target = situation.candidates[fallback]
    return situation.deadline - _hours(target.hours_left + _lost_h(situation, fallback)) - target.changeover


def _decide(situation: Situation, fallback: int) -> tuple[Decision | None, list[int]]:
    """What the plan wants, leaving the safety net to the caller; None if there is no spot to plan with."""
    spots = [index for index, each in enumerate(situation.candidates) if each.is_spot]
    base = situation.candidates[fallback]
    if not spots or base.hours_left <= 0:
        return None, spots
    candidates = [situation.candidates[index] for index in spots]
    tick_s = situation.look_every.total_seconds()
    market = Market(
        zones=tuple(_name(each) for each in candidates),
        # Per hour of the fallback's work, so that slow machines count as dear ones.
        spot_prices=tuple(each.price_per_hour * each.hours_left / base.hours_left for each in candidates),
        on_demand_prices=(base.price_per_hour,) * len(spots),
        changeover_s=max(each.changeover.total_seconds() for each in (*candidates, base)),
        tick_s=tick_s,
    )
    is_up = [each.offer.is_available for each in candidates]
    seen, known_from = rows_of([each.observations for each in candidates], is_up, situation.now, tick_s)
    where, zone = Where.WAIT, None
    if situation.place == fallback:
        where = Where.ON_DEMAND
    elif situation.place in spots:
        where, zone = Where.SPOT, spots.index(situation.place)
    state = State(
        market=market,
        left_s=base.hours_left * 3600,
        time_s=(situation.deadline - situation.now).total_seconds(),
        where=where,
        zone=zone,
        ready_s=situation.ready_in.total_seconds() if where is not Where.WAIT else 0.0,
        seen=seen,
    )
    if state.slack_s < market.changeover_s:
        return None, spots
    priors = [prior_rates(each.interruptions_per_hour) for each in candidates]
    decision = choose(state, look_out(state, priors=priors, known_from=known_from))
    if decision.where is Where.SPOT and decision.zone is not None and not state.is_up(decision.zone):
        return Decision(Where.WAIT, None, "spot is gone"), spots
    return decision, spots


def _without_on_demand(situation: Situation) -> Advice:
    """Only spot is offered: the cheapest that is up, and no promise."""
    up = [index for index, each in enumerate(situation.candidates) if each.offer.is_available]
    again = situation.now + situation.look_every
    missing = "no on-demand offer will do, so nothing holds the deadline"
    if not up:
        return Advice(
            action=Action.WAIT, candidate=None, reason=missing, next_look_at=again, is_guaranteed=False
        )
    stays = situation.place is not None and situation.place in up
    cost = {index: _cost(situation.candidates[index]) for index in up}
    best = situation.place if stays else min(up, key=cost.__getitem__)
    return Advice(
        action=Action.STAY if stays else Action.GO,
        candidate=best,
        reason=f"{missing}; this is {'where it is' if stays else 'the cheapest spot that is up'}",
        next_look_at=again,
        is_guaranteed=False,
    )


def _why_on_demand(situation: Situation, fallback: int, why: str | None) -> str:
    if why is None:
        spots = any(each.is_spot for each in situation.candidates)
        why = (
            "there is no time to look again before on-demand has to start" if spots else "no spot is offered"
        )
    return f"{why}; {_sum(situation, fallback)}"


def _sum(situation: Situation, fallback: int) -> str:
    target = situation.candidates[fallback]
    lost_h = _lost_h(situation, fallback)
    again = f" + {lost_h:.1f} h since the last checkpoint" if lost_h else ""
    return (
        f"{target.hours_left:.1f} h of work{again} + {target.changeover.total_seconds() / 60:.0f} min to get ready "
        f"before {_clock(situation.deadline)}"
    )


def _cost(candidate: Candidate) -> float:
    return candidate.price_per_hour * candidate.hours_left


def _name(candidate: Candidate) -> str:
    offer = candidate.offer
    return f"{offer.provider} {offer.zone or offer.region}"


def _hours(hours: float) -> timedelta:
    return timedelta(hours=hours)


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
