"""Price lists in cents, seconds, accelerators, GB and text all come to dollars per machine hour."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.offers import Availability, Market, Offer
from tradewind.providers.normalising import (
    NO_PRICE,
    PLACEHOLDER,
    SPOT_EQUALS_ON_DEMAND,
    Machine,
    clean_region,
    keep_cheapest_of_each,
    make_offer,
    mark_odd_spot,
    micro_of,
    per_hour,
    read_amount,
)

SEEN = datetime(2026, 11, 1, tzinfo=UTC)


def offer(
    dollars: str | None, market: Market = Market.ON_DEMAND, label: str = "L4", count: float = 1, **more: str
) -> Offer:
    machine = Machine(provider="acme", region="eu", instance_type="m1", label=label, count=count, **more)  # type: ignore[arg-type]
    amount = None if dollars is None else Decimal(dollars)
    return make_offer(machine, dollars=amount, market=market, source="test", seen_at=SEEN)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1.29", "1.29"), (1.1, "1.1"), ("$1,234.50", "1234.50"), (0, "0"), ("1e-3", "0.001"), (" 2 ", "2")],
)
def test_amounts_are_read_exactly(value: object, expected: str) -> None:
    assert read_amount(value) == Decimal(expected)


@pytest.mark.parametrize("value", [None, True, "", "free", "nan", "Infinity", float("nan"), {}, [], "1e300"])
def test_what_is_no_amount_is_none(value: object) -> None:
    assert read_amount(value) is None


def test_cents_seconds_and_accelerators_come_to_machine_hours() -> None:
    assert per_hour(1592, cents=True) == Decimal("15.92")
    assert per_hour("0.00044167", seconds=1) == Decimal("1.590012")
    assert per_hour("2.69", count=8) == Decimal("21.52")
    assert per_hour("8760", seconds=8760 * 3600) == 1
    assert per_hour("none") is None


@given(st.decimals(min_value=0, max_value=10**6, places=6))
def test_micro_dollars_keep_six_places(amount: Decimal) -> None:
    assert Decimal(micro_of(amount)) / 10**6 == amount


@given(st.integers(1, 10**8), st.integers(1, 16))
def test_cents_per_accelerator_are_exact(cents: int, count: int) -> None:
    dollars = per_hour(cents, cents=True, count=count)
    assert dollars is not None
    assert micro_of(dollars) == cents * count * 10_000


@pytest.mark.parametrize("dollars", [None, "0", "0.00", "-1", "0.0000001"])
def test_what_is_no_price_is_never_a_bargain(dollars: str | None) -> None:
    got = offer(dollars)
    assert got.flags == (NO_PRICE,)
    assert got.rate.micro_per_unit == 0


def test_prices_beyond_belief_are_placeholders() -> None:
    assert offer("1000.01").flags == (PLACEHOLDER, NO_PRICE)
    assert offer("1000").flags == ()
    assert offer("1600", count=8).flags == ()


def test_seven_hundred_is_a_placeholder_for_a_tpu_only() -> None:
    assert PLACEHOLDER in offer("700.0", label="tpu-v6e-8", count=8).flags
    assert offer("700.01", label="tpu-v6e-8", count=8).flags == ()
    assert offer("700", label="B200", count=64).flags == ()


def test_spot_that_costs_as_much_as_on_demand_is_marked() -> None:
    same = mark_odd_spot([offer("122.96"), offer("122.96", Market.SPOT)])
    assert [each.flags for each in same] == [(), (SPOT_EQUALS_ON_DEMAND,)]
    assert mark_odd_spot(same) == same
    cheaper = mark_odd_spot([offer("122.96"), offer("22.10", Market.SPOT)])
    assert [each.flags for each in cheaper] == [(), ()]


def test_spot_is_not_compared_with_another_place_or_an_unknown_price() -> None:
    elsewhere = replace(offer("1"), region="us")
    assert [each.flags for each in mark_odd_spot([elsewhere, offer("2", Market.SPOT)])] == [(), ()]
    assert [each.flags for each in mark_odd_spot([offer(None), offer("2", Market.SPOT)])] == [(NO_PRICE,), ()]


def test_regions_lose_leading_commas() -> None:
    assert clean_region(", US, NA") == "US, NA"
    assert clean_region("Denmark, DK, EU") == "Denmark, DK, EU"
    assert clean_region(" , ") == ""


def test_a_name_that_nobody_knows_is_kept() -> None:
    got = offer("1", label="Zeta Q9")
    assert (got.accelerator, got.accelerator_label, got.accelerator_count) == ("Zeta Q9", "Zeta Q9", 1)


def test_what_others_write_can_be_stored_and_printed() -> None:
    machine = Machine(
        provider="acme" * 20, region="eu\0west\n" + "x" * 500, instance_type="m" * 500, label="Q\u202e9" * 90, zone=" ",
        count=-2, cpus=-1, memory_bytes=-5, disk_bytes=1 << 80,
    )  # fmt: skip
    got = make_offer(machine, dollars=Decimal(1), market=Market.SPOT, source="test", seen_at=SEEN)
    lengths = (len(got.provider), len(got.region), len(got.instance_type), len(got.accelerator or ""))
    assert lengths == (32, 128, 128, 64)
    assert got.region.startswith("eu west x")
    assert f"{got.region}{got.accelerator}{got.accelerator_label}".isprintable()
    assert (got.zone, got.cpus, got.memory_bytes, got.disk_bytes, got.accelerator_count) == (None, 0, 0, 0, 0)


def test_the_cheapest_that_can_be_had_is_kept() -> None:
    gone = replace(offer("0.5"), is_available=False, availability=Availability.UNAVAILABLE)
    kept = keep_cheapest_of_each([gone, offer("3"), offer(None), offer("2"), offer("1", Market.SPOT)])
    assert [(each.market, each.rate.micro_per_unit) for each in kept] == [
        ("on_demand", 2_000_000),
        ("spot", 1_000_000),
    ]
