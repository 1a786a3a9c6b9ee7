"""Oracle: shapes in one file, prices of parts in another, GPU shapes priced per accelerator."""

from __future__ import annotations

from typing import Any

from tests.unit.providers.price_lists import Vendor, by_type, dollars, fetch
from tradewind.providers.oci.prices import OciList

BASE = "/a/ocom/docs/cloudestimator2/data"


def shape(name: str, gpus: int | None, *parts: tuple[str, str, float | None], **more: Any) -> dict[str, Any]:
    return {
        "name": name, "status": "ACTIVE", "hidden": False, "allowPreemptible": False, "bundleMemoryQty": 2048,
        "gpuQty": gpus, "gpuMemoryQty": gpus and gpus * 80, "shapeType": {"value": "bm"},
        "products": [
            {"type": {"value": kind}, "partNumber": number, "qty": quantity} for kind, number, quantity in parts
        ],
    } | more  # fmt: skip


def product(number: str, value: object, **more: Any) -> dict[str, Any]:
    prices = [{"currencyCode": "EUR", "prices": [{"model": "PAY_AS_YOU_GO", "value": 99}]}]
    prices.append({"currencyCode": "USD", "prices": [{"model": "PAY_AS_YOU_GO", "value": value}]})
    return {
        "partNumber": number,
        "billingModel": "UCM",
        "pricetype": "HOUR",
        "currencyCodeLocalizations": prices,
    } | more


SHAPES = [
    shape("BM.GPU.H100.8", 8, ("ocpu", "B98415", 112)),
    shape("VM.GPU.A10.1", 1, ("ocpu", "B95909", 15), allowPreemptible=True),
    shape("BM.GPU4.8", 8, ("ocpu", "B92740", 64), ("disk", "B1", 27.2)),
    shape("BM.GPU.GB200.4 (NVL72)", 4, ("ocpu", "B99999", 144)),
    shape("BM.GPU.OLD.8", 8, ("ocpu", "B92740", 64), status="RETIRED"),
    shape("VM.Standard.E5.Flex", None, ("ocpu", "B97384", 1)),
    {"name": "broken"},
]
PRODUCTS = [
    product("B98415", 10.0), product("B95909", 2.0), product("B92740", 3.05), product("B1", 0.0612),
    product("B97384", 0.03), product("B99999", 5000, pricetype="MONTH"),
]  # fmt: skip


async def test_a_shape_costs_the_sum_of_its_parts() -> None:
    vendor = Vendor(
        {f"GET {BASE}/shapes.json": {"items": SHAPES}, f"GET {BASE}/products.json": {"items": PRODUCTS}}
    )
    offers = await fetch(OciList(), vendor)
    fixed = by_type(offers)
    assert {name: dollars(each) for name, each in fixed.items()} == {
        "BM.GPU.H100.8": 80,
        "VM.GPU.A10.1": 2,
        "BM.GPU4.8": 26.06464,
        "BM.GPU.GB200.4": 0,
    }
    assert fixed["BM.GPU.GB200.4"].flags == ("no_price",)
    assert {name: dollars(each) for name, each in by_type(offers, "spot").items()} == {"VM.GPU.A10.1": 1}
    assert {name: each.accelerator_label for name, each in fixed.items()} == {
        "BM.GPU.H100.8": "H100",
        "VM.GPU.A10.1": "A10",
        "BM.GPU4.8": "A100 40GB",
        "BM.GPU.GB200.4": "GB200",
    }
    h100 = fixed["BM.GPU.H100.8"]
    assert (h100.accelerator_count, h100.cpus, h100.memory_bytes) == (8, 224, 2048 * 2**30)
