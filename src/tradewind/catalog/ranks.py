"""Which source is believed when several know the same offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: Sources that read what ships with Tradewind and never ask anybody.
SHIPPED: Final = frozenset({"shipped", "reference-2024"})
#: Their offers count only where nothing fresher is known of the same accelerator at the same provider.
LAST_RESORT: Final = frozenset({"reference-2024"})
#: Sources that gather other people's lists.
SECOND_HAND: Final = frozenset({"gpuhunt"})
#: `settings["format"]` of a source that a user imported, by whether the prices are the user's own.
PRICE_FILE: Final = "price-file"
SKYPILOT: Final = "skypilot"

_OWN_PRICES, _IMPORTED, _PROVIDER, _GATHERED, _SHIPPED_TABLE = range(5)


def rank_of(name: str, settings: Mapping[str, Any]) -> int:
    """Lower is believed more, where two sources are equally fresh."""
    form = settings.get("format")
    if form == PRICE_FILE:
        return _OWN_PRICES
    if form is not None:
        return _IMPORTED
    if name in SHIPPED:
        return _SHIPPED_TABLE
    return _GATHERED if name in SECOND_HAND else _PROVIDER


def has_own_prices(rank: int) -> bool:
    """True for a user's own price file. What was negotiated holds however fresh the public price is."""
    return rank == _OWN_PRICES


def asks_sellers(rank: int) -> bool:
    """True if a source says what is sold now: a provider's own list, or one that gathers such lists."""
    return rank in {_PROVIDER, _GATHERED}


def ships(rank: int) -> bool:
    """True for the tables that ship with Tradewind, whose prices are of a day long ago."""
    return rank == _SHIPPED_TABLE
