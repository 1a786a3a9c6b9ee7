"""Budgets in words, their burn-down, and what one would do before it is set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.unit.api.conftest import Api
from tests.unit.api.test_budgets_api import add
from tests.unit.conftest import HandClock
from tests.unit.control.test_budget_controller import run_at, spend
from tradewind.db import budget_tables
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore
from tradewind.domain.money import MICRO

pytestmark = pytest.mark.filterwarnings("ignore:The 'alias' attribute:UserWarning")


async def preview(api: Api, **values: Any) -> dict[str, Any]:
    answer = await api.post("/budgets/preview", json={"name": "vision", **values})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture
async def spent(store: SqlStore, caller: Caller, clock: HandClock) -> None:
    """Late in March: $30 in January, $5 in February, $4 in March, and a spot job that began half an hour ago."""
    clock.advance(86_400 * 80)
    await store.run(lambda tx: spend(tx, caller, 30, timedelta(days=70)))
    await store.run(lambda tx: spend(tx, caller, 5, timedelta(days=40)))
    await store.run(lambda tx: spend(tx, caller, 4, timedelta(days=2)))
    await store.run(lambda tx: run_at(tx, caller, "spot"))
    clock.advance(1800)


async def test_a_preview_sets_nothing_and_says_what_would_happen(
    api: Api, store: SqlStore, spent: None
) -> None:
    seen = await preview(api, amount="$4.50", action="stop_spot", thresholds=[50, 100], max_concurrent_jobs=1)
    assert [each["text"] for each in seen["effects"]] == [
        "1 job that runs is told to write a checkpoint and stop: spot.",
        "New jobs wait at once: $5.00 of $4.50 is spent, used up or held.",
        "New jobs wait at once: 1 job runs already.",
        "It is told at once that 100 % of the amount is used.",
    ]
    assert seen["view"]["badge"]["label"] == "Used up"
    assert [(each["label"], each["spent"]["text"], each["is_reached"]) for each in seen["past"]] == [
        ("February 2026", "$5.00", True), ("January 2026", "$30.00", True)
    ]  # fmt: skip
    assert seen["past_text"] == "it would have been reached in 2 of the 2 months before"
    table = budget_tables.budgets
    assert await store.read(lambda tx: tx.execute(select(table.c.id)).all()) == []


async def test_a_wide_budget_does_nothing_at_once(api: Api, spent: None) -> None:
    seen = await preview(api, amount_micro=100 * MICRO, action="stop_all")
    assert seen["effects"] == [{"text": "Nothing happens at once.", "tone": "good"}]
    assert seen["past_text"] == "it would not have been reached in any of the 2 months before"
    weeks = await preview(api, amount_micro=20 * MICRO, period="week")
    assert weeks["past"][0]["label"] == "week from 2026-03-09"
    total = await preview(api, amount_micro=20 * MICRO, period="total")
    assert (total["past"], total["past_text"]) == ([], "")


async def test_a_preview_is_refused_as_the_budget_would_be(api: Api) -> None:
    for body, status in (
        ({"name": "x", "scope": "user", "target": "nobody"}, 404),
        ({"name": "x", "amount": "much"}, 422),
        ({"name": "x", "amount": "$1", "amount_micro": 1}, 422),
        ({"name": "x", "amount": ["1"]}, 422),
        ({"name": "a b"}, 422),
        ({"name": "x", "channels": ["nowhere"]}, 422),
    ):
        assert (await api.post("/budgets/preview", json=body)).status_code == status


async def test_amounts_are_read_as_people_write_them(api: Api) -> None:
    made = await add(api, amount="$1,000", max_cost_per_hour="$4.50/h")
    assert (made["amount"]["micro"], made["max_cost_per_hour"]["micro"]) == (1000 * MICRO, 4_500_000)
    changed = (await api.patch("/budgets/vision", json={"amount": "12.5"})).json()
    assert changed["amount"]["text"] == "$12.50"


async def test_a_budget_says_what_happens_and_how_it_stands(api: Api, spent: None) -> None:
    made = await add(
        api,
        amount="$10",
        action="block_new",
        thresholds=[80],
        max_cost_per_hour="$2/h",
        max_concurrent_jobs=3,
    )
    assert made["what_happens"] == [
        "At $10.00 a month: new jobs wait; what runs goes on.",
        "At 80 % of it: told once each period, in its history only: it has no channel.",
        "A new job waits while it would bring what runs above $2.00 an hour.",
        "A new job waits while 3 jobs of its scope run.",
        "Spending out of the ordinary is told, too.",
    ]
    assert made["used_text"] == "$4.50 of $10.00 (45 %)"
    assert made["scope_text"] == "project default, a month"
    assert [(each["name"], each["percent"]) for each in made["meter"]] == [
        ("spent", 40.0), ("running", 5.0), ("reserved", 5.0)
    ]  # fmt: skip
    assert [each["id"] for each in made["permitted"]] == ["edit", "remove"]
    assert "Jobs that wait because of it begin" in made["permitted"][1]["confirm"]


async def test_the_line_to_the_end_goes_through_where_it_is_used_up(api: Api, spent: None) -> None:
    await add(api, amount="$6")
    seen = (await api.get("/budgets/vision")).json()
    now, out, end = seen["foreseen"]
    assert (now["used"]["text"], out["left"]["text"]) == ("$4.50", "$0.00")
    assert now["at"] < out["at"] == seen["forecast"]["runs_out_at"] < end["at"]
    assert end["used"] == seen["forecast"]["amount"]
    assert end["left"]["micro"] < 0
    assert seen["badge"]["label"] == "Runs out"
    assert seen["forecast_text"].startswith("used up on 2026-03-")
    assert [each["label"] for each in seen["past"]] == ["February 2026", "January 2026"]


async def test_members_see_and_may_not_change(connect: Callable[[str], Api]) -> None:
    ana, ben = connect("ana"), connect("ben")
    await add(ana, amount="$6")
    page = (await ben.get("/budgets")).json()
    assert (page["permitted"], page["items"][0]["permitted"]) == ([], [])
    assert "set by its owners" in page["explanation"]
    own = (await ana.get("/budgets")).json()
    assert [each["id"] for each in own["permitted"]] == ["create"]
    assert own["explanation"] is None
    assert (await ben.post("/budgets/preview", json={"name": "x", "amount": "$1"})).status_code == 200
