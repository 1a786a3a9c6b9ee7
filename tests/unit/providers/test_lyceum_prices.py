"""Lyceum: prices as text and per second, from its recorded answers and from made-up ones."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from tests.unit.providers.price_lists import CONTRACTS, Vendor, by_type, contract, dollars, faults_of, fetch
from tradewind.domain.errors import ProviderError
from tradewind.domain.offers import Availability
from tradewind.providers.lyceum.prices import LyceumPricing

PRICING = "GET /api/v2/external/pricing"
FREE = "GET /api/v2/external/vms/availability"


def price(profile: str, amount: object, **more: Any) -> dict[str, Any]:
    return {
        "meter_slug": "vm_running",
        "resource": "vm",
        "applies_to": {"hardware_profile": profile},
        "unit": "second",
        "unit_price": amount,
        "unit_price_per_hour": None,
    } | more


def free(profile: str, kind: str, *counts: int) -> dict[str, Any]:
    return {"hardware_profile": profile, "instance_type": kind, "available_gpus_per_instance": list(counts)}


LIST = {
    "prices": [
        price("on-demand.h100.8x", "0.00620000"),
        price("on-demand.h100.1x", "2.79", unit="hour"),
        price("spot.h100.8x", "0.00244444"),
        price("spot.q9.2x", "0.001"),
        {"meter_slug": "storage", "applies_to": {}, "unit": "gb_month", "unit_price": "0.1"},
    ]
}
STOCK = {"available_instance_variants": [free("h100", "on-demand", 1, 2), free("h100", "spot", 8)]}


async def test_prices_per_second_become_hourly() -> None:
    vendor = Vendor({PRICING: LIST, FREE: STOCK})
    offers = await fetch(LyceumPricing(), vendor, LYCEUM_API_KEY="lk_secret")
    fixed, spot = by_type(offers), by_type(offers, "spot")
    assert {name: dollars(each) for name, each in fixed.items()} == {"h100.8x": 22.32, "h100.1x": 2.79}
    assert {name: dollars(each) for name, each in spot.items()} == {"h100.8x": 8.799984, "q9.2x": 3.6}
    assert {name: each.availability for name, each in fixed.items()} == {
        "h100.8x": Availability.UNAVAILABLE,
        "h100.1x": Availability.HIGH,
    }
    assert spot["h100.8x"].availability is Availability.HIGH
    assert spot["q9.2x"].accelerator == "q9"
    assert {request.headers["authorization"] for request in vendor.requests} == {"Bearer lk_secret"}


async def test_without_its_stock_availability_is_unknown() -> None:
    vendor = Vendor({PRICING: LIST, FREE: lambda _: httpx2.Response(503)})
    offers = await fetch(LyceumPricing(), vendor, LYCEUM_API_KEY="k")
    assert {each.availability for each in offers} == {Availability.UNKNOWN}


async def test_profiles_and_units_that_nobody_knows_are_left_out() -> None:
    odd = {
        "prices": [*LIST["prices"], price("reserved.h100.1x", "1"), price("spot.h100.1x", "1", unit="moon")]
    }
    assert len(await fetch(LyceumPricing(), Vendor({PRICING: odd, FREE: STOCK}), LYCEUM_API_KEY="k")) == 4
    worse = {"prices": [price("h100", "1"), price("b200", "1"), price("spot.h100.1x", "1")]}
    with pytest.raises(ProviderError, match="2 of 3"):
        await fetch(LyceumPricing(), Vendor({PRICING: worse, FREE: STOCK}), LYCEUM_API_KEY="k")


async def test_the_requests_fit_the_contract() -> None:
    checker = contract("lyceum/openapi.json")
    vendor = Vendor({PRICING: LIST, FREE: STOCK})
    await fetch(LyceumPricing(), vendor, LYCEUM_API_KEY="k")
    assert faults_of(checker, vendor) == []
    assert checker.response("GET", str(vendor.requests[0].url), 200, LIST) == []


@pytest.mark.skipif(not CONTRACTS.is_dir(), reason="the recorded answers are not at TRADEWIND_SHARED")
async def test_the_recorded_answers_are_read_whole() -> None:
    recorded = CONTRACTS / "lyceum" / "recorded"
    prices = json.loads((recorded / "pricing_vm_running.json").read_text(encoding="utf-8"))
    stock = json.loads((recorded / "vms_availability.json").read_text(encoding="utf-8"))
    vendor = Vendor({PRICING: prices, FREE: stock})
    offers = await fetch(LyceumPricing(), vendor, LYCEUM_API_KEY="k")
    assert len(offers) == 48
    listed = {
        (each["applies_to"]["hardware_profile"], float(each["unit_price_per_hour"]))
        for each in prices["prices"]
    }
    markets = {"on_demand": "on-demand", "spot": "spot"}
    assert {(f"{markets[each.market]}.{each.instance_type}", dollars(each)) for each in offers} == listed
    assert not [each for each in offers if each.flags]
    a100 = by_type(offers)["a100.8x"]
    assert (a100.cpus, a100.memory_bytes, a100.availability) == (128, 752 * 2**30, Availability.HIGH)
    assert a100.accelerator_memory_gb == 80
    assert by_type(offers)["b200.1x"].availability is Availability.UNAVAILABLE
