"""Vast.ai: machines of many hosts, prices fixed and by bid, pages by id."""

from __future__ import annotations

import json
from typing import Any

import httpx2

from tests.unit.providers.price_lists import Vendor, by_type, contract, dollars, faults_of, fetch
from tradewind.domain.offers import Availability, Offer
from tradewind.providers.vast.prices import VastSearch

PATH = "POST /api/v0/bundles/"


def ask(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "machine_id": 7000 + number, "gpu_name": "RTX 4090", "num_gpus": 2, "gpu_ram": 24564,
        "gpu_total_ram": 49128, "gpu_frac": 0.5, "cpu_ram": 131072, "cpu_cores": 64, "cpu_cores_effective": 32.0,
        "disk_space": 500.0, "geolocation": "Oregon, US", "dph_total": 0.8033333333333333, "dph_base": 0.8,
        "min_bid": 0.4, "reliability": 0.9987, "inet_up_cost": 0.0049, "inet_down_cost": 0.001,
        "verification": "verified", "rentable": True,
    } | more  # fmt: skip


class Market:
    """Three offers, two to a page, whatever the limit that was asked for."""

    def __init__(self, *asks: dict[str, Any]) -> None:
        self.asks = sorted(asks, key=lambda each: each["id"])

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        assert body["order"] == [["id", "asc"]]
        after = [each for each in self.asks if each["id"] > body["id"]["gt"]]
        return httpx2.Response(200, json={"offers": after[:2]})


async def offers_of(*asks: dict[str, Any]) -> list[Offer]:
    return await fetch(VastSearch(), Vendor({PATH: Market(*asks)}))


async def test_all_pages_of_both_kinds_are_read() -> None:
    vendor = Vendor({PATH: Market(ask(1), ask(2, gpu_name="H100 SXM", num_gpus=8, dph_total=18.4), ask(3))})
    offers = await fetch(VastSearch(), vendor)
    assert {name: dollars(each) for name, each in by_type(offers).items()} == {
        "2x RTX 4090 m7001": 0.803333,
        "8x H100 SXM m7002": 18.4,
        "2x RTX 4090 m7003": 0.803333,
    }
    assert {dollars(each) for each in by_type(offers, "spot").values()} == {0.4}
    bodies = [json.loads(request.content) for request in vendor.requests]
    assert [(body["type"], body["id"]["gt"]) for body in bodies] == [
        ("ondemand", 0), ("ondemand", 2), ("ondemand", 3), ("bid", 0), ("bid", 2), ("bid", 3),
    ]  # fmt: skip
    assert {str(body["verified"]) for body in bodies} == {"{'in': [True]}"}
    assert all("authorization" not in request.headers for request in vendor.requests)


async def test_the_requests_fit_the_contract() -> None:
    checker = contract("vast/openapi.json", overlay="vast/overlay.json")
    vendor = Vendor({PATH: Market(ask(1))})
    await fetch(VastSearch(), vendor)
    assert faults_of(checker, vendor) == []
    await VastSearch().fetch(vendor.wire(settings={"include_unverified": True}))
    assert faults_of(checker, vendor) == []


async def test_an_offer_has_its_share_of_the_machine() -> None:
    offer = by_type(await offers_of(ask(1)))["2x RTX 4090 m7001"]
    assert (offer.cpus, offer.memory_bytes) == (32, 64 * 2**30)
    assert (offer.accelerator_count, offer.reliability, offer.egress_micro_per_gb) == (2, 0.9987, 4900)
    assert offer.availability is Availability.HIGH
    assert 23.9 < (offer.accelerator_memory_gb or 0) <= 24


async def test_a_bid_of_nothing_is_unknown() -> None:
    offers = await offers_of(ask(1, min_bid=0.00), ask(2, min_bid=None), ask(3, min_bid=0.9))
    spot = by_type(offers, "spot")
    assert [spot[f"2x RTX 4090 m700{number}"].flags for number in (1, 2, 3)] == [
        ("no_price",),
        ("no_price",),
        ("spot_equals_on_demand",),
    ]


async def test_odd_places_and_hosts() -> None:
    offers = await offers_of(
        ask(1, geolocation=", US"),
        ask(2, geolocation=None, verification="unverified", reliability=1.7, inet_up_cost=-1),
        ask(3, gpu_name="Zeta Q9", cpu_cores=None),
    )
    one, two, three = (by_type(offers)[name] for name in (
        "2x RTX 4090 m7001", "2x RTX 4090 m7002", "2x Zeta Q9 m7003",
    ))  # fmt: skip
    assert (one.region, two.region) == ("US", "")
    assert (two.flags, two.reliability, two.egress_micro_per_gb) == (("unverified",), 1.0, None)
    assert (three.accelerator, three.cpus) == ("Zeta Q9", 32)


async def test_the_cheapest_ask_of_a_machine_is_taken() -> None:
    asks = [ask(1, machine_id=5, dph_total=0.9), ask(2, machine_id=5, dph_total=0.7), ask(3, gpu_ram="x")]
    offers = await offers_of(*asks)
    assert {name: dollars(each) for name, each in by_type(offers).items()} == {"2x RTX 4090 m5": 0.7}


async def test_prices_include_the_disk_that_comes_with_it() -> None:
    vendor = Vendor({PATH: Market(ask(1, storage_cost=0.36, disk_space=80))})
    offers = await fetch(VastSearch(), vendor)
    assert {json.loads(request.content)["allocated_storage"] for request in vendor.requests} == {50}
    (spot,) = by_type(offers, "spot").values()
    # 0.4 for the bid and 50 GB of a month of 720 hours.
    assert (dollars(spot), spot.disk_bytes) == (0.425, 50 * 2**30)
    wire = vendor.wire(settings={"disk_gb": 100, "bid_factor": "1.5"})
    (spot,) = by_type(await VastSearch().fetch(wire), "spot").values()
    assert (dollars(spot), spot.disk_bytes) == (0.65, 100 * 2**30)
    assert spot.availability is Availability.UNAVAILABLE


async def test_the_other_name_of_reliability_is_read_too() -> None:
    (offer,) = by_type(await offers_of(ask(1, reliability=None, reliability2=0.75))).values()
    assert offer.reliability == 0.75
