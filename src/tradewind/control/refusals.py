"""Places that said no a short while ago. They are left out of plans until some time has passed.

A place without capacity is asked again after two minutes, then four, and so on up to an hour. A quota is the account's:
it holds for every zone of the region. What is wrong with the account itself holds for all that the provider has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select, update

from tradewind.db import tables
from tradewind.db.store import Transaction
from tradewind.domain.errors import ProviderFault
from tradewind.domain.offers import Market, Offer

_FIRST_PAUSE: Final[dict[ProviderFault, timedelta]] = {
    ProviderFault.CAPACITY: timedelta(minutes=2),
    ProviderFault.QUOTA: timedelta(minutes=10),
    ProviderFault.BALANCE: timedelta(minutes=5),
    ProviderFault.CREDENTIALS: timedelta(minutes=5),
    ProviderFault.PERMISSION: timedelta(minutes=10),
    ProviderFault.INVALID: timedelta(minutes=30),
}
_USUAL_PAUSE: Final = timedelta(minutes=2)
_LONGEST_PAUSE: Final = timedelta(hours=1)
#: A place that was not refused for so long begins anew.
_FORGOTTEN_AFTER: Final = timedelta(hours=2)
_ACCOUNT: Final = frozenset({ProviderFault.BALANCE, ProviderFault.CREDENTIALS, ProviderFault.PERMISSION})
_ANY: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A no, and until when it is believed. An empty region, zone, type or market stands for all of them."""

    provider: str
    region: str
    zone: str
    instance_type: str
    market: str
    fault: str
    message: str
    until: datetime

    def concerns(self, offer: Offer) -> bool:
        """True if the offer is one that was refused."""
        return (
            self.provider == offer.provider
            and self.region in (_ANY, offer.region)
            and self.zone in (_ANY, offer.zone or _ANY)
            and self.instance_type in (_ANY, offer.instance_type)
            and self.market in (_ANY, offer.market)
        )


def note_refusal(tx: Transaction, offer: Offer, fault: ProviderFault, message: str) -> datetime:
    """Remembers that a place said no. Returns until when it is left alone."""
    place = _scope(offer, fault)
    table = tables.refusals
    here = [table.c[name] == value for name, value in place.items()]
    found = select(table.c["count"], table.c.refused_at).where(*here).with_for_update()
    known = tx.execute(found).first()
    count = 1
    if known is not None and tx.now - known[1] < _FORGOTTEN_AFTER:
        count = int(known[0]) + 1
    pause: timedelta = min(_FIRST_PAUSE.get(fault, _USUAL_PAUSE) * 2 ** min(count - 1, 10), _LONGEST_PAUSE)
    values = {
        "fault": fault.value, "message": message[:500], "count": count, "refused_at": tx.now, "until": tx.now + pause,
    }  # fmt: skip
    if known is None:
        tx.execute(insert(table).values(**place, **values))
    else:
        tx.execute(update(table).where(*here).values(**values))
    return tx.now + pause


def forgive(tx: Transaction, offer: Offer) -> None:
    """Forgets what an offer was refused for: there it is."""
    table = tables.refusals
    place = _scope(offer, ProviderFault.CAPACITY)
    tx.execute(delete(table).where(*[table.c[name] == value for name, value in place.items()]))


def live_refusals(tx: Transaction) -> list[Refusal]:
    """Every refusal that is still believed."""
    table = tables.refusals
    rows = tx.execute(select(table).where(table.c.until > tx.now))
    return [
        Refusal(
            provider=row.provider, region=row.region, zone=row.zone, instance_type=row.instance_type,
            market=row.market, fault=row.fault, message=row.message, until=row.until,
        )
        for row in rows
    ]  # fmt: skip


def without_refused(offers: Iterable[Offer], refusals: list[Refusal]) -> list[Offer]:
    """The offers that nobody has refused lately."""
    return [offer for offer in offers if not any(each.concerns(offer) for each in refusals)]


def _scope(offer: Offer, fault: ProviderFault) -> dict[str, str]:
    if fault in _ACCOUNT:
        return {"provider": offer.provider} | dict.fromkeys(
            ("region", "zone", "instance_type", "market"), _ANY
        )
    zone = _ANY if fault is ProviderFault.QUOTA else offer.zone or _ANY
    return {
        "provider": offer.provider, "region": offer.region, "zone": zone, "instance_type": offer.instance_type,
        "market": offer.market,
    }  # fmt: skip


def as_they_are(market: Sequence[Offer], refusals: Sequence[Refusal]) -> list[Offer]:
    """The market as it is known to be: spot places that said no a while ago are not to be had, others are left out."""
    found = []
    for offer in market:
        if not any(each.concerns(offer) for each in refusals):
            found.append(offer)
        elif offer.market == Market.SPOT:
            found.append(replace(offer, is_available=False))
    return found
