"""How alerts and channels are shown: badges, permitted actions, firings of all alerts, previews in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert

from tests.unit.api.conftest import Api
from tradewind.db import price_tables
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore, Transaction

pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.UnsupportedFieldAttributeWarning")
BELOW: dict[str, Any] = {
    "kind": "price_below",
    "below_micro": 2_000_000,
    "filters": {"accelerators": ["H100"]},
}


async def add(api: Api, name: str, **values: Any) -> dict[str, Any]:
    answer = await api.post("/alerts", json={"name": name, "condition": BELOW} | values)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def fire(
    store: SqlStore, caller: Caller, alert: dict[str, Any], channel: str | None, **message: Any
) -> None:
    def put(tx: Transaction) -> None:
        firing = tx.new_id("fire")
        owner = {"project_id": caller.project_id, "creator_id": caller.user_id, "created_at": tx.now}
        table = price_tables.alert_firings
        tx.execute(
            insert(table).values(
                id=firing, alert_id=alert["id"], number=1, title=f"{alert['name']}: $1.90", body="cheap",
                was_muted=False, **owner, **{name: {} for name in ("state",) if name in table.c},
            )
        )  # fmt: skip
        if channel is not None:
            tx.execute(
                insert(price_tables.notifications).values(
                    id=tx.new_id("note"), channel_id=channel, alert_id=alert["id"], firing_id=firing, key=firing,
                    title="t", body="b", **owner, **message,
                )
            )  # fmt: skip

    await store.run(put)


async def test_what_keeps_an_alert_from_being_told_is_its_badge(
    api: Api, store: SqlStore, caller: Caller
) -> None:
    channel = (await api.post("/channels", json={"name": "hook", "url": "jsons://hook.example/x"})).json()
    silent = await add(api, "silent")
    assert silent["badge"]["label"] == "Tells nobody"
    assert [each["id"] for each in silent["permitted"]] == ["edit", "mute", "remove"]
    told = await add(api, "told", channels=["hook"])
    assert (told["badge"]["label"], told["now_text"]) == ("Watching", "not looked at yet")
    muted = (await api.post("/alerts/told/mute")).json()
    assert (muted["badge"]["label"], muted["permitted"][1]["id"]) == ("Muted", "unmute")
    await api.post("/alerts/told/unmute")
    await fire(store, caller, told, channel["id"], state="failed", tries=8, error="the service answered 404")
    by_name = {each["name"]: each for each in (await api.get("/alerts")).json()["items"]}
    assert by_name["told"]["badge"]["label"] == "Not delivered"
    assert "404" in by_name["told"]["badge"]["explanation"]
    assert by_name["silent"]["badge"]["label"] == "Tells nobody"
    (shown,) = (await api.get("/channels")).json()["items"]
    assert (shown["badge"]["label"], shown["kind_title"]) == ("Failing", "JSON webhook")


async def test_a_channel_works_once_something_was_sent(api: Api, store: SqlStore, caller: Caller) -> None:
    channel = (await api.post("/channels", json={"name": "hook", "url": "jsons://hook.example/x"})).json()
    assert channel["badge"]["label"] == "Nothing sent yet"
    alert = await add(api, "told", channels=["hook"])
    await fire(store, caller, alert, channel["id"], state="sent", tries=1)
    (shown,) = (await api.get("/channels")).json()["items"]
    assert (shown["badge"]["label"], [each["id"] for each in shown["permitted"]]) == (
        "Working",
        ["test", "remove"],
    )


async def test_firings_of_all_alerts_are_one_list_of_ones_own(
    connect: Callable[[str], Api], store: SqlStore, caller: Caller, clock: Any
) -> None:
    ana, ben = connect("ana"), connect("ben")
    for name in ("one", "two", "three"):
        await fire(store, caller, await add(ana, name), None)
        clock.advance(1)
    page = (await ana.get("/firings", params={"limit": 2})).json()
    assert [each["alert"] for each in page["items"]] == ["three", "two"]
    rest = (await ana.get("/firings", params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert ([each["alert"] for each in rest["items"]], rest["next_cursor"]) == (["one"], None)
    assert (await ben.get("/firings")).json()["items"] == []


async def test_kinds_of_channels_have_forms_that_are_taken(api: Api) -> None:
    page = (await api.get("/channels/kinds")).json()
    assert [each["kind"] for each in page["items"]][:2] == ["slack", "mailtos"]
    for each in page["items"]:
        answer = await api.post("/channels", json={"name": each["kind"], "url": each["form"]})
        assert answer.status_code == 201, (each, answer.text)
    assert not {each["kind"] for each in page["items"]} & set(page["others"])


async def test_a_preview_says_it_in_a_sentence(api: Api) -> None:
    answer = (await api.post("/alerts/preview", json={"condition": BELOW, "days": 30})).json()
    assert answer["text"] == "would not have fired in the last 30 days"
    assert answer["summary"].endswith("below $2.00/GPU-h")


async def test_a_list_of_alerts_takes_no_more_statements_than_one(api: Api) -> None:
    seen: list[str] = []

    def note(*args: Any) -> None:
        seen.append(str(args[2]))

    async def count() -> int:
        seen.clear()
        event.listen(Engine, "before_cursor_execute", note)
        assert (await api.get("/alerts")).status_code == 200
        assert (await api.get("/channels")).status_code == 200
        event.remove(Engine, "before_cursor_execute", note)
        return len(seen)

    await add(api, "first")
    await count()
    one = await count()
    for number in range(10):
        await api.post("/channels", json={"name": f"hook-{number}", "url": "jsons://hook.example/x"})
        await add(api, f"more-{number}")
    assert await count() == one
