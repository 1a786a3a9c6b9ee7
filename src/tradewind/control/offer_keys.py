"""What finds an offer again, in a link or a saved job: its place, type, accelerators and terms between bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.offer_table import MARKETS, OfferTable

_PARTS: Final = ("provider", "region", "zone", "instance_type", "accelerator")


def offer_key(texts: Sequence[str], count: float, market: str) -> str:
    """The key of an offer; `texts` are provider, region, zone, instance type and accelerator."""
    return "|".join(map(_quoted, (*texts, f"{count:g}", market)))


def find_rows(table: OfferTable, keys: Sequence[str]) -> list[int | None]:
    """The row of each key; None: there is no such offer any more.

    Raises:
        InvalidInputError: a key has not the form of one.
    """
    return [_find(table, key) for key in keys]


def _find(table: OfferTable, key: str) -> int | None:
    parts = [_unquoted(part) for part in key.split("|")]
    if len(parts) != len(_PARTS) + 2 or parts[-1] not in [market.value for market in MARKETS]:
        raise InvalidInputError(
            f"offer: {key!r} is not the key of an offer", hint="take it from `key` of /api/v1/offers/explore"
        )
    fits = table.numbers["market"] == [market.value for market in MARKETS].index(parts[-1])
    for name, part in zip(_PARTS, parts, strict=False):
        words = table.words[name]
        fits = fits & (table.codes[name] == (words.index(part) if part in words else -1))
    counts = table.numbers["accelerator_count"]
    return next((row for row in np.flatnonzero(fits).tolist() if f"{counts[row]:g}" == parts[-2]), None)


def _quoted(part: str) -> str:
    return part.replace("%", "%25").replace("|", "%7C")


def _unquoted(part: str) -> str:
    return part.replace("%7C", "|").replace("%25", "%")
