"""Azure: spot by the meter's name, reservations by the whole term, pages by links, Windows left out."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.unit.providers.price_lists import Vendor, dollars, fetch
from tradewind.domain.errors import ProviderError
from tradewind.providers.azure.prices import AzureRetail

PATH = "GET /api/retail/prices"


def price(sku: str, amount: float, meter: str = "", **more: Any) -> dict[str, Any]:
    return {
        "currencyCode": "USD", "tierMinimumUnits": 0.0, "retailPrice": amount, "unitPrice": amount,
        "armRegionName": "eastus", "location": "US East", "meterName": meter or sku, "skuName": sku,
        "productName": "Virtual Machines ND H100 v5 Series", "serviceName": "Virtual Machines",
        "unitOfMeasure": "1 Hour", "type": "Consumption", "isPrimaryMeterRegion": True, "armSkuName": sku,
    } | more  # fmt: skip


H100 = "Standard_ND96isr_H100_v5"
FIRST = [
    price(H100, 98.32, "ND96isrH100v5"),
    price(H100, 18.169536, "ND96isrH100v5 Spot"),
    price(H100, 9.0, "ND96isrH100v5 Low Priority"),
    price(H100, 104.0, productName="Virtual Machines ND H100 v5 Series Windows"),
    price(H100, 90.0, type="DevTestConsumption"),
    price(H100, 1_291_924.80, type="Reservation", reservationTerm="3 Years"),
]
SECOND = [
    price(H100, 559_764.0, type="Reservation", reservationTerm="1 Year"),
    price(H100, 1_999_999.0, type="Reservation", reservationTerm="5 Years"),
    price("Standard_ND96isr_H200_v5", 110.24),
    price("Standard_ND96isr_H200_v5", 110.24, "ND96isrH200v5 Spot"),
    price("Standard_NV6ads_A10_v5", 0.454),
    price("Standard_NP10s", 1.65),
    price("Standard_NC4as_T4_v3", 0.526, currencyCode="EUR"),
    price("Standard_NC999_Q9_v1", 7.5),
    {"armSkuName": "Standard_NC4as_T4_v3"},
]


def vendor(link: str = "https://prices.azure.com/api/retail/prices?$skip=1000") -> Vendor:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if "$skip" in request.url.params:
            return httpx2.Response(200, json={"Items": SECOND, "NextPageLink": None, "Count": 9})
        return httpx2.Response(200, json={"Items": FIRST, "NextPageLink": link, "Count": 6})

    return Vendor({PATH: answer})


async def test_what_is_charged_how() -> None:
    server = vendor()
    offers = await fetch(AzureRetail(), server)
    got = {(each.instance_type, each.market): (dollars(each), each.flags) for each in offers}
    assert got == {
        (H100, "on_demand"): (98.32, ()),
        (H100, "spot"): (18.169536, ()),
        (H100, "reserved"): (63.9, ("term_1y",)),
        ("Standard_ND96isr_H200_v5", "on_demand"): (110.24, ()),
        ("Standard_ND96isr_H200_v5", "spot"): (110.24, ("spot_equals_on_demand",)),
        ("Standard_NV6ads_A10_v5", "on_demand"): (0.454, ()),
        ("Standard_NC999_Q9_v1", "on_demand"): (7.5, ()),
    }
    assert len(offers) == len(got)
    assert {each.region for each in offers} == {"eastus"}
    first, second = server.requests
    assert set(first.url.params) == {"api-version", "$filter"}
    assert "serviceName eq 'Virtual Machines'" in first.url.params["$filter"]
    assert dict(second.url.params) == {"$skip": "1000"}


async def test_machines_are_what_the_table_of_sizes_says() -> None:
    by_name = {each.instance_type: each for each in await fetch(AzureRetail(), vendor())}
    h100 = by_name[H100]
    assert (h100.accelerator_count, h100.cpus, h100.memory_bytes) == (8, 96, 1900 * 2**30)
    assert by_name["Standard_NV6ads_A10_v5"].accelerator_count == pytest.approx(1 / 6, abs=1e-5)
    unknown = by_name["Standard_NC999_Q9_v1"]
    assert (unknown.accelerator_label, unknown.accelerator_count) == ("NC999_Q9_v1", 1)


@pytest.mark.parametrize(
    "link",
    ["https://elsewhere.example/api/retail/prices?$skip=1000", "http://prices.azure.com/x", "https://[", 7],
)
async def test_the_list_cannot_lead_to_another_server(link: str) -> None:
    server = vendor(link)
    with pytest.raises(ProviderError, match="continues on another server"):
        await fetch(AzureRetail(), server)
    assert len(server.requests) == 1


async def test_links_in_a_circle_are_cut_off() -> None:
    circle = {"Items": [], "NextPageLink": "https://prices.azure.com:443/api/retail/prices?$skip=1"}
    with pytest.raises(ProviderError, match="more than 1000 pages"):
        await fetch(AzureRetail(), Vendor({PATH: circle}))
