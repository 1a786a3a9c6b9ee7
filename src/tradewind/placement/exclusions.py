"""What was ruled out, by which constraint, and what would have to be different: no empty answer without a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tradewind.domain.money import format_money
from tradewind.estimate.run_terms import RunTerms
from tradewind.hardware.names import short_name
from tradewind.placement.candidates import Rows, Surroundings, cost_rows
from tradewind.placement.kinds import Floats
from tradewind.placement.market import Constraint, Screen, reliability_of
from tradewind.placement.wanted import Wanted
from tradewind.spec.resources import Spot

_EXAMPLES: Final = 3
#: Rows looked at for what a loosened constraint would give.
_LOOKED_AT: Final = 8
#: Being cheaper by less than this is no reason to change a job file.
_WORTH_SAYING: Final = 0.95

_RELAXABLE: Final = (
    Constraint.SPOT,
    Constraint.MAX_PRICE,
    Constraint.BUDGET,
    Constraint.REGIONS,
    Constraint.PROVIDERS,
    Constraint.CPUS,
    Constraint.MEMORY,
    Constraint.DISK,
    Constraint.RELIABILITY,
    Constraint.DEADLINE,
    Constraint.MAX_DURATION,
    Constraint.AVAILABILITY,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Offers ruled out by one constraint. `explanation` ends with what comes nearest, where there is such a thing."""

    constraint: str
    count: int
    explanation: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What loosening one constraint would give. Money is micro-dollars for one task; None: the hours are not known."""

    constraint: str
    text: str
    row: int
    hourly_micro: int
    cost_p50_micro: int | None


def group_exclusions(found: Screen, wanted: Wanted) -> list[Group]:
    """Every constraint that ruled something out, in their order."""
    groups = []
    for constraint, count in found.counts.items():
        rows = found.charged_to(constraint)
        nearest = rows[_first(_farness(found, constraint, rows), _EXAMPLES)]
        groups.append(
            Group(
                constraint=constraint.value,
                count=count,
                explanation=_EXPLANATIONS[constraint](found, wanted, rows),
                examples=tuple(name_row(found, int(row)) for row in nearest),
            )
        )
    return groups


def name_row(found: Screen, row: int) -> str:
    """An offer in a few words: `lambda H100 SXM x8 us-west-1 $23.92/h`."""
    table = found.table
    provider, region, instance = (
        table.words[name][table.codes[name][row]] for name in ("provider", "region", "instance_type")
    )
    price = int(table.numbers["price_micro"][row])
    shown = f"{format_money(price)}/h" if price > 0 else "no price"
    return " ".join(part for part in (provider, _kind(found, row) or instance, region, shown) if part)


def _kind(found: Screen, row: int) -> str:
    code = found.kinds.codes[row]
    name, count = found.kinds.names[code], found.kinds.counts[code]
    if not name:
        return ""
    return short_name(name) if count == 1 else f"{short_name(name)} x{count:g}"


def why_nothing(found: Screen, wanted: Wanted) -> str:
    """One sentence on why no row of a market will do: `3 of 212 have 80 GB, all above $2.00/h; $2.49/h would do`."""
    if not len(found.table):
        return "no prices are known"
    left = total = len(found.table)
    last = None
    for constraint, count in found.counts.items():
        if count == left:
            text = _EXPLANATIONS[constraint](found, wanted, found.charged_to(constraint))
            if last is None:
                return f"none of {total:,} offers will do: {text}"
            return f"{left:,} of {total:,} offers {_PASSED[last](wanted)}, but {text}"
        left -= count
        last = constraint if constraint in _PASSED else last
    return f"{left:,} of {total:,} offers fit, but cost too much or end too late once set-up and waiting are counted"


def what_would_change(
    found: Screen, terms: RunTerms, around: Surroundings, cost_now_micro: int | None
) -> list[Change]:
    """What dropping one constraint would give, where that is clearly cheaper than now, or anything at all."""
    changes = []
    for constraint in _RELAXABLE:
        if constraint not in found.counts:
            continue
        rows = found.ruled_out_by_nothing_but(constraint)
        rows = rows[np.isfinite(found.least_micro[rows])]
        if not len(rows):
            continue
        rows = rows[_first(found.least_micro[rows], _LOOKED_AT)]
        columns = cost_rows(found, rows, terms, around)
        best = int(np.argmin(columns["cost_p50_micro"]))
        change = _change(found, constraint, columns, best)
        is_better = cost_now_micro is None or columns["cost_p50_micro"][best] < cost_now_micro * _WORTH_SAYING
        if is_better:
            changes.append(change)
    return changes


def _change(found: Screen, constraint: Constraint, columns: dict[str, Any], best: int) -> Change:
    row, hourly = int(columns["rows"][best]), int(columns["hourly_micro"][best])
    has_hours = any(band is not None for band in found.facts.hours)
    cost = int(columns["cost_p50_micro"][best]) if has_hours else None
    about = "" if cost is None else f", about {format_money(cost)} in all"
    return Change(
        constraint=constraint.value,
        text=f"{_LOOSENED[constraint](found, row, hourly, cost)}: {name_row(found, row)}{about}",
        row=row,
        hourly_micro=hourly,
        cost_p50_micro=cost,
    )


def _first(values: Floats, count: int) -> Rows:
    """Positions of the smallest values, in their order."""
    least = np.argpartition(values, count - 1)[:count] if len(values) > count else np.arange(len(values))
    return least[np.argsort(values[least], kind="stable")]


def _farness(found: Screen, constraint: Constraint, rows: Rows) -> Floats:
    """How far rows are from passing; what is not a matter of degree goes by price."""
    number = found.table.numbers
    columns = {Constraint.CPUS: "cpus", Constraint.MEMORY: "memory_gib", Constraint.DISK: "disk_gib"}
    if constraint in columns:
        return np.negative(number[columns[constraint]][rows].astype(np.float64))
    if constraint is Constraint.RELIABILITY:
        return np.negative(reliability_of(found.table)[rows])
    if constraint is Constraint.ACCELERATORS:
        counts = np.array(found.kinds.counts) * found.facts.is_asked_for
        return np.asarray(-counts[found.kinds.codes[rows]], dtype=np.float64)
    if constraint is Constraint.MAX_DURATION:
        return found.facts.hours_p50[found.kinds.codes[rows]]
    price = number["price_micro"][rows].astype(np.float64)
    return np.where(price > 0, price, np.inf)


def _kinds_of(found: Screen, rows: Rows) -> Rows:
    return np.flatnonzero(np.bincount(found.kinds.codes[rows]))


def _most(found: Screen, name: str, rows: Rows) -> float:
    return float(found.table.numbers[name][rows].max())


def _quickest(found: Screen, rows: Rows) -> float:
    return float(found.facts.hours_p50[found.kinds.codes[rows]].min())


def _least_hourly(found: Screen, rows: Rows) -> int:
    nodes = found.facts.nodes[found.kinds.codes[rows]]
    return int((found.table.numbers["price_micro"][rows] * np.maximum(nodes, 1)).min())


def _explain_accelerators(found: Screen, wanted: Wanted, rows: Rows) -> str:
    asked = " or ".join(f"{name}:{count:g}" for name, count in wanted.accelerators)
    codes = _kinds_of(found, rows)
    counts = [found.kinds.counts[code] for code in codes.tolist() if found.facts.is_asked_for[code]]
    return f"{asked} asked for" + (
        f", at most {max(counts):g} in one machine there" if counts else ", not there"
    )


def _explain_length(found: Screen, _: Wanted, rows: Rows) -> str:
    names = sorted({found.kinds.names[code] or "no accelerator" for code in _kinds_of(found, rows).tolist()})
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"nothing is known of how long the job takes on {', '.join(names[:3])}{more}"


Explanation = Callable[[Screen, Wanted, Rows], str]
_EXPLANATIONS: Final[dict[Constraint, Explanation]] = {
    Constraint.PROVIDERS: lambda _f, w, _r: f"only {', '.join(w.providers)} may be used",
    Constraint.NODES: lambda _f, w, _r: (
        f"needs {w.nodes_min} nodes that reach each other; this version rents single machines there"
    ),
    Constraint.REGIONS: lambda _f, w, _r: f"only regions {', '.join(w.regions)} may be used",
    Constraint.SPOT: lambda _f, w, _r: "they are not spot" if w.spot is Spot.ONLY else "they are spot",
    Constraint.ACCELERATORS: _explain_accelerators,
    Constraint.CPUS: lambda f, w, r: f"{w.cpus:g} processors asked for, at most {_most(f, 'cpus', r):g} there",
    Constraint.MEMORY: lambda f, w, r: f"{w.memory_gib:g} GiB asked for, at most {_most(f, 'memory_gib', r):g} there",
    Constraint.DISK: lambda f, w, r: f"{w.disk_gib:g} GiB disk asked for, at most {_most(f, 'disk_gib', r):g} there",
    Constraint.LENGTH: _explain_length,
    Constraint.FIT: lambda _f, _w, _r: "the job does not fit into the memory of their accelerators",
    Constraint.NETWORK: lambda f, w, r: (
        f"{w.network_gbit_per_s:.0f} Gbit/s between nodes needed, at most {_most(f, 'network_gbit_per_s', r):g} there"
    ),
    Constraint.RELIABILITY: lambda f, w, r: (
        f"reliability {w.min_reliability:g} asked for, at most {reliability_of(f.table)[r].max():.3g} there"
    ),
    Constraint.PRICE_KNOWN: lambda _f, _w, _r: "their price is not known, or a placeholder",
    Constraint.AVAILABILITY: lambda _f, _w, _r: "they cannot be had now",
    Constraint.MAX_DURATION: lambda f, w, r: (
        f"one attempt may take {w.max_duration_h:.3g} h, they take {_quickest(f, r):.3g} h and more"
    ),
    Constraint.DEADLINE: lambda f, w, r: (
        f"the deadline is in {max(w.deadline_h or 0.0, 0.0):.3g} h, they take {_quickest(f, r):.3g} h and more"
    ),
    Constraint.MAX_PRICE: lambda f, w, r: (
        f"all above your {format_money(w.max_price_micro or 0)}/h; {format_money(_least_hourly(f, r))}/h would do"
    ),
    Constraint.BUDGET: lambda f, w, r: (
        f"over your budget of {format_money(w.budget_micro or 0)}; the cheapest takes at least "
        f"{format_money(int(f.least_micro[r].min()) * w.tasks)}"
    ),
}  # fmt: skip

#: What is true of the rows that passed a constraint, for a sentence.
_PASSED: Final[dict[Constraint, Callable[[Wanted], str]]] = {
    Constraint.PROVIDERS: lambda w: f"are of {', '.join(w.providers)}",
    Constraint.NODES: lambda w: f"can be had {w.nodes_min} at a time",
    Constraint.REGIONS: lambda w: f"are in {', '.join(w.regions)}",
    Constraint.SPOT: lambda w: "are spot" if w.spot is Spot.ONLY else "are not spot",
    Constraint.ACCELERATORS: lambda w: (
        "have " + " or ".join(f"{name}:{count:g}" for name, count in w.accelerators)
    ),
    Constraint.CPUS: lambda w: f"have {w.cpus:g} processors",
    Constraint.MEMORY: lambda w: f"have {w.memory_gib:g} GiB memory",
    Constraint.DISK: lambda w: f"have {w.disk_gib:g} GiB disk",
    Constraint.LENGTH: lambda _w: "have a known speed",
    Constraint.FIT: lambda _w: "have enough memory for the model",
    Constraint.RELIABILITY: lambda _w: "are reliable enough",
    Constraint.MAX_DURATION: lambda _w: "are fast enough",
    Constraint.DEADLINE: lambda _w: "meet the deadline",
    Constraint.MAX_PRICE: lambda w: f"are within {format_money(w.max_price_micro or 0)}/h",
}

Loosened = Callable[[Screen, int, int, int | None], str]
_LOOSENED: Final[dict[Constraint, Loosened]] = {
    Constraint.SPOT: lambda f, r, _h, _c: "allow machines that are not spot" if _is_steady(f, r) else "allow spot",
    Constraint.MAX_PRICE: lambda _f, _r, h, _c: f"`max_price: {format_money(h)}/h` would do",
    Constraint.BUDGET: lambda _f, _r, _h, c: f"a budget of {format_money(c or 0)} would do",
    Constraint.REGIONS: lambda f, r, _h, _c: f"allow region {_word(f, 'region', r)}",
    Constraint.PROVIDERS: lambda f, r, _h, _c: f"allow provider {_word(f, 'provider', r)}",
    Constraint.CPUS: lambda f, r, _h, _c: f"be content with {float(f.table.numbers['cpus'][r]):g} processors",
    Constraint.MEMORY: lambda f, r, _h, _c: f"be content with {float(f.table.numbers['memory_gib'][r]):g} GiB memory",
    Constraint.DISK: lambda f, r, _h, _c: f"be content with {float(f.table.numbers['disk_gib'][r]):g} GiB disk",
    Constraint.RELIABILITY: lambda f, r, _h, _c: f"`min_reliability: {float(reliability_of(f.table)[r]):.3g}` would do",
    Constraint.DEADLINE: lambda f, r, _h, _c: f"a deadline in {_hours(f, r):.3g} h and set-up would do",
    Constraint.MAX_DURATION: lambda f, r, _h, _c: f"`max_duration` of {_hours(f, r):.3g} h would do",
    Constraint.AVAILABILITY: lambda _f, _r, _h, _c: "wait until it can be had",
}  # fmt: skip


def _is_steady(found: Screen, row: int) -> bool:
    return found.table.offer(row).market != "spot"


def _word(found: Screen, name: str, row: int) -> str:
    return found.table.words[name][int(found.table.codes[name][row])]


def _hours(found: Screen, row: int) -> float:
    return float(found.facts.hours_p50[found.kinds.codes[row]])
