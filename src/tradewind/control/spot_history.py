"""What was seen of spot places: every machine that was had, refused or taken back says whether there was one then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select

from tradewind.db import tables
from tradewind.db.store import Transaction
from tradewind.domain.offers import Market
from tradewind.domain.status import Reason

#: A time, and whether spot could be had there then.
Seen = tuple[datetime, bool]
_OLDEST: Final = timedelta(days=28)
_MOST: Final = 2000


def spot_seen(tx: Transaction) -> dict[str, list[Seen]]:
    """By the name of the place (`place_names.place_name`), the oldest first."""
    table = tables.nodes
    rows = tx.execute(
        select(
            table.c.provider,
            table.c.offer,
            table.c.reason,
            table.c.created_at,
            table.c.accepted_at,
            table.c.ended_at,
        )
        .where(table.c.is_rented.is_(True), table.c.created_at >= tx.now - _OLDEST)
        .order_by(table.c.created_at.desc())
        .limit(_MOST)
    )
    found: dict[str, list[Seen]] = defaultdict(list)
    for row in rows:
        offer: dict[str, Any] = row.offer or {}
        if offer.get("market") != Market.SPOT:
            continue
        where = offer.get("zone") or offer.get("region")
        name = f"{row.provider}/{where}/{offer['instance_type']} ({offer['market']})"
        found[name] += _seen(row.reason, row.created_at, row.accepted_at, row.ended_at)
    return {name: sorted(seen) for name, seen in found.items()}


def _seen(
    reason: str | None, created_at: datetime, accepted_at: datetime | None, ended_at: datetime | None
) -> Iterable[Seen]:
    if accepted_at is not None:
        yield accepted_at, True
    elif reason == Reason.NO_CAPACITY:
        yield created_at, False
    if reason == Reason.RECLAIMED and ended_at is not None:
        yield ended_at, False
