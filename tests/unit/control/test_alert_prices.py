"""What the catalogue writes down is what alerts and previews read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from tests.simulation.clocks import inline
from tests.unit.catalog.offers_for_tests import offer
from tests.unit.conftest import HandClock
from tradewind.catalog.alerts import AlertState, look, see
from tradewind.catalog.comparing import compare
from tradewind.catalog.shelf import Catalog
from tradewind.catalog.snapshot import read_snapshot, write_snapshot
from tradewind.control.alert_prices import preview, reference
from tradewind.db import price_tables
from tradewind.db.owners import Caller
from tradewind.db.price_rows import PriceSourceRow
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Availability, Offer
from tradewind.domain.schemas_alerts import AlertCondition

DOLLAR = 1_000_000


async def add_source(store: SqlStore, source_id: str, name: str, **columns: Any) -> None:
    values = {"id": source_id, "name": name, "settings": {}, **columns}
    await store.run(
        lambda tx: tx.execute(insert(price_tables.price_sources).values(created_at=tx.now, **values))
    )


async def fetch(store: SqlStore, clock: HandClock, source_id: str, offers: list[Offer]) -> None:
    """One answer of a source, kept as the catalogue keeps it."""

    def keep(tx: Transaction) -> None:
        source = PriceSourceRow.get(tx, source_id)
        version, packed = read_snapshot(tx, source_id)
        before = None if packed is None else OfferTable.from_bytes(packed)
        difference = compare(before, OfferTable.of(offers), name=source.title, asked_at=clock.now())
        content = difference.table.to_bytes()
        write_snapshot(tx, source, difference, version=version, fetched_at=clock.now(), packed=content)

    await store.run(keep)


def condition(**values: Any) -> AlertCondition:
    return AlertCondition.model_validate(values)


async def test_a_preview_finds_what_looking_each_time_finds(
    store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    await add_source(store, "psrc_1", "vast-search")
    catalog = Catalog(store, inline)
    gone = Availability.UNAVAILABLE
    answers = [
        [offer(3 * DOLLAR), offer(8 * DOLLAR, accelerator_count=8.0, instance_type="8x", availability=gone)],
        [offer(2 * DOLLAR), offer(8 * DOLLAR, accelerator_count=8.0, instance_type="8x")],
        [offer(2 * DOLLAR), offer(1, instance_type="odd", flags=("placeholder",))],
        [offer(4 * DOLLAR, is_available=False)],
        [offer(1_500_000)],
        [],
        [offer(1_200_000), offer(DOLLAR, provider="runpod", market="spot")],
    ]
    conditions = [
        condition(kind="price_below", below_micro=1_100_000),
        condition(kind="price_below", below_micro=2_500_000, filters={"max_count": 1}),
        condition(kind="price_drop", drop_percent=20),
        condition(kind="price_drop", drop_percent=20, window_hours=30),
        condition(kind="available_again", quiet_minutes=0, filters={"providers": ["vast"]}),
    ]
    states, found = [AlertState() for _ in conditions], [0 for _ in conditions]
    for answer in answers:
        clock.advance(12 * 3600)
        await fetch(store, clock, "psrc_1", answer)
        table = await catalog.table(caller)
        for index, each in enumerate(conditions):
            highest = await store.read(lambda tx, each=each: reference(tx, caller, each))  # type: ignore[misc]
            states[index], finding = look(table, each, states[index], clock.now(), highest)
            found[index] += finding is not None
    clock.advance(60)
    previews = [
        (await store.read(lambda tx, each=each: preview(tx, caller, each, 30))).fired_count  # type: ignore[misc]
        for each in conditions
    ]
    assert previews == found
    assert all(found)


async def test_what_ships_does_not_make_a_live_price_look_low(
    store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    await add_source(store, "psrc_1", "reference-2024")
    await add_source(store, "psrc_2", "shipped")
    await add_source(store, "psrc_3", "vast-search")
    await fetch(
        store, clock, "psrc_1", [offer(500_000, instance_type="H100", region="", source="reference-2024")]
    )
    await fetch(store, clock, "psrc_2", [offer(1_500_000)])
    clock.advance(3600)
    await fetch(store, clock, "psrc_3", [offer(4 * DOLLAR)])
    clock.advance(7200)
    await fetch(store, clock, "psrc_3", [offer(3 * DOLLAR)])
    clock.advance(60)
    drop = condition(kind="price_drop", drop_percent=20, window_hours=1.5)
    table = await Catalog(store, inline).table(caller)
    assert see(table, drop).best_micro == 3 * DOLLAR
    assert await store.read(lambda tx: reference(tx, caller, drop)) == 4 * DOLLAR


async def test_an_imported_price_is_a_reference_for_its_project_only(
    store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    own = {"format": "price-file"}
    await add_source(store, "psrc_1", f"mine@{caller.project_id}", project_id=caller.project_id, settings=own)
    await fetch(store, clock, "psrc_1", [offer(4 * DOLLAR)])
    clock.advance(timedelta(hours=1).total_seconds())
    drop = condition(kind="price_drop", drop_percent=20, window_hours=24)
    stranger = Caller(
        user_id="u", user_name="u", team_id="t", team_name="t", project_id="proj_else", project_name="p"
    )
    assert await store.read(lambda tx: reference(tx, caller, drop)) == 4 * DOLLAR
    assert await store.read(lambda tx: reference(tx, stranger, drop)) is None
