"""What changed from one answer of a source to its next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tradewind.catalog.identity import UNAVAILABLE, Keys, has_real_price, keys_of, levels_of
from tradewind.domain.offer_table import AVAILABILITIES, MARKETS, OfferTable

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MARKET_NAMES: Final = tuple(market.value for market in MARKETS)
_LEVEL_NAMES: Final = tuple(level.value for level in AVAILABILITIES)
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A source's new table, and what of its prices is not as it was.

    Only real prices have a history: an offer whose price is unknown or a placeholder is, to it, not there. Several
    machines on the same terms are followed as one, at the price of the cheapest that can be had.
    """

    #: In `seen_at`, 0 stands for the time of the fetch, so that the same answer tomorrow is the same table.
    table: OfferTable
    is_same_table: bool
    _whole: OfferTable
    #: Rows of `_whole`; -1: was not there, or is no more.
    _before: Rows
    _after: Rows

    @property
    def change_count(self) -> int:
        """How many offers are new, gone, or have another price or availability."""
        return len(self._after)

    def changes(self, fetched_at: datetime, at_once: int = 5000) -> Iterator[list[tuple[Any, ...]]]:
        """Values of `snapshot.CHANGE_COLUMNS`, in portions, so that a first import needs little memory."""
        for start in range(0, len(self._after), at_once):
            before, after = self._before[start : start + at_once], self._after[start : start + at_once]
            yield _change_rows(self._whole, before, after, fetched_at)


def compare(previous: OfferTable | None, fetched: OfferTable, *, name: str, asked_at: datetime) -> Difference:
    """What a source's answer changes, the source having been asked at that time."""
    now = _named(fetched, name)
    now = _undated(now, asked_at)
    before = OfferTable.of(()) if previous is None else previous
    whole = OfferTable.concat([before, now])
    keys = keys_of(whole)
    real = has_real_price(whole)
    is_now = np.arange(len(whole)) >= len(before)
    old_keys, old_rows = _cheapest(whole, keys, real & ~is_now)
    new_keys, new_rows = _cheapest(whole, keys, real & is_now)
    _, old_place, new_place = np.intersect1d(old_keys, new_keys, assume_unique=True, return_indices=True)
    prices, levels = whole.numbers["price_micro"], levels_of(whole)
    kept_old, kept_new = old_rows[old_place], new_rows[new_place]
    moved = (prices[kept_old] != prices[kept_new]) | (levels[kept_old] != levels[kept_new])
    gone, added = np.delete(old_rows, old_place), np.delete(new_rows, new_place)
    return Difference(
        table=now,
        is_same_table=previous is not None and previous == now,
        _whole=whole,
        _before=np.concatenate([kept_old[moved], gone, np.full(len(added), -1)]),
        _after=np.concatenate([kept_new[moved], np.full(len(gone), -1), added]),
    )


def _named(table: OfferTable, name: str) -> OfferTable:
    """With the source's own name where an offer says only that it was heard live."""
    words: dict[str, int] = {"": 0}
    places = [
        words.setdefault(name if word == "live" else word, len(words)) for word in table.words["source"]
    ]
    codes = np.array(places, dtype=np.int32)[table.codes["source"]]
    return OfferTable(
        {**table.words, "source": tuple(words)}, {**table.codes, "source": codes}, table.numbers
    )


def _undated(table: OfferTable, asked_at: datetime) -> OfferTable:
    """With 0 in place of the times that only say when the source was asked."""
    seen_at = np.asarray(table.numbers["seen_at"], dtype=np.int64)
    return table.with_numbers(seen_at=np.where(seen_at >= _microseconds(asked_at), 0, seen_at))


def _cheapest(table: OfferTable, keys: Keys, among: npt.NDArray[np.bool_]) -> tuple[Keys, Rows]:
    """The keys of these rows, each once, and of each the cheapest row that can be had."""
    rows = np.flatnonzero(among)
    is_missing = ~np.asarray(table.numbers["is_available"], dtype=np.bool_)[rows]
    order = np.lexsort((table.numbers["price_micro"][rows], is_missing, keys[rows]))
    found, first = np.unique(keys[rows][order], return_index=True)
    return found, rows[order][first]


def _change_rows(table: OfferTable, before: Rows, after: Rows, fetched_at: datetime) -> list[tuple[Any, ...]]:
    rows = np.where(after >= 0, after, before)
    texts = [
        [table.words[name][code] for code in table.codes[name][rows].tolist()]
        for name in ("provider", "region", "zone", "instance_type", "accelerator")
    ]
    is_there = after >= 0
    prices = table.numbers["price_micro"]
    seen_at = np.asarray(table.numbers["seen_at"], dtype=np.int64)[rows]
    has_own_date = is_there & (seen_at != 0)
    levels = np.where(is_there, levels_of(table.take(rows)), UNAVAILABLE)
    return list(
        zip(
            *texts,
            table.numbers["accelerator_count"][rows].tolist(),
            [_MARKET_NAMES[code] for code in table.numbers["market"][rows].tolist()],
            _where(is_there, prices[after].tolist()),
            _where(before >= 0, prices[before].tolist()),
            ["USD"] * len(rows),
            [_LEVEL_NAMES[code] for code in levels.tolist()],
            np.where(has_own_date, seen_at, _microseconds(fetched_at)).tolist(),
            strict=True,
        )
    )


def _where(is_known: npt.NDArray[np.bool_], values: list[Any]) -> list[Any]:
    return [value if known else None for known, value in zip(is_known.tolist(), values, strict=True)]


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)
