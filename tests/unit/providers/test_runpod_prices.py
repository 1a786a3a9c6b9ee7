"""RunPod: a price per accelerator, two clouds, stock by data centre; with a key and without."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from tests.unit.providers.price_lists import Vendor, by_type, contract, dollars, faults_of, fetch
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Availability
from tradewind.providers.runpod.prices import RunpodCatalog

PATH = "GET /v2/catalog/gpus"


def kind(name: str, memory: int, secure: float, community: float, **more: Any) -> dict[str, Any]:
    return {
        "id": name, "name": name, "pool": None, "manufacturer": "NVIDIA", "memory": memory, "secure": True,
        "community": community > 0, "price": {"secure": secure, "community": community},
        "maxCount": {"secure": 3, "community": 1},
    } | more  # fmt: skip


def catalogue(request: httpx2.Request) -> httpx2.Response:
    """One H100 is plenty, four are scarce, and no community machine has two."""
    count, cloud = int(request.url.params["count"]), request.url.params["cloud"]
    level = {1: "HIGH", 2: "MEDIUM", 4: "LOW", 8: "NONE"}[count]
    h100 = kind("NVIDIA H100 80GB HBM3", 80, 3.99, 2.69, availability=level)
    if cloud == "SECURE" and count < 4:
        h100["dataCenters"] = [
            {"id": "US-TX-3", "name": "US-TX-3", "availability": level},
            {"id": "EU-NL-1", "name": "EU-NL-1", "availability": "LOW"},
        ]
    return httpx2.Response(200, json={"gpus": [h100]})


async def test_the_price_of_a_pod_is_that_of_all_its_accelerators() -> None:
    vendor = Vendor({PATH: catalogue})
    offers = await fetch(RunpodCatalog(), vendor, RUNPOD_API_KEY="rpa_secret")
    got = {(each.instance_type, each.region): (dollars(each), each.availability) for each in offers}
    name = "NVIDIA H100 80GB HBM3"
    assert got == {
        (f"1x {name}", "US-TX-3"): (3.99, Availability.HIGH),
        (f"1x {name}", "EU-NL-1"): (3.99, Availability.LOW),
        (f"2x {name}", "US-TX-3"): (7.98, Availability.MEDIUM),
        (f"2x {name}", "EU-NL-1"): (7.98, Availability.LOW),
        (f"3x {name}", ""): (11.97, Availability.LOW),
        (f"1x {name} (community)", ""): (2.69, Availability.HIGH),
    }
    assert [each.flags for each in offers if "community" in each.instance_type] == [("community",)]
    assert len(vendor.requests) == 8
    assert {request.headers["authorization"] for request in vendor.requests} == {"Bearer rpa_secret"}
    assert all(request.url.params["product"] == "POD" for request in vendor.requests)


async def test_the_requests_and_answers_fit_the_contract() -> None:
    checker = contract("runpod/rest_v2.json")
    vendor = Vendor({PATH: catalogue})
    await fetch(RunpodCatalog(), vendor, RUNPOD_API_KEY="k")
    assert faults_of(checker, vendor) == []
    for request in vendor.requests:
        body = json.loads(catalogue(request).content)
        assert checker.response("GET", str(request.url), 200, body) == []


async def test_levels_of_stock_that_nobody_knows_are_unknown() -> None:
    vendor = Vendor({PATH: {"gpus": [kind("X", 24, 1, 0, availability="PLENTY")]}})
    offers = await fetch(RunpodCatalog(), vendor, RUNPOD_API_KEY="k")
    assert {each.availability for each in offers} == {Availability.UNKNOWN}
    assert {each.instance_type for each in offers} == {"1x X", "2x X", "3x X"}


def public(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name, "displayName": name, "memoryInGb": 24, "secureCloud": True, "communityCloud": False,
        "securePrice": 0.69, "communityPrice": 0.34, "maxGpuCountSecureCloud": 2, "maxGpuCountCommunityCloud": 4,
        "lowestPrice": {"minimumBidPrice": None, "stockStatus": None},
    } | more  # fmt: skip


async def test_without_a_key_the_public_list_is_read() -> None:
    types = [
        public("NVIDIA GeForce RTX 4090", lowestPrice={"minimumBidPrice": 0.2, "stockStatus": "High"}),
        public("NVIDIA L4", communityCloud=True, secureCloud=False, maxGpuCountCommunityCloud=1),
        public("NVIDIA A40", lowestPrice={"minimumBidPrice": 0.0, "stockStatus": None}, securePrice=0),
    ]
    vendor = Vendor({"POST /graphql": {"data": {"gpuTypes": types}}})
    offers = await fetch(RunpodCatalog(), vendor)
    fixed, spot = by_type(offers), by_type(offers, "spot")
    assert {name: dollars(each) for name, each in fixed.items()} == {
        "1x NVIDIA GeForce RTX 4090": 0.69, "2x NVIDIA GeForce RTX 4090": 1.38,
        "1x NVIDIA L4 (community)": 0.34, "1x NVIDIA A40": 0, "2x NVIDIA A40": 0,
    }  # fmt: skip
    assert fixed["1x NVIDIA A40"].flags == ("no_price",)
    assert {name: dollars(each) for name, each in spot.items()} == {
        "1x NVIDIA GeForce RTX 4090": 0.2,
        "2x NVIDIA GeForce RTX 4090": 0.4,
    }
    assert fixed["1x NVIDIA GeForce RTX 4090"].availability is Availability.HIGH
    assert fixed["2x NVIDIA GeForce RTX 4090"].availability is Availability.UNKNOWN
    (request,) = vendor.requests
    assert "authorization" not in request.headers
    assert set(json.loads(request.content)) == {"query"}


async def test_errors_of_the_public_list_come_with_a_good_status() -> None:
    vendor = Vendor({"POST /graphql": {"errors": [{"message": "no"}], "data": None}})
    with pytest.raises(ProviderError, match="without data") as caught:
        await fetch(RunpodCatalog(), vendor)
    assert caught.value.fault is ProviderFault.PROVIDER_FAULT
