"""The offers page over HTTP: rows with everything around them, one offer in full, saved views, and files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.unit.api.conftest import Api
from tests.unit.control.test_instances import machine_here
from tradewind.control.context import Context
from tradewind.domain.offers import Offer


class Desk:
    """A place with one machine at hand."""

    async def list_offers(self) -> list[Offer]:
        return [machine_here(grams_co2e_per_kwh=300.0)]


async def _explore(api: Api, **query: Any) -> dict[str, Any]:
    answer = await api.get("/offers/explore", params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def _import(api: Api, price: str) -> None:
    content = (
        "version: 1\nas_of: 2026-01-01\noffers:\n  - provider: our-cluster\n    region: cellar\n"
        f"    instance_type: box\n    accelerator: H100\n    count: 8\n    price: {price}\n"
    )
    answer = await api.post(
        "/prices/import", json={"name": "own", "format": "price-file", "content": content}
    )
    assert answer.status_code == 201


async def test_the_first_page_has_everything_and_the_next_only_rows(api: Api) -> None:
    first = await _explore(api, limit=3, gpu="H100")
    assert [each["kind"] for each in first["cards"]] == ["cheapest", "fastest", "recommended"]
    assert {each["name"] for each in first["facets"]} == {
        "gpu", "count", "memory", "provider", "region", "market", "availability", "launchable",
    }  # fmt: skip
    assert first["sources"]["text"].startswith("Prices from")
    assert first["text"] == f"{first['matching']:,} of {first['known']:,} offers"
    second = await _explore(api, limit=3, gpu="H100", cursor=first["next_cursor"])
    assert second["cards"] == second["facets"] == []
    assert second["sources"] is None
    assert not {each["key"] for each in first["items"]} & {each["key"] for each in second["items"]}


async def test_an_empty_answer_says_which_filter_to_loosen(api: Api) -> None:
    page = await _explore(api, gpu="H100:8", max_price="0.20")
    (loosening,) = [each for each in page["loosenings"] if each["constraint"] == "max_price"]
    answer = await api.get(f"/offers/explore?{loosening['query']}")
    assert loosening["text"].startswith(f"Without max price $0.20/h: {answer.json()['matching']:,} offers")


async def test_the_machine_at_hand_is_among_the_rows(api: Api, context: Context) -> None:
    context.backends["local"] = Desk()  # type: ignore[assignment]
    page = await _explore(api, market="owned")
    (own,) = page["items"]
    assert (own["provider"], own["is_own"], own["launch"]["is_possible"]) == ("local", True, True)
    assert own["price"]["text"] == "$0.10"
    cards = (await _explore(api, gpu="H100"))["cards"]
    assert all("your machine ($1.00)" in each["savings"] for each in cards)
    named = await _explore(api, source="shipped")
    assert not any(each["is_own"] for each in named["items"])


async def test_a_told_machine_takes_part(api: Api) -> None:
    page = await _explore(api, market="owned", local_cost="2.50", local_gpu="RTX 4090", hours=10)
    assert [(each["title"], each["total"]["text"]) for each in page["items"]] == [("RTX 4090", "$25.00")]


async def test_one_offer_in_full_and_side_by_side(api: Api) -> None:
    items = (await _explore(api, gpu="H100:8", limit=2))["items"]
    keys = [each["key"] for each in items]
    detail = (await api.get("/offers/detail", params={"offer": keys[0], "hours": 5})).json()
    assert detail["row"]["key"] == keys[0]
    assert detail["setup"]["steps"]
    assert detail["billing"]
    answer = (await api.get("/offers/compare", params={"offer": keys})).json()
    assert [each["key"] for each in answer["items"]] == keys
    assert all(len(each["values"]) == 2 for each in answer["lines"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/offers/explore?sort=beauty", 422),
        ("/offers/explore?hours=0", 422),
        ("/offers/explore?hours=nan", 422),
        ("/offers/explore?on=abacus", 422),
        ("/offers/explore?local_cost=1&local_gpu=abacus", 422),
        ("/offers/explore?limit=1001", 422),
        ("/offers/explore?colour=red", 422),
        ("/offers/explore?min_count=4&max_count=2", 422),
        ("/offers/explore?source=nobody", 404),
        ("/offers/detail?offer=nonsense", 422),
        ("/offers/detail?offer=aws%7Cmoon%7C%7Cx%7C%7C1%7Cspot", 404),
        ("/offers/compare", 422),
        ("/offers/compare?" + "&".join(f"offer=aws%7Cmoon%7C%7Cx%7C%7C{n}%7Cspot" for n in range(5)), 422),
        ("/offers/export?format=xml", 422),
        ("/offers/export?min_count=4&max_count=2", 422),
    ],
)
async def test_bad_questions_are_refused(api: Api, path: str, status: int) -> None:
    answer = await api.get(path)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


async def test_the_file_is_what_is_shown(api: Api) -> None:
    query: dict[str, Any] = {"gpu": "H100", "sort": "gpu_price", "hours": 5}
    page = await _explore(api, **query, limit=1000)
    keys = [each["key"] for each in page["items"]]
    answer = await api.get("/offers/export", params=query)
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'attachment; filename="offers-' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["key"] for row in rows] == keys
    assert len(keys) == page["matching"] > 100
    records = (await api.get("/offers/export", params={**query, "format": "json"})).json()
    assert [each["key"] for each in records] == keys


async def test_views_are_kept_told_and_forgotten(connect: Callable[[str], Api]) -> None:
    ana, ben = connect("ana"), connect("ben")
    search = {"gpu": ["H100"], "max_price": "20", "hours": 5}
    answer = await ana.put("/offers/views/H100 under $20", json={"search": search})
    assert answer.status_code == 200, answer.text
    (view,) = answer.json()["items"]
    assert (view["name"], view["summary"]) == ("H100 under $20", "H100, at most $20.00/h; for 5 h")
    page = (await ana.get(f"/offers/explore?{view['query']}")).json()
    assert view["matching"] == page["matching"] > 0
    assert view["cheapest"]["key"] == page["items"][0]["key"]
    await ana.put("/offers/views/H100 under $20", json={"search": {"gpu": ["T4"]}})
    await ana.put("/offers/views/big", json={"search": {"min_count": 8}})
    assert [each["name"] for each in (await ana.get("/offers/views")).json()["items"]] == [
        "big",
        "H100 under $20",
    ]
    assert (await ben.get("/offers/views")).json()["items"] == []
    assert (await ben.delete("/offers/views/big")).status_code == 404
    preferences = (await ana.get("/preferences")).json()["values"]
    assert {each["name"] for each in preferences["saved_views"]} == {"big", "H100 under $20"}
    assert [each["name"] for each in (await ana.delete("/offers/views/big")).json()["items"]] == [
        "H100 under $20"
    ]
    assert (await ana.put("/offers/views/a%2Fb", json={"search": {}})).status_code in (404, 422)
    assert (await ana.put("/offers/views/x", json={"search": {"sort": "beauty"}})).status_code == 422


async def test_views_saved_as_filters_still_open(api: Api) -> None:
    filters = {"accelerators": ["H100"], "min_count": 8}
    values = {"saved_views": [{"name": "old", "filters": filters, "sort": "memory"}]}
    assert (await api.put("/preferences", json=values)).status_code == 200
    (view,) = (await api.get("/offers/views")).json()["items"]
    assert "min_count=8" in view["query"]
    assert view["matching"] > 0


async def test_nobody_sees_prices_of_another_project_or_without_a_token(
    connect: Callable[[str], Api],
) -> None:
    ana = connect("ana")
    await _import(ana, "$4/h")
    assert (await _explore(ana, provider="our-cluster"))["matching"] == 1
    stranger = httpx2.AsyncClient(transport=ana._transport, base_url="http://127.0.0.1/api/v1")
    for path in ("/offers/explore", "/offers/export", "/offers/views", "/offers/detail?offer=a%7Cb"):
        assert (await stranger.get(path)).status_code == 401
    await stranger.aclose()


async def test_the_course_of_a_price_has_its_end_in_words_and_availability(api: Api) -> None:
    await _import(api, "$4/h")
    await _import(api, "$5/h")
    course = (await api.get("/prices/history", params={"source": "own", "buckets": 4})).json()
    assert course["now"]["middle"]["text"] == "$0.62"
    assert course["now"]["offers"] == 1
    assert course["band"][-1]["availability"] in {each["level"] for each in course["levels"]}
    assert {each["badge"]["label"] for each in course["levels"]} == {
        "High", "Medium", "Low", "Unavailable", "Unknown",
    }  # fmt: skip
    changes = (await api.get("/prices/changes", params={"source": "own"})).json()["items"]
    assert [(each["badge"]["label"], each["text"]) for each in changes] == [
        ("Rose 25.0 %", "$5.00/h, was $4.00/h"),
        ("New", "$4.00/h"),
    ]
    assert changes[0]["title"] == "8x H100 SXM"
