"""What alerts look at: the offers a user may see, and the prices that were recorded of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlalchemy import ColumnElement, and_, func, select

from tradewind.catalog.alert_history import Change, highest, replay
from tradewind.catalog.alert_texts import summarize, tell
from tradewind.catalog.alerts import Place
from tradewind.catalog.ranks import LAST_RESORT, rank_of
from tradewind.control.alert_words import times
from tradewind.db import price_tables
from tradewind.db.owners import Caller
from tradewind.db.price_rows import open_to
from tradewind.db.store import Transaction
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.offers import Availability
from tradewind.domain.schemas_alerts import AlertCondition, PreviewAnswer, PreviewFiring
from tradewind.hardware.names import identify

if TYPE_CHECKING:
    from tradewind.domain.offer_table import OfferTable

#: More than this is not played again at once: the answer would take the server seconds.
MOST_CHANGES: Final = 200_000
_SHOWN: Final = 100


class OfferShelf(Protocol):
    """Where the offers are."""

    async def table(self, caller: Caller) -> OfferTable:
        """Everything that this caller may see."""
        ...


def preview(
    tx: Transaction, caller: Caller, condition: AlertCondition, days: int, most: int = MOST_CHANGES
) -> PreviewAnswer:
    """How often a condition made this many days ago would have fired.

    Raises:
        InvalidInputError: too many changes are recorded for these filters.
    """
    since = tx.now - timedelta(days=days)
    start = since - timedelta(hours=condition.window_hours or 0)
    changes = read_changes(tx, caller, condition, start, most)
    found = replay(changes, condition, since)
    notes = []
    begin = _first_seen(tx, caller, condition)
    if begin is None:
        notes.append("no prices of matching offers are recorded yet")
    elif begin > since:
        notes.append(f"prices of matching offers are recorded since {begin:%Y-%m-%d %H:%M} UTC")
    return PreviewAnswer(
        days=days,
        fired_count=len(found),
        firings=[
            PreviewFiring(at=at, title=tell("preview", condition, finding)[0].removeprefix("preview: "))
            for at, finding in reversed(found[-_SHOWN:])
        ],
        recorded_since=begin,
        change_count=len(changes),
        notes=notes,
        text=_in_words(len(found), days),
        summary=summarize(condition),
    )


def _in_words(count: int, days: int) -> str:
    if not count:
        return f"would not have fired in the last {days} days"
    return f"would have fired {times(count)} in the last {days} days"


def reference(tx: Transaction, caller: Caller, condition: AlertCondition) -> int | None:
    """The highest price of the condition's window, from which a drop is measured; None without a window."""
    if condition.window_hours is None:
        return None
    start = tx.now - timedelta(hours=condition.window_hours)
    return highest(read_changes(tx, caller, condition, start), condition, tx.now)


def read_changes(
    tx: Transaction, caller: Caller, condition: AlertCondition, since: datetime, most: int = MOST_CHANGES
) -> list[Change]:
    """The changes since a time, after how things stood then, in order of time.

    Raises:
        InvalidInputError: there are more than `most` of them.
    """
    table = price_tables.price_changes
    wanted = _wanted(caller, condition)
    offer = (
        table.c.source_id, table.c.provider, table.c.instance_type, table.c.region, table.c.zone, table.c.market,
        table.c.accelerator, table.c.accelerator_count,
    )  # fmt: skip
    last_before = select(func.max(table.c.position)).where(wanted, table.c.seen_at < since).group_by(*offer)
    sources = price_tables.price_sources
    read = select(table, sources.c.name.label("source_name"), sources.c.settings).join_from(
        table, sources, sources.c.id == table.c.source_id
    )
    stood = read.where(table.c.position.in_(last_before), table.c.price_micro.is_not(None))
    changed = read.where(wanted, table.c.seen_at >= since, table.c.seen_at <= tx.now)
    found: list[Change] = []
    for statement in (stood, changed):
        ordered = statement.order_by(table.c.seen_at, table.c.position).limit(most + 1 - len(found))
        found += [_change(row) for row in tx.execute(ordered)]
        if len(found) > most:
            raise InvalidInputError(
                f"more than {most:,} changes of price are recorded for these filters",
                hint="name accelerators or providers, or ask for fewer days",
            )
    return found


def _wanted(caller: Caller, condition: AlertCondition) -> ColumnElement[bool]:
    table, filters = price_tables.price_changes, condition.filters
    parts = [open_to(caller, table)]
    if filters.accelerators:
        parts.append(table.c.accelerator.in_(filters.accelerators))
    if filters.providers:
        parts.append(table.c.provider.in_(filters.providers))
    if filters.markets:
        parts.append(table.c.market.in_([market.value for market in filters.markets]))
    return and_(*parts)


def _first_seen(tx: Transaction, caller: Caller, condition: AlertCondition) -> datetime | None:
    table = price_tables.price_changes
    statement = select(func.min(table.c.seen_at, type_=table.c.seen_at.type)).where(
        _wanted(caller, condition)
    )
    found: datetime | None = tx.execute(statement).scalar()
    return found


def _change(row: Any) -> Change:
    # A source that was imported for a project has that behind its name.
    name = row.source_name.partition("@")[0]
    return Change(
        source_id=row.source_id,
        place=Place(
            provider=row.provider,
            region=row.region,
            zone=row.zone,
            instance_type=row.instance_type,
            market=row.market,
            accelerator=row.accelerator,
            accelerator_count=row.accelerator_count,
        ),
        price_micro=row.price_micro,
        availability=Availability(row.availability),
        seen_at=row.seen_at,
        memory_gb=_memory_of(row.accelerator),
        rank=rank_of(name, row.settings),
        is_last_resort=name in LAST_RESORT,
    )


@cache
def _memory_of(accelerator: str) -> float | None:
    model = identify(accelerator).model if accelerator else None
    return None if model is None else float(model.memory_gb)
