"""Google: a machine costs its accelerators and the host around them."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.unit.providers.price_lists import Vendor, by_type, contract, dollars, faults_of, fetch
from tradewind.domain.errors import ProviderError
from tradewind.providers.gcp.prices import GcpSkus

PATH = "GET /v1/services/6F81-5844-456A/skus"


def sku(text: str, nanos: int, units: str = "0", usage: str = "OnDemand", **more: Any) -> dict[str, Any]:
    rate = {"startUsageAmount": 0, "unitPrice": {"currencyCode": "USD", "units": units, "nanos": nanos}}
    return {
        "name": "services/6F81-5844-456A/skus/0000", "skuId": "0000", "description": text,
        "category": {"serviceDisplayName": "Compute Engine", "resourceFamily": "Compute", "resourceGroup": "GPU",
                     "usageType": usage},
        "serviceRegions": ["us-central1"], "serviceProviderName": "Google",
        "pricingInfo": [{"pricingExpression": {"usageUnit": "h", "tieredRates": [rate]}, "summary": ""}],
    } | more  # fmt: skip


DISK = {
    "serviceDisplayName": "Compute Engine", "resourceFamily": "Storage", "resourceGroup": "LocalSSD",
    "usageType": "OnDemand",
}  # fmt: skip
FIRST = [
    sku("Nvidia Tesla T4 GPU running in Iowa", 350_000_000),
    sku("N1 Predefined Instance Core running in Iowa", 31_611_000),
    sku("N1 Predefined Instance Ram running in Iowa", 4_237_000),
    sku("N1 Predefined Instance Core running on Sole Tenancy in Iowa", 1_000_000),
    sku(
        "Nvidia Tesla T4 GPU attached to Spot Preemptible VMs running in Iowa",
        140_000_000,
        usage="Preemptible",
    ),
    sku("Spot Preemptible N1 Predefined Instance Core running in Iowa", 9_000_000, usage="Preemptible"),
    sku("Spot Preemptible N1 Predefined Instance Ram running in Iowa", 1_000_000, usage="Preemptible"),
    sku("Commitment v1: Nvidia Tesla T4 GPU running in Iowa", 150_000_000, usage="Commit1Yr"),
]
SECOND = [
    sku("Nvidia H100 80GB GPU running in Iowa", 796_900_000, units="9"),
    sku("A3 Instance Core running in Iowa", 29_000_000),
    sku("A3 Instance Ram running in Iowa", 2_500_000),
    sku("SSD backed Local Storage", 73_000_000, category=DISK),
    sku("Nvidia L4 GPU running in Iowa", 560_000_000),
    sku("G2 Instance Core running in Iowa", 25_000_000),
    sku("A4 Nvidia B200 (1 gpu slice) running in Iowa", 55_000_000, units="8"),
    {"description": "broken"},
]


def answer(request: httpx2.Request) -> httpx2.Response:
    token = request.url.params.get("pageToken")
    body = {None: {"skus": FIRST, "nextPageToken": "two"}, "two": {"skus": SECOND, "nextPageToken": ""}}[
        token
    ]
    return httpx2.Response(200, json=body)


async def test_the_host_is_in_the_price() -> None:
    vendor = Vendor({PATH: answer})
    offers = await fetch(GcpSkus(), vendor, GOOGLE_API_KEY="AIza-secret")
    fixed, spot = by_type(offers), by_type(offers, "spot")
    assert dollars(fixed["n1-highmem-4+1xT4"]) == round(0.35 + 4 * 0.031611 + 26 * 0.004237, 6)
    assert dollars(spot["n1-highmem-4+1xT4"]) == round(0.14 + 4 * 0.009 + 26 * 0.001, 6)
    # 750 GiB of local disk come with each accelerator, listed per GiB and month.
    one = 9.7969 + 26 * 0.029 + 234 * 0.0025 + 750 * 0.073 / 730
    assert dollars(fixed["a3-highgpu-1g"]) == round(one, 6)
    assert dollars(fixed["a3-highgpu-8g"]) == pytest.approx(8 * one, abs=1e-5)
    assert dollars(fixed["a4-highgpu-8g"]) == 64.44
    assert {each.flags for each in offers} == {("host_included",)}
    assert fixed["a3-highgpu-8g"].accelerator_count == 8


async def test_half_a_price_is_no_offer() -> None:
    offers = await fetch(GcpSkus(), Vendor({PATH: answer}), GOOGLE_API_KEY="k")
    assert not [each for each in offers if each.instance_type.startswith(("g2-", "a2-", "n1-highmem-8+1xV"))]


async def test_the_key_travels_in_a_header() -> None:
    vendor = Vendor({PATH: answer})
    await fetch(GcpSkus(), vendor, GOOGLE_API_KEY="AIza-secret")
    assert all("AIza" not in str(request.url) for request in vendor.requests)
    assert {request.headers["x-goog-api-key"] for request in vendor.requests} == {"AIza-secret"}


async def test_the_requests_fit_the_contract() -> None:
    checker = contract("gcp/cloudbilling.v1.json", "DiscoveryContract")
    vendor = Vendor({PATH: answer})
    await fetch(GcpSkus(), vendor, GOOGLE_API_KEY="k")
    assert len(vendor.requests) == 2
    assert faults_of(checker, vendor) == []


async def test_pages_without_end_are_cut_off() -> None:
    with pytest.raises(ProviderError, match="more than 1000 pages"):
        await fetch(GcpSkus(), Vendor({PATH: {"skus": [], "nextPageToken": "more"}}), GOOGLE_API_KEY="k")
