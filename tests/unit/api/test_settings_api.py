"""Settings of the installation over HTTP: what holds, who said it, and that it holds from now on only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from tests.simulation.clocks import inline
from tests.unit.api.conftest import Api
from tradewind.control.context import Context
from tradewind.control.own_settings import OwnSettings, read_stored
from tradewind.control.planning import OfferShelf
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore, Transaction
from tradewind.estimate.own_figures import Origin, OwnFigures, PowerPrice
from tradewind.providers.local.platform import LocalPlatform

pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.UnsupportedFieldAttributeWarning")


def by_name(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in answer["items"]}


async def test_at_first_the_means_of_the_world_hold_and_say_so(api: Api) -> None:
    answer = (await api.get("/settings")).json()
    items = by_name(answer)
    assert set(items) == {
        "country", "electricity_price", "carbon_zone", "carbon_grams_per_kwh", "watts_idle", "watts_max",
    }  # fmt: skip
    assert {items[name]["origin"] for name in ("country", "electricity_price", "carbon_zone")} == {"world"}
    assert items["watts_max"]["origin"] == "machine"
    assert all(each["stored"] is None for each in items.values())
    assert answer["can_change"] is True
    assert "costs $" in answer["hour_text"]


async def test_what_is_set_holds_at_once_and_its_origin_is_said(api: Api, context: Context) -> None:
    answer = await api.put(
        "/settings",
        json={"country": "deu", "electricity_price": "0.31", "electricity_currency": "EUR", "watts_max": 450},
    )
    assert answer.status_code == 200
    items = by_name(answer.json())
    assert (items["country"]["text"], items["country"]["origin"]) == ("Germany", "settings")
    assert items["electricity_price"]["stored"] == "0.31"
    assert "0.31 EUR" in items["electricity_price"]["text"]
    assert "Germany" in items["electricity_price"]["otherwise"]
    assert (items["carbon_zone"]["origin"], items["carbon_zone"]["text"]) == ("country", "Germany")
    assert (items["watts_max"]["value"], items["watts_max"]["origin"]) == ("450", "settings")
    assert answer.json()["updated_by"] == "ana"
    assert context.tariff.micro_usd_per_kwh == 350_300
    assert context.own is not None
    assert context.own.terms().watts_max == 450


async def test_what_is_absent_is_unset(api: Api, context: Context, store: SqlStore) -> None:
    await api.put("/settings", json={"country": "FRA", "carbon_grams_per_kwh": 20})
    answer = await api.put("/settings", json={"country": "FRA"})
    assert by_name(answer.json())["carbon_grams_per_kwh"]["origin"] == "country"
    await api.put("/settings", json={})
    assert (await store.read(lambda tx: read_stored(tx, None))).figures == OwnFigures()
    assert by_name((await api.get("/settings")).json())["country"]["origin"] == "world"


@pytest.fixture
def told_by_all(own: OwnSettings) -> OwnSettings:
    own.told = {
        Origin.ENVIRONMENT: OwnFigures(country="NOR"),
        Origin.CONFIG_FILE: OwnFigures(
            country="FRA", electricity_price=PowerPrice(amount=Decimal("0.2")), carbon_g_per_kwh=50.0
        ),
    }
    return own


async def test_the_environment_goes_first_and_the_file_after_the_page(
    told_by_all: OwnSettings, api: Api
) -> None:
    answer = await api.put("/settings", json={"country": "DEU", "electricity_price": "0.5"})
    items = by_name(answer.json())
    assert (items["country"]["value"], items["country"]["origin"]) == ("NOR", "environment")
    assert items["country"]["stored"] == "DEU"
    assert items["country"]["overruled_by"] == "TRADEWIND_COUNTRY"
    assert (items["electricity_price"]["value"], items["electricity_price"]["origin"]) == ("0.5", "settings")
    assert "config.toml" in items["electricity_price"]["otherwise"]
    assert items["carbon_grams_per_kwh"]["origin"] == "config_file"
    assert items["carbon_grams_per_kwh"]["origin_text"] == "from local.carbon_grams_per_kwh in config.toml"


@pytest.mark.parametrize(
    ("body", "status", "what"),
    [
        ({"country": "XYZ"}, 422, "not a known country"),
        ({"carbon_zone": "US-ZZ"}, 422, "not a known carbon zone"),
        ({"electricity_price": "31", "electricity_currency": "ZZZ"}, 422, "no rate is known"),
        ({"electricity_price": "-1"}, 422, "electricity_price"),
        ({"electricity_price": "300"}, 422, "cannot be right"),
        ({"watts_idle": 900_000}, 422, "at rest"),
        ({"watts_idle": 90, "watts_max": 80}, 422, "at rest"),
        ({"colour": "blue"}, 422, "colour"),
    ],
)
async def test_what_is_impossible_is_refused_and_changes_nothing(
    api: Api, context: Context, body: dict[str, Any], status: int, what: str
) -> None:
    before = context.tariff
    answer = await api.put("/settings", json=body)
    assert answer.status_code == status
    assert what in answer.text
    assert context.tariff is before
    assert by_name((await api.get("/settings")).json())["country"]["stored"] is None


async def test_only_owners_set_them_and_all_may_look(connect: Callable[[str], Api]) -> None:
    ben = connect("ben")
    refused = await ben.put("/settings", json={"country": "DEU"})
    assert refused.status_code == 403
    seen = (await ben.get("/settings")).json()
    assert (seen["can_change"], seen["items"][0]["stored"]) == (False, None)
    assert "owners" in seen["why_not"]


async def test_places_have_names_and_figures(api: Api) -> None:
    places = (await api.get("/settings/places")).json()
    germany = next(each for each in places["countries"] if each["code"] == "DEU")
    assert germany["name"] == "Germany"
    assert "g CO2e/kWh" in germany["detail"]
    assert {each["code"] for each in places["zones"]} >= {"US-CA", "US-TX"}


async def test_the_machine_at_hand_offers_itself_at_the_new_rate_and_power(
    api: Api, context: Context, own: OwnSettings, tmp_path: Path
) -> None:
    local = LocalPlatform(tmp_path, tmp_path / "agent", own.terms, inline)
    context.backends[local.id] = local
    shelf = OfferShelf(context)
    (before,) = await shelf.offers()
    await api.put("/settings", json={"electricity_price": "0.4", "watts_idle": 70, "watts_max": 80})
    (after,) = await shelf.offers()
    assert before.rate.micro_per_unit == 165_000
    assert (after.rate.micro_per_unit, after.watts_low, after.watts_high) == (400_000, 70, 80)


async def test_the_node_of_the_machine_is_told_its_power_at_once(
    api: Api, context: Context, own: OwnSettings, store: SqlStore, caller: Caller, tmp_path: Path
) -> None:
    local = LocalPlatform(tmp_path, tmp_path / "agent", own.terms, inline)
    context.backends[local.id] = local
    found = asdict(await local.inventory())

    def add(tx: Transaction) -> None:
        for name, values in (("here", {}), ("rented", {"is_rented": True})):
            tx.execute(
                insert(tables.nodes).values(
                    id=tx.new_id("node"), project_id=caller.project_id, creator_id=caller.user_id,
                    provider="local", name=name, inventory=found, created_at=tx.now, last_seen_at=tx.now, **values,
                )
            )  # fmt: skip

    await store.run(add)
    await api.put("/settings", json={"watts_max": 1234})
    nodes = tables.nodes
    rows = await store.read(lambda tx: list(tx.execute(select(nodes.c.name, nodes.c.inventory))))
    watts = {row.name: row.inventory["watts_max"] for row in rows}
    assert watts == {"here": 1234, "rented": found["watts_max"]}


async def test_another_server_of_the_database_follows(api: Api, store: SqlStore, own: OwnSettings) -> None:
    other = OwnSettings({}, host="elsewhere", look=own.look)
    await api.put("/settings", json={"country": "DEU", "watts_max": 321})
    assert await other.read(store)
    assert other.settled.country.value == "DEU"
    # What this machine draws says nothing of another one.
    assert other.settled.watts_max.value is None
