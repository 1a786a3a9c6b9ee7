"""Places that said no: for how long they are left alone, and which offers a no concerns."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.conftest import HandClock
from tradewind.control.refusals import forgive, live_refusals, note_refusal, without_refused
from tradewind.db.store import SqlStore
from tradewind.domain.errors import ProviderFault
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Offer


def offer(zone: str = "r0a", provider: str = "cloud", type_: str = "gpu-1", market: str = "spot") -> Offer:
    return Offer(
        provider=provider, region=zone[:2], zone=zone, instance_type=type_, cpus=1, memory_bytes=1, disk_bytes=1,
        market=market, rate=Rate(micro_per_unit=1, per=Quantity.HOUR),
    )  # fmt: skip


MARKET = [
    offer("r0a"), offer("r0b"), offer("r1a"), offer("r0a", market="on_demand"), offer("r0a", type_="gpu-8"),
    offer("r0a", provider="other"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "left"),
    [
        (ProviderFault.CAPACITY, MARKET[1:]),
        (ProviderFault.PROVIDER_FAULT, MARKET[1:]),
        (ProviderFault.QUOTA, MARKET[2:]),
        (ProviderFault.CREDENTIALS, MARKET[5:]),
        (ProviderFault.BALANCE, MARKET[5:]),
    ],
)
async def test_a_no_concerns_the_place_the_region_or_the_account(
    store: SqlStore, fault: ProviderFault, left: list[Offer]
) -> None:
    await store.run(lambda tx: note_refusal(tx, MARKET[0], fault, "no"))
    refusals = await store.read(live_refusals)
    assert without_refused(MARKET, refusals) == left


async def test_pauses_grow_up_to_an_hour_and_begin_anew(store: SqlStore, clock: HandClock) -> None:
    pauses = []
    for _ in range(8):
        until = await store.run(lambda tx: note_refusal(tx, MARKET[0], ProviderFault.CAPACITY, "full"))
        pauses.append((until - clock.now()) / timedelta(minutes=1))
        clock.advance((until - clock.now()).total_seconds())
        assert await store.read(live_refusals) == []
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]
    clock.advance(3 * 3600)
    until = await store.run(lambda tx: note_refusal(tx, MARKET[0], ProviderFault.CAPACITY, "full"))
    assert until - clock.now() == timedelta(minutes=2)


async def test_a_place_that_was_had_is_forgiven(store: SqlStore) -> None:
    await store.run(lambda tx: note_refusal(tx, MARKET[0], ProviderFault.CAPACITY, "full"))
    await store.run(lambda tx: forgive(tx, MARKET[0]))
    assert await store.read(live_refusals) == []
