"""Costs of a range over HTTP: sums agree whichever way they are cut, and everything says how it is known."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.unit.api.conftest import Api
from tests.unit.conftest import HandClock
from tests.unit.control.test_budget_controller import run_at
from tests.unit.jobs_for_tests import add_attempt, add_job
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain import ids
from tradewind.domain.money import MICRO

pytestmark = pytest.mark.filterwarnings("ignore:The 'alias' attribute:UserWarning")


def book(tx: Transaction, caller: Caller, days_ago: float, micro: int, **more: Any) -> None:
    """A row of the ledger that ended so long ago, of one hour."""
    job, market, on_demand = more.pop("job", None), more.pop("market", None), more.pop("on_demand", None)
    tags = more.pop("tags", None) or {"paper": str(job)}
    end = tx.now - timedelta(days=days_ago)
    values = {
        "provider": "lambda", "kind": "compute", "rate_micro_per_unit": micro, "rate_per": "hour", "quantity": 3600,
        "currency": "USD", "energy_j": 3_600_000, "carbon_mg": 400_000, "basis": "modelled", "note": "",
        "accelerator": "L4", "accelerator_count": 1.0, "duration_ms": 3_600_000,
    } | more  # fmt: skip
    if job is not None:
        made = add_job(tx, caller, name=job, tags=tags)
        offer = {
            "rate": {
                "micro_per_unit": micro,
                "per": "hour",
                "currency": "USD",
                "granularity": 1,
                "minimum": 0,
            }
        }
        attempt = add_attempt(
            tx,
            made,
            provider=values["provider"],
            offer=offer | {"market": market, "on_demand_micro_per_hour": on_demand},
        )
        values |= {"job_id": made.id, "attempt_id": attempt.id, "node_id": attempt.node_id}
    tx.execute(
        insert(tables.ledger).values(
            id=tx.new_id(ids.LEDGER), project_id=caller.project_id, creator_id=caller.user_id,
            started_at=end - timedelta(hours=1), ended_at=end, amount_micro=micro, **values,
        )
    )  # fmt: skip


@pytest.fixture
async def month(store: SqlStore, caller: Caller, clock: HandClock) -> None:
    clock.advance(90 * 86_400 + 3600 * 7)

    def play(tx: Transaction) -> None:
        book(tx, caller, 1, 2 * MICRO, job="spot-run", market="spot", on_demand=5 * MICRO)
        book(tx, caller, 1, 3 * MICRO, job="old-spot", market="spot")
        book(
            tx,
            caller,
            4,
            4 * MICRO,
            job="asked",
            market="on_demand",
            on_demand=4 * MICRO,
            accelerator="H100-SXM",
        )
        book(tx, caller, 4, MICRO, kind="idle")
        book(tx, caller, 9, MICRO // 2, provider="local", rate_per="kwh", basis="metered", accelerator="")
        book(tx, caller, 12, MICRO // 4, kind="correction", basis="billed")
        book(tx, caller, 40, 20 * MICRO, job="before", market="on_demand")

    await store.run(play)


async def overview(api: Api, **asked: Any) -> dict[str, Any]:
    answer = await api.get("/cost/overview", params=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize(
    "by", ["project", "team", "provider", "user", "job", "accelerator", "kind", "day", "tag:paper"]
)
@pytest.mark.parametrize("step", ["day", "week", "month"])
async def test_sums_agree_whichever_way_they_are_cut(api: Api, month: None, by: str, step: str) -> None:
    seen = await overview(api, by=by, step=step)
    total = seen["total"]["amount"]["micro"]
    assert total == 10_750_000
    assert sum(each["amount"]["micro"] for each in seen["rows"]) == total
    assert sum(sum(each["micro"]) for each in seen["series"]) == total
    assert {len(each["micro"]) for each in seen["series"]} == {len(seen["starts"])}
    assert sum(each["amount"]["micro"] for each in seen["known_by"]) == total
    assert abs(sum(each["share"] for each in seen["rows"]) - 1) < 1e-9
    assert seen["groups"][0] == {"name": "project", "label": "Project"}
    assert "tag:paper" in [each["name"] for each in seen["groups"]]


async def test_figures_say_how_they_are_known_and_what_came_before(api: Api, month: None) -> None:
    seen = await overview(api)
    assert seen["step"] == "day"
    assert len(seen["starts"]) == 31
    assert {each["name"]: each["amount"]["text"] for each in seen["known_by"]} == {
        "estimated": "$10.00", "metered": "$0.50", "billed": "$0.25"
    }  # fmt: skip
    assert (seen["before"]["amount"]["text"], seen["before"]["text"]) == (
        "$20.00",
        "46 % less than in the 30 days before",
    )
    assert (seen["idle"]["amount"]["text"], seen["idle"]["text"]) == (
        "$1.00", "$1.00, 9.3 % of it all, for 1.0 GPU-h without a job"
    )  # fmt: skip
    (provider, local) = seen["rows"]
    assert (provider["label"], provider["jobs_query"], provider["share_text"]) == (
        "lambda", {"provider": "lambda"}, "95 %"
    )  # fmt: skip
    assert (local["known_by"]["label"], provider["known_by"]["label"]) == ("Metered", "Mixed")
    assert seen["total"]["carbon_text"] == "2.4 kg CO2e"


async def test_a_range_has_a_name(api: Api, month: None) -> None:
    seen = await overview(api, range="7d")
    assert seen["since"] == "2026-03-26T00:00:00Z"
    assert (len(seen["starts"]), seen["total"]["amount"]["text"]) == (7, "$10.00")
    assert [each["text"] for each in seen["ticks"]] == ["$0.00", "$2.00", "$4.00", "$6.00"]
    last = await overview(api, range="last_month")
    assert (last["since"], last["until"]) == ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")
    assert [each["name"] for each in seen["ranges"]][:2] == ["today", "7d"]
    for bad in ({"range": "ever"}, {"range": "7d", "since": "2026-01-01T00:00:00Z"}):
        assert (await api.get("/cost/overview", params=bad)).status_code == 422


async def test_savings_say_what_they_rest_on(api: Api, month: None) -> None:
    on_demand, local = (await overview(api, local="RTX 4090"))["savings"]
    assert (on_demand["against"], on_demand["actual"]["text"], on_demand["otherwise"]["text"]) == (
        "on_demand", "$6.00", "$9.00"
    )  # fmt: skip
    assert on_demand["headline"] == "$3.00 saved"
    assert on_demand["text"] == "$3.00 less than renting on demand, 33 %"
    assert "$3.00 could not be compared" in on_demand["basis"]
    assert local["is_comparable"]
    assert "RTX 4090" in local["basis"]
    assert local["saved"]["micro"] == local["otherwise"]["micro"] - local["actual"]["micro"]
    nothing = (await overview(api))["savings"][1]
    assert not nothing["is_comparable"]
    assert "no machine at hand" in nothing["text"]
    assert (await api.get("/cost/overview", params={"local": "Abacus"})).status_code == 422


async def test_a_machine_at_hand_is_compared_with(
    api: Api, store: SqlStore, caller: Caller, month: None
) -> None:
    def add(tx: Transaction) -> None:
        gpus = [
            {"uuid": "a", "name": "NVIDIA GeForce RTX 4090", "index": 0, "memory_bytes": 24 << 30},
        ]
        node = tx.execute(select(tables.nodes.c.id)).scalars().first()
        tx.execute(
            update(tables.nodes)
            .where(tables.nodes.c.id == node)
            .values(inventory={"cpus": 8, "memory_bytes": 1, "accelerators": gpus}, name="desk")
        )

    await store.run(add)
    local = (await overview(api))["savings"][1]
    assert "1 × RTX 4090 (desk)" in local["basis"]
    assert "would have taken" in local["text"]


async def test_what_is_narrowed_to_counts_alone(api: Api, month: None) -> None:
    seen = await overview(api, by="accelerator", only=["provider=lambda", "kind=compute"])
    assert seen["total"]["amount"]["text"] == "$9.00"
    assert [each["label"] for each in seen["rows"]] == ["L4", "H100 SXM"]
    assert (await overview(api, only="accelerator="))["total"]["amount"]["text"] == "$0.50"
    assert (await overview(api, only="job=nothing"))["rows"] == []
    for bad in ({"only": "provider"}, {"only": "colour=red"}, {"by": "tag:"}, {"only": "day=x"}):
        assert (await api.get("/cost/overview", params=bad)).status_code == 422
    backwards = {"since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    assert (await api.get("/cost/overview", params=backwards)).status_code == 422


async def test_many_groups_are_few_series(api: Api, store: SqlStore, caller: Caller, month: None) -> None:
    def more(tx: Transaction) -> None:
        for number in range(12):
            book(tx, caller, 2, MICRO, job=f"extra-{number:02d}", market="on_demand")

    await store.run(more)
    seen = await overview(api, by="job")
    assert len(seen["series"]) == 8
    assert seen["series"][-1]["label"].endswith("others")
    assert sum(sum(each["micro"]) for each in seen["series"]) == seen["total"]["amount"]["micro"]


async def test_what_runs_is_said_and_not_counted(
    api: Api, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    clock.advance(86_400 * 40)
    await store.run(lambda tx: run_at(tx, caller, "spot"))
    clock.advance(1800)
    seen = await overview(api)
    assert (seen["running"]["text"], seen["running_jobs"], seen["cost_per_hour"]["text"]) == (
        "$0.50",
        1,
        "$1.00",
    )
    assert seen["total"]["amount"]["micro"] == 0
    assert "not closed yet" in seen["notes"][1]
    assert (seen["rows"], seen["before"]["text"]) == ([], "nothing was spent in the 30 days before")


async def test_what_is_shown_can_be_had_as_a_file(
    api: Api, store: SqlStore, caller: Caller, month: None
) -> None:
    def more(tx: Transaction) -> None:
        book(tx, caller, 2, MICRO, job="plain", market="on_demand", tags={"paper": "=1+2"})

    await store.run(more)
    answer = await api.get("/cost/export", params={"by": "tag:paper"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="tradewind-cost-groups-' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert sum(Decimal(row["amount"]) for row in rows[:-1]) == Decimal(rows[-1]["amount"]) == Decimal("11.75")
    assert rows[-1]["tag:paper"] == "total"
    # A spreadsheet would take it for a formula.
    assert "'=1+2" in [row["tag:paper"] for row in rows]
    series = list(
        csv.DictReader(io.StringIO((await api.get("/cost/export", params={"what": "series"})).text))
    )
    assert sum(Decimal(row["amount"]) for row in series) == Decimal("11.75")
    jobs = (await api.get("/cost/export", params={"what": "jobs"})).text
    assert jobs.startswith("ended_at,job,name")
