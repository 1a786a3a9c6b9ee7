"""Why a filter leaves nothing, and what would have to give way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tradewind.catalog.identity import usable_memory_gb
from tradewind.catalog.query import Constraint, OfferFilter, constraints, payable, per_accelerator
from tradewind.domain.money import format_money
from tradewind.domain.offer_table import AVAILABILITIES, MARKETS, OfferTable

_PRICES: Final = frozenset({"max_price", "max_accelerator_price"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How many offers are left when this constraint is added to those before it."""

    constraint: str
    title: str
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loosening:
    """What would give an answer if this one constraint gave way: how many offers, and the nearest of them.

    `value` is what the nearest has of it, in words (`$2.49/h`, `48 GB`).
    """

    constraint: str
    title: str
    count: int
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNothing:
    """How a filter came to leave nothing."""

    total: int
    steps: tuple[Step, ...]
    loosenings: tuple[Loosening, ...]

    def sentence(self) -> str:
        """For example: `3 of 212 offers: 80 GB; none of them at most $2/h; $2.49/h would do`."""
        if not self.total:
            return "no offers are known yet"
        said, left = "", self.total
        for step in self.steps:
            if not step.left:
                break
            if step.left < left:
                said, left = step.title if not said else f"{said}, {step.title}", step.left
        blocked = next((step for step in self.steps if not step.left), None)
        have = f"{left} of {self.total:,} offers: {said}" if said else f"{self.total:,} offers"
        parts = [have]
        if blocked is not None:
            parts.append(f"none of them {blocked.title}")
        parts += [each.value for each in self.loosenings[:1]]
        return "; ".join(parts)


def why_nothing(table: OfferTable, wanted: OfferFilter) -> WhyNothing:
    """What each constraint leaves, one after the other, and which one alone could give way with what result."""
    parts = constraints(table, wanted)
    mask = np.ones(len(table), dtype=np.bool_)
    steps = []
    for part in parts:
        mask &= part.mask
        steps.append(Step(constraint=part.name, title=part.title, left=int(mask.sum())))
    loosenings = []
    for part in parts:
        others = np.ones(len(table), dtype=np.bool_)
        for other in parts:
            if other is not part:
                others &= other.mask
        rows = np.flatnonzero(others & ~part.mask)
        if part.distance is not None:
            rows = rows[np.isfinite(part.distance[rows].astype(np.float64))]
        if len(rows):
            if part.distance is not None:
                rows = rows[np.argsort(part.distance[rows], kind="stable")]
            else:
                rows = rows[np.argsort(payable(table)[rows], kind="stable")]
            value = _in_words(table, part, int(rows[0]))
            loosenings.append(Loosening(constraint=part.name, title=part.title, count=len(rows), value=value))
    # The price is what people give way on first; then what keeps out the fewest.
    loosenings.sort(key=lambda each: (each.constraint not in _PRICES, -each.count))
    return WhyNothing(total=len(table), steps=tuple(steps), loosenings=tuple(loosenings))


def _in_words(table: OfferTable, part: Constraint, row: int) -> str:
    """What the nearest offer has."""
    number = {name: column[row].item() for name, column in table.numbers.items()}
    match part.name:
        case "max_price":
            return f"{format_money(number['price_micro'])}/h would do"
        case "max_accelerator_price":
            return f"{format_money(round(float(per_accelerator(table)[row])))} per GPU-hour would do"
        case "memory":
            return f"{float(usable_memory_gb(table)[row]):g} GB is the most there is"
        case "total_memory":
            return f"{number['accelerator_memory_gb'] * number['accelerator_count']:g} GB in all is the most there is"
        case "count" | "count_max":
            return f"{number['accelerator_count']:g} would do"
        case "cpus":
            return f"{number['cpus']:g} CPUs is the most there is"
        case "host_memory":
            return f"{number['memory_gib']:g} GiB of memory is the most there is"
        case "availability":
            return f"availability {AVAILABILITIES[number['availability']].value} would do"
        case "market":
            return f"{MARKETS[number['market']].value.replace('_', '-')} would do"
        case "provider" | "region" | "accelerator" | "source":
            return f"{table.words[part.name][table.codes[part.name][row]]} would do"
        case "launchable":
            return f"{table.words['provider'][table.codes['provider'][row]]} would do once it is connected"
    return "only offers without a real price are left"
