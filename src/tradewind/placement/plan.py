"""The whole answer over a market and the machines at hand: what to take, what else there is, what was ruled out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Exclusion
from tradewind.estimate.run_terms import RunTerms
from tradewind.placement.candidates import Candidates, Own, Surroundings, find_candidates, join_all
from tradewind.placement.exclusions import Change, Group, group_exclusions, what_would_change, why_nothing
from tradewind.placement.kinds import Fits, Hours, kinds_of, look_at_kinds
from tradewind.placement.market import Constraint, Screen, screen
from tradewind.placement.picks import Details, Pick, pick_unmeasured
from tradewind.placement.strategies import strategy_for
from tradewind.placement.strategies.balanced import objectives
from tradewind.placement.strategies.ordered import in_order
from tradewind.placement.strategies.recommendation import JobFacts, Recommendation
from tradewind.placement.wanted import Wanted

MOST_RUNNERS_UP: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Regret:
    """What it costs to be wrong, in micro-dollars for one task."""

    #: Nine of ten runs cost less.
    cost_p90_micro: int
    #: If everything takes as long as one run in ten does: how much less the cheapest place would cost then.
    regret_p90_micro: int
    #: If a spot machine is taken back once, at the worst moment.
    if_interrupted_micro: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketPlan:
    """Where a job would run. Without a chosen place `reason` says why; `best_anywhere` is there if it is another."""

    shares: tuple[Pick, ...] = ()
    reason: str
    best_anywhere: Pick | None = None
    best_reason: str = ""
    runners_up: tuple[Pick, ...] = ()
    exclusions: tuple[Group, ...] = ()
    changes: tuple[Change, ...] = ()
    regret: Regret | None = None
    offers_seen: int
    offers_fitting: int
    notes: tuple[str, ...] = field(default=())

    @property
    def chosen(self) -> Pick | None:
        """The first place; the only one unless independent tasks are spread."""
        return self.shares[0] if self.shares else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One alternative of a job, with the machines at hand that fit it and those that do not."""

    wanted: Wanted
    terms: RunTerms
    own: Sequence[Own] = ()
    own_excluded: Sequence[Exclusion] = ()
    #: Names it where there are several: `alternative 2 (A100-80GB:8)`.
    title: str = ""
    #: What is known of places that would do but are not in the table, if anything.
    why: Callable[[], str | None] = lambda: None

    def say(self, text: str) -> str:
        """A sentence on this alternative."""
        return f"{self.title}: {text}" if self.title else text


def plan_market(
    table: OfferTable,
    wanted: Wanted,
    terms: RunTerms,
    around: Surroundings,
    *,
    hours: Hours | None = None,
    fits: Fits | None = None,
    own: Sequence[Own] = (),
    own_excluded: Sequence[Exclusion] = (),
) -> MarketPlan:
    """The plan for a job without alternatives; see `plan_any`."""
    ask = Ask(wanted=wanted, terms=terms, own=own, own_excluded=own_excluded)
    return plan_any(table, (ask,), around, hours=hours, fits=fits)


def plan_any(
    table: OfferTable,
    asks: Sequence[Ask],
    around: Surroundings,
    *,
    is_ordered: bool = True,
    hours: Hours | None = None,
    fits: Fits | None = None,
) -> MarketPlan:
    """The plan over every row of the table and the machines at hand that fit (`own`), for any of the alternatives.

    Strategy, deadline and tasks are the same for all of them.

    Args:
        is_ordered: the first that can be had is taken; else the best of all of them by the strategy.
        hours: of training by accelerator; None if the job says nothing of its length: then places compare by the hour.
    """
    looks = [_look(table, index, ask, around, hours=hours, fits=fits) for index, ask in enumerate(asks)]
    wanted = asks[0].wanted
    candidates = join_all([each.candidates for each in looks])
    fitting = len({place for each in looks for place in each.fitting})
    unmeasured = [own for each in looks for own in each.unmeasured]
    account = _Account(
        exclusions=tuple(group for each in looks for group in each.groups()),
        offers_seen=len(table) + max(len(each.ask.own) + len(each.ask.own_excluded) for each in looks),
        offers_fitting=fitting + len({(own.offer.provider, own.offer.instance_type) for own in unmeasured}),
    )
    facts = JobFacts(tasks=wanted.tasks, deadline_h=wanted.deadline_h, data_location=wanted.data_location)
    choose = in_order(strategy_for(wanted.strategy, wanted.tasks), is_ordered=is_ordered)
    best = choose(candidates, replace(facts, fitting=fitting if len(asks) == 1 else None))
    last_resort = pick_unmeasured(unmeasured[0]) if unmeasured else None
    if best is None:
        nothing = "; ".join(each.why_nothing() for each in looks)
        return account.plan(
            shares=() if last_resort is None else (last_resort,),
            reason=f"no offer: {nothing}" if last_resort is None else _NOT_TIMED,
            changes=_changes(looks, around, None),
        )
    detail = Details(
        candidates,
        [each.terms for each in asks],
        around,
        [each.found for each in looks],
        objectives(candidates),
    )
    now = np.flatnonzero(candidates.is_runnable)
    chosen = choose(candidates.take(now), facts) if len(now) else None
    shares = () if chosen is None else tuple((int(now[each.index]), each.tasks) for each in chosen.shares)
    if is_ordered and last_resort is not None and shares:
        # Nobody can time it, but it is what was asked for first.
        shares = () if last_resort.alternative < candidates.alternative[shares[0][0]] else shares
    anchor = shares[0][0] if shares else best.best
    others = _runners_up(candidates, best, {best.best, *(index for index, _ in shares)})
    is_best = bool(shares) and anchor == best.best
    picks = tuple(detail.pick(index, tasks=tasks) for index, tasks in shares)
    reason = _NOT_TIMED
    if picks or last_resort is None:
        reason = _reason(chosen, fitting, len(now))
    if len(asks) > 1 and (picks or last_resort is not None):
        taken = picks[0] if picks else last_resort
        reason = _which(looks, 0 if taken is None else taken.alternative, reason, is_ordered=is_ordered)
    return account.plan(
        shares=picks or (() if last_resort is None else (last_resort,)),
        reason=reason,
        best_anywhere=None if is_best else detail.pick(best.best, against=anchor),
        best_reason="" if is_best else best.reason,
        runners_up=tuple(detail.pick(index, against=anchor) for index in others),
        changes=_changes(looks, around, int(candidates.cost_p50_micro[anchor])),
        regret=_regret(
            candidates, anchor, detail.pick(anchor), asks[int(candidates.alternative[anchor])].terms
        )
        if candidates.has_hours
        else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What one alternative finds."""

    ask: Ask
    found: Screen
    candidates: Candidates
    late: dict[Constraint, int]
    #: Machines at hand of which nobody can say how long the job takes there.
    unmeasured: list[Own]
    #: What fits: rows of the table, and machines at hand by provider and name.
    fitting: set[int | tuple[str, str]]

    def groups(self) -> list[Group]:
        """What was ruled out, by which constraint."""
        groups = [
            *_own_groups(self.ask.own_excluded),
            *_with_late(group_exclusions(self.found, self.ask.wanted), self.late),
        ]
        return [replace(each, explanation=self.ask.say(each.explanation)) for each in groups]

    def why_nothing(self) -> str:
        """Why nothing will do, machines at hand included."""
        own = [f"{each.offer.instance_type}: {each.explanation}" for each in self.ask.own_excluded[:2]]
        known = self.ask.why() if self.ask.title else None
        return self.ask.say("; ".join([known or why_nothing(self.found, self.ask.wanted), *own]))


def _look(
    table: OfferTable,
    index: int,
    ask: Ask,
    around: Surroundings,
    *,
    hours: Hours | None,
    fits: Fits | None,
) -> _Look:
    found = screen(table, ask.wanted, look_at_kinds(kinds_of(table), ask.wanted, hours, fits))
    all_own = [replace(each, alternative=index) for each in ask.own]
    # What nobody can time cannot be compared by cost with what can be; it is taken when there is nothing else.
    unmeasured = [each for each in all_own if each.hours is None and hours is not None]
    own = [each for each in all_own if each not in unmeasured]
    every = find_candidates(found, ask.terms, around, own, index)
    candidates, late, dropped = _within_limits(every, ask.wanted)
    fitting: set[int | tuple[str, str]] = set(found.rows.tolist())
    fitting |= {(each.offer.provider, each.offer.instance_type) for each in own}
    for row in dropped:
        fitting.discard(
            row if row >= 0 else (own[-1 - row].offer.provider, own[-1 - row].offer.instance_type)
        )
    return _Look(
        ask=ask, found=found, candidates=candidates, late=late, unmeasured=unmeasured, fitting=fitting
    )


def _changes(looks: Sequence[_Look], around: Surroundings, cost_now_micro: int | None) -> tuple[Change, ...]:
    return tuple(
        replace(change, text=each.ask.say(change.text))
        for each in looks
        for change in what_would_change(each.found, each.ask.terms, around, cost_now_micro)
    )


def _which(looks: Sequence[_Look], taken: int, reason: str, *, is_ordered: bool) -> str:
    """Says which alternative it is, and why none that was asked for before it."""
    said = looks[taken].ask.say(reason)
    if not is_ordered:
        return said
    for each in looks[:taken]:
        why = (
            each.ask.say("what fits is not connected")
            if len(each.candidates) or each.unmeasured
            else each.why_nothing()
        )
        said += f"; {why}"
    return said


_NOT_TIMED: Final = "the only connected place that fits, though nobody can say how long the job takes there"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """What every plan carries, whatever it says."""

    exclusions: tuple[Group, ...]
    offers_seen: int
    offers_fitting: int

    def plan(self, **more: Any) -> MarketPlan:
        return MarketPlan(
            exclusions=self.exclusions,
            offers_seen=self.offers_seen,
            offers_fitting=self.offers_fitting,
            **more,
        )


def _within_limits(
    candidates: Candidates, wanted: Wanted
) -> tuple[Candidates, dict[Constraint, int], list[int]]:
    """Without those that cost or take too long once set-up, waiting and interruptions are counted; and which."""
    is_late = np.zeros(len(candidates), dtype=np.bool_)
    is_dear = is_late.copy()
    if candidates.has_hours:
        is_market = candidates.rows >= 0
        if wanted.deadline_h is not None:
            is_late = candidates.wall_p50_h > wanted.deadline_h
        if wanted.budget_micro is not None:
            # A machine at hand that overruns its budget is stopped there; that is a warning, not a price.
            is_dear = (candidates.cost_p50_micro * wanted.tasks > wanted.budget_micro) & ~is_late & is_market
    counts = {Constraint.DEADLINE: int(is_late.sum()), Constraint.BUDGET: int(is_dear.sum())}
    keep = ~(is_late | is_dear)
    late = {key: n for key, n in counts.items() if n}
    if keep.all():
        return candidates, late, []
    return candidates.take(keep), late, [int(row) for row in candidates.rows[~keep]]


def _with_late(groups: list[Group], late: dict[Constraint, int]) -> list[Group]:
    """Adds what was ruled out by its full cost or time to the group of its constraint."""
    words = {
        Constraint.DEADLINE: "with waiting and set-up they end after the deadline",
        Constraint.BUDGET: "with set-up, storage, egress and interruptions they cost more than the budget",
    }
    merged = {group.constraint: group for group in groups}
    for constraint, count in late.items():
        before = merged.get(constraint.value)
        merged[constraint.value] = Group(
            constraint=constraint.value,
            count=count + (before.count if before else 0),
            explanation=before.explanation if before else words[constraint],
            examples=before.examples if before else (),
        )
    return list(merged.values())


def _own_groups(excluded: Sequence[Exclusion]) -> list[Group]:
    return [
        Group(
            constraint=each.constraint,
            count=1,
            explanation=each.explanation,
            examples=(each.offer.instance_type,),
        )
        for each in excluded
    ]


def _reason(chosen: Recommendation | None, fitting: int, runnable: int) -> str:
    if chosen is None:
        verb = (
            "offer fits, but its provider is"
            if fitting == 1
            else "offers fit, but none of their providers is"
        )
        return f"{fitting:,} {verb}{' not' if fitting == 1 else ''} connected"
    if runnable == 1 and fitting > 1:
        return "the only connected place that fits"
    return f"{chosen.reason} (of those connected)" if runnable < fitting else chosen.reason


def _runners_up(candidates: Candidates, best: Recommendation, taken: set[int]) -> list[int]:
    """The next best, one of each provider, accelerator and market: five regions of one offer say nothing new."""

    def key(index: int) -> tuple[str, str, bool]:
        return str(candidates.provider[index]), str(candidates.kind[index]), bool(candidates.is_spot[index])

    seen = {key(index) for index in taken}
    found: list[int] = []
    for index in best.ranking.tolist():
        if index not in taken and key(index) not in seen:
            seen.add(key(index))
            found.append(index)
            if len(found) == MOST_RUNNERS_UP:
                break
    return found


def _regret(candidates: Candidates, anchor: int, pick: Pick, terms: RunTerms) -> Regret:
    p90 = int(candidates.cost_p90_micro[anchor])
    interrupted = None
    if candidates.is_spot[anchor] and pick.cost is not None and pick.hours is not None:
        lost_h = min(terms.checkpoint_every_h or pick.hours.p50, pick.hours.p50)
        again = int(candidates.hourly_micro[anchor]) * lost_h + pick.cost.parts.setup
        interrupted = pick.cost.p50_micro - pick.cost.parts.interruptions + round(again)
    return Regret(
        cost_p90_micro=p90,
        regret_p90_micro=max(p90 - int(candidates.cost_p90_micro.min()), 0),
        if_interrupted_micro=interrupted,
    )
