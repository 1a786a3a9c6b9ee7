"""The provider comparison over HTTP, as clients that exist already ask for it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any, Final

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.api.guard import SESSION_COOKIE
from tradewind.db.owners import Caller, store_token
from tradewind.db.store import SqlStore
from tradewind.hardware.names import CLOUD_GPU_NAMES
from tradewind.providers.about import all_abouts

Api = httpx2.AsyncClient
WORKED_EXAMPLE: Final[dict[str, Any]] = {
    "training_hours": 10,
    "min_memory_gb": 80,
    "platforms": ["runpod", "lambda_labs", "together_ai"],
    "price_source": "reference-2024",
    "local_electricity_cost": 2.50,
}
PRICE_FILE: Final = """version: 1
as_of: 2026-01-01
offers:
  - provider: our-cluster
    region: cellar
    instance_type: box
    accelerator: H100
    count: 1
    price: $0.01/h
"""
INSTANCE_FIELDS: Final = {
    "platform", "gpu_type", "gpu_count", "memory_gb", "vcpus", "ram_gb", "storage_gb", "hourly_rate_usd",
    "availability", "region",
}  # fmt: skip
OPTION_FIELDS: Final = {
    "platform", "gpu", "cost", "hourly_rate", "setup_time", "availability", "pros", "cons",
}  # fmt: skip
LEVELS: Final = {"high", "medium", "low", "unavailable", "unknown"}


@pytest.fixture
def anyone(connect: Callable[[str], Api]) -> Api:
    """A client on loopback without a token."""
    client = connect("ana")
    del client.headers["Authorization"]
    client.base_url = httpx2.URL("http://127.0.0.1/api/cloud")
    return client


@pytest.fixture
def ana(connect: Callable[[str], Api]) -> Api:
    """The same with a token."""
    client = connect("ana")
    client.base_url = httpx2.URL("http://127.0.0.1/api/cloud")
    return client


async def ask(client: Api, method: str, path: str, status: int = 200, **more: Any) -> Any:
    answer = await client.request(method, path, **more)
    assert answer.status_code == status, answer.text
    return json.loads(answer.content, parse_constant=pytest.fail)


async def test_instances_have_every_field_and_come_cheapest_first(anyone: Api) -> None:
    found = await ask(anyone, "POST", "/instances", json={})
    assert found["count"] == len(found["instances"]) == 1000
    assert found["total"] > 1000
    assert found["message"] is None
    rates = [each["hourly_rate_usd"] for each in found["instances"]]
    assert rates == sorted(rates)
    assert rates[0] > 0
    for each in found["instances"]:
        assert each.keys() >= INSTANCE_FIELDS
        assert each["availability"] in LEVELS
        assert each["market"] in {"on_demand", "owned"}
        assert each["price_source"]


async def test_a_query_string_asks_the_same_as_a_body(anyone: Api) -> None:
    body = {"gpu_type": "A100 80GB", "min_memory_gb": 80, "platforms": ["lambda_labs", "gcp"], "limit": 7}
    posted = await ask(anyone, "POST", "/instances", json=body)
    assert posted["count"] == 7
    assert {each["platform"] for each in posted["instances"]} <= {"lambda_labs", "gcp"}
    assert {each["gpu_type"] for each in posted["instances"]} == {"A100 80GB"}
    for platforms in ({"platforms": "lambda_labs,gcp"}, {"platforms": ["gcp", "lambda_labs"]}):
        assert await ask(anyone, "GET", "/instances", params={**body, **platforms}) == posted


@pytest.mark.parametrize("name", ["lambda", "lambda_labs", "lambda-labs", "LambdaLabs"])
async def test_a_platform_has_aliases(anyone: Api, name: str) -> None:
    found = await ask(anyone, "GET", f"/platforms/{name}", params={"gpu_type": "H100", "limit": 3})
    assert found["platform"] == "lambda_labs"
    assert found["count"] == len(found["instances"]) == 3 <= found["total"]
    assert {each["platform"] for each in found["instances"]} == {"lambda_labs"}
    listed = await ask(anyone, "POST", "/instances", json={"platforms": [name], "limit": 1})
    assert listed["instances"][0]["platform"] == "lambda_labs"
    assert (await ask(anyone, "GET", f"/setup-instructions/{name}"))["platform"] == "lambda_labs"


async def test_what_is_asked_of_one_platform_is_what_instances_say_of_it(anyone: Api) -> None:
    query = {"gpu_type": "A100", "min_memory_gb": 50, "limit": 5}
    one = await ask(anyone, "GET", "/platforms/gcp", params=query)
    some = await ask(anyone, "GET", "/instances", params={**query, "platforms": "gcp"})
    assert (one["instances"], one["total"]) == (some["instances"], some["total"])
    assert one["total"] > 5


async def test_spot_machines_are_shown_to_those_who_ask_for_them(anyone: Api) -> None:
    totals = {}
    for market in ("on_demand", "spot", "reserved", "any"):
        found = await ask(anyone, "GET", "/instances", params={"market": market, "limit": 10})
        totals[market] = found["total"]
        assert market == "any" or {each["market"] for each in found["instances"]} <= {market, "owned"}
    assert totals["any"] == totals["on_demand"] + totals["spot"] + totals["reserved"]
    assert totals["spot"] > 0


async def test_the_eight_names_are_known_and_can_be_had(anyone: Api) -> None:
    found = await ask(anyone, "GET", "/gpu-types")
    assert set(CLOUD_GPU_NAMES) <= set(found["gpu_types"])
    assert len(CLOUD_GPU_NAMES) == 8
    assert found["count"] == len(found["gpu_types"]) == len(found["details"])
    for name in CLOUD_GPU_NAMES:
        answer = await ask(anyone, "GET", "/instances", params={"gpu_type": name, "limit": 1})
        assert answer["instances"][0]["gpu_type"] == name
        detail = next(each for each in found["details"] if each["name"] == name)
        assert detail["platforms"]
        assert detail["from_hourly_rate_usd"] > 0


async def test_every_provider_is_a_platform_with_set_up_instructions(anyone: Api) -> None:
    found = await ask(anyone, "GET", "/platforms")
    ids = [each["id"] for each in found["platforms"]]
    assert found["count"] == len(ids) == len(set(ids))
    assert {about.cloud_id for about in all_abouts().values()} <= set(ids)
    assert len(all_abouts()) == 22
    for each in found["platforms"]:
        setup = await ask(anyone, "GET", f"/setup-instructions/{each['id']}")
        assert setup["platform"] == each["id"]
        assert setup["title"]
        assert setup["estimated_time"]
        assert setup["steps"]
        assert setup["cons"]
        assert (await ask(anyone, "GET", f"/platforms/{each['id']}?market=any"))["total"] == each[
            "instance_count"
        ]


async def test_a_provider_that_only_price_lists_speak_of_says_so(anyone: Api) -> None:
    (nebius,) = [
        each for each in (await ask(anyone, "GET", "/platforms"))["platforms"] if each["id"] == "nebius"
    ]
    assert (nebius["can_run_jobs"], nebius["runs"]) == (False, [])
    assert "Only its prices" in (await ask(anyone, "GET", "/setup-instructions/nebius"))["cons"][0]
    compared = await ask(
        anyone, "POST", "/compare-costs", json={"training_hours": 1, "platforms": ["nebius"]}
    )
    assert all("Only its prices" in each["cons"][0] for each in compared["options"])
    assert compared["options"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/platforms/nobody", None),
        ("GET", "/platforms/runpod,aws", None),
        ("GET", "/platforms/,", None),
        ("GET", "/platforms/%0A", None),
        ("GET", "/setup-instructions/nobody", None),
        ("GET", "/instances?platforms=nobody", None),
        ("POST", "/instances", {"platforms": ["aws", "nobody"]}),
        ("POST", "/compare-costs", {"training_hours": 1, "platforms": ["nobody"]}),
    ],
)
async def test_an_unknown_platform_is_answered_with_the_known_ones(
    anyone: Api, method: str, path: str, body: Any
) -> None:
    answer = await ask(anyone, method, path, 404, json=body)
    assert "no platform is called" in answer["detail"]
    for name in ("runpod", "lambda_labs", "together_ai", "local", "nebius"):
        assert re.search(rf"\b{name}\b", answer["hint"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/instances", {"price_source": "nobody"}),
        ("/compare-costs", {"training_hours": 1, "price_source": "nobody"}),
    ],
)
async def test_an_unknown_price_source_is_answered_with_the_known_ones(
    anyone: Api, path: str, body: Any
) -> None:
    answer = await ask(anyone, "POST", path, 404, json=body)
    assert "no price source is called 'nobody'" in answer["detail"]
    assert "reference-2024, shipped" in answer["hint"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/instances", {"colour": "red"}, "colour"),
        ("/instances", {"gpu_type": ""}, "gpu_type"),
        ("/instances", {"gpu_type": "   "}, "gpu_type"),
        ("/instances", {"gpu_type": "H100\0"}, "gpu_type"),
        ("/instances", {"gpu_type": 7}, "gpu_type"),
        ("/instances", {"gpu_type": "x" * 65}, "gpu_type"),
        ("/instances", {"min_memory_gb": -1}, "min_memory_gb"),
        ("/instances", {"min_memory_gb": "much"}, "min_memory_gb"),
        ("/instances", {"platforms": []}, "platforms"),
        ("/instances", {"platforms": ["a"] * 65}, "platforms"),
        ("/instances", {"platforms": [1]}, "platforms.0"),
        ("/instances", {"limit": 0}, "limit"),
        ("/instances", {"limit": 10_001}, "limit"),
        ("/instances", {"market": "black"}, "market"),
        ("/instances", {"price_source": "No Such"}, "price_source"),
        ("/instances", [], "body"),
        ("/instances", None, "body"),
        ("/compare-costs", {}, "training_hours"),
        ("/compare-costs", {"training_hours": 0}, "training_hours"),
        ("/compare-costs", {"training_hours": -3}, "training_hours"),
        ("/compare-costs", {"training_hours": 1e12}, "training_hours"),
        ("/compare-costs", {"training_hours": True, "local_power_watts": 0}, "local_power_watts"),
        ("/compare-costs", {"training_hours": 1, "local_electricity_cost": -1}, "local_electricity_cost"),
        ("/compare-costs", {"training_hours": 1, "electricity_price_usd_per_kwh": -1}, "electricity_price_usd_per_kwh"),
        ("/compare-costs", {"training_hours": 1, "reference_gpu": "Quux 9000"}, "reference_gpu"),
    ],
)  # fmt: skip
async def test_bad_input_is_refused_with_the_field_and_the_rule(
    anyone: Api, path: str, body: Any, field: str
) -> None:
    answer = await ask(anyone, "POST", path, 422, json=body)
    assert field in answer["detail"]
    faults = answer["errors"]
    assert all(each["message"] for each in faults)
    assert any(field in each["where"] for each in faults)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"limit": ' + b"9" * 5000 + b"}",
        b'{"min_memory_gb": NaN}',
        b'{"min_memory_gb": 1e999}',
        b'{"gpu_type": "\\ud800"}',
        b'{"\\ud800": 1}',
    ],
)
async def test_what_is_not_json_is_refused_the_same_way(anyone: Api, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await ask(anyone, "POST", "/instances", 422, content=content, headers=headers)
    assert answer["errors"][0]["where"].startswith("body")
    assert answer["errors"][0]["message"]


async def test_the_worked_example(anyone: Api) -> None:
    answer = await ask(anyone, "POST", "/compare-costs", json=WORKED_EXAMPLE)
    summary = answer["summary"]
    assert summary["cheapest"] == {"platform": "lambda_labs", "cost": "$12.90", "gpu": "A100 80GB"}
    assert summary["savings_vs_local"] == "48.4%"
    assert summary["recommended"] == {**summary["cheapest"], "reason": "Lowest cost option"}
    assert summary["fastest"].keys() == {"platform", "setup_time", "gpu"}
    first = answer["options"][0]
    assert first.keys() >= OPTION_FIELDS
    assert (first["cost"], first["hourly_rate"], first["setup_time"]) == ("$12.90", "$1.29/hr", "immediate")
    assert (first["price_source"], first["seen_at"][:4]) == ("reference-2024", "2024")
    costs = [each["cost_usd"] for each in answer["options"]]
    assert costs == sorted(costs)
    local = next(each for each in answer["options"] if each["platform"] == "local")
    assert (local["cost"], local["hourly_rate"], local["price_source"]) == ("$25.00", "$2.50/hr", "request")
    assert {each["setup_time"] for each in answer["options"] if each["platform"] == "together_ai"} == {
        "1 min"
    }


async def test_running_here_is_priced_by_the_hour_or_physically(anyone: Api) -> None:
    body = {"training_hours": 10, "local_gpu_type": "RTX 4090", "platforms": ["aws"]}
    answers = [
        await ask(anyone, "POST", "/compare-costs", json={**body, **more})
        for more in (
            {"local_electricity_cost": 0.1},
            {"electricity_price_usd_per_kwh": 0.25, "local_power_watts": 400},
        )
    ]
    for answer in answers:
        assert answer["summary"]["cheapest"] == {"platform": "local", "cost": "$1.00", "gpu": "RTX 4090"}
        assert answer["summary"]["fastest"]["platform"] == "local"
        assert answer["summary"]["savings_vs_local"] == "0.0%"
        local = answer["options"][0]
        assert local["pros"]
        assert local["cons"]
    assert answers[1]["options"][0]["energy_kwh"] == 4.0


async def test_asking_for_the_cost_here_alone_says_what_is_missing(anyone: Api) -> None:
    answer = await ask(anyone, "POST", "/compare-costs", json={"training_hours": 1, "platforms": ["local"]})
    assert (answer["summary"], answer["options"]) == (None, [])
    assert "local_electricity_cost" in answer["message"]


async def test_hours_are_scaled_from_the_gpu_they_were_measured_on(anyone: Api) -> None:
    body = {"training_hours": 10, "platforms": ["runpod", "aws"]}
    even = await ask(anyone, "POST", "/compare-costs", json=body)
    assert {each["training_hours"] for each in even["options"]} == {10}
    scaled = await ask(anyone, "POST", "/compare-costs", json={**body, "reference_gpu": "A100 80GB"})
    hours = {(each["platform"], each["gpu"]): each["training_hours"] for each in scaled["options"]}
    assert hours["runpod", "A100 80GB"] == pytest.approx(10, rel=0.15)
    assert hours["runpod", "H100"] < hours["runpod", "A100 80GB"] < hours["runpod", "RTX 4090"]
    # Nothing is known of its speed, so it may not win by the hours of another.
    assert hours["aws", "Inferentia"] == 10
    assert scaled["summary"]["cheapest"]["gpu"] != "Inferentia"
    assert any("Inferentia" in note for note in scaled["notes"])


async def test_energy_carbon_and_gpu_hours_are_told(anyone: Api) -> None:
    answer = await ask(
        anyone, "POST", "/compare-costs", json={"training_hours": 10, "platforms": ["together"], "min_memory_gb": 80}
    )  # fmt: skip
    option = next(each for each in answer["options"] if each["gpu"] == "H100")
    assert option["gpu_count"] == 8
    assert option["gpu_hours"] == 80
    assert 30 < option["energy_kwh"] < 200
    assert option["carbon_g"] > 0


async def test_an_empty_answer_says_why(anyone: Api) -> None:
    answer = await ask(anyone, "POST", "/instances", json={"min_memory_gb": 5000})
    assert (answer["instances"], answer["count"], answer["total"]) == ([], 0, 0)
    assert "5000 GB" in answer["message"]
    assert "the largest has" in answer["message"]
    answer = await ask(anyone, "GET", "/platforms/aws?gpu_type=Quux")
    assert "Quux" in answer["message"]
    answer = await ask(anyone, "GET", "/platforms/lyceum?gpu_type=H100&market=reserved")
    assert "reserved" in answer["message"]
    assert "no price is known for slurm" in (await ask(anyone, "GET", "/platforms/slurm"))["message"]
    body = {"training_hours": 1, "min_memory_gb": 5000}
    compared = await ask(anyone, "POST", "/compare-costs", json=body)
    assert compared["summary"] is None
    assert "5000 GB" in compared["message"]


async def test_old_prices_are_shown_as_such(anyone: Api) -> None:
    answer = await ask(anyone, "POST", "/compare-costs", json={"training_hours": 1})
    assert {each["price_source"] for each in answer["options"]} == {"shipped", "reference-2024"}
    for each in answer["options"]:
        said = " ".join(each["cons"])
        assert ("table that ships" in said) is (each["price_source"] == "shipped")
        assert ("2024-01-01 (reference-2024)" in said) is (each["price_source"] == "reference-2024")
    places = [(each["platform"], each["gpu"]) for each in answer["options"]]
    assert len(places) == len(set(places))
    # What was set up at once in 2024 is not the fastest of today.
    assert answer["summary"]["fastest"]["setup_time"] != "immediate"
    listed = await ask(anyone, "GET", "/instances", params={"price_source": "reference-2024"})
    assert listed["total"] == 13
    assert {each["seen_at"][:4] for each in listed["instances"]} == {"2024"}


async def test_old_prices_do_not_stand_beside_a_list_of_today(
    ana: Api, connect: Callable[[str], Api]
) -> None:
    content = PRICE_FILE.replace("our-cluster", "runpod").replace("H100", "B200")
    body = {"name": "today", "format": "price-file", "content": content}
    assert (await connect("ana").post("/prices/import", json=body)).status_code == 201
    answer = await ask(ana, "POST", "/compare-costs", json={"training_hours": 1})
    sources = {(each["platform"], each["price_source"]) for each in answer["options"]}
    assert ("runpod", "reference-2024") not in sources
    assert {("lambda_labs", "reference-2024"), ("runpod", "today")} <= sources


async def test_prices_of_a_project_are_for_those_who_belong_to_it(
    anyone: Api, ana: Api, connect: Callable[[str], Api]
) -> None:
    body = {"name": "own", "format": "price-file", "content": PRICE_FILE}
    assert (await connect("ana").post("/prices/import", json=body)).status_code == 201
    mine = await ask(ana, "POST", "/instances", json={"gpu_type": "H100", "limit": 1})
    assert mine["instances"][0]["platform"] == "our-cluster"
    assert (await ask(ana, "GET", "/platforms/our-cluster"))["total"] == 1
    theirs = await ask(anyone, "POST", "/instances", json={"gpu_type": "H100", "limit": 1})
    assert theirs["instances"][0]["platform"] != "our-cluster"
    assert theirs["total"] == mine["total"] - 1
    hidden = await ask(anyone, "GET", "/platforms/our-cluster", 404)
    assert "our-cluster" not in hidden["hint"]
    await ask(anyone, "GET", "/instances?price_source=own", 404)
    compared = await ask(ana, "POST", "/compare-costs", json={"training_hours": 10})
    assert compared["summary"]["cheapest"] == {"platform": "our-cluster", "cost": "$0.10", "gpu": "H100"}


async def test_a_browser_session_sees_what_is_its_users(
    anyone: Api, connect: Callable[[str], Api], store: SqlStore, caller: Caller
) -> None:
    body = {"name": "own", "format": "price-file", "content": PRICE_FILE}
    assert (await connect("ana").post("/prices/import", json=body)).status_code == 201
    await store.run(lambda tx: store_token(tx, caller.user_id, "session", "biscuit", "test", None))
    with_session = {"Cookie": f"{SESSION_COOKIE}=biscuit"}
    assert (await ask(anyone, "GET", "/platforms/our-cluster", headers=with_session))["total"] == 1
    # An old session is no reason to refuse what everybody may see.
    await ask(anyone, "GET", "/platforms/our-cluster", 404, headers={"Cookie": f"{SESSION_COOKIE}=stale"})
    await ask(anyone, "GET", "/platforms", headers={"Cookie": f"{SESSION_COOKIE}=stale"})


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "10.0.0.1"},
        {"X-Forwarded-Host": "tradewind.example"},
        {"X-Real-IP": "10.0.0.1"},
        {"Forwarded": "for=10.0.0.1"},
        {"Via": "1.1 proxy"},
        {"Authorization": "Bearer wrong"},
    ],
)
async def test_what_somebody_passes_on_needs_a_token(anyone: Api, headers: dict[str, str]) -> None:
    await ask(anyone, "GET", "/platforms", 401, headers=headers)


async def test_another_host_is_not_answered_without_a_token(anyone: Api) -> None:
    await ask(anyone, "GET", "/platforms", 403, headers={"Host": "tradewind.example"})
    await ask(anyone, "GET", "/platforms", 403, headers={"Origin": "https://evil.example"})
    await ask(anyone, "GET", "/platforms", headers={"Host": "localhost:8000"})
    await ask(anyone, "GET", "http://127.0.0.1/api/v1/offers", 401)


_numbers = st.one_of(
    st.integers(-(10**40), 10**40), st.floats(), st.sampled_from([0, -0.0, 1e-300, 876_000, 1e308])
)
_words = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        ["H100", "runpod", "lambda", "RTX 4090", "H100:8", "reference-2024", "any", "local", ",", "\0"]
    ),
)
_json = st.recursive(
    st.none() | st.booleans() | _numbers | _words,
    lambda inner: st.lists(inner, max_size=70) | st.dictionaries(_words, inner, max_size=4),
    max_leaves=20,
)
_FIELDS: Final = (
    "gpu_type", "min_memory_gb", "platforms", "price_source", "market", "limit", "training_hours", "local_gpu_type",
    "local_electricity_cost", "electricity_price_usd_per_kwh", "local_power_watts", "reference_gpu",
)  # fmt: skip
_bodies = _json | st.dictionaries(
    st.sampled_from(_FIELDS), _numbers | _words | st.lists(_words, max_size=3) | _json
)


async def _try(client: Api, method: str, path: str, **more: Any) -> None:
    answer = await client.request(method, path, **more)
    # A path that ends in a slash is sent to the one without.
    assert answer.status_code in {200, 307, 404, 405, 422}, (method, path, more, answer.text[:500])
    if answer.status_code != 307:
        said = json.loads(answer.content, parse_constant=pytest.fail)
        assert answer.status_code == 200 or said["detail"]


async def test_no_body_makes_the_server_fail(anyone: Api) -> None:
    loop = asyncio.get_running_loop()

    @given(st.sampled_from(["/instances", "/compare-costs"]), _bodies, st.booleans())
    @settings(max_examples=250, deadline=None)
    def send(path: str, body: Any, has_hours: bool) -> None:
        if has_hours and isinstance(body, dict) and path == "/compare-costs":
            body = {"training_hours": 3.5, **body}
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        call = _try(anyone, "POST", path, content=content, headers=headers)
        asyncio.run_coroutine_threadsafe(call, loop).result(60)

    await asyncio.to_thread(send)


async def test_no_query_makes_the_server_fail(anyone: Api) -> None:
    loop = asyncio.get_running_loop()
    text = st.text(st.characters(codec="utf-8"), max_size=70)
    values = (
        text | _numbers.map(str) | st.sampled_from(["a,b", ",", "nan", "inf", "1e999", "H100", "any", "%00"])
    )

    @given(
        st.sampled_from(
            ["/instances", "/platforms/aws", "/platforms/{}", "/setup-instructions/{}", "/gpu-types"]
        ),
        text,
        st.dictionaries(st.sampled_from(_FIELDS) | text, values | st.lists(values, max_size=3), max_size=4),
    )
    @settings(max_examples=250, deadline=None)
    def send(path: str, name: str, query: dict[str, Any]) -> None:
        quoted = "".join(f"%{byte:02X}" for byte in name.encode()) or "x"
        call = _try(anyone, "GET", path.format(quoted), params=query)
        asyncio.run_coroutine_threadsafe(call, loop).result(60)

    await asyncio.to_thread(send)
