"""Budgets over HTTP: who may set them, what they say, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from tests.unit.api.conftest import Api
from tests.unit.control.test_budget_controller import run_at, spend, step
from tradewind.control.context import Context
from tradewind.db import budget_tables
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore
from tradewind.domain.money import MICRO

pytestmark = pytest.mark.filterwarnings("ignore:The 'alias' attribute:UserWarning")


async def add(api: Api, **values: Any) -> dict[str, Any]:
    answer = await api.post("/budgets", json={"name": "vision", **values})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_budget_says_how_it_stands(
    api: Api, store: SqlStore, caller: Caller, context: Context, clock: Any
) -> None:
    from datetime import timedelta

    clock.advance(5 * 86_400)
    await store.run(lambda tx: run_at(tx, caller, "spot"))
    await store.run(lambda tx: spend(tx, caller, 4, timedelta(days=2)))
    clock.advance(1800)
    made = await add(api, amount_micro=10 * MICRO, action="block_new", max_concurrent_jobs=3)
    assert (made["scope"], made["target"], made["period"], made["creator"]) == (
        "project",
        "default",
        "month",
        "ana",
    )
    assert [made[key]["text"] for key in ("amount", "spent", "running", "reserved", "left", "cost_per_hour")] == [
        "$10.00", "$4.00", "$0.50", "$0.50", "$5.00", "$1.00"
    ]  # fmt: skip
    assert (made["used_percent"], made["running_jobs"], made["max_concurrent_jobs"]) == (45.0, 1, 3)
    assert made["forecast"]["until"].startswith("2026-02-01")
    assert "last 7 days" in made["forecast"]["method"]
    assert made["forecast"]["runs_out_at"] is not None
    await step(context, made["id"])
    shown = (await api.get("/budgets/vision")).json()
    assert [(day["day"], day["total"]["text"], day["left"]["text"]) for day in shown["days"]][2:] == [
        ("2026-01-03", "$0.00", "$10.00"),
        ("2026-01-04", "$4.00", "$6.00"),
        ("2026-01-05", "$4.00", "$6.00"),
        ("2026-01-06", "$4.00", "$6.00"),
    ]
    assert shown["notices"] == []
    (listed,) = (await api.get("/budgets")).json()["items"]
    assert listed["name"] == "vision"


async def test_a_patch_changes_what_it_says(api: Api) -> None:
    await add(api, amount_micro=10 * MICRO, max_hourly_micro=MICRO)
    changed = await api.patch(
        "/budgets/vision",
        json={"amount_micro": 20 * MICRO, "clears": ["max_cost_per_hour"], "thresholds": [90, 10, 90]},
    )
    assert changed.status_code == 200
    body = changed.json()
    assert (body["amount"]["text"], body["max_cost_per_hour"], body["thresholds"]) == (
        "$20.00",
        None,
        [10, 90],
    )
    assert (await api.delete("/budgets/vision")).status_code == 204
    assert (await api.get("/budgets/vision")).status_code == 404


async def test_owners_set_budgets_and_members_see_them(connect: Callable[[str], Api]) -> None:
    ana, ben = connect("ana"), connect("ben")
    await add(ana, amount_micro=MICRO)
    assert [each["name"] for each in (await ben.get("/budgets")).json()["items"]] == ["vision"]
    for answer in (
        await ben.post("/budgets", json={"name": "mine"}),
        await ben.patch("/budgets/vision", json={"amount_micro": 0}),
        await ben.delete("/budgets/vision"),
    ):
        assert answer.status_code == 403
        assert "ask an owner" in answer.text


async def test_a_budget_of_another_team_is_not_there(api: Api, store: SqlStore) -> None:
    from sqlalchemy import insert

    from tradewind.db import tables

    made = await add(api)

    def move(tx: Any) -> None:
        tx.execute(insert(tables.teams).values(id="team_x", name="theirs", created_at=tx.now))
        tx.execute(budget_tables.budgets.update().values(team_id="team_x"))

    await store.run(move)
    for reference in ("vision", made["id"]):
        assert (await api.get(f"/budgets/{reference}")).status_code == 404
    assert (await api.get("/budgets")).json()["items"] == []


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"name": "a b"}, 422, "pattern"),
        ({"name": "x", "amount_micro": -1}, 422, "greater than or equal"),
        ({"name": "x", "amount_micro": 10**30}, 422, "less than or equal"),
        ({"name": "x", "scope": "galaxy"}, 422, "scope"),
        ({"name": "x", "period": "year"}, 422, "period"),
        ({"name": "x", "action": "panic"}, 422, "action"),
        ({"name": "x", "thresholds": [0]}, 422, "greater than or equal"),
        ({"name": "x", "scope": "provider"}, 422, "needs its name"),
        ({"name": "x", "scope": "user", "target": "nobody"}, 404, "no user 'nobody'"),
        ({"name": "x", "scope": "project", "target": "nothing"}, 404, "no project 'nothing'"),
        ({"name": "x", "channels": ["nowhere"]}, 422, "you have no channel 'nowhere'"),
        ({"name": "vision"}, 409, "is called 'vision' already"),
        ({"name": "x", "more": 1}, 422, "not permitted"),
    ],
)
async def test_nonsense_is_refused(api: Api, body: dict[str, Any], status: int, says: str) -> None:
    await add(api)
    answer = await api.post("/budgets", json=body)
    assert answer.status_code == status
    assert says in answer.text


async def test_a_key_makes_a_repeated_budget_harmless(api: Api, store: SqlStore) -> None:
    headers = {"Idempotency-Key": "k"}
    first = await api.post("/budgets", json={"name": "a"}, headers=headers)
    again = await api.post("/budgets", json={"name": "a"}, headers=headers)
    assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
    table = budget_tables.budgets
    assert len(await store.read(lambda tx: tx.execute(select(table.c.id)).all())) == 1


async def test_scopes_are_named_as_people_name_them(api: Api) -> None:
    for number, (scope, target, shown) in enumerate(
        (("team", "default", "default"), ("user", "ben", "ben"), ("provider", "lambda-labs", "lambda"))
    ):
        made = await add(api, name=f"b{number}", scope=scope, target=target)
        assert (made["scope"], made["target"]) == (scope, shown)
