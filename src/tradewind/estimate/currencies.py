"""Rates for showing dollars in another currency, from a dated table that ships. Nothing is charged by them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from tradewind.estimate.tables import read_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency:
    """Dollars per unit, with the source and date of the rate; `is_assumed` where nobody has looked it up."""

    code: str
    usd_per_unit: Decimal
    source: str
    as_of: str
    is_assumed: bool


@cache
def known_currencies() -> dict[str, Currency]:
    """Every currency with a rate, by its three letters."""
    return {
        row["currency"]: Currency(
            code=row["currency"],
            usd_per_unit=Decimal(row["usd"]),
            source=row["source"],
            as_of=row["as_of"],
            is_assumed=row["is_assumed"] == "yes",
        )
        for row in read_rows("exchange_rates.csv")
    }
