"""What is left of a market after its constraints, with what each place costs, takes, emits and risks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tradewind.domain.offer_table import MARKETS, OfferTable
from tradewind.domain.offers import Market, Offer
from tradewind.estimate.band import Band
from tradewind.estimate.cost_columns import HourColumns, cost_columns
from tradewind.estimate.run_terms import RunTerms
from tradewind.placement.kinds import Bools, Floats, Ints
from tradewind.placement.market import Screen, reliability_of
from tradewind.placement.risk import RiskTerms, risk_columns

Words = npt.NDArray[np.object_]
Rows = npt.NDArray[np.intp]

#: So many rows by each measure are costed in full; the bounds below say that the cheapest is among them.
_SHORTLIST: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A machine at hand, or several together, with the figures for this job. Money is micro-dollars."""

    offer: Offer
    hours: Band | None
    hourly_micro: int
    cost_p50_micro: int
    cost_p90_micro: int
    wall_p50_h: float
    wall_p90_h: float
    setup_min: float = 0.0
    carbon_g: float | None = None
    #: More than one: `offer` stands for so many machines, and the figures are of all of them.
    nodes: int = 1
    #: Which of the job's alternatives they are for.
    alternative: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Places that will do, one entry per place in every column. Money is micro-dollars for one task.

    `rows` are rows of the table; the machine at hand number n is row `-1 - n`. Without known hours a place costs what
    an hour of it costs, and `has_hours` is false.
    """

    table: OfferTable
    own: tuple[Own, ...]
    rows: Rows
    hourly_micro: Ints
    cost_p50_micro: Ints
    cost_p90_micro: Ints
    hours_p50: Floats
    wall_p50_h: Floats
    wall_p90_h: Floats
    setup_min: Floats
    interruptions: Floats
    carbon_g: Floats
    risk: Floats
    reliability: Floats
    is_owned: Bools
    is_spot: Bools
    is_runnable: Bools
    nodes: Ints
    provider: Words
    region: Words
    zone: Words
    kind: Words
    availability: Ints
    #: Which of the job's alternatives each fulfils; a place that fulfils several is there for each of them.
    alternative: Ints
    has_hours: bool

    def __len__(self) -> int:
        return len(self.rows)

    def offer(self, index: int) -> Offer:
        """One of them as an offer."""
        row = int(self.rows[index])
        return self.own[-1 - row].offer if row < 0 else self.table.offer(row)

    def take(self, chosen: npt.NDArray[np.generic]) -> Candidates:
        """Only these of them: positions or a mask."""
        return replace(
            self,
            **{name: getattr(self, name)[chosen] for name in _COLUMNS},
        )


_COLUMNS: Final = (
    "rows", "hourly_micro", "cost_p50_micro", "cost_p90_micro", "hours_p50", "wall_p50_h", "wall_p90_h", "setup_min",
    "interruptions", "carbon_g", "risk", "reliability", "is_owned", "is_spot", "is_runnable", "nodes", "provider",
    "region", "zone", "kind", "availability", "alternative",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is known beyond the offers: where jobs can run now, carbon, what ends a lost machine, the time."""

    runnable: frozenset[str] = frozenset()
    #: Kilowatts of one node with so many of an accelerator, at the wall, cooling included.
    kilowatts: Callable[[str | None, float], float | None] | None = None
    #: Grams CO2e per kWh in a region of a provider.
    grams_per_kwh: Callable[[str, str], float | None] | None = None
    #: Providers where a machine that is lost goes on costing money.
    endless: frozenset[str] = frozenset()
    now: datetime | None = None


def _shortlist(found: Screen, size: int) -> Rows:
    """Rows worth costing in full: the lowest bounds of cost, with and without spot, and the fewest hours.

    A row's cost is never below its bound. So if the dearest bound here is above the cheapest cost here, no row left
    out can be cheaper; `find_candidates` goes on until that holds.
    """
    rows = found.rows
    if len(rows) <= 4 * size:
        return rows
    least = found.least_micro[rows]
    steady = found.table.numbers["market"][rows] != MARKETS.index(Market.SPOT)
    quick = _is_of_a_quick_kind(found, rows, size)
    is_chosen = np.zeros(len(found.table), dtype=np.bool_)
    for these in (slice(None), steady, quick):
        some = rows[these]
        is_chosen[some[_smallest(least[these], size)]] = True
    return np.flatnonzero(is_chosen)


def _is_of_a_quick_kind(found: Screen, rows: Rows, size: int) -> Bools:
    """Rows of the kinds with the fewest hours, as many kinds as make up the size."""
    counts = np.bincount(found.kinds.codes[rows], minlength=len(found.kinds.names))
    hours = np.where(counts > 0, found.facts.hours_p50, np.inf)
    order = np.argsort(hours, kind="stable")
    enough = int(np.searchsorted(np.cumsum(counts[order]), size)) + 1
    is_quick = np.zeros(len(order), dtype=np.bool_)
    is_quick[order[:enough]] = True
    return is_quick[found.kinds.codes[rows]]


def _smallest(values: Floats, size: int) -> Rows:
    if len(values) <= size:
        return np.arange(len(values))
    return np.argpartition(values, size - 1)[:size]


def find_candidates(
    found: Screen, terms: RunTerms, around: Surroundings, own: Sequence[Own] = (), alternative: int = 0
) -> Candidates:
    """The places that pass, costed in full. The cheapest of all that pass is always among them."""
    size = _SHORTLIST
    while True:
        rows = _shortlist(found, size)
        columns = cost_rows(found, rows, terms, around)
        if len(rows) == len(found.rows) or _holds_the_cheapest(found, rows, columns):
            break
        size *= 4
    return join(found, columns | {"alternative": np.full(len(rows), alternative, dtype=np.int64)}, own)


def join_all(parts: Sequence[Candidates]) -> Candidates:
    """The places of several alternatives, over one table, in one set of columns."""
    if len(parts) == 1:
        return parts[0]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(each, name) for each in parts]) for name in _COLUMNS
    }
    before, rows = 0, []
    for each in parts:
        rows.append(np.where(each.rows < 0, each.rows - before, each.rows))
        before += len(each.own)
    return Candidates(
        table=parts[0].table,
        own=tuple(own for each in parts for own in each.own),
        has_hours=any(each.has_hours for each in parts),
        **(columns | {"rows": np.concatenate(rows)}),
    )


def _holds_the_cheapest(found: Screen, rows: Rows, columns: dict[str, Any]) -> bool:
    is_left_out = np.zeros(len(found.table), dtype=np.bool_)
    is_left_out[found.rows] = True
    is_left_out[rows] = False
    return bool(columns["cost_p50_micro"].min() <= found.least_micro[is_left_out].min())


def cost_rows(found: Screen, rows: Rows, terms: RunTerms, around: Surroundings) -> dict[str, Any]:
    """The columns of `Candidates` for these rows."""
    table, kinds, facts = found.table, found.kinds, found.facts
    kind = kinds.codes[rows]
    nodes = facts.nodes[kind]
    hours_p50, hours_p90 = facts.hours_p50[kind], facts.hours_p90[kind]
    price = np.maximum(table.numbers["price_micro"][rows].astype(np.int64), 0)
    out: dict[str, Any] = {
        name: np.zeros(len(rows))
        for name in ("wall_p50_h", "wall_p90_h", "setup_min", "wait_min", "interruptions")
    }
    out["cost_p50_micro"] = np.zeros(len(rows), dtype=np.int64)
    out["cost_p90_micro"] = np.zeros(len(rows), dtype=np.int64)
    for count in np.unique(nodes).tolist():
        mine = np.flatnonzero(nodes == count)
        cost = cost_columns(
            table,
            rows[mine],
            HourColumns(p50=hours_p50[mine], p90=hours_p90[mine]),
            replace(terms, nodes=max(count, 1)),
        )
        for name in ("cost_p50_micro", "cost_p90_micro", "setup_min", "interruptions"):
            out[name][mine] = getattr(cost, name)
        out["wall_p50_h"][mine], out["wall_p90_h"][mine] = cost.wall_p50_h, cost.wall_p90_h
    has_hours = any(band is not None for band in facts.hours)
    if not has_hours:
        out["cost_p50_micro"] = out["cost_p90_micro"] = price * nodes
    market = table.numbers["market"][rows]
    provider = _texts(table, "provider", rows)
    out |= {
        "rows": rows,
        "hourly_micro": price * nodes,
        "hours_p50": hours_p50,
        "nodes": nodes,
        "is_owned": market == MARKETS.index(Market.OWNED),
        "is_spot": market == MARKETS.index(Market.SPOT),
        "reliability": reliability_of(table)[rows],
        "provider": provider,
        "region": _texts(table, "region", rows),
        "zone": _texts(table, "zone", rows),
        "kind": np.array(kinds.names, dtype=np.object_)[kind],
        "availability": table.numbers["availability"][rows].astype(np.int64),
        "is_runnable": np.array(
            [name in around.runnable for name in table.words["provider"]], dtype=np.bool_
        )[table.codes["provider"][rows]],
        "carbon_g": _carbon(found, rows, hours_p50, nodes, around),
    }
    out["risk"] = risk_columns(
        table,
        rows,
        interruptions=out["interruptions"],
        terms=RiskTerms(
            has_checkpoints=terms.checkpoint_every_s is not None, endless=around.endless, now=around.now
        ),
    )
    out.pop("wait_min")
    return out


def join(found: Screen, columns: dict[str, Any], own: Sequence[Own]) -> Candidates:
    """Rows of a market and machines at hand, in one set of columns."""
    here = _own_columns(own)
    return Candidates(
        table=found.table,
        own=tuple(own),
        has_hours=any(band is not None for band in found.facts.hours) or any(each.hours for each in own),
        **{name: np.concatenate([here[name], columns[name]]) for name in _COLUMNS},
    )


def _own_columns(own: Sequence[Own]) -> dict[str, Any]:
    def column(values: list[Any], kind: Any) -> Any:
        return np.array(values, dtype=kind)

    offers = [each.offer for each in own]
    return {
        "rows": column([-1 - place for place in range(len(own))], np.intp),
        "hourly_micro": column([each.hourly_micro for each in own], np.int64),
        "cost_p50_micro": column([each.cost_p50_micro for each in own], np.int64),
        "cost_p90_micro": column([each.cost_p90_micro for each in own], np.int64),
        "hours_p50": column([each.hours.p50 if each.hours else np.nan for each in own], np.float64),
        "wall_p50_h": column([each.wall_p50_h for each in own], np.float64),
        "wall_p90_h": column([each.wall_p90_h for each in own], np.float64),
        "setup_min": column([each.setup_min for each in own], np.float64),
        "interruptions": column([0.0] * len(own), np.float64),
        "carbon_g": column([np.nan if each.carbon_g is None else each.carbon_g for each in own], np.float64),
        "risk": column([0.0] * len(own), np.float64),
        "reliability": column(
            [0.99 if each.reliability is None else each.reliability for each in offers], np.float64
        ),
        "is_owned": column([each.market == Market.OWNED for each in offers], np.bool_),
        "is_spot": column([False] * len(own), np.bool_),
        "is_runnable": column([True] * len(own), np.bool_),
        "nodes": column([each.nodes for each in own], np.int64),
        "provider": column([each.provider for each in offers], np.object_),
        "region": column([each.region for each in offers], np.object_),
        "zone": column([each.zone or "" for each in offers], np.object_),
        "kind": column([each.accelerator or "" for each in offers], np.object_),
        "availability": column([0] * len(own), np.int64),
        "alternative": column([each.alternative for each in own], np.int64),
    }


def _texts(table: OfferTable, name: str, rows: Rows) -> Words:
    return np.array(table.words[name], dtype=np.object_)[table.codes[name][rows]]


def _carbon(found: Screen, rows: Rows, hours: Floats, nodes: Ints, around: Surroundings) -> Floats:
    if around.kilowatts is None or around.grams_per_kwh is None:
        return np.full(len(rows), np.nan)
    table, kinds = found.table, found.kinds
    kind = kinds.codes[rows]
    kilowatts = np.full(len(kinds.names), np.nan)
    for code in np.unique(kind).tolist():
        drawn = around.kilowatts(kinds.names[code] or None, kinds.counts[code])
        kilowatts[code] = np.nan if drawn is None else drawn
    width = len(table.words["region"])
    places, place = np.unique(
        table.codes["provider"][rows].astype(np.int64) * width + table.codes["region"][rows],
        return_inverse=True,
    )
    grams = np.full(len(places), np.nan)
    for position, code in enumerate(places.tolist()):
        provider, region = table.words["provider"][code // width], table.words["region"][code % width]
        emitted = around.grams_per_kwh(provider, region)
        grams[position] = np.nan if emitted is None else emitted
    return np.asarray(kilowatts[kind] * hours * nodes * grams[place])
