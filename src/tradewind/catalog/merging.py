"""One table from what several sources say: of each offer, what the best of them says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from tradewind.catalog.identity import ANYWHERE_IN_REGION, has_real_price, keys_of
from tradewind.catalog.ranks import LAST_RESORT, SHIPPED, asks_sellers, has_own_prices
from tradewind.domain.offer_table import OfferTable

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOBODY: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one source says, with its rank (lower is believed more) and when it said so."""

    name: str
    rank: int
    fetched_at: datetime | None
    table: OfferTable

    def dated(self) -> OfferTable:
        """The offers, those without a date of their own with that of the fetch."""
        if self.fetched_at is None:
            return self.table
        seen_at = np.asarray(self.table.numbers["seen_at"], dtype=np.int64)
        fetched = (self.fetched_at - _EPOCH) // timedelta(microseconds=1)
        return self.table.with_numbers(seen_at=np.where(seen_at == 0, fetched, seen_at))


def merge(parts: Sequence[Part]) -> OfferTable:
    """Every offer once, as the freshest source has it; of equally fresh ones the one with the lower rank.

    A user's own price file goes before everything: what was negotiated does not age. What ships gives way wherever a
    later answer of a seller names a real price of that accelerator on those terms, in whatever place and under whatever
    name: machines that the answer no longer has are gone, not cheap. One source's offers of a whole
    region stand for another's of the region's zones, and the other way round. What is a last resort is kept only
    where no other source knows a real price of that accelerator at that provider. The same source may have several
    machines on the same terms; they are all kept.
    """
    whole = OfferTable.concat([part.dated() for part in parts])
    owner = np.repeat(np.arange(len(parts)), [len(part.table) for part in parts])
    keep = np.ones(len(whole), dtype=np.bool_)
    if len(parts) > 1:
        ranks = np.array([part.rank for part in parts])[owner]
        is_own = np.array([has_own_prices(part.rank) for part in parts], dtype=np.bool_)[owner]
        seen_at = np.asarray(whole.numbers["seen_at"], dtype=np.int64)
        order = np.lexsort((owner, ranks, -seen_at, ~is_own))
        place = np.empty(len(whole), dtype=np.int64)
        place[order] = np.arange(len(whole))
        keep &= _is_best(keys_of(whole), owner, place)
        keep = _is_best_of_region(whole, owner, place, keep)
        keep &= ~_has_better_than_last_resort(whole)
        sellers = np.array([asks_sellers(part.rank) for part in parts], dtype=np.bool_)
        keep &= ~_is_overtaken(whole, sellers[owner])
    return whole if keep.all() else whole.take(keep)


def _is_best(
    keys: npt.NDArray[np.int64], owner: npt.NDArray[np.intp], place: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Per row whether its source has the first place among the rows of the same key."""
    _, group = np.unique(keys, return_inverse=True)
    first = np.full(int(group.max(initial=-1)) + 1, _NOBODY, dtype=np.int64)
    np.minimum.at(first, group, place)
    winner = np.empty(len(place), dtype=owner.dtype)
    winner[place] = owner
    return np.asarray(winner[first[group]] == owner, dtype=np.bool_)


def _is_best_of_region(
    table: OfferTable,
    owner: npt.NDArray[np.intp],
    place: npt.NDArray[np.int64],
    is_kept: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Per row of those kept so far whether no better one names the same offer without a zone where it names one, or
    the reverse. What has already given way pushes out nothing."""
    _, group = np.unique(keys_of(table, ANYWHERE_IN_REGION), return_inverse=True)
    has_zone = table.codes["zone"] != table.words["zone"].index("")
    is_best = is_kept.copy()
    count = int(group.max(initial=-1)) + 1
    winner = np.empty(len(place), dtype=owner.dtype)
    winner[place] = owner
    # Regions first, so that a region that has given way to some of its zones does not push out the others.
    for mine, others in ((~has_zone, has_zone), (has_zone, ~has_zone)):
        others = others & is_best
        first = np.full(count, _NOBODY, dtype=np.int64)
        np.minimum.at(first, group[others], place[others])
        rows = np.flatnonzero(mine & is_best & (first[group] != _NOBODY))
        rival = first[group[rows]]
        is_best[rows] = (place[rows] < rival) | (owner[rows] == winner[rival])
    return is_best


def _has_better_than_last_resort(table: OfferTable) -> npt.NDArray[np.bool_]:
    """Per row whether it is a last resort and not needed."""
    codes = [code for code, word in enumerate(table.words["source"]) if word in LAST_RESORT]
    is_last = np.isin(table.codes["source"], codes)
    if not is_last.any():
        return is_last
    keys = keys_of(table, ("provider", "accelerator"))
    known = np.unique(keys[~is_last & has_real_price(table)])
    return np.asarray(is_last & np.isin(keys, known), dtype=np.bool_)


def _is_overtaken(table: OfferTable, is_of_seller: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Per row whether it ships, and a seller has said since what that accelerator costs on those terms."""
    codes = [code for code, word in enumerate(table.words["source"]) if word in SHIPPED]
    is_shipped = np.isin(table.codes["source"], codes) & ~is_of_seller
    if not is_shipped.any():
        return is_shipped
    said = np.flatnonzero(is_of_seller & has_real_price(table))
    _, group = np.unique(keys_of(table, ("provider", "accelerator", "market")), return_inverse=True)
    seen_at = np.asarray(table.numbers["seen_at"], dtype=np.int64)
    latest = np.full(int(group.max(initial=-1)) + 1, np.iinfo(np.int64).min)
    np.maximum.at(latest, group[said], seen_at[said])
    return np.asarray(is_shipped & (latest[group] > seen_at), dtype=np.bool_)
