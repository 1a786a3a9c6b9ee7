"""How likely a place is to disappoint, from 0 to 1, and why.

Each risk is a chance of its own; together they are one minus the product of what each leaves. Only the interruption
rate and a provider's own reliability rest on figures; the other weights are ours, stated here, and meant to order
places that cost much the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from tradewind.domain.offer_table import AVAILABILITIES, MARKETS, OfferTable
from tradewind.domain.offers import Availability, Market, Offer
from tradewind.placement.kinds import Floats

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: With checkpoints an interruption costs time, not the work.
_INTERRUPTED_WITH_CHECKPOINTS: Final = 0.5
_ENDLESS: Final = 0.03
_AVAILABILITY: Final = {
    Availability.HIGH: 0.0,
    Availability.MEDIUM: 0.05,
    Availability.LOW: 0.25,
    Availability.UNKNOWN: 0.10,
    Availability.UNAVAILABLE: 1.0,
}
#: A price this old or older may no longer hold; the oldest step that fits counts.
_AGES: Final = ((timedelta(days=365), 0.30), (timedelta(days=30), 0.10), (timedelta(days=7), 0.05))
_NEVER_SEEN: Final = 0.30
_FLAGS: Final = {
    "community": (0.10, "its host is a private one"),
    "unverified": (0.15, "its host is not verified"),
    "spot_equals_on_demand": (0.02, "its spot price is the on-demand price"),
}
_NO_MEMORY: Final = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskTerms:
    """What risks depend on beyond the offer."""

    has_checkpoints: bool = False
    #: Providers where a machine that is lost goes on costing money.
    endless: frozenset[str] = frozenset()
    #: None: the age of prices does not count.
    now: datetime | None = None


def risk_columns(
    table: OfferTable, rows: npt.NDArray[np.intp], *, interruptions: Floats, terms: RiskTerms
) -> Floats:
    """The risk of each of these rows; `interruptions` are how many each expects."""
    number = table.numbers
    share = _INTERRUPTED_WITH_CHECKPOINTS if terms.has_checkpoints else 1.0
    left = 1.0 - share * -np.expm1(-interruptions)
    left *= _lookup([1 - _AVAILABILITY[each] for each in AVAILABILITIES], number["availability"][rows])
    endless = [1 - _ENDLESS if name in terms.endless else 1.0 for name in table.words["provider"]]
    left *= _lookup(endless, table.codes["provider"][rows])
    flags = [
        math.prod(1 - _FLAGS[flag][0] for flag in word.split(",") if flag in _FLAGS)
        for word in table.words["flags"]
    ]
    left *= _lookup(flags, table.codes["flags"][rows])
    said = number["reliability"][rows].astype(np.float64)
    left *= np.where(np.isnan(said), 1.0, said)
    have = number["memory_gib"][rows].astype(np.float32)
    left *= np.where(have > 0, 1.0, 1 - _NO_MEMORY)
    if terms.now is not None:
        left *= 1 - _staleness(number["seen_at"][rows].astype(np.int64), terms.now)
    left = np.where(number["market"][rows] == MARKETS.index(Market.OWNED), np.maximum(left, 0.9), left)
    return np.asarray(1.0 - left)


def explain_risk(offer: Offer, interruptions: float, terms: RiskTerms) -> list[str]:
    """Why a place is risky, in sentences without their full stops."""
    reasons = []
    if interruptions > 0.005:
        chance = -math.expm1(-interruptions)
        reasons.append(f"the cloud takes it back before the end with a chance of {chance:.0%}")
    if offer.reliability is not None and offer.reliability < 0.99:
        reasons.append(f"it is up {offer.reliability:.1%} of the time")
    if offer.market != Market.OWNED and offer.availability is not Availability.HIGH:
        reasons.append(f"its availability is {offer.availability}")
    if offer.provider in terms.endless:
        reasons.append("a machine that is lost there goes on costing money until it is found")
    reasons += [_FLAGS[flag][1] for flag in offer.flags if flag in _FLAGS]
    if terms.now is not None and offer.market != Market.OWNED:
        if offer.seen_at is None:
            reasons.append("nobody knows how old its price is")
        elif (age := terms.now - offer.seen_at) >= _AGES[-1][0]:
            reasons.append(f"its price is {age.days} days old")
    if not offer.memory_bytes:
        reasons.append("nobody says how much memory it has")
    return reasons


def _lookup(by_code: list[float], codes: npt.NDArray[np.generic]) -> Floats:
    return np.array(by_code, dtype=np.float64)[codes.astype(np.intp)]


def _staleness(seen_at: npt.NDArray[np.int64], now: datetime) -> Floats:
    age = (now - _EPOCH) // timedelta(microseconds=1) - seen_at
    risk = np.zeros(len(seen_at))
    for least, weight in reversed(_AGES):
        risk = np.where(age >= least // timedelta(microseconds=1), weight, risk)
    return np.where(seen_at == 0, _NEVER_SEEN, risk)
