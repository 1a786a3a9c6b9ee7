"""Prices of a user's own, one by one: shown, added, removed. Files of them are imported by `price_desk`.

What is added by itself lies in an import of its own, which is written anew as a whole each time.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from tradewind.catalog.ranks import PRICE_FILE
from tradewind.catalog.snapshot import compare_and_pack
from tradewind.control.money_views import money_view
from tradewind.control.offer_names import resolve_providers
from tradewind.control.price_desk import read_import, source_view, stored_import, write_import
from tradewind.db import price_tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.price_rows import PriceSourceRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import NotFoundError
from tradewind.domain.money import format_money
from tradewind.domain.offers import Offer
from tradewind.domain.schemas_offers import OwnPricePage, OwnPriceRequest, OwnPriceView, PriceImport
from tradewind.hardware.names import short_name
from tradewind.providers.about import all_abouts

if TYPE_CHECKING:
    from tradewind.domain.offer_table import OfferTable

#: What prices that are added one by one are imported under.
BY_HAND: Final = "by-hand"
_SHOWN: Final = 500
_MARKETS: Final = {"on_demand": "On demand", "spot": "Spot", "reserved": "Reserved", "owned": "Owned"}
_PER: Final = {
    "hour": "price", "accelerator_hour": "price_per_accelerator", "month": "price_per_month", "year": "price_per_year",
}  # fmt: skip
_Stored = list[tuple[PriceSourceRow, bytes]]


def stored_own(tx: Transaction, caller: Caller) -> _Stored:
    """What the caller's project has imported and not withdrawn."""
    table = PriceSourceRow.table
    statement = (
        PriceSourceRow.select()
        .where(visible_to(caller, table), table.c.is_enabled.is_(True))
        .order_by(table.c.name)
    )
    rows = [PriceSourceRow.of(row) for row in tx.execute(statement)]
    sources = price_tables.price_sources
    packed = {
        row.id: row.snapshot
        for row in tx.execute(
            select(sources.c.id, sources.c.snapshot).where(sources.c.id.in_([row.id for row in rows]))
        )
    }
    return [(row, packed[row.id]) for row in rows if packed.get(row.id)]


def own_price_page(stored: _Stored) -> OwnPricePage:
    """What was imported, price by price. For a worker thread."""
    items: list[OwnPriceView] = []
    total = 0
    for row, packed in stored:
        table = _table(packed)
        total += len(table)
        if len(items) < _SHOWN:
            rows = range(min(len(table), _SHOWN - len(items)))
            items += [_view(offer, row.title) for offer in table.offers(rows)]
    items.sort(key=lambda each: (not each.can_remove, each.provider_title, each.machine, each.place))
    return OwnPricePage(
        items=items,
        is_cut=total > len(items),
        total=total,
        files=[source_view(row, "imported") for row, _ in stored if row.title != BY_HAND],
    )


def order_of(request: OwnPriceRequest) -> PriceImport:
    """The request as a price file with one price in it."""
    (provider,) = resolve_providers([request.provider])
    row: dict[str, Any] = {
        "provider": provider,
        "region": request.region or None,
        "instance_type": request.instance_type,
        "accelerator": request.accelerator,
        "count": request.count if request.accelerator else None,
        "accelerator_memory": _gb(request.accelerator_memory_gb),
        "cpus": request.cpus,
        "memory": _gb(request.memory_gb),
        "market": request.market.value,
        _PER[request.per]: f"{request.price:f}",
    }
    given = {key: value for key, value in row.items() if value is not None}
    content = json.dumps({"version": 1, "offers": [given]}, ensure_ascii=False)
    return PriceImport(name=BY_HAND, format=PRICE_FILE, content=content, filename="price")


def with_price(packed: bytes | None, order: PriceImport, now: datetime) -> tuple[Offer, tuple[Any, bytes]]:
    """The import with this price in it, in the place of the one that it replaces. For a worker thread.

    Raises:
        InvalidInputError: something of the price is wrong.
    """
    (offer,) = read_import(order, now)
    kept = [each for each in _offers(packed) if id_of(each) != id_of(offer)]
    return offer, compare_and_pack(packed, [*kept, offer], BY_HAND, now)


def without_price(packed: bytes | None, price_id: str, now: datetime) -> tuple[Any, bytes]:
    """The import without this price. For a worker thread. Raises NotFoundError."""
    offers = _offers(packed)
    kept = [each for each in offers if id_of(each) != price_id]
    if len(kept) == len(offers):
        raise NotFoundError(
            "there is no such price of your own", hint="prices that came with a file go with the file"
        )
    return compare_and_pack(packed, kept, BY_HAND, now)


def read_by_hand(tx: Transaction, caller: Caller, known: tuple[str, ...]) -> tuple[int, bytes | None]:
    """Version and offers of what was added one by one."""
    return stored_import(tx, caller, BY_HAND, known)


def write_by_hand(
    tx: Transaction, caller: Caller, order: PriceImport, version: int, compared: tuple[Any, bytes]
) -> None:
    """Puts the prices in the place of those before."""
    write_import(tx, caller, order, version, compared)


def view_of(offer: Offer) -> OwnPriceView:
    """A price that was just added."""
    return _view(offer, BY_HAND)


def id_of(offer: Offer) -> str:
    """A short name for the same machine on the same terms, whatever it costs."""
    parts = (
        offer.provider, offer.region, offer.zone or "", offer.instance_type, offer.accelerator or "",
        f"{offer.accelerator_count:g}", offer.market,
    )  # fmt: skip
    return hashlib.sha256("\x00".join(map(str, parts)).encode()).hexdigest()[:16]


def _view(offer: Offer, source: str) -> OwnPriceView:
    about = all_abouts().get(offer.provider)
    micro = None if "no_price" in offer.flags else offer.rate.micro_per_unit
    is_several = offer.accelerator is not None and offer.accelerator_count not in (0, 1)
    name = None if offer.accelerator is None else short_name(offer.accelerator)
    market = str(offer.market)
    return OwnPriceView(
        id=id_of(offer),
        source=source,
        provider=offer.provider,
        provider_title=about.title if about else offer.provider,
        place=offer.zone or offer.region or "anywhere",
        machine=offer.instance_type,
        accelerator=name,
        count=offer.accelerator_count,
        market=market,
        market_title=_MARKETS.get(market, market),
        price=None if micro is None else money_view(micro),
        price_text="no price" if micro is None else f"{format_money(micro)}/h",
        gpu_price_text=f"{format_money(round(micro / offer.accelerator_count))}/GPU-h"
        if micro is not None and is_several
        else None,
        can_remove=source == BY_HAND,
    )


def _table(packed: bytes) -> OfferTable:
    from tradewind.domain.offer_table import OfferTable

    return OfferTable.from_bytes(packed)


def _offers(packed: bytes | None) -> list[Offer]:
    if packed is None:
        return []
    table = _table(packed)
    return table.offers(range(len(table)))


def _gb(value: float | None) -> str | None:
    return None if value is None else f"{value:g}GB"
