"""DigitalOcean: dollars as single-precision numbers, sizes on several pages, only those with accelerators."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.unit.providers.price_lists import Vendor, contract, dollars, faults_of, fetch
from tradewind.domain.errors import ProviderError
from tradewind.domain.offers import Availability
from tradewind.providers.digitalocean.prices import DigitalOceanSizes

PATH = "GET /v2/sizes"


def size(slug: str, price: float, gpus: int, *regions: str, **more: Any) -> dict[str, Any]:
    row = {
        "slug": slug, "memory": 245760, "vcpus": 20, "disk": 720, "transfer": 15.0, "price_monthly": price * 744,
        "price_hourly": price, "regions": list(regions), "available": True, "description": "GPU",
    }  # fmt: skip
    if gpus:
        row["gpu_info"] = {
            "count": gpus,
            "model": "nvidia_h100",
            "vram": {"amount": 80 * gpus, "unit": "gib"},
        }
    return row | more


PAGES = [
    [size("gpu-h100x1-80gb", 3.390000104904175, 1, "nyc2", "tor1"), size("s-1vcpu-1gb", 0.00744, 0, "nyc1")],
    [size("gpu-h100x8-640gb", 55.040000915527344, 8), size("gpu-l", 1.0, 1, "nyc2", available=False)],
]


def pages(request: httpx2.Request) -> httpx2.Response:
    number = int(request.url.params["page"])
    links = {"pages": {"next": "https://api.digitalocean.com/v2/sizes?page=2"}} if number < 2 else {}
    return httpx2.Response(200, json={"sizes": PAGES[number - 1], "links": links, "meta": {"total": 4}})


async def test_pages_are_followed_and_noise_is_taken_off_the_prices() -> None:
    vendor = Vendor({PATH: pages})
    offers = await fetch(DigitalOceanSizes(), vendor, DIGITALOCEAN_ACCESS_TOKEN="dop_secret")
    assert [(each.instance_type, each.region, dollars(each), each.availability) for each in offers] == [
        ("gpu-h100x1-80gb", "nyc2", 3.39, Availability.HIGH),
        ("gpu-h100x1-80gb", "tor1", 3.39, Availability.HIGH),
        ("gpu-h100x8-640gb", "", 55.04, Availability.UNAVAILABLE),
        ("gpu-l", "nyc2", 1.0, Availability.UNAVAILABLE),
    ]
    assert [each.accelerator_count for each in offers] == [1, 1, 8, 1]
    assert offers[0].memory_bytes == 240 * 2**30
    assert [dict(request.url.params) for request in vendor.requests] == [
        {"per_page": "200", "page": "1"},
        {"per_page": "200", "page": "2"},
    ]
    assert {request.headers["authorization"] for request in vendor.requests} == {"Bearer dop_secret"}


async def test_the_requests_and_answers_fit_the_contract() -> None:
    checker = contract("digitalocean/openapi.json")
    vendor = Vendor({PATH: pages})
    await fetch(DigitalOceanSizes(), vendor, DIGITALOCEAN_ACCESS_TOKEN="t")
    assert faults_of(checker, vendor) == []
    body = {"sizes": PAGES[0], "links": {}, "meta": {"total": 2}}
    assert checker.response("GET", str(vendor.requests[0].url), 200, body) == []


async def test_pages_without_end_are_cut_off() -> None:
    endless = {"sizes": [], "links": {"pages": {"next": "more"}}}
    vendor = Vendor({PATH: endless})
    with pytest.raises(ProviderError, match="more than 1000 pages"):
        await fetch(DigitalOceanSizes(), vendor, DIGITALOCEAN_ACCESS_TOKEN="t")


async def test_an_answer_without_sizes_is_a_fault() -> None:
    with pytest.raises(ProviderError, match="no list of sizes"):
        await fetch(DigitalOceanSizes(), Vendor({PATH: {"sizes": None}}), DIGITALOCEAN_ACCESS_TOKEN="t")
