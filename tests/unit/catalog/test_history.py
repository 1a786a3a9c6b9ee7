"""Snapshots and history as the database keeps them, and the shelf that serves them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from tests.unit.conftest import HandClock
from tests.unit.offers_for_tests import an_offer
from tradewind.catalog.comparing import Difference, compare
from tradewind.catalog.history import HistoryFilter, band, changes, changes_in_order, export_page
from tradewind.catalog.shelf import Catalog
from tradewind.catalog.snapshot import read_snapshot, write_snapshot
from tradewind.db import price_tables, tables
from tradewind.db.owners import Caller
from tradewind.db.price_rows import PriceSourceRow
from tradewind.db.rows import StaleRowError
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain import ids
from tradewind.domain.errors import NotFoundError
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Offer


async def inline(fn: Any, *args: Any, **kwargs: Any) -> Any:
    return fn(*args, **kwargs)


async def a_source(
    store: SqlStore, name: str, project_id: str | None = None, settings: dict[str, Any] | None = None
) -> PriceSourceRow:
    def write(tx: Transaction) -> PriceSourceRow:
        source_id = tx.new_id(ids.PRICE_SOURCE)
        tx.execute(
            insert(price_tables.price_sources).values(
                id=source_id, name=name, project_id=project_id, settings=settings or {}, created_at=tx.now
            )
        )
        return PriceSourceRow.get(tx, source_id)

    return await store.run(write)


def _said(tx: Transaction, source: PriceSourceRow, offers: list[Offer]) -> tuple[int, Difference]:
    version, packed = read_snapshot(tx, source.id)
    before = None if packed is None else OfferTable.from_bytes(packed)
    return version, compare(before, OfferTable.of(offers), name=source.name, asked_at=tx.now)


async def say(store: SqlStore, source: PriceSourceRow, *offers: Offer) -> int:
    """The source answers."""

    def write(tx: Transaction) -> int:
        version, difference = _said(tx, source, list(offers))
        return write_snapshot(
            tx, source, difference, version=version, fetched_at=tx.now, packed=difference.table.to_bytes()
        )

    return await store.run(write)


def live(price: float | None, **values: Any) -> Offer:
    return an_offer(price, **{"seen_at": None, "source": "live", **values})


async def _rows(store: SqlStore) -> int:
    return await store.read(
        lambda tx: int(tx.execute(select(func.count()).select_from(price_tables.price_changes)).scalar_one())
    )


async def test_an_unchanged_answer_appends_nothing_and_is_fresh(
    store: SqlStore, clock: HandClock, caller: Caller
) -> None:
    source = await a_source(store, "list")
    assert await say(store, source, live(2.0)) == 1
    clock.advance(3600)
    assert await say(store, source, live(2.0)) == 1
    assert await _rows(store) == 1
    table = await Catalog(store, inline).table(caller)
    assert table.offer(0).seen_at == clock.time


async def test_nothing_is_ever_overwritten(store: SqlStore, clock: HandClock, caller: Caller) -> None:
    source = await a_source(store, "list")
    for price in (2.0, 2.5, None, 1.0):
        await say(store, source, *([] if price is None else [live(price)]))
        clock.advance(60)
    found = await store.read(lambda tx: changes(tx, caller, HistoryFilter(), 10))
    assert [(each.reading, each.per_cent) for each in found] == [
        ("new", None), ("gone", None), ("rose", 25.0), ("new", None),
    ]  # fmt: skip
    assert [each.position for each in found] == [4, 3, 2, 1]


async def test_a_snapshot_that_was_replaced_meanwhile_is_not_replaced_again(store: SqlStore) -> None:
    source = await a_source(store, "list")
    version, difference = await store.read(lambda tx: _said(tx, source, [live(2.0)]))
    await say(store, source, live(3.0))
    with pytest.raises(StaleRowError):
        await store.run(
            lambda tx: write_snapshot(
                tx, source, difference, version=version, fetched_at=tx.now, packed=difference.table.to_bytes()
            )
        )
    assert await _rows(store) == 1


async def test_a_crash_before_the_commit_leaves_neither_snapshot_nor_history(store: SqlStore) -> None:
    source = await a_source(store, "list")

    def die(tx: Transaction) -> None:
        version, difference = _said(tx, source, [live(2.0)])
        write_snapshot(
            tx, source, difference, version=version, fetched_at=tx.now, packed=difference.table.to_bytes()
        )
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        await store.run(die)
    assert await _rows(store) == 0
    assert await store.read(lambda tx: read_snapshot(tx, source.id)) == (0, None)


async def _stranger(store: SqlStore, caller: Caller) -> Caller:
    def add(tx: Transaction) -> Caller:
        project_id = tx.new_id(ids.PROJECT)
        tx.execute(
            insert(tables.projects).values(
                id=project_id, team_id=caller.team_id, name="other", created_at=tx.now
            )
        )
        return Caller(
            user_id=caller.user_id, user_name=caller.user_name, team_id=caller.team_id,
            team_name=caller.team_name, project_id=project_id, project_name="other",
        )  # fmt: skip

    return await store.run(add)


async def test_an_imported_source_is_seen_by_its_project_alone(store: SqlStore, caller: Caller) -> None:
    stranger = await _stranger(store, caller)
    own = await a_source(store, f"mine@{caller.project_id}", caller.project_id, {"format": "price-file"})
    await say(store, own, live(1.0))
    await say(store, await a_source(store, "list"), live(2.0), live(3.0, region="eu"))
    catalog = Catalog(store, inline)

    async def prices(who: Caller, source: str | None = None) -> list[int]:
        return sorted((await catalog.table(who, source)).numbers["price_micro"].tolist())

    assert await prices(caller) == [1_000_000, 3_000_000]
    assert await prices(stranger) == [2_000_000, 3_000_000]
    assert await prices(caller, "list") == [2_000_000, 3_000_000]
    assert await prices(caller, "mine") == [1_000_000]
    with pytest.raises(NotFoundError, match="mine"):
        await prices(stranger, "mine")
    assert (await _seen_by(store, caller), await _seen_by(store, stranger)) == (3, 2)


async def _seen_by(store: SqlStore, who: Caller) -> int:
    listed = await store.read(lambda tx: changes(tx, who, HistoryFilter(), 10))
    exported = await store.read(lambda tx: export_page(tx, who, HistoryFilter(), 0, 10))
    assert listed == exported[::-1]
    return len(listed)


async def test_the_shelf_serves_what_another_process_wrote(store: SqlStore, caller: Caller) -> None:
    source = await a_source(store, "list")
    catalog = Catalog(store, inline)
    assert len(await catalog.table(caller)) == 0
    await say(store, source, live(2.0))
    first = await catalog.table(caller)
    assert len(first) == 1
    assert await catalog.table(caller) is first
    await say(store, source, live(2.0), live(3.0, region="eu"))
    assert len(await catalog.table(caller)) == 2


async def test_an_unreadable_snapshot_hides_its_source_alone(store: SqlStore, caller: Caller) -> None:
    broken = await a_source(store, "broken")
    await say(store, broken, live(1.0))
    await say(store, await a_source(store, "list"), live(2.0))
    table = price_tables.price_sources
    await store.run(
        lambda tx: (
            tx.execute(update(table).where(table.c.id == broken.id).values(snapshot=b"nonsense")) and None
        )
    )
    assert (await Catalog(store, inline).table(caller)).numbers["price_micro"].tolist() == [2_000_000]


async def test_a_source_within_a_source_is_found_by_its_name(store: SqlStore, caller: Caller) -> None:
    shipped = await a_source(store, "shipped")
    await say(store, shipped, live(2.0, source="old-list"), live(3.0, region="eu"))
    catalog = Catalog(store, inline)
    assert len(await catalog.table(caller, "old-list")) == 1
    assert len(await catalog.table(caller, "shipped")) == 2


async def test_the_band_has_gaps_where_nothing_was_to_be_had(
    store: SqlStore, clock: HandClock, caller: Caller
) -> None:
    source, start = await a_source(store, "list"), clock.time
    eight = live(16.0, count=8, region="eu", instance_type="eight")
    for offers in ([live(2.0), eight], [live(3.0), eight], [], [live(1.0)]):
        await say(store, source, *offers)
        clock.advance(3600)
    wanted = HistoryFilter(accelerators=("A100",))
    found = await store.read(lambda tx: changes_in_order(tx, caller, wanted, 100))
    points = band(found, start - timedelta(minutes=90), start + timedelta(minutes=210), 5)
    assert [(each.offers, each.min_micro, each.median_micro, each.max_micro) for each in points] == [
        (0, None, None, None),
        (2, 2_000_000, 2_000_000, 2_000_000),
        (2, 2_000_000, 2_500_000, 3_000_000),
        (0, None, None, None),
        (1, 1_000_000, 1_000_000, 1_000_000),
    ]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (HistoryFilter(accelerators=("A100",)), 2),
        (HistoryFilter(accelerators=("A10",)), 1),
        (HistoryFilter(regions=("EU_*",)), 1),
        (HistoryFilter(regions=("eu?",)), 0),
        (HistoryFilter(providers=("vast",)), 1),
        (HistoryFilter(markets=("spot",)), 0),
        (HistoryFilter(instance_types=("gpu_1x_a100",)), 3),
        (HistoryFilter(source="list"), 3),
        (HistoryFilter(source="other"), 0),
    ],
)
async def test_history_is_filtered(
    store: SqlStore, caller: Caller, wanted: HistoryFilter, count: int
) -> None:
    await say(
        store,
        await a_source(store, "list"),
        live(2.0),
        live(2.0, region="eu_1%", provider="vast"),
        live(1.0, accelerator="A10", accelerator_memory_gb=24.0),
    )
    assert len(await store.read(lambda tx: changes(tx, caller, wanted, 10))) == count
