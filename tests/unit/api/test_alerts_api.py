"""Channels and alerts over HTTP: what goes in, what comes out, and what never does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from tests.unit.api.conftest import Api, Postman, Shelf
from tests.unit.catalog.offers_for_tests import offer
from tests.unit.conftest import HandClock
from tests.unit.control.receivers import mail_server, webhook
from tradewind.control import alert_prices, leases
from tradewind.control.alerting import Alerting
from tradewind.control.alerts import AlertController, NotificationController
from tradewind.control.context import Context
from tradewind.control.notifying import AppriseNotifier, DeliveryError
from tradewind.db import price_tables
from tradewind.db.alert_rows import AlertRow, NotificationRow
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.clock import SystemClock
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.schemas_alerts import AlertCondition

#: FastAPI gives the fields of bodies an alias that Pydantic has no use for, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:The 'alias' attribute:UserWarning")
URL = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
BELOW = {"kind": "price_below", "below_micro": 2_000_000, "filters": {"accelerators": ["H100"]}}


async def add_channel(api: Api, name: str = "slack", url: str = URL) -> dict[str, Any]:
    answer = await api.post("/channels", json={"name": name, "url": url})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def add_alert(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.post("/alerts", json={"name": "cheap", "condition": BELOW, **changes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def in_thread(fn: Any, *args: Any, **named: Any) -> Any:
    return await asyncio.to_thread(fn, *args, **named)


async def work(store: SqlStore, context: Context, alerting: Alerting) -> None:
    """One step of every alert, then of every message, as the runner would take them."""
    for controller in (AlertController(context, alerting), NotificationController(context, alerting)):
        kind: Any = controller.row_type
        rows = await store.run(lambda tx, kind=kind: leases.claim(tx, kind, "t", timedelta(minutes=1), 100))  # type: ignore[misc]
        for row in rows:
            apply: Any = await controller.act(row)

            def settle(tx: Transaction, row: Any = row, apply: Any = apply, kind: Any = kind) -> None:
                due_at = apply(tx, leases.reread(tx, kind, row.id, "t"))
                leases.release(tx, kind.table, row, "t", due_at)

            await store.run(settle)


async def test_an_address_goes_in_and_never_comes_out(api: Api, store: SqlStore, tmp_path: Path) -> None:
    made = await add_channel(api)
    assert made["kind"] == "slack"
    answers = [await api.get("/channels"), await api.get("/alerts")]
    shown = json.dumps(made) + "".join(answer.text for answer in answers)
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in shown
    (row,) = await store.read(lambda tx: list(tx.execute(select(price_tables.notification_channels))))
    assert b"TIiajkdnlazkcOXrIdevi7FQ" not in row.url_ciphertext
    assert (tmp_path / "config" / "secret.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"name": "x", "url": "syslog://secret-part"}, "not used"),
        ({"name": "x", "url": "slack://a/b/secret-part?template=/etc/passwd"}, "not allowed"),
        ({"name": "x", "url": "no address, secret-part"}, "not the address"),
        ({"name": "x", "url": "secret-part" * 1000}, "characters"),
        ({"name": "x", "url": ""}, "characters"),
        ({"name": "x", "url": ["secret-part"]}, "string"),
        ({"name": "", "url": URL}, "pattern"),
        ({"name": "../secret-part", "url": URL}, "pattern"),
        ({"name": "x"}, "required"),
        ({"name": "x", "url": URL, "more": 1}, "not permitted"),
    ],
)
async def test_bad_channels_are_refused_without_quoting_the_address(
    api: Api, body: dict[str, Any], says: str
) -> None:
    answer = await api.post("/channels", json=body)
    assert answer.status_code == 422
    assert says in answer.text
    assert "secret-part" not in answer.text


async def test_half_a_character_is_no_address(api: Api) -> None:
    body = b'{"name": "x", "url": "json://\\ud800secret-part/"}'
    answer = await api.post("/channels", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert "surrogate" in answer.text
    assert "secret-part" not in answer.text


async def test_a_key_makes_a_repeated_channel_harmless_and_keeps_nothing_of_it(
    api: Api, store: SqlStore
) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = await api.post("/channels", json={"name": "a", "url": URL}, headers=headers)
    again = await api.post("/channels", json={"name": "a", "url": URL}, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    other = await api.post("/channels", json={"name": "a", "url": URL + "x"}, headers=headers)
    assert other.status_code == 422

    def dump(tx: Transaction) -> str:
        return repr([tuple(row) for row in tx.connection.exec_driver_sql("SELECT * FROM idempotency_keys")])

    assert "TIiajkdnlazkcOXrIdevi7FQ" not in await store.read(dump)


async def test_names_are_taken_once(api: Api) -> None:
    await add_channel(api)
    answer = await api.post("/channels", json={"name": "slack", "url": URL})
    assert (answer.status_code, answer.json()["code"]) == (409, "TW-E500")
    await add_alert(api)
    assert (await api.post("/alerts", json={"name": "cheap", "condition": BELOW})).status_code == 409


async def test_a_test_says_what_became_of_it(api: Api, postman: Postman) -> None:
    made = await add_channel(api)
    good = (await api.post("/channels/slack/test")).json()
    assert good["is_delivered"]
    assert postman.taken[0][0] == URL
    postman.error = DeliveryError("Apprise is not installed", hint="pip install it")
    bad = (await api.post(f"/channels/{made['id']}/test")).json()
    assert (bad["is_delivered"], bad["message"], bad["hint"]) == (
        False,
        "Apprise is not installed",
        "pip install it",
    )
    assert (await api.post("/channels/nobody/test")).status_code == 404


async def test_a_lost_key_is_said_and_nothing_is_changed(
    api: Api, alerting: Alerting, tmp_path: Path
) -> None:
    await add_channel(api)
    (tmp_path / "config" / "secret.key").unlink()
    alerting.sealer._keys = None  # as after a restart
    for answer in (
        await api.post("/channels/slack/test"),
        await api.post("/channels", json={"name": "b", "url": URL}),
        await api.post("/channels", json={"name": "b", "url": URL}, headers={"Idempotency-Key": "k"}),
    ):
        assert answer.status_code == 409
        problem = answer.json()
        assert problem["code"] == "TW-E501"
        assert "put it back" in problem["hint"]
    assert [each["name"] for each in (await api.get("/channels")).json()["items"]] == ["slack"]


async def test_an_alert_from_birth_to_message(
    api: Api,
    store: SqlStore,
    context: Context,
    alerting: Alerting,
    shelf: Shelf,
    postman: Postman,
    clock: HandClock,
) -> None:
    await add_channel(api)
    made = await add_alert(api, channels=["slack"])
    assert made["fired_count"] == 0
    assert "H100-SXM" in made["condition"]["filters"]["accelerators"]
    await work(store, context, alerting)
    seen = (await api.get("/alerts/cheap")).json()
    assert (seen["matching_offers"], seen["best_price"]["micro"]) == (1, 3_000_000)
    assert postman.taken == []
    shelf.offers = [offer(1_500_000)]
    clock.advance(3600)
    await work(store, context, alerting)
    ((url, message),) = postman.taken
    assert url == URL
    assert message.title.startswith("cheap: $1.50/GPU-h")
    assert f"Seen: {clock.now():%Y-%m-%d %H:%M} UTC" in message.body
    (firing,) = (await api.get("/alerts/cheap/firings")).json()["items"]
    assert (firing["number"], firing["title"]) == (1, message.title)
    assert firing["deliveries"] == [
        {
            "channel": "slack",
            "state": "sent",
            "tries": 1,
            "error": None,
            "sent_at": "2026-01-01T01:00:00Z",
            "badge": {"label": "Told slack", "tone": "good", "icon": "check", "explanation": None},
        }
    ]
    seen = (await api.get(f"/alerts/{made['id']}")).json()
    assert (seen["fired_count"], seen["notes"]) == (1, [])
    # A new condition forgets what was told, not how often.
    patch = {"condition": {**BELOW, "below_micro": 1_800_000}}
    assert (await api.patch("/alerts/cheap", json=patch)).json()["fired_count"] == 1
    await work(store, context, alerting)
    items = (await api.get("/alerts/cheap/firings", params={"limit": 1})).json()
    assert [each["number"] for each in items["items"]] == [2]
    assert items["next_before"] == 2
    older = (await api.get("/alerts/cheap/firings", params={"before": 2})).json()
    assert [each["number"] for each in older["items"]] == [1]


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
async def test_from_a_price_to_a_webhook_and_a_mailbox_through_apprise(
    api: Api, store: SqlStore, context: Context, alerting: Alerting, shelf: Shelf
) -> None:
    real = AppriseNotifier(SystemClock(), in_thread, allow_private=True)
    with webhook() as receiver, mail_server() as mails:
        await add_channel(api, "hook", f"json://127.0.0.1:{receiver.port}/in")
        address = f"mailto://localhost:{mails.port}?smtp=127.0.0.1&from=t@example.com&to=ana@example.com"
        await add_channel(api, "mail", f"{address}&mode=insecure")
        await add_alert(api, channels=["hook", "mail"])
        shelf.offers = [offer(1_500_000)]
        await work(store, context, replace(alerting, notifier=real))
        await work(store, context, replace(alerting, notifier=real))
    assert [each["title"] for each in receiver.received] == [
        "cheap: $1.50/GPU-h, vast, eu-nl: H100-SXM x1 (on demand)"
    ]
    assert len(mails.mails) == 1
    (firing,) = (await api.get("/alerts/cheap/firings")).json()["items"]
    assert {each["channel"]: each["state"] for each in firing["deliveries"]} == {
        "hook": "sent",
        "mail": "sent",
    }


async def test_an_undelivered_message_is_said_at_the_alert(
    api: Api, store: SqlStore, context: Context, alerting: Alerting, shelf: Shelf, postman: Postman
) -> None:
    await add_channel(api)
    await add_alert(api, channels=["slack"])
    shelf.offers = [offer(1_000_000)]
    postman.error = DeliveryError("Apprise, which sends messages, is not installed", hint="pip install it")
    await work(store, context, alerting)
    (note,) = (await api.get("/alerts/cheap")).json()["notes"]
    assert "not installed; pip install it" in note
    (channel,) = (await api.get("/channels")).json()["items"]
    assert "not installed" in channel["last_error"]


async def test_mute_and_remove(
    api: Api, store: SqlStore, context: Context, alerting: Alerting, shelf: Shelf
) -> None:
    await add_channel(api)
    await add_alert(api, channels=["slack"])
    assert (await api.post("/alerts/cheap/mute")).json()["is_muted"]
    assert not (await api.post("/alerts/cheap/unmute")).json()["is_muted"]
    shelf.offers = [offer(1_000_000)]
    await work(store, context, alerting)
    assert (await api.delete("/channels/slack")).status_code == 204
    assert (await api.get("/alerts/cheap")).json()["channels"] == []
    (firing,) = (await api.get("/alerts/cheap/firings")).json()["items"]
    assert firing["deliveries"] == []
    assert (await api.delete("/alerts/cheap")).status_code == 204
    assert (await api.get("/alerts/cheap")).status_code == 404
    for kind in (AlertRow, NotificationRow):
        assert await store.read(lambda tx, kind=kind: list(tx.execute(kind.select()))) == []  # type: ignore[misc]


async def test_users_of_one_project_do_not_see_each_others(connect: Callable[[str], Api]) -> None:
    ana, ben = connect("ana"), connect("ben")
    channel, alert = await add_channel(ana), await add_alert(ana)
    assert (await ben.get("/channels")).json()["items"] == []
    assert (await ben.get("/alerts")).json()["items"] == []
    for reference in ("cheap", alert["id"]):
        assert (await ben.get(f"/alerts/{reference}")).status_code == 404
        assert (await ben.get(f"/alerts/{reference}/firings")).status_code == 404
        assert (await ben.patch(f"/alerts/{reference}", json={"is_muted": True})).status_code == 404
        assert (await ben.post(f"/alerts/{reference}/mute")).status_code == 404
        assert (await ben.delete(f"/alerts/{reference}")).status_code == 404
    for reference in ("slack", channel["id"]):
        assert (await ben.post(f"/channels/{reference}/test")).status_code == 404
        assert (await ben.delete(f"/channels/{reference}")).status_code == 404
        # Nor can a message be sent on somebody else's channel.
        body = {"name": "mine", "condition": BELOW, "channels": [reference]}
        assert (await ben.post("/alerts", json=body)).status_code == 422
    # The same names are free for another user.
    await add_channel(ben)
    await add_alert(ben, channels=["slack"])
    assert not (await ana.get("/alerts/cheap")).json()["is_muted"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"name": "x", "condition": {"kind": "price_below"}},
        {"name": "x", "condition": {**BELOW, "below_micro": 1.5}},
        {"name": "x", "condition": {**BELOW, "below_micro": 10**30}},
        {"name": "x", "condition": {**BELOW, "filters": {"accelerators": [""]}}},
        {"name": "x", "condition": {**BELOW, "filters": {"accelerators": ["a"] * 65}}},
        {"name": "x", "condition": {**BELOW, "filters": {"regions": ["a\x00"]}}},
        {"name": "x", "condition": {**BELOW, "filters": {"min_count": -1}}},
        {"name": "x", "condition": BELOW, "channels": ["nobody"]},
        [],
        "x",
        None,
    ],
)
async def test_bad_alerts_are_refused(api: Api, body: Any) -> None:
    answer = await api.post("/alerts", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "TW-E200"


def record(tx: Transaction, hours: float, dollars: float, **changes: Any) -> None:
    """A recorded change of a price, `hours` before now."""
    tx.execute(
        insert(price_tables.price_changes).values(
            **{
                "source_id": "psrc_1", "provider": "vast", "region": "eu-nl", "zone": "", "instance_type": "h100",
                "accelerator": "H100-SXM", "accelerator_count": 1.0, "market": "spot", "currency": "USD",
                "price_micro": round(dollars * 1_000_000), "availability": "high",
                "seen_at": tx.now - timedelta(hours=hours), **changes,
            }
        )
    )  # fmt: skip


async def test_a_preview_counts_from_the_recorded_prices(api: Api, store: SqlStore, caller: Caller) -> None:
    nothing = (await api.post("/alerts/preview", json={"condition": BELOW})).json()
    assert (nothing["fired_count"], nothing["notes"]) == (
        0,
        ["no prices of matching offers are recorded yet"],
    )

    def add(tx: Transaction) -> None:
        source = insert(price_tables.price_sources)
        tx.execute(source.values(id="psrc_1", name="s", settings={}, created_at=tx.now))
        for hours, dollars in ((24 * 60, 1.5), (24 * 40, 3), (200, 1.9), (150, 3), (100, 1.8), (50, 1.7)):
            record(tx, hours, dollars)
        record(tx, 90, 0.1, accelerator="A100-80GB", instance_type="a100")
        record(tx, 80, 0.1, project_id=None, region="us", availability="unavailable")

    await store.run(add)
    answer = (await api.post("/alerts/preview", json={"condition": BELOW})).json()
    assert answer["fired_count"] == 2
    assert [each["title"][:12] for each in answer["firings"]] == ["$1.80/GPU-h,", "$1.90/GPU-h,"]
    longer = (await api.post("/alerts/preview", json={"condition": BELOW, "days": 90})).json()
    assert longer["fired_count"] == 3
    assert "recorded since" in longer["notes"][0]
    drop = {"kind": "price_drop", "drop_percent": 30, "window_hours": 72}
    fallen = (await api.post("/alerts/preview", json={"condition": drop})).json()
    assert fallen["fired_count"] >= 1
    resolved = AlertCondition.model_validate({**BELOW, "filters": {"accelerators": ["H100-SXM"]}})
    with pytest.raises(InvalidInputError, match="more than 2 changes"):
        await store.read(lambda tx: alert_prices.preview(tx, caller, resolved, 90, most=2))


async def test_prices_that_another_project_imported_are_not_played(api: Api, store: SqlStore) -> None:
    from tradewind.db import tables

    def add(tx: Transaction) -> None:
        team = tx.execute(select(tables.teams.c.id)).scalar_one()
        tx.execute(
            insert(tables.projects).values(id="proj_other", team_id=team, name="other", created_at=tx.now)
        )
        source = insert(price_tables.price_sources)
        tx.execute(
            source.values(id="psrc_1", name="s", project_id="proj_other", settings={}, created_at=tx.now)
        )
        record(tx, 10, 1, project_id="proj_other")

    await store.run(add)
    answer = (await api.post("/alerts/preview", json={"condition": BELOW})).json()
    assert (answer["fired_count"], answer["change_count"]) == (0, 0)


async def test_a_drop_over_a_window_uses_what_was_recorded(
    api: Api, store: SqlStore, context: Context, alerting: Alerting, shelf: Shelf
) -> None:
    def add(tx: Transaction) -> None:
        source = insert(price_tables.price_sources)
        tx.execute(source.values(id="psrc_1", name="s", settings={}, created_at=tx.now))
        record(tx, 20, 3)
        record(tx, 1, 2.5)

    await store.run(add)
    condition = {"kind": "price_drop", "drop_percent": 15, "window_hours": 24}
    await add_alert(api, condition=condition)
    shelf.offers = [offer(2_500_000)]
    await work(store, context, alerting)
    (firing,) = (await api.get("/alerts/cheap/firings")).json()["items"]
    assert "16.7 % less than $3.00/GPU-h" in firing["body"]


async def test_preferences(connect: Callable[[str], Api]) -> None:
    ana, ben = connect("ana"), connect("ben")
    empty = (await ana.get("/preferences")).json()
    assert empty["currency"]["code"] == "USD"
    assert empty["updated_at"] is None
    body = {
        "providers": ["lambda_labs", "my-own"],
        "regions": ["us-*"],
        "display_currency": "EUR",
        "default_sort": "price",
        "default_filters": {"accelerators": ["H100"]},
        "saved_views": [{"name": "big", "filters": {"min_count": 8}, "sort": "memory"}],
    }
    kept = (await ana.put("/preferences", json=body)).json()
    assert kept["values"]["providers"] == ["lambda", "my-own"]
    assert kept["currency"]["code"] == "EUR"
    assert kept["currency"]["usd_per_unit"] == "1.13"
    assert kept["currency"]["is_assumed"]
    assert kept["currency"]["as_of"]
    assert (await ana.get("/preferences")).json() == kept
    assert (await ben.get("/preferences")).json()["values"]["providers"] is None
    assert (await ana.put("/preferences", json={})).json()["values"]["providers"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"display_currency": "XXX"},
        {"display_currency": "eur"},
        {"default_sort": "luck"},
        {"colour": "red"},
        {"providers": "lambda"},
        {"saved_views": [{"name": "a"}, {"name": "a"}]},
        {"default_filters": {"min_count": 0}},
    ],
)
async def test_bad_preferences_are_refused(api: Api, body: dict[str, Any]) -> None:
    answer = await api.put("/preferences", json=body)
    assert answer.status_code == 422
    assert (await api.get("/preferences")).json()["updated_at"] is None
