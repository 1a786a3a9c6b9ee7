"""A user's own prices one by one: added, shown, replaced, removed; they win over public ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.api.conftest import Api

pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.UnsupportedFieldAttributeWarning")
RACK = {
    "provider": "slurm", "region": "berlin", "instance_type": "rack-a", "accelerator": "H100 SXM", "count": 8,
    "price": "12.50",
}  # fmt: skip


async def own(api: Api) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await api.get("/prices/own")).json()["items"]
    return items


async def test_a_price_is_added_and_is_an_offer(api: Api) -> None:
    made = await api.post("/prices/own", json=RACK)
    assert made.status_code == 201, made.text
    (item,) = await own(api)
    assert item == made.json()
    assert (item["price_text"], item["gpu_price_text"]) == ("$12.50/h", "$1.56/GPU-h")
    assert (item["machine"], item["accelerator"], item["market_title"]) == ("rack-a", "H100 SXM", "Owned")
    offers = (await api.get("/offers", params={"provider": "slurm"})).json()["items"]
    assert [(each["instance_type"], each["price_micro"]) for each in offers] == [("rack-a", 12_500_000)]


async def test_the_same_machine_on_the_same_terms_is_replaced_and_another_is_not(api: Api) -> None:
    await api.post("/prices/own", json=RACK)
    await api.post("/prices/own", json=RACK | {"price": "10", "per": "accelerator_hour", "count": 8})
    await api.post("/prices/own", json=RACK | {"market": "reserved", "price": "7300", "per": "month"})
    items = await own(api)
    assert sorted((each["market"], each["price"]["micro"]) for each in items) == [
        ("owned", 80_000_000), ("reserved", 10_000_000),
    ]  # fmt: skip


async def test_one_is_removed_and_the_others_stay(api: Api) -> None:
    first = (await api.post("/prices/own", json=RACK)).json()
    second = (await api.post("/prices/own", json=RACK | {"instance_type": "rack-b"})).json()
    assert (await api.delete(f"/prices/own/{first['id']}")).status_code == 204
    assert await own(api) == [second]
    assert (await api.delete(f"/prices/own/{first['id']}")).status_code == 404
    assert (await api.delete(f"/prices/own/{second['id']}")).status_code == 204
    assert await own(api) == []
    assert (await api.get("/offers", params={"provider": "slurm"})).json()["items"] == []


async def test_what_came_with_a_file_goes_with_the_file(api: Api) -> None:
    content = "provider,region,instance_type,price\nslurm,berlin,cpu-1,0.10\n"
    await api.post("/prices/import", json={"name": "rack", "format": "price-file", "content": content})
    page = (await api.get("/prices/own")).json()
    (item,) = page["items"]
    assert (item["source"], item["can_remove"], [each["name"] for each in page["files"]]) == (
        "rack",
        False,
        ["rack"],
    )
    assert (await api.delete(f"/prices/own/{item['id']}")).status_code == 404
    await api.delete("/prices/sources/rack")
    assert (await api.get("/prices/own")).json()["items"] == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"market": "spot", "price": "0"}, "price"),
        ({"count": 0}, "count"),
        ({"instance_type": ""}, "instance_type"),
        ({"price": "-1"}, "price"),
        ({"per": "century"}, "per"),
    ],
)
async def test_what_cannot_be_is_refused(api: Api, change: dict[str, Any], what: str) -> None:
    refused = await api.post("/prices/own", json=RACK | change)
    assert refused.status_code in (404, 422), refused.text
    assert what in refused.text
    assert await own(api) == []
