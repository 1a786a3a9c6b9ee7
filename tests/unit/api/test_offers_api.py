"""Offers and prices over HTTP: what ships is there at once, what is imported is seen, bad input is refused."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

PRICE_FILE = """version: 1
as_of: 2026-01-01
offers:
  - provider: our-cluster
    region: cellar
    instance_type: box
    accelerator: H100
    count: 8
    price: {price}
"""


async def _import(
    api: httpx2.AsyncClient, price: str = "$4/h", name: str = "own", **more: Any
) -> httpx2.Response:
    body = {"name": name, "format": "price-file", "content": PRICE_FILE.format(price=price), **more}
    return await api.post("/prices/import", json=body)


async def _own(api: httpx2.AsyncClient) -> list[dict[str, Any]]:
    answer = await api.get("/offers", params={"region": "CELL*"})
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_what_ships_is_there_at_once_and_cheapest_first(api: httpx2.AsyncClient) -> None:
    page = (await api.get("/offers", params={"limit": 500})).json()
    prices = [item["price_micro"] for item in page["items"]]
    assert len(prices) == 500
    assert prices == sorted(prices)
    assert page["known"] >= page["matching"] > 500
    assert page["failures"] == []


async def test_pages_together_are_the_whole_and_no_offer_is_twice(api: httpx2.AsyncClient) -> None:
    query: dict[str, Any] = {"gpu": "H100", "limit": 50}
    whole = (await api.get("/offers", params={"gpu": "H100", "limit": 10_000})).json()
    items: list[Any] = []
    cursor = None
    while True:
        page = (await api.get("/offers", params=query | ({"cursor": cursor} if cursor else {}))).json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert items == whole["items"]
    assert whole["matching"] == len(items) > 50
    assert {item["accelerator"] for item in items} <= {"H100-SXM", "H100-PCIe", "H100-NVL"}


async def test_an_empty_answer_says_what_would_do(api: httpx2.AsyncClient) -> None:
    page = (await api.get("/offers", params={"gpu": "H100:8", "max_price": "0.01"})).json()
    assert page["items"] == []
    assert "none of them at most $0.01/h" in page["why_nothing"]
    assert page["why_nothing"].endswith("/h would do")
    assert page["constraints"][-1]["left"] == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/offers?sort=beauty", 422),
        ("/offers?limit=0", 422),
        ("/offers?max_price=free", 422),
        ("/offers?max_price=-1", 422),
        ("/offers?cursor=abc", 422),
        ("/offers?colour=red", 422),
        ("/offers?market=black", 422),
        ("/offers?min_count=4&max_count=2", 422),
        ("/offers?gpu=H100:8&gpu=A100:4", 422),
        ("/offers?min_memory=nan", 422),
        ("/offers?source=nobody", 404),
        ("/gpus?source=nobody", 404),
        ("/prices/history?buckets=0", 422),
        ("/prices/history?since=yesterday", 422),
        ("/prices/changes?cursor=x", 422),
        ("/prices/export?format=xml", 422),
    ],
)
async def test_bad_input_is_refused(api: httpx2.AsyncClient, path: str, status: int) -> None:
    answer = await api.get(path)
    assert answer.status_code == status
    assert answer.json()["detail"]


@pytest.mark.parametrize("until", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
async def test_the_ends_of_the_calendar_are_no_bug(api: httpx2.AsyncClient, until: str) -> None:
    answer = await api.get(f"/prices/history?until={until}&buckets=3")
    assert answer.status_code == 200
    assert answer.json()["since"] < answer.json()["until"]


async def test_the_reference_prices_are_had_by_name(api: httpx2.AsyncClient) -> None:
    page = (await api.get("/offers", params={"source": "reference-2024", "limit": 100})).json()
    assert page["known"] == 13
    assert {item["source"] for item in page["items"]} == {"reference-2024"}


async def test_models_have_names_places_and_prices(api: httpx2.AsyncClient) -> None:
    items = {item["key"]: item for item in (await api.get("/gpus")).json()["items"]}
    h100 = items["H100-SXM"]
    assert h100["memory_gb"] == 80
    assert h100["offers"] > 0
    assert h100["providers"]
    assert h100["on_demand_micro"] > 0
    assert h100["cheapest"]["accelerator"] == "H100-SXM"
    offered = (await api.get("/gpus", params={"offered": True})).json()["items"]
    assert 0 < len(offered) < len(items)
    assert all(item["offers"] for item in offered)


async def test_imported_prices_come_go_and_leave_a_history(
    connect: Callable[[str], httpx2.AsyncClient],
) -> None:
    api = connect("ana")
    tried = await _import(api, dry_run=True)
    assert (tried.status_code, tried.json()["offers"], tried.json()["changes"]) == (201, 1, 1)
    assert await _own(api) == []
    assert (await _import(api)).status_code == 201
    assert [item["price_micro"] for item in await _own(api)] == [4_000_000]
    assert (await _import(api, "$5/h")).json()["changes"] == 1
    assert (await _import(api, "$5/h")).json()["changes"] == 0
    assert [item["price_per_accelerator_micro"] for item in await _own(api)] == [625_000]
    assert (await api.delete("/prices/sources/own")).json()["state"] == "removed"
    assert await _own(api) == []
    changes = (await api.get("/prices/changes", params={"source": "own"})).json()["items"]
    assert [(each["reading"], each["per_cent"]) for each in changes] == [
        ("gone", None), ("rose", 25.0), ("new", None),
    ]  # fmt: skip
    course = (await api.get("/prices/history", params={"source": "own"})).json()
    assert course["series_count"] == 1
    assert [point["price_micro"] for point in course["series"][0]["points"]] == [4_000_000, 5_000_000, None]
    assert course["band"][-1]["median_micro"] is None
    assert (await _import(api)).json()["changes"] == 1
    assert len(await _own(api)) == 1


async def test_names_of_sources_cannot_be_taken_and_those_cannot_be_removed(api: httpx2.AsyncClient) -> None:
    assert (await _import(api, name="shipped")).status_code == 409
    assert (await api.delete("/prices/sources/shipped")).status_code == 409
    assert (await api.delete("/prices/sources/nobody")).status_code == 404
    assert (await api.post("/prices/sources/nobody/refresh")).status_code == 404
    await _import(api)
    assert (await api.post("/prices/sources/own/refresh")).status_code == 409


@pytest.mark.parametrize(
    "change",
    [
        {"content": "offers: ["},
        {"content": ""},
        {"format": "pdf"},
        {"format": "skypilot"},
        {"name": "Not A Name"},
        {"format": "skypilot", "provider": "aws", "content": "a,b\n1,2\n"},
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_whole(
    api: httpx2.AsyncClient, change: dict[str, Any]
) -> None:
    body = {"name": "own", "format": "price-file", "content": PRICE_FILE.format(price="$4/h"), **change}
    answer = await api.post("/prices/import", json=body)
    assert answer.status_code == 422
    assert "own" not in [each["name"] for each in (await api.get("/prices/sources")).json()["items"]]


async def test_sources_are_listed_with_what_they_need(api: httpx2.AsyncClient) -> None:
    await api.get("/offers")
    items = {each["name"]: each for each in (await api.get("/prices/sources")).json()["items"]}
    assert items["shipped"]["offers"] > 500
    assert items["shipped"]["error"] is None
    assert items["shipped"]["state"] == "ships with Tradewind"
    assert items["lambda-types"]["state"] == "switched off"
    assert (await api.post("/prices/sources/lambda-types/refresh")).status_code == 409


async def test_the_history_is_exported_whole_in_both_forms(api: httpx2.AsyncClient) -> None:
    await api.get("/offers")
    await _import(api)
    rows = list(csv.DictReader(io.StringIO((await api.get("/prices/export")).text)))
    lines = (await api.get("/prices/export", params={"format": "jsonl"})).text.splitlines()
    assert len(rows) == len(lines) > 500
    assert [int(row["position"]) for row in rows] == sorted(int(row["position"]) for row in rows)
    assert [json.loads(line)["price_micro"] for line in lines] == [int(row["price_micro"]) for row in rows]
