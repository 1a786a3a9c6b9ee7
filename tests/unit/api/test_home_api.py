"""The first page over HTTP: what runs, waits, failed and stands idle; what to do first is seen from what is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert

from tests.unit.api.conftest import Api
from tests.unit.conftest import HandClock
from tests.unit.vendors_for_tests import GOOD, VendorWorld
from tradewind.control.submitting import insert_jobs
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.schemas import JobSubmission
from tradewind.domain.status import JobStatus, Reason
from tradewind.spec.models import JobSpec

pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.UnsupportedFieldAttributeWarning")
RATE = {"micro_per_unit": 2_000_000, "per": "hour", "currency": "USD", "granularity": 1, "minimum": 0}


async def submit(store: SqlStore, caller: Caller, *names: str, **job: Any) -> list[str]:
    files = [{"version": 1, "name": name, "run": "true", **job} for name in names]
    pairs = [(JobSubmission(spec=each), JobSpec.model_validate(each)) for each in files]
    return await store.run(lambda tx: insert_jobs(tx, caller, pairs))


async def put(store: SqlStore, job_ids: list[str], **values: Any) -> None:
    jobs = tables.jobs
    await store.run(lambda tx: tx.execute(jobs.update().where(jobs.c.id.in_(job_ids)).values(**values)))


async def add_node(store: SqlStore, caller: Caller, name: str, **values: Any) -> None:
    def add(tx: Transaction) -> None:
        row: dict[str, Any] = {
            "id": tx.new_id("node"), "project_id": caller.project_id, "creator_id": caller.user_id,
            "provider": "lambda", "name": name, "inventory": {}, "is_rented": True, "status": "ready",
            "desired": "keep", "created_at": tx.now, "last_seen_at": tx.now, "billed_from": tx.now,
            "accepted_at": tx.now, "called_at": tx.now, "ready_at": tx.now,
            "offer": {"rate": RATE, "instance_type": "gpu_1x_a10", "region": "us-east-1"}, "observed": {},
        }  # fmt: skip
        tx.execute(insert(tables.nodes).values(**row | values))

    await store.run(add)


async def overview(api: Api) -> dict[str, Any]:
    answer = await api.get("/overview")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_new_installation_says_what_to_do_first(api: Api) -> None:
    seen = await overview(api)
    assert (seen["running"]["text"], seen["waiting"]["text"]) == ("nothing runs", "nothing waits")
    assert seen["running"]["per_hour_text"] == "$0.00/h"
    assert seen["idle"]["count"] == 0
    steps = seen["checklist"]["steps"]
    assert [step["id"] for step in steps] == ["place", "electricity", "job", "budget", "alert"]
    assert not any(step["is_done"] for step in steps)
    assert (seen["checklist"]["is_complete"], seen["checklist"]["is_hidden"]) == (False, False)
    assert all(step["command"].startswith("tradewind ") for step in steps)


async def test_each_step_is_done_once_it_is_there(
    api: Api, store: SqlStore, caller: Caller, world: VendorWorld
) -> None:
    async def done() -> set[str]:
        return {step["id"] for step in (await overview(api))["checklist"]["steps"] if step["is_done"]}

    await api.put("/connections/lambda", json={"credentials": {"api_key": GOOD}})
    assert await done() == {"place"}
    await api.put("/settings", json={"country": "DEU"})
    assert await done() == {"place", "electricity"}
    await submit(store, caller, "first")
    assert await done() == {"place", "electricity", "job"}
    await api.post("/budgets", json={"name": "month", "amount_micro": 1})
    assert await done() == {"place", "electricity", "job", "budget"}
    await api.post("/channels", json={"name": "hook", "url": "jsons://hook.example/x"})
    checklist = (await overview(api))["checklist"]
    assert (checklist["is_complete"], checklist["text"]) == (True, "5 of 5 done")


async def test_a_country_without_a_price_leaves_electricity_open(api: Api) -> None:
    await api.put("/settings", json={"country": "ABW"})
    steps = {step["id"]: step["is_done"] for step in (await overview(api))["checklist"]["steps"]}
    assert steps["electricity"] is False


async def test_a_machine_over_ssh_is_a_place(api: Api, store: SqlStore, caller: Caller) -> None:
    await add_node(
        store, caller, "mine", is_rented=False, provider="ssh", handle={"name": "mine"}, offer=None
    )
    assert (await overview(api))["checklist"]["steps"][0]["is_done"] is True


async def test_the_checklist_can_be_put_away(api: Api) -> None:
    await api.put("/preferences", json={"hides_checklist": True})
    assert (await overview(api))["checklist"]["is_hidden"] is True


async def test_what_waits_is_grouped_by_reason(
    api: Api, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    first = []
    for name in "abcd":
        clock.advance(60)
        first += await submit(store, caller, name)
    clock.advance(60)
    second = await submit(store, caller, "e")
    await put(
        store,
        first,
        reason=Reason.WAITING_FOR_CAPACITY,
        explanation="all are held",
        next_try_at=clock.now() + timedelta(seconds=40),
    )
    await put(store, second, reason=Reason.WAITING_FOR_BUDGET, explanation="vision is used up")
    await submit(store, caller, "f")
    waiting = (await overview(api))["waiting"]
    assert (waiting["count"], waiting["text"]) == (6, "6 jobs wait")
    groups = waiting["groups"]
    assert [(each["reason"], each["count"]) for each in groups] == [
        ("waiting_for_capacity", 4), ("", 1), ("waiting_for_budget", 1),
    ]  # fmt: skip
    assert groups[0]["explanation"] == "all are held"
    assert [each["name"] for each in groups[0]["jobs"]] == ["a", "b", "c"]
    assert groups[0]["next_try_at"] is not None
    assert groups[1]["explanation"].startswith("nobody has looked at it yet")
    assert (groups[2]["badge"]["label"], groups[2]["badge"]["icon"]) == ("Waiting for budget", "lock")


async def test_running_and_failed_jobs_are_counted_and_the_newest_shown(
    api: Api, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    jobs = []
    for number in range(9):
        clock.advance(1)
        jobs += await submit(store, caller, f"job-{number}")
    await put(store, jobs[:6], status=JobStatus.RUNNING)
    await put(store, jobs[6:7], status=JobStatus.STARTING)
    now = clock.now()
    await put(store, jobs[7:8], status=JobStatus.FAILED, ended_at=now, explanation="exit 1")
    await put(store, jobs[8:], status=JobStatus.FAILED, ended_at=now - timedelta(days=4))
    seen = await overview(api)
    assert seen["running"]["text"] == "6 running, 1 starting"
    assert [each["name"] for each in seen["running"]["items"]] == [
        "job-6",
        "job-5",
        "job-4",
        "job-3",
        "job-2",
    ]
    assert (seen["failing"]["count"], [each["name"] for each in seen["failing"]["items"]]) == (1, ["job-7"])


async def test_idle_machines_cost_money_and_are_named(
    api: Api, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    since = clock.now().isoformat()
    await add_node(store, caller, "idle", observed={"idle_since": since})
    await add_node(store, caller, "busy", attempt_id="att_1")
    clock.advance(1800)
    seen = await overview(api)
    assert seen["idle"]["text"] == "1 rented machine stands idle at $2.00/h"
    (idle,) = seen["idle"]["items"]
    assert (idle["name"], idle["cost"]["text"]) == ("gpu_1x_a10 in us-east-1", "$1.00")
    # Both cost money, with or without a job.
    assert seen["running"]["per_hour_text"] == "$4.00/h"


async def test_budgets_come_with_the_fullest_first(api: Api, store: SqlStore, caller: Caller) -> None:
    for name, amount in (("large", 10_000_000), ("small", 0)):
        await api.post("/budgets", json={"name": name, "amount_micro": amount})
    seen = await overview(api)
    assert seen["budget_count"] == 2
    by_name = {each["name"]: each for each in seen["budgets"]}
    assert by_name["large"]["badge"]["label"] == "On track"
    assert by_name["large"]["text"] == "$0.00 of $10.00 (0 %)"
    assert by_name["small"]["badge"]["label"] == "Used up"
    assert [each["title"] for each in seen["attention"]] == ["Budget small: used up"]


async def test_the_cheapest_offers_are_those_of_saved_views_then_of_what_was_used_last(
    api: Api, store: SqlStore, caller: Caller
) -> None:
    prices = {
        "name": "mine",
        "format": "price-file",
        "content": "provider,region,instance_type,accelerator,count,price\n"
        "lambda,us-east-1,one,H100 SXM,1,0.25\nrunpod,eu,two,H100 SXM,2,0.40\n",
    }
    assert (await api.post("/prices/import", json=prices)).status_code == 201
    popular = (await overview(api))["cheapest"]
    assert [each["why"] for each in popular] == ["much used"] * 3
    assert popular[0]["is_found"] is True
    assert popular[0]["price_text"] == "$0.40/h ($0.20 per GPU)"
    assert popular[0]["place"] == "RunPod, eu"
    await submit(store, caller, "sft", resources={"accelerators": ["H100:1"]})
    await api.put(
        "/preferences",
        json={"saved_views": [{"name": "none-such", "filters": {"accelerators": ["H100"], "min_count": 64}}]},
    )
    seen = (await overview(api))["cheapest"]
    assert [(each["title"], each["why"]) for each in seen] == [
        ("none-such", "saved view"), ("H100:1", "used lately"),
    ]  # fmt: skip
    assert (seen[0]["is_found"], seen[0]["price_text"]) == (False, "no offer fits now")
    assert (seen[1]["price_text"], seen[1]["machine"]) == ("$0.25/h", "1x H100 SXM")
    assert "gpu=H100" in seen[1]["link"]


async def test_refused_connections_and_sick_jobs_want_attention(
    api: Api, store: SqlStore, caller: Caller, world: VendorWorld
) -> None:
    await api.put("/connections/lambda", json={"credentials": {"api_key": GOOD}})
    world.accounts.clear()
    await api.post("/connections/lambda/validate")
    attention = (await overview(api))["attention"]
    assert [(each["kind"], each["tone"], each["link"]) for each in attention] == [
        ("connection", "bad", "/connections/lambda")
    ]
    assert GOOD not in str(attention)


async def test_others_see_what_is_of_the_project_and_only_their_own_alerts(
    connect: Callable[[str], Api], store: SqlStore, caller: Caller
) -> None:
    ana, ben = connect("ana"), connect("ben")
    await submit(store, caller, "shared")
    await ana.post("/channels", json={"name": "hook", "url": "jsons://hook.example/x"})
    steps = {step["id"]: step["is_done"] for step in (await overview(ben))["checklist"]["steps"]}
    assert (steps["job"], steps["alert"]) == (True, False)


async def test_the_number_of_statements_does_not_grow_with_the_jobs(
    api: Api, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    async def count() -> int:
        seen: list[str] = []
        listener = lambda *args: seen.append(str(args[2]))  # noqa: E731
        event.listen(Engine, "before_cursor_execute", listener)
        await overview(api)
        event.remove(Engine, "before_cursor_execute", listener)
        return len(seen)

    few = await submit(store, caller, "a", "b", resources={"accelerators": ["H100:1"]})
    await put(store, few[:1], status=JobStatus.RUNNING)
    await overview(api)
    before = await count()
    many = await submit(store, caller, *(f"more-{number}" for number in range(200)))
    await put(store, many[:100], status=JobStatus.RUNNING)
    await put(store, many[100:150], status=JobStatus.FAILED, ended_at=clock.now())
    assert await count() <= before + 3
