"""What waits, why, until when, and what would help."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert, select, update

from tests.unit.jobs_for_tests import add_job
from tradewind.control.waiting_help import waiting_badge, what_helps
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.status import Reason
from tradewind.spec.models import JobSpec


def spec(**keys: Any) -> JobSpec:
    return JobSpec.model_validate({"version": 1, "name": "a", "run": "true", **keys})


async def test_the_queue_is_shown_in_the_order_in_which_it_is_looked_at(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller
) -> None:
    def lay(tx: Transaction) -> None:
        for name, priority in (
            ("slow", "low"),
            ("first", "normal"),
            ("second", "normal"),
            ("urgent", "high"),
        ):
            job = add_job(
                tx, caller, name=name, priority=priority, resources={"accelerators": "H100:2", "cpus": "8+"}
            )
            if name == "first":
                values = {
                    "reason": Reason.WAITING_FOR_BUDGET,
                    "explanation": "budget vision has $0.00 left",
                    "next_try_at": tx.now + timedelta(minutes=5),
                }
                tx.execute(update(tables.jobs).where(tables.jobs.c.id == job.id).values(**values))

    await store.run(lay)
    page = (await api.get("/queue")).json()
    assert [(each["position"], each["name"], each["priority"]) for each in page["items"]] == [
        (1, "urgent", "high"), (2, "first", "normal"), (3, "second", "normal"), (4, "slow", "low")
    ]  # fmt: skip
    held = page["items"][1]
    assert (held["reason"], held["badge"]["label"]) == ("waiting_for_budget", "Waiting for budget")
    assert held["explanation"] == "budget vision has $0.00 left"
    assert held["next_try_at"] == "2026-01-01T00:05:00Z"
    assert held["helps"][0]["link"] == "/budgets"
    assert held["wants"] == "H100:2, 8+ CPUs"
    assert page["items"][0]["badge"]["label"] == "Waiting"
    assert [(each["name"], each["count"]) for each in page["reasons"]] == [
        ("none", 3),
        ("waiting_for_budget", 1),
    ]
    assert (page["total"], page["burn"]["per_hour"]["micro"]) == (4, 0)


async def test_pages_of_the_queue_leave_nothing_out(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller
) -> None:
    await store.run(lambda tx: [add_job(tx, caller, name=f"j{number}") for number in range(7)] and None)
    page = (await api.get("/queue", params={"limit": 3})).json()
    seen = [each["name"] for each in page["items"]]
    while page["next_cursor"]:
        page = (await api.get("/queue", params={"limit": 3, "cursor": page["next_cursor"]})).json()
        seen += [each["name"] for each in page["items"]]
    assert sorted(seen) == [f"j{number}" for number in range(7)]
    assert len(seen) == 7
    for bad in ("x", "1.2.3", "0.99999999999999999.task_1"):
        assert (await api.get("/queue", params={"cursor": bad})).status_code in (200, 422)
    assert (await api.get("/queue", params={"cursor": "x"})).status_code == 422


async def test_others_count_for_the_position_and_are_not_shown(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller
) -> None:
    def lay(tx: Transaction) -> None:
        theirs = add_job(tx, caller, name="theirs", priority="high")
        add_job(tx, caller, name="mine")
        team = tx.execute(select(tables.teams.c.id)).scalar_one()
        tx.execute(insert(tables.projects).values(id="proj_z", team_id=team, name="z", created_at=tx.now))
        for table, column in ((tables.tasks, tables.tasks.c.job_id), (tables.jobs, tables.jobs.c.id)):
            tx.execute(update(table).where(column == theirs.id).values(project_id="proj_z"))

    await store.run(lay)
    page = (await api.get("/queue")).json()
    assert [(each["position"], each["name"]) for each in page["items"]] == [(2, "mine")]
    assert page["total"] == 1


@pytest.mark.parametrize("reason", [None, *Reason])
def test_every_reason_has_a_badge(reason: Reason | None) -> None:
    badge = waiting_badge(reason, "because")
    assert badge.label
    assert badge.explanation == "because"
    for each in what_helps(spec(), reason):
        assert each.text
        assert each.link is None or each.link.startswith("/")


def test_what_is_asked_for_is_what_can_be_loosened() -> None:
    asked = spec(
        resources={"accelerators": "H100:8", "providers": ["lambda"], "regions": ["us-*"], "spot": "only"},
        constraints={"max_price": "$4/h", "budget": "$10"},
    )
    texts = " ".join(each.text for each in what_helps(asked, Reason.NO_OFFER))
    for part in ("on-demand", "H100:8", "lambda", "us-*", "$4.00 an hour", "$10.00"):
        assert part in texts
    assert "H100" not in " ".join(each.text for each in what_helps(asked, Reason.WAITING_FOR_BUDGET))
