"""The replay itself: events in the order of virtual time, and the policy asked where there is something to decide."""

from __future__ import annotations

import heapq
import math
from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction
from typing import Any, Final

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.money import divide_half_even
from tradewind.placement.replay.chance import hours_until
from tradewind.placement.replay.charging import charge_disk, charge_stay, energy_kwh
from tradewind.placement.replay.machines import Held, Machines
from tradewind.placement.replay.policy import Choice, Policy, Situation
from tradewind.placement.replay.records import Ending, JobRecord, Outcome, Stay
from tradewind.placement.replay.world import Option, ReplayJob, World

#: Events and questions of one replay: about half a minute of one processor.
MOST_LOOKS: Final = 3_000_000


class _Kind(IntEnum):
    """What happens; at the same second in this order: places are free again before somebody asks for one."""

    END = 0
    INTERRUPTION = 1
    CHANGE = 2
    LOOK = 3
    ARRIVAL = 4


@dataclass(slots=True, eq=False)
class _Running:
    option: Option
    held: Held
    number: int
    asked_s: int
    train_s: int


@dataclass(slots=True, eq=False)
class _State:
    index: int
    job: ReplayJob
    done: Fraction = Fraction(0)
    running: _Running | None = None
    is_waiting: bool = False
    ended_s: int | None = None
    #: Events about an older stay are out of date, and so are questions that were asked for before the last answer.
    token: int = 0
    look: int = 0
    #: Whether its data were fetched once.
    has_data: bool = False
    stays: list[Stay] = field(default_factory=list)
    #: Options by place.
    places: dict[int, list[Option]] = field(default_factory=dict)

    @property
    def order(self) -> tuple[int, int, int]:
        """Who goes first among those that wait."""
        return (-self.job.priority, self.job.arrival_s, self.index)


def replay(world: World, policy: Policy, *, most_looks: int = MOST_LOOKS) -> Outcome:
    """What comes of the jobs under this policy. The same arguments always give the same outcome.

    Raises:
        InvalidInputError: it would take more than so many events and questions.
    """
    return _Replay(world, policy, most_looks).run()


class _Replay:
    def __init__(self, world: World, policy: Policy, most_looks: int) -> None:
        self._world = world
        self._policy = policy
        self._most_looks = most_looks
        self._machines = Machines(world.places)
        self._states = [
            _State(index, job, places=_by_place(job.options)) for index, job in enumerate(world.jobs)
        ]
        self._waiting: list[_State] = []
        self._running: list[_State] = []
        self._events: list[tuple[int, int, int, Any, int]] = []
        self._sequence = 0
        self._looks = 0
        self._open_jobs = 0
        self._now = 0

    def run(self) -> Outcome:
        for state in self._states:
            if state.job.options:
                self._open_jobs += 1
                self._push(state.job.arrival_s, _Kind.ARRIVAL, state)
        start = min((state.job.arrival_s for state in self._states), default=0)
        for place in range(len(self._world.places)):
            self._push_change(place, start - 1)
        while self._events and self._open_jobs:
            self._now, kind, _, about, token = heapq.heappop(self._events)
            self._count()
            if kind == _Kind.CHANGE:
                self._change(about)
            elif kind == _Kind.ARRIVAL:
                self._arrive(about)
            elif kind == _Kind.LOOK:
                if about.look == token:
                    self._ask(about, self._blocked_for(about))
            elif about.token == token:
                self._end(about, Ending.FINISHED if kind == _Kind.END else Ending.INTERRUPTED)
        return Outcome(
            policy=self._policy.name, records=tuple(map(self._record, self._states)), looks=self._looks
        )

    def _count(self, looks: int = 1) -> None:
        self._looks += looks
        if self._looks > self._most_looks:
            raise InvalidInputError(
                f"the simulation of {self._policy.name} takes more than {self._most_looks:,} steps",
                hint="take fewer jobs, a shorter trace or fewer places",
            )

    def _push(self, time: int, kind: _Kind, about: Any, token: int = 0) -> None:
        self._sequence += 1
        heapq.heappush(self._events, (time, kind, self._sequence, about, token))

    def _push_change(self, place: int, after: int) -> None:
        there = self._world.places[place]
        changes = [series.next_change(after) for series in (there.price, there.up) if series is not None]
        known = [change for change in changes if change is not None]
        if known:
            self._push(min(known), _Kind.CHANGE, place)

    def _arrive(self, state: _State) -> None:
        self._wait(state)
        self._ask(state, self._blocked_for(state))

    def _wait(self, state: _State) -> None:
        state.is_waiting = True
        insort(self._waiting, state, key=lambda each: each.order)

    def _blocked_for(self, state: _State) -> set[int]:
        """Own places that those before it in the queue wait for."""
        blocked: set[int] = set()
        if not self._world.is_strict_queue or not state.is_waiting:
            return blocked
        mine = self._own_places(state)
        for other in self._waiting:
            if other is state or blocked >= mine:
                break
            blocked |= self._own_places(other)
        return blocked

    def _own_places(self, state: _State) -> set[int]:
        return {place for place in state.places if self._world.places[place].is_owned}

    def _change(self, place: int) -> None:
        self._push_change(place, self._now)
        there = self._world.places[place]
        if there.up is not None and there.takes_back:
            # Whoever came last is the first to lose its machines.
            holders = [each for each in self._running if each.running and each.running.option.place == place]
            holders.sort(
                key=lambda each: (each.running.asked_s if each.running else 0, each.index), reverse=True
            )
            for state in holders:
                if self._machines.held(place) <= self._machines.capacity(place, self._now):
                    break
                self._end(state, Ending.INTERRUPTED)
        if there.up is None or self._machines.held(place) < self._machines.capacity(place, self._now):
            self._serve(place)
        for state in list(self._running):
            if place in state.places and state.running is not None:
                here = self._world.places[state.running.option.place]
                if self._policy.watches(here):
                    self._ask(state, set())

    def _serve(self, place: int) -> None:
        """Asks for those that wait and could go to this place, in the order of the queue."""
        is_own = self._world.places[place].is_owned
        refused: set[object] = set()
        for state in list(self._waiting):
            options = state.places.get(place)
            if options is None or not state.is_waiting:
                continue
            needs = (options[0].room, options[0].nodes)
            if needs in refused:
                continue
            if is_own and not any(self._machines.is_open(option, self._now) for option in options):
                if self._world.is_strict_queue:
                    return
                refused.add(needs)
                continue
            self._ask(state, self._blocked_for(state))
            if is_own and state.is_waiting and self._world.is_strict_queue:
                return

    def _ask(self, state: _State, blocked: set[int]) -> None:
        self._count(len(state.job.options))
        state_here = state.running.option if state.running else None
        done = self._done_now(state)
        left = 1 - done
        seen = Situation(
            now_s=self._now,
            job=state.job,
            here=state_here,
            choices=tuple(self._choice(option, left, blocked) for option in state.job.options),
            done=float(done),
        )
        decision = self._policy.decide(seen)
        state.look += 1
        before = None
        if decision.option is not state_here:
            if state.running is not None:
                before = self._stop(state, Ending.MOVED)
                self._wait(state)
            if decision.option is not None:
                self._start(state, decision.option)
        if decision.again_at_s is not None:
            self._push(max(decision.again_at_s, self._now + 1), _Kind.LOOK, state, state.look)
        if before is not None:
            self._serve(before)

    def _done_now(self, state: _State) -> Fraction:
        """What would be done and kept if the job left its place now by its own will."""
        running = state.running
        if running is None or state.job.checkpoint_every_s is None:
            return state.done
        return state.done + Fraction(max(self._now - running.train_s, 0), running.option.run_s)

    def _choice(self, option: Option, left: Fraction, blocked: set[int]) -> Choice:
        place = self._world.places[option.place]
        left_s = _left_s(left, option)
        price, first = place.price.at(self._now), place.price.values[0]
        if not first:
            price = first = 1
        return Choice(
            option=option,
            place=place,
            is_open=option.place not in blocked and self._machines.is_open(option, self._now),
            left_s=left_s,
            expected_micro=divide_half_even(option.expected_micro * price * left_s, first * option.run_s),
        )

    def _start(self, state: _State, option: Option) -> None:
        held = self._machines.take(option, self._now)
        if state.is_waiting:
            state.is_waiting = False
            self._waiting.remove(state)
        state.token += 1
        train_s = self._now + option.start_s
        state.running = _Running(option, held, len(state.stays) + 1, self._now, train_s)
        self._running.append(state)
        end = train_s + _left_s(1 - state.done, option)
        self._push(end, _Kind.END, state, state.token)
        rate = self._world.places[option.place].interruptions_per_hour * option.nodes
        if rate > 0:
            hours = hours_until(rate, self._world.seed, state.index, state.running.number)
            lost_at = self._now + option.lead_s + math.ceil(min(hours, 1e6) * 3600)
            if lost_at < end:
                self._push(lost_at, _Kind.INTERRUPTION, state, state.token)

    def _end(self, state: _State, ending: Ending) -> None:
        place = self._stop(state, ending)
        if ending is Ending.FINISHED:
            state.ended_s = self._now
            self._open_jobs -= 1
        else:
            self._wait(state)
        there = self._world.places[place]
        if state.is_waiting:
            self._ask(state, self._blocked_for(state))
        if there.is_owned or there.up is not None:
            self._serve(place)

    def _stop(self, state: _State, ending: Ending) -> int:
        """Closes the stay: what it cost, and how much of its work is kept."""
        running = state.running
        assert running is not None
        option, now, every = running.option, self._now, state.job.checkpoint_every_s
        run_s = max(now - running.train_s, 0)
        kept_s = run_s
        if ending is not Ending.FINISHED:
            # Whoever leaves by its own will writes a checkpoint before.
            kept_s = 0 if every is None else run_s if ending is Ending.MOVED else run_s // every * every
        state.done += Fraction(kept_s, option.run_s) if option.run_s else 0
        billed_from = running.asked_s + option.lead_s
        place = self._world.places[option.place]
        energy = energy_kwh(option, now - billed_from)
        traffic = 0
        if now > billed_from:
            traffic = option.again_micro if state.has_data else option.traffic_micro
            state.has_data = True
        state.stays.append(
            Stay(
                place=option.place,
                asked_s=running.asked_s,
                train_s=running.train_s,
                ended_s=now,
                ending=ending,
                run_s=run_s,
                lost_s=run_s - kept_s,
                wait_s=min(option.wait_s, now - running.asked_s),
                machine_micro=charge_stay(place, option, billed_from, now),
                traffic_micro=traffic,
                disk_micro=charge_disk(option, now - running.asked_s),
                energy_kwh=energy,
                carbon_g=None
                if energy is None or place.grams_per_kwh is None
                else energy * place.grams_per_kwh,
                milli_accelerators=option.room.milli_accelerators * option.nodes if place.is_owned else 0,
                milli_cpus=option.room.milli_cpus * option.nodes if place.is_owned else 0,
            )
        )
        self._machines.give_back(option, running.held)
        self._running.remove(state)
        state.running = None
        state.token += 1
        state.look += 1
        return option.place

    def _record(self, state: _State) -> JobRecord:
        why = ""
        if state.ended_s is None:
            why = state.job.why_nowhere or (
                "no place was ever open to it" if not state.stays else "it waited for a place until the end"
            )
        return JobRecord(job=state.job, stays=tuple(state.stays), ended_s=state.ended_s, why=why)


def _left_s(left: Fraction, option: Option) -> int:
    """Training that is left at this place, in whole seconds; a last part of one counts as one."""
    return -(-left.numerator * option.run_s // left.denominator)


def _by_place(options: Iterable[Option]) -> dict[int, list[Option]]:
    found: dict[int, list[Option]] = {}
    for option in options:
        found.setdefault(option.place, []).append(option)
    return found
