"""Accelerators of an offer table by kind and number: there are hundreds where there are 150,000 rows.

Whatever depends on the accelerator alone is worked out once per kind, and looked up by row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from tradewind.domain.offer_table import OfferTable
from tradewind.estimate.band import Band
from tradewind.hardware.names import fulfils
from tradewind.placement.wanted import Wanted

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_CACHE_KEY: Final = "placement_kinds"

#: Hours of uninterrupted training on so many accelerators of a kind on each of so many nodes; None: not known.
Hours = Callable[[str | None, float, int], Band | None]
#: False: the job cannot fit into the memory of these accelerators. None: not known.
Fits = Callable[[str | None, float, int], bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """`codes[i]` is the kind of row i; the empty name stands for no accelerator."""

    codes: npt.NDArray[np.intp]
    names: tuple[str, ...]
    counts: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KindFacts:
    """One entry per kind. Hours are NaN where they are not known or not needed."""

    is_asked_for: Bools
    #: Nodes it would take; 0 where more would be needed than the job allows.
    nodes: Ints
    hours: tuple[Band | None, ...]
    hours_p50: Floats
    hours_p90: Floats
    has_hours: Bools
    fits: Bools


def kinds_of(table: OfferTable) -> Kinds:
    """The kinds of a table; the first call for a table does the work."""
    found = table._cache.get(_CACHE_KEY)
    if found is None:
        found = table._cache.setdefault(_CACHE_KEY, _collect(table))
    return cast(Kinds, found)


def _collect(table: OfferTable) -> Kinds:
    counts = table.numbers["accelerator_count"].astype(np.float64)
    key = counts * (len(table.words["accelerator"]) + 1) + table.codes["accelerator"]
    _, first, codes = np.unique(key, return_index=True, return_inverse=True)
    words = table.words["accelerator"]
    return Kinds(
        codes=codes.astype(np.intp),
        names=tuple(words[table.codes["accelerator"][row]] for row in first),
        counts=tuple(float(counts[row]) for row in first),
    )


def look_at_kinds(kinds: Kinds, wanted: Wanted, hours: Hours | None, fits: Fits | None) -> KindFacts:
    """What each kind means for a job. Without `hours` nothing is said of its length: every kind counts as an hour."""
    asked, nodes, bands, fitting = [], [], [], []
    for name, count in zip(kinds.names, kinds.counts, strict=True):
        held, needed = _hold(name, count, wanted.accelerators, wanted.nodes_min, wanted.nodes_max)
        is_open = held is not None and needed > 0
        asked.append(held is not None)
        nodes.append(needed)
        bands.append(hours(name or None, held or 1.0, needed) if is_open and hours is not None else None)
        fitting.append(
            not (is_open and fits is not None and fits(name or None, held or 1.0, needed) is False)
        )
    nothing = 1.0 if hours is None else float("nan")
    return KindFacts(
        is_asked_for=np.array(asked, dtype=np.bool_),
        nodes=np.array(nodes, dtype=np.int64),
        hours=tuple(bands),
        hours_p50=np.array([nothing if band is None else band.p50 for band in bands]),
        hours_p90=np.array([nothing if band is None else band.p90 for band in bands]),
        has_hours=np.array(
            [hours is None or band is not None or not a for band, a in zip(bands, asked, strict=True)],
            dtype=np.bool_,
        ),
        fits=np.array(fitting, dtype=np.bool_),
    )


@lru_cache(maxsize=16384)
def _hold(
    name: str, count: float, accelerators: tuple[tuple[str, float], ...], nodes_min: int, nodes_max: int
) -> tuple[float | None, int]:
    """How many of a machine's accelerators the job would use, and on how many nodes they would be enough.

    None: they are not among those asked for. A job that asks for none in particular uses all there are.
    """
    if not accelerators:
        return count, nodes_min
    if not name:
        return None, 0
    asked = [most for request, most in accelerators if fulfils(request, name)]
    if not asked:
        return None, 0
    least = min(asked)
    if count >= least:
        return least, nodes_min
    # An elastic job is content with the same number of accelerators on more nodes, each with fewer.
    needed = int(-(-(least * nodes_min) // count)) if count else nodes_max + 1
    return count, needed if nodes_max > nodes_min and needed <= nodes_max else 0
