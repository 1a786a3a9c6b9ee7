"""What prices were: what changed, and the course of a price over time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, ClassVar, Final, Literal, Self

from sqlalchemy import ColumnElement, Row, Table, func, or_, select

from tradewind.db import price_tables
from tradewind.db.owners import Caller
from tradewind.db.price_rows import open_to
from tradewind.db.store import Transaction
from tradewind.hardware.names import fulfils

_COLUMNS: Final = (
    "position",
    "provider",
    "region",
    "zone",
    "instance_type",
    "accelerator",
    "accelerator_count",
    "market",
    "price_micro",
    "previous_micro",
    "availability",
    "seen_at",
)
#: As `query` orders them: what nobody knows may still be had.
_BEST_FIRST: Final = ("high", "medium", "unknown", "low", "unavailable")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: The most changes that one course is computed from.
MOST_CHANGES: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFilter:
    """Which prices. Empty and None: all. `accelerators` as in a job file: `A100` is any A100."""

    accelerators: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    instance_types: tuple[str, ...] = ()
    markets: tuple[str, ...] = ()
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """One thing that happened to the price of one offer. Prices are micro-dollars per hour of the whole machine.

    `price_micro` None: the offer was gone. `previous_micro` None: it was new.
    """

    table: ClassVar[Table] = price_tables.price_changes
    position: int
    source: str
    provider: str
    region: str
    zone: str
    instance_type: str
    accelerator: str
    accelerator_count: float
    market: str
    price_micro: int | None
    previous_micro: int | None
    availability: str
    seen_at: datetime

    @classmethod
    def of(cls, row: Row[*tuple[Any, ...]]) -> Self:
        """A value from a row of `_statement`."""
        values = dict(zip((*_COLUMNS, "source"), row, strict=True))
        values["source"] = values["source"].partition("@")[0]
        return cls(**values)

    @property
    def reading(self) -> Literal["new", "gone", "rose", "fell", "availability"]:
        """new | gone | rose | fell | availability."""
        if self.price_micro is None:
            return "gone"
        if self.previous_micro is None:
            return "new"
        if self.price_micro == self.previous_micro:
            return "availability"
        return "rose" if self.price_micro > self.previous_micro else "fell"

    @property
    def per_cent(self) -> float | None:
        """By how much it rose, or fell if negative; None where there is nothing to compare."""
        if self.price_micro is None or not self.previous_micro:
            return None
        return 100.0 * (self.price_micro - self.previous_micro) / self.previous_micro

    @property
    def per_accelerator_micro(self) -> float | None:
        """The price of one accelerator; None without a price, or without accelerators."""
        if self.price_micro is None or self.accelerator_count <= 0:
            return None
        return self.price_micro / self.accelerator_count

    @property
    def series(self) -> tuple[Any, ...]:
        """What changes of the same offer at the same source have in common."""
        return (
            self.source, self.provider, self.region, self.zone, self.instance_type, self.accelerator,
            self.accelerator_count, self.market,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class BandPoint:
    """What one accelerator cost per hour at one time, over all offers there were then; None: there were none."""

    at: datetime
    offers: int
    min_micro: float | None
    median_micro: float | None
    max_micro: float | None
    #: The best that any offer there was said of being had then; None: there was none.
    availability: str | None = None


def changes(
    tx: Transaction, caller: Caller, wanted: HistoryFilter, limit: int, before: int | None = None
) -> list[PriceChange]:
    """The newest changes first, those of the position `before` and later left out."""
    table = price_tables.price_changes
    statement = _statement(tx, caller, wanted).order_by(table.c.position.desc()).limit(limit)
    if before is not None:
        statement = statement.where(table.c.position < before)
    if wanted.since is not None:
        statement = statement.where(table.c.seen_at > wanted.since)
    return [PriceChange.of(row) for row in tx.execute(statement)]


def changes_in_order(tx: Transaction, caller: Caller, wanted: HistoryFilter, limit: int) -> list[PriceChange]:
    """The changes in the order of time, the newest `limit` of them.

    Those before `wanted.since` too: what held then was said earlier.
    """
    table = price_tables.price_changes
    newest = _statement(tx, caller, wanted).order_by(table.c.seen_at.desc(), table.c.position.desc())
    found = [PriceChange.of(row) for row in tx.execute(newest.limit(limit))]
    found.reverse()
    return found


def export_page(
    tx: Transaction, caller: Caller, wanted: HistoryFilter, after: int, limit: int
) -> list[PriceChange]:
    """Changes with positions above `after`, in the order in which they were written."""
    table = price_tables.price_changes
    statement = _statement(tx, caller, wanted).where(table.c.position > after)
    return [PriceChange.of(row) for row in tx.execute(statement.order_by(table.c.position).limit(limit))]


def band(found: Sequence[PriceChange], start: datetime, end: datetime, buckets: int) -> list[BandPoint]:
    """The course of the price of one accelerator, from changes in the order of time.

    At `buckets` times, the last of them `end`, over what every offer cost at that moment.
    """
    step = (end - start) / buckets
    current: dict[tuple[Any, ...], float] = {}
    levels: dict[tuple[Any, ...], str] = {}
    points, place = [], 0
    for number in range(1, buckets + 1):
        at = end if number == buckets else start + step * number
        while place < len(found) and found[place].seen_at <= at:
            change = found[place]
            price = change.per_accelerator_micro
            if change.price_micro is None:
                levels.pop(change.series, None)
            else:
                levels[change.series] = change.availability
            if price is None or change.availability == "unavailable":
                current.pop(change.series, None)
            else:
                current[change.series] = price
            place += 1
        best = min(levels.values(), key=_BEST_FIRST.index, default=None)
        points.append(replace(_point(at, current.values()), availability=best))
    return points


def series_of(found: Iterable[PriceChange]) -> Iterator[list[PriceChange]]:
    """The changes offer by offer, each in the order of time; those that changed last come first."""
    by_offer: dict[tuple[Any, ...], list[PriceChange]] = {}
    for change in found:
        by_offer.setdefault(change.series, []).append(change)
    yield from sorted(by_offer.values(), key=lambda each: each[-1].seen_at, reverse=True)


def span_of(found: Sequence[PriceChange], wanted: HistoryFilter, now: datetime) -> tuple[datetime, datetime]:
    """From when to when a course is drawn: as asked, else from the first change until now."""
    # Nothing was recorded before the epoch, and a day before the first day of the calendar there is none.
    end = max(wanted.until or now, _EPOCH)
    start = wanted.since or (found[0].seen_at if found else end - timedelta(days=1))
    return (start, end) if start < end else (end - timedelta(seconds=1), end)


def _point(at: datetime, prices: Iterable[float]) -> BandPoint:
    values = list(prices)
    if not values:
        return BandPoint(at=at, offers=0, min_micro=None, median_micro=None, max_micro=None)
    return BandPoint(
        at=at,
        offers=len(values),
        min_micro=min(values),
        median_micro=median(values),
        max_micro=max(values),
    )


def _statement(tx: Transaction, caller: Caller, wanted: HistoryFilter) -> Any:
    table, sources = price_tables.price_changes, price_tables.price_sources
    columns = (*(table.c[name] for name in _COLUMNS), sources.c.name)
    statement = (
        select(*columns)
        .join(sources, sources.c.id == table.c.source_id)
        .where(*_conditions(tx, caller, wanted))
    )
    if wanted.source is not None:
        names = (wanted.source, f"{wanted.source}@{caller.project_id}")
        statement = statement.where(sources.c.name.in_(names))
    return statement


def _conditions(tx: Transaction, caller: Caller, wanted: HistoryFilter) -> list[ColumnElement[bool]]:
    table = price_tables.price_changes
    found = [open_to(caller, table)]
    for name, values in (
        ("provider", wanted.providers),
        ("instance_type", wanted.instance_types),
        ("market", wanted.markets),
    ):
        if values:
            found.append(table.c[name].in_(values))
    if wanted.regions:
        patterns = [_like(region) for region in wanted.regions]
        found.append(or_(*(func.lower(table.c.region).like(each, escape="\\") for each in patterns)))
    if wanted.accelerators:
        known = tx.execute(select(table.c.accelerator).distinct()).scalars()
        fitting = [key for key in known if any(fulfils(name, key) for name in wanted.accelerators)]
        found.append(table.c.accelerator.in_(fitting))
    if wanted.until is not None:
        found.append(table.c.seen_at <= wanted.until)
    return found


def _like(region: str) -> str:
    """A pattern with `*` and `?` as SQL has it."""
    quoted = region.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return quoted.replace("*", "%").replace("?", "_")
