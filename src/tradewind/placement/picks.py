"""The few places of a plan that are shown, worked out in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tradewind.domain.offers import Offer
from tradewind.estimate.band import Band
from tradewind.estimate.cost import CostEstimate, estimate_cost
from tradewind.estimate.run_terms import RunTerms
from tradewind.placement.candidates import Candidates, Own, Surroundings
from tradewind.placement.kinds import Floats
from tradewind.placement.market import Screen
from tradewind.placement.risk import RiskTerms, explain_risk
from tradewind.placement.trade_offs import Measures, compare_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One place of a plan in full. Money is micro-dollars for one task; `tasks` of them go there."""

    offer: Offer
    tasks: int = 1
    nodes: int = 1
    #: Which of the job's alternatives it is.
    alternative: int = 0
    hours: Band | None
    cost: CostEstimate | None
    measures: Measures
    #: Where it takes no longer than one run in ten does.
    cost_p10_micro: int | None = None
    is_runnable: bool
    is_pareto: bool = False
    risk_reasons: tuple[str, ...] = ()
    #: Against the chosen place.
    better: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()


def pick_unmeasured(own: Own) -> Pick:
    """A machine at hand of which nobody can say how long the job takes there."""
    nothing = Measures(
        hourly_micro=own.hourly_micro,
        cost_p50_micro=None,
        cost_p90_micro=None,
        wall_p50_h=None,
        setup_min=own.setup_min,
        carbon_g=None,
        risk=0.0,
    )
    return Pick(
        offer=own.offer,
        alternative=own.alternative,
        hours=None,
        cost=None,
        measures=nothing,
        is_runnable=True,
    )


@dataclass(frozen=True, slots=True)
class Details:
    """Works out in full the few places that are shown."""

    candidates: Candidates
    #: Of each alternative.
    terms: Sequence[RunTerms]
    around: Surroundings
    found: Sequence[Screen]
    points: Floats

    def pick(self, index: int, *, tasks: int = 1, against: int | None = None) -> Pick:
        all_of = self.candidates
        offer, nodes = all_of.offer(index), int(all_of.nodes[index])
        mine = self._measures(index)
        better, worse = ((), ()) if against is None else compare_to(mine, self._measures(against))
        alternative = int(all_of.alternative[index])
        band, cost = self._cost(index, offer, nodes)
        risk_terms = RiskTerms(
            has_checkpoints=self.terms[alternative].checkpoint_every_s is not None,
            endless=self.around.endless,
            now=self.around.now,
        )
        is_own = int(all_of.rows[index]) < 0
        return Pick(
            offer=offer,
            tasks=tasks,
            nodes=nodes,
            alternative=alternative,
            hours=band,
            cost=cost,
            measures=mine,
            cost_p10_micro=self._cost_p10(index, offer, nodes, band),
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
        found = self.found[int(self.candidates.alternative[index])]
        band = found.facts.hours[found.kinds.codes[row]]
        if band is None:
            return None, None
        return band, estimate_cost(offer, band, self._terms(index, nodes))

    def _terms(self, index: int, nodes: int) -> RunTerms:
        return replace(self.terms[int(self.candidates.alternative[index])], nodes=nodes)

    def _cost_p10(self, index: int, offer: Offer, nodes: int, band: Band | None) -> int | None:
        if band is None:
            return None
        row, expected = int(self.candidates.rows[index]), int(self.candidates.cost_p50_micro[index])
        if row < 0:
            # Electricity is paid by the second.
            return round(expected * band.p10 / band.p50) if band.p50 else None
        short = replace(band, p50=band.p10, p90=band.p10)
        return min(estimate_cost(offer, short, self._terms(index, nodes)).p50_micro, expected)

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
