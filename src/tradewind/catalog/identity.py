"""What a row is: the same offer as another, at a real price, with so much memory."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tradewind.domain.offer_table import AVAILABILITIES, NO_PRICE, OfferTable
from tradewind.domain.offers import Availability

Keys = npt.NDArray[np.int64]
_LARGEST: Final = 1 << 62
#: The accelerator counts too: some providers sell one machine type with a choice of them.
PLACED: Final = ("provider", "region", "zone", "instance_type", "accelerator", "accelerator_count", "market")
ANYWHERE_IN_REGION: Final = tuple(name for name in PLACED if name != "zone")
NO_REAL_PRICE: Final = ("no_price", "placeholder")
UNAVAILABLE: Final = AVAILABILITIES.index(Availability.UNAVAILABLE)


def keys_of(table: OfferTable, columns: tuple[str, ...] = PLACED) -> Keys:
    """One number per row; rows that agree in these columns, and only those, have the same."""
    key = np.zeros(len(table), dtype=np.int64)
    span = 1
    for name in columns:
        codes, size = _coded(table, name)
        if span * size >= _LARGEST:
            key = np.unique(key, return_inverse=True)[1].astype(np.int64)
            span = int(key.max(initial=0)) + 1
        key = key * size + codes
        span *= size
    return key


def has_real_price(table: OfferTable) -> npt.NDArray[np.bool_]:
    """Per row whether somebody named a price that can be paid."""
    words = table.words["flags"]
    is_odd = np.array([bool(set(word.split(",")) & set(NO_REAL_PRICE)) for word in words], dtype=np.bool_)
    prices = table.numbers["price_micro"]
    return np.asarray((prices != NO_PRICE) & ~is_odd[table.codes["flags"]], dtype=np.bool_)


def levels_of(table: OfferTable) -> npt.NDArray[Any]:
    """Availability per row as a position in `AVAILABILITIES`; what cannot be had is unavailable."""
    return np.where(table.numbers["is_available"], table.numbers["availability"], UNAVAILABLE)


def usable_memory_gb(table: OfferTable) -> npt.NDArray[np.float32]:
    """Per row the memory that a job has of one accelerator, a part of one having that part of it. NaN: not known."""
    count = np.asarray(table.numbers["accelerator_count"], dtype=np.float32)
    memory = np.asarray(table.numbers["accelerator_memory_gb"], dtype=np.float32)
    # A third of 24 GB is 8 GB, whatever the last digits of a third.
    return np.round(memory * np.minimum(count, np.float32(1)), 3)


def _coded(table: OfferTable, name: str) -> tuple[npt.NDArray[Any], int]:
    if name in table.codes:
        return table.codes[name], max(len(table.words[name]), 1)
    values, codes = np.unique(table.numbers[name], return_inverse=True)
    return codes, max(len(values), 1)
