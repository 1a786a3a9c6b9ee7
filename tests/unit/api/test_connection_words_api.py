"""How providers and connections are shown: badges, permitted actions, groups, ways to give credentials."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.api.conftest import Api
from tests.unit.conftest import HandClock
from tests.unit.vendors_for_tests import GOOD, OTHER, VendorWorld

pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.UnsupportedFieldAttributeWarning")


async def provider(api: Api, name: str = "lambda") -> dict[str, Any]:
    found: dict[str, Any] = (await api.get(f"/providers/{name}")).json()
    return found


async def put(api: Api, key: str = GOOD, **settings: str) -> None:
    answer = await api.put(
        "/connections/lambda", json={"credentials": {"api_key": key}, "settings": settings}
    )
    assert answer.status_code == 200, answer.text


def ids(actions: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in actions]


async def test_what_is_not_connected_says_so_and_can_be(api: Api) -> None:
    seen = await provider(api)
    assert (seen["badge"]["label"], ids(seen["permitted"])) == ("Not connected", ["connect"])
    assert [each["name"] for each in seen["sources"] if each["is_possible"]] == [
        "stored", "environment", "config_file",
    ]  # fmt: skip
    assert "LAMBDA_API_KEY" in seen["sources"][1]["text"]


async def test_a_connection_with_missing_permissions_is_a_warning(api: Api) -> None:
    await put(api)
    seen = await provider(api)
    assert (seen["badge"]["label"], seen["badge"]["tone"], seen["badge"]["icon"]) == (
        "Permissions missing",
        "warning",
        "lock",
    )
    assert "instances:terminate" in seen["badge"]["explanation"]
    assert ids(seen["permitted"]) == ["validate", "connect", "disconnect"]
    assert seen["permitted"][2]["is_destructive"] is True
    assert "ana@example.com" in seen["summary"]


async def test_a_connection_in_order_is_good(api: Api) -> None:
    await put(api, OTHER)
    seen = await provider(api)
    assert seen["badge"]["tone"] == "good"
    assert seen["detail"] == (await api.get("/connections/lambda")).json()
    listed = (await api.get("/providers")).json()["items"]
    assert [each["detail"] for each in listed if each["id"] == "lambda"] == [None]


async def test_a_refused_one_is_invalid_and_leads_its_page(api: Api, world: VendorWorld) -> None:
    await put(api)
    world.accounts.clear()
    await api.post("/connections/lambda/validate")
    page = (await api.get("/providers")).json()
    assert (page["groups"][0]["name"], page["groups"][0]["providers"]) == ("trouble", ["lambda"])
    connection = (await api.get("/connections/lambda")).json()
    assert connection["badge"]["label"] == "Invalid"
    assert GOOD not in str(connection)


async def test_the_day_on_which_a_key_runs_out_is_told_before_and_after(api: Api, clock: HandClock) -> None:
    day = clock.now() + timedelta(days=20)
    await put(api, OTHER, expires_on=f"{day:%Y-%m-%d}")
    seen = []
    for days in (0, 7, 13.9, 0.2):
        clock.advance(days * 86_400)
        seen.append((await provider(api))["badge"]["label"])
    assert seen == ["Connected", "Expiring", "Expiring", "Expired"]
    assert (
        (await api.get("/connections/lambda"))
        .json()["expires_at"]
        .startswith(f"{day + timedelta(days=1):%Y-%m-%d}")
    )


async def test_a_day_that_is_none_is_refused(api: Api) -> None:
    answer = await api.put(
        "/connections/lambda", json={"credentials": {"api_key": GOOD}, "settings": {"expires_on": "soon"}}
    )
    assert answer.status_code == 422


async def test_groups_hold_every_provider_once(api: Api) -> None:
    page = (await api.get("/providers")).json()
    grouped = [name for group in page["groups"] for name in group["providers"]]
    assert sorted(grouped) == sorted(each["id"] for each in page["items"])
    by_group = {group["name"]: group["providers"] for group in page["groups"]}
    assert set(by_group["own"]) == {"local", "ssh"}
    by_id = {each["id"]: each for each in page["items"]}
    assert {by_id[name]["can_run"] for name in by_group["available"]} == {True}
    assert {by_id[name]["badge"]["label"] for name in by_group["prices"]} == {"Cannot run yet"}
    assert by_id["ssh"]["takes_hosts"] is True
    assert by_id["ssh"]["badge"]["label"] == "No machine yet"


async def test_a_server_that_others_use_offers_no_look_into_its_environment(
    api: Api, world: VendorWorld, connections: Any
) -> None:
    world.is_own_machine = False
    connections.outside = world.outside()
    seen = await provider(api)
    assert [each["name"] for each in seen["sources"] if each["is_possible"]] == ["stored"]
    assert "other users" in seen["sources"][1]["text"]
