"""Lambda: cents, and capacity that is really there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.providers.price_lists import Vendor, contract, dollars, faults_of, fetch
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Availability
from tradewind.providers.lambda_cloud.prices import LambdaTypes

PATH = "GET /api/v1/instance-types"


def kind(name: str, cents: object, gpus: int, label: str, *regions: str) -> dict[str, Any]:
    return {
        "instance_type": {
            "name": name, "description": f"{gpus}x {label}", "gpu_description": label, "price_cents_per_hour": cents,
            "specs": {"vcpus": 26 * gpus, "memory_gib": 225, "storage_gib": 2816, "gpus": gpus},
        },
        "regions_with_capacity_available": [{"name": name, "description": name} for name in regions],
    }  # fmt: skip


TYPES = {
    "data": {
        "gpu_1x_h100_sxm5": kind("gpu_1x_h100_sxm5", 429, 1, "H100 (80 GB SXM5)", "us-east-1", "us-west-3"),
        "gpu_8x_a100": kind("gpu_8x_a100", 1592, 8, "A100 (40 GB SXM4)"),
        "cpu_4x_general": kind("cpu_4x_general", 20, 0, "N/A", "us-east-1"),
    }
}


async def test_cents_become_dollars_and_capacity_decides_the_regions() -> None:
    vendor = Vendor({PATH: TYPES})
    offers = await fetch(LambdaTypes(), vendor, LAMBDA_API_KEY="secret-key")
    assert [(each.instance_type, each.region, dollars(each), each.availability) for each in offers] == [
        ("gpu_1x_h100_sxm5", "us-east-1", 4.29, Availability.HIGH),
        ("gpu_1x_h100_sxm5", "us-west-3", 4.29, Availability.HIGH),
        ("gpu_8x_a100", "", 15.92, Availability.UNAVAILABLE),
        ("cpu_4x_general", "us-east-1", 0.20, Availability.HIGH),
    ]
    assert [each.is_available for each in offers] == [True, True, False, True]
    assert [each.accelerator_count for each in offers] == [1, 1, 8, 0]
    assert offers[3].accelerator is None
    assert offers[0].accelerator_label == "H100 (80 GB SXM5)"
    assert offers[0].memory_bytes == 225 * 2**30
    (request,) = vendor.requests
    assert request.headers["authorization"] == "Bearer secret-key"


async def test_the_request_and_the_answer_fit_the_contract() -> None:
    checker = contract("lambda/cloud_v1.json")
    vendor = Vendor({PATH: TYPES})
    await fetch(LambdaTypes(), vendor, LAMBDA_API_KEY="secret-key")
    assert faults_of(checker, vendor) == []
    assert checker.response("GET", str(vendor.requests[0].url), 200, TYPES) == []


async def test_without_a_key_nobody_is_asked() -> None:
    vendor = Vendor({})
    with pytest.raises(ProviderError) as caught:
        await fetch(LambdaTypes(), vendor, LAMBDA_API_KEY="  ")
    assert caught.value.fault is ProviderFault.CREDENTIALS
    assert vendor.requests == []


async def test_odd_rows_are_left_out_until_most_are() -> None:
    good = TYPES["data"]["gpu_8x_a100"]
    vendor = Vendor({PATH: {"data": {"a": good, "b": {"instance_type": 3}}}})
    assert len(await fetch(LambdaTypes(), vendor, LAMBDA_API_KEY="k")) == 1
    vendor = Vendor({PATH: {"data": {"a": good, "b": {}, "c": None}}})
    with pytest.raises(ProviderError, match="2 of 3 rows") as caught:
        await fetch(LambdaTypes(), vendor, LAMBDA_API_KEY="k")
    assert caught.value.fault is ProviderFault.PROVIDER_FAULT


async def test_a_type_without_a_price_is_kept_without_one() -> None:
    vendor = Vendor({PATH: {"data": {"a": kind("gpu_1x_x", None, 1, "X", "r")}}})
    (offer,) = await fetch(LambdaTypes(), vendor, LAMBDA_API_KEY="k")
    assert offer.flags == ("no_price",)
    assert offer.accelerator == "X"
