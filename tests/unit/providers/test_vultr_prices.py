"""Vultr: slices of accelerators, bare metal, plans that are nowhere."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.unit.providers.price_lists import Vendor, dollars, fetch
from tradewind.domain.offers import Availability
from tradewind.providers.vultr.prices import VultrPlans


def plan(
    name: str, hourly: float | None, label: str, memory: int, *places: str, **more: Any
) -> dict[str, Any]:
    return {
        "id": name, "vcpu_count": 12, "ram": 122880, "disk": 1400, "monthly_cost": 1750.0, "hourly_cost": hourly,
        "type": "vcg", "locations": list(places), "gpu_type": label, "gpu_vram_gb": memory,
    } | more  # fmt: skip


PLANS = [
    plan("vcg-a40-24c-120g-48vram", 1.711, "NVIDIA_A40", 48, "ewr", "", "lax"),
    plan("vcg-a40-2c-10g-4vram", 0.144, "NVIDIA_A40", 4, "ewr"),
    plan("vcg-l40s-32c-480g-96vram", 3.342, "NVIDIA_L40S", 96),
    plan("vcg-q9", None, "NVIDIA_Q9", 10, "ams", deploy_ondemand=True),
    plan("vcg-l40s-not", 1.0, "NVIDIA_L40S", 48, "ams", deploy_ondemand=False),
    {"id": "vc2-1c-1gb", "ram": 1024, "locations": ["ewr"], "hourly_cost": 0.007, "type": "vc2"},
]
METAL = [
    {"id": "vbm-112c-2048gb-8-h100-gpu", "cpu_threads": 224, "ram": 2097152, "locations": ["ord"],
     "hourly_cost": 18.4, "monthly_cost": 13432},
    {"id": "vbm-72c-480gb-gh200-gpu", "cpu_threads": 72, "ram": 491520, "locations": ["atl"], "hourly_cost": 1.99},
    {"id": "vbm-4c-32gb", "cpu_threads": 8, "ram": 32768, "locations": ["ewr"], "hourly_cost": 0.17},
]  # fmt: skip


def plans(request: httpx2.Request) -> httpx2.Response:
    assert request.url.params["type"] == "all"
    cursor = request.url.params.get("cursor", "")
    here, following = {"": (PLANS[:3], "two"), "two": (PLANS[3:], "")}[cursor]
    return httpx2.Response(200, json={"plans": here, "meta": {"total": 6, "links": {"next": following}}})


VENDOR_ROUTES = {
    "GET /v2/plans": plans,
    "GET /v2/plans-metal": {"plans_metal": METAL, "meta": {"total": 3, "links": {"next": ""}}},
}


async def test_plans_with_accelerators_only() -> None:
    offers = await fetch(VultrPlans(), Vendor(VENDOR_ROUTES))
    assert [(each.instance_type, each.region, dollars(each), each.availability) for each in offers] == [
        ("vcg-a40-24c-120g-48vram", "ewr", 1.711, Availability.UNKNOWN),
        ("vcg-a40-24c-120g-48vram", "lax", 1.711, Availability.UNKNOWN),
        ("vcg-a40-2c-10g-4vram", "ewr", 0.144, Availability.UNKNOWN),
        ("vcg-l40s-32c-480g-96vram", "", 3.342, Availability.UNAVAILABLE),
        ("vcg-q9", "ams", 2.604167, Availability.UNKNOWN),
        ("vcg-l40s-not", "", 1.0, Availability.UNAVAILABLE),
        ("vbm-112c-2048gb-8-h100-gpu", "ord", 18.4, Availability.UNKNOWN),
        ("vbm-72c-480gb-gh200-gpu", "atl", 1.99, Availability.UNKNOWN),
    ]
    by_name = {each.instance_type: each for each in offers}
    assert by_name["vbm-112c-2048gb-8-h100-gpu"].accelerator_count == 8
    assert by_name["vbm-72c-480gb-gh200-gpu"].accelerator_count == 1
    assert by_name["vbm-112c-2048gb-8-h100-gpu"].cpus == 224
    assert by_name["vcg-q9"].accelerator_label == "NVIDIA Q9"


async def test_a_slice_is_a_fraction_of_an_accelerator() -> None:
    by_name = {each.instance_type: each for each in await fetch(VultrPlans(), Vendor(VENDOR_ROUTES))}
    assert by_name["vcg-a40-2c-10g-4vram"].accelerator_count == pytest.approx(4 / 48)
    assert by_name["vcg-a40-2c-10g-4vram"].accelerator_memory_gb == 48
    assert by_name["vcg-l40s-32c-480g-96vram"].accelerator_count == 2
