"""The whole answer over a market and the machines at hand: what to take, what else there is, what was ruled out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Exclusion, Offer
from tradewind.estimate.band import Band
from tradewind.estimate.cost import CostEstimate, estimate_cost
from tradewind.estimate.run_terms import RunTerms
from tradewind.placement.candidates import Candidates, Own, Surroundings, find_candidates
from tradewind.placement.exclusions import Change, Group, group_exclusions, what_would_change, why_nothing
from tradewind.placement.kinds import Fits, Floats, Hours, kinds_of, look_at_kinds
from tradewind.placement.market import Constraint, Screen, screen
from tradewind.placement.risk import RiskTerms, explain_risk
from tradewind.placement.strategies import strategy_for
from tradewind.placement.strategies.balanced import objectives
from tradewind.placement.strategies.recommendation import JobFacts, Recommendation
from tradewind.placement.trade_offs import Measures, compare_to
from tradewind.placement.wanted import Wanted

MOST_RUNNERS_UP: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One place of a plan in full. Money is micro-dollars for one task; `tasks` of them go there."""

    offer: Offer
    tasks: int = 1
    nodes: int = 1
    hours: Band | None
    cost: CostEstimate | None
    measures: Measures
    is_runnable: bool
    is_pareto: bool = False
    risk_reasons: tuple[str, ...] = ()
    #: Against the chosen place.
    better: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()


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
    """The plan over every row of the table and the machines at hand that fit (`own`).

    Args:
        hours: of training by accelerator; None if the job says nothing of its length: then places compare by the hour.
        own_excluded: machines at hand that do not fit, for the account of what was ruled out.
    """
    found = screen(table, wanted, look_at_kinds(kinds_of(table), wanted, hours, fits))
    candidates, late = _within_limits(find_candidates(found, terms, around, own), wanted)
    groups = [*_own_groups(own_excluded), *_with_late(group_exclusions(found, wanted), late)]
    seen = len(table) + len(own) + len(own_excluded)
    facts = JobFacts(tasks=wanted.tasks, deadline_h=wanted.deadline_h, data_location=wanted.data_location)
    choose = strategy_for(wanted.strategy, wanted.tasks)
    best = choose(candidates, facts)
    if best is None:
        changes = what_would_change(found, terms, around, None)
        said = [f"{each.offer.instance_type}: {each.explanation}" for each in own_excluded[:2]]
        return MarketPlan(
            reason="; ".join([why_nothing(found, wanted), *said]),
            exclusions=tuple(groups),
            changes=tuple(changes),
            offers_seen=seen,
            offers_fitting=0,
        )
    detail = _Details(candidates, terms, around, found, objectives(candidates))
    now = np.flatnonzero(candidates.is_runnable)
    chosen = choose(candidates.take(now), facts) if len(now) else None
    anchor = best.best if chosen is None else int(now[chosen.best])
    is_same = chosen is not None and int(now[chosen.best]) == best.best
    shares = (
        ()
        if chosen is None
        else tuple(detail.pick(int(now[each.index]), tasks=each.tasks) for each in chosen.shares)
    )
    taken = {anchor, best.best, *(() if chosen is None else (int(now[each.index]) for each in chosen.shares))}
    cost_now = int(candidates.cost_p50_micro[anchor])
    return MarketPlan(
        shares=shares,
        reason=_reason(chosen, best, len(candidates), len(now)),
        best_anywhere=None if is_same else detail.pick(best.best, against=anchor),
        best_reason="" if is_same else best.reason,
        runners_up=tuple(
            detail.pick(index, against=anchor) for index in _runners_up(candidates, best, taken)
        ),
        exclusions=tuple(groups),
        changes=tuple(what_would_change(found, terms, around, cost_now)),
        regret=_regret(candidates, anchor, detail.pick(anchor), terms) if candidates.has_hours else None,
        offers_seen=seen,
        offers_fitting=len(found.rows) - sum(late.values()) + len(own),
    )


def _within_limits(candidates: Candidates, wanted: Wanted) -> tuple[Candidates, dict[Constraint, int]]:
    """Without those that cost or take too long once set-up, waiting and interruptions are counted."""
    is_late = np.zeros(len(candidates), dtype=np.bool_)
    is_dear = is_late.copy()
    if candidates.has_hours:
        is_market = candidates.rows >= 0
        if wanted.deadline_h is not None:
            is_late = candidates.wall_p50_h > wanted.deadline_h
        if wanted.budget_micro is not None:
            # A machine at hand that overruns its budget is stopped there; that is a warning, not a price.
            is_dear = (candidates.cost_p50_micro * wanted.tasks > wanted.budget_micro) & ~is_late & is_market
    counts = {
        Constraint.DEADLINE: int((is_late & (candidates.rows >= 0)).sum()),
        Constraint.BUDGET: int(is_dear.sum()),
    }
    keep = ~(is_late | is_dear)
    return (candidates if keep.all() else candidates.take(keep)), {key: n for key, n in counts.items() if n}


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


def _reason(chosen: Recommendation | None, best: Recommendation, fitting: int, runnable: int) -> str:
    if chosen is None:
        return f"{fitting:,} offers fit, but none of their providers is connected"
    if runnable == 1 and fitting > 1:
        return "the only connected place that fits"
    return chosen.reason if chosen.reason != best.reason or runnable < fitting else best.reason


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


@dataclass(frozen=True, slots=True)
class _Details:
    """Works out in full the few places that are shown."""

    candidates: Candidates
    terms: RunTerms
    around: Surroundings
    found: Screen
    points: Floats

    def pick(self, index: int, *, tasks: int = 1, against: int | None = None) -> Pick:
        all_of = self.candidates
        offer, nodes = all_of.offer(index), int(all_of.nodes[index])
        mine = self._measures(index)
        better, worse = ((), ()) if against is None else compare_to(mine, self._measures(against))
        band, cost = self._cost(index, offer, nodes)
        risk_terms = RiskTerms(
            has_checkpoints=self.terms.checkpoint_every_s is not None,
            endless=self.around.endless,
            now=self.around.now,
        )
        is_own = int(all_of.rows[index]) < 0
        return Pick(
            offer=offer,
            tasks=tasks,
            nodes=nodes,
            hours=band,
            cost=cost,
            measures=mine,
            is_runnable=bool(all_of.is_runnable[index]),
            is_pareto=self._is_pareto(index),
            risk_reasons=()
            if is_own
            else tuple(explain_risk(offer, float(all_of.interruptions[index]), risk_terms)),
            better=better,
            worse=worse,
        )

    def _cost(self, index: int, offer: Offer, nodes: int) -> tuple[Band | None, CostEstimate | None]:
        row = int(self.candidates.rows[index])
        if row < 0:
            return self.candidates.own[-1 - row].hours, None
        band = self.found.facts.hours[self.found.kinds.codes[row]]
        if band is None:
            return None, None
        return band, estimate_cost(offer, band, replace(self.terms, nodes=nodes))

    def _measures(self, index: int) -> Measures:
        of = self.candidates
        carbon = float(of.carbon_g[index])
        return Measures(
            hourly_micro=int(of.hourly_micro[index]),
            cost_p50_micro=int(of.cost_p50_micro[index]) if of.has_hours else None,
            cost_p90_micro=int(of.cost_p90_micro[index]) if of.has_hours else None,
            wall_p50_h=float(of.wall_p50_h[index]) if of.has_hours else None,
            setup_min=float(of.setup_min[index]),
            carbon_g=None if np.isnan(carbon) or not of.has_hours else carbon,
            risk=float(of.risk[index]),
        )

    def _is_pareto(self, index: int) -> bool:
        """Whether nothing is as good in everything and better in something."""
        rivals, mine = self.points, self.points[index]
        return not bool(((rivals <= mine).all(axis=1) & (rivals < mine).any(axis=1)).any())
