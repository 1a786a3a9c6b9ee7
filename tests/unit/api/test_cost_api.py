"""Costs, forecasts and invoices over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.unit.api.conftest import Api
from tests.unit.conftest import HandClock
from tests.unit.control.test_budget_controller import run_at, spend
from tests.unit.jobs_for_tests import add_attempt, add_job
from tradewind.control.prediction_views import prediction_view
from tradewind.db import budget_tables, price_tables, tables
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.money import MICRO

pytestmark = pytest.mark.filterwarnings("ignore:The 'alias' attribute:UserWarning")
INVOICE = """\
period,resource,description,quantity,unit,amount,currency,account
2026-01,i-0abc,H100 spot,3,hours,3.20,USD,7
2026-01,i-0gone,H100 spot,10,hours,25.00,USD,7
2026-01,,tax,,,1.00,USD,7
"""


async def import_it(api: Api, content: str = INVOICE, **more: Any) -> dict[str, Any]:
    body = {"provider": "lambda", "content": content, "filename": "january.csv", **more}
    answer = await api.post("/cost/invoices", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture
async def booked(store: SqlStore, caller: Caller, clock: HandClock) -> str:
    """Three dollars for a machine that the provider calls i-0abc, and seven for another; the first attempt's id."""
    clock.advance(10 * 86_400)

    def play(tx: Transaction) -> str:
        job = add_job(tx, caller, name="train", tags={"paper": "neurips"})
        named = add_attempt(tx, job, handle={"machine": {"id": "i-0abc"}}, provider="lambda").id
        other = add_attempt(tx, add_job(tx, caller, name="other"), provider="lambda").id
        for attempt, dollars in ((named, 3), (other, 7)):
            spend(tx, caller, dollars, timedelta(days=1))
            table, attempts = tables.ledger, tables.attempts
            newest = select(table.c.id).where(table.c.attempt_id.is_(None))
            own = tx.execute(
                select(attempts.c.job_id, attempts.c.node_id).where(attempts.c.id == attempt)
            ).one()
            values = {"attempt_id": attempt, "job_id": own.job_id, "node_id": own.node_id}
            tx.execute(update(table).where(table.c.id.in_(newest)).values(**values))
        return named

    return await store.run(play)


async def test_cost_by_new_groups(api: Api, booked: str) -> None:
    report = (await api.get("/cost", params={"by": "tag:paper,kind"})).json()
    assert [(row["group"], row["amount"]["text"]) for row in report["rows"]] == [
        ({"tag:paper": "", "kind": "compute"}, "$7.00"),
        ({"tag:paper": "neurips", "kind": "compute"}, "$3.00"),
    ]
    assert (report["total"]["amount"]["text"], report["total"]["idle"]["text"]) == ("$10.00", "$0.00")
    (day,) = (await api.get("/cost", params={"by": "day"})).json()["rows"]
    assert day["group"] == {"day": "2026-01-10"}


@pytest.mark.parametrize(
    "by", ["", "tag:", "colour", "project,", "day,tag", ",".join(["day"] * 7), 'tag:a"b']
)
async def test_what_cannot_be_grouped_by_is_refused(api: Api, by: str) -> None:
    answer = await api.get("/cost", params={"by": by})
    assert answer.status_code == 422


async def test_the_outlook_of_a_project(api: Api, store: SqlStore, caller: Caller, clock: HandClock) -> None:
    clock.advance(2 * 86_400)
    await store.run(lambda tx: run_at(tx, caller, "spot"))
    await store.run(lambda tx: spend(tx, caller, 4, timedelta(hours=2)))
    clock.advance(1800)
    seen = (await api.get("/cost/outlook")).json()
    assert [seen[key]["text"] for key in ("spent", "running", "reserved", "cost_per_hour")] == [
        "$4.00", "$0.50", "$0.50", "$1.00"
    ]  # fmt: skip
    assert (seen["project"], seen["running_jobs"]) == ("default", 1)
    assert seen["forecast"]["amount"]["micro"] > 4 * MICRO


_RENT = {
    "provider": "lambda", "kind": "compute", "rate_micro_per_unit": MICRO, "rate_per": "hour", "quantity": 3600,
    "currency": "USD", "energy_j": 0, "carbon_mg": 0, "basis": "modelled", "note": "", "accelerator": "L4",
    "accelerator_count": 1.0, "duration_ms": 3_600_000,
}  # fmt: skip


async def test_estimates_stand_beside_what_came(
    api: Api, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    def play(tx: Transaction) -> None:
        for number, (outcome, estimated, actual) in enumerate(
            (("succeeded", 2 * MICRO, 3 * MICRO), ("succeeded", None, MICRO), ("failed", 4 * MICRO, MICRO))
        ):
            job = add_job(tx, caller, name=f"job-{number}")
            tx.execute(
                insert(price_tables.predictions).values(
                    id=f"pred_{number}", project_id=caller.project_id, creator_id=caller.user_id, job_id=job.id,
                    fingerprint="f", provider="lambda", accelerator="L4", accelerator_count=1, layer="",
                    hours={"p10": 1, "p50": 2.0, "p90": 3}, actual_hours=2.5, outcome=outcome, created_at=tx.now,
                    cost_micro=None if estimated is None else {"p10": 1, "p50": float(estimated), "p90": 9e9},
                    actual_cost_micro=actual, closed_at=tx.now,
                )
            )  # fmt: skip

        # The last of a machine's rent is in the ledger only after its job has ended.
        job = add_job(tx, caller, name="rented")
        tx.execute(
            insert(price_tables.predictions).values(
                id="pred_9", project_id=caller.project_id, creator_id=caller.user_id, job_id=job.id,
                fingerprint="f", provider="lambda", accelerator="L4", accelerator_count=1, layer="",
                hours=None, actual_hours=1.0, outcome="succeeded", created_at=tx.now, cost_micro={"p50": 4e6},
                actual_cost_micro=5 * MICRO, closed_at=tx.now,
            )
        )  # fmt: skip
        for number, amount in enumerate((5 * MICRO, MICRO)):
            tx.execute(
                insert(tables.ledger).values(
                    id=f"led_{number}", project_id=caller.project_id, creator_id=caller.user_id, job_id=job.id,
                    started_at=tx.now, ended_at=tx.now, amount_micro=amount, **_RENT,
                )
            )  # fmt: skip

    await store.run(play)
    clock.advance(60)
    rented, *others = (await api.get("/cost/jobs")).json()["items"]
    assert (rented["name"], rented["actual"]["text"], rented["ratio"]) == ("rented", "$6.00", 1.5)
    shown = await store.read(lambda tx: prediction_view(tx, rented["job"], "USD"))
    assert shown is not None
    assert shown.actual_cost is not None
    assert shown.actual_cost.text == "$6.00"
    page = (await api.get("/cost/jobs")).json()
    assert (page["compared_jobs"], page["estimated"]["text"], page["actual"]["text"]) == (2, "$6.00", "$9.00")
    assert [(each["name"], each["ratio"]) for each in others] == [
        ("job-2", None), ("job-1", None), ("job-0", 1.5)
    ]  # fmt: skip
    assert len((await api.get("/cost/jobs", params={"limit": 1})).json()["items"]) == 1


async def test_an_invoice_is_taken_in_once(api: Api) -> None:
    dry = await import_it(api, dry_run=True)
    assert (dry["id"], dry["lines"], dry["new_lines"], dry["total"]["text"]) == (None, 3, 3, "$29.20")
    first = await import_it(api)
    again = await import_it(api, filename="the same.csv", provider="lambda_labs")
    assert (first["new_lines"], again["new_lines"], again["id"]) == (3, 0, None)
    longer = await import_it(api, INVOICE + "2026-01,i-0new,,1,hours,2.00,USD,7\n")
    assert longer["new_lines"] == 1
    items = (await api.get("/cost/invoices")).json()["items"]
    assert sorted((each["lines"], each["total"]["text"]) for each in items) == [(1, "$2.00"), (3, "$29.20")]


async def test_an_invoice_is_held_against_the_ledger_and_corrected(
    api: Api, store: SqlStore, booked: str
) -> None:
    await import_it(api)
    seen = (await api.get("/cost/reconciliation", params={"provider": "lambda"})).json()
    found = [(each["state"], each["resource"], each["difference"]["text"]) for each in seen["items"]]
    assert found[0] == ("invoice_only", "i-0gone", "$25.00")
    assert "still runs" in seen["items"][0]["note"]
    assert [each[0] for each in found[1:]] == ["ledger_only", "invoice_only", "differs"]
    assert found[3] == ("differs", "i-0abc", "$0.20")
    assert seen["items"][3]["jobs"] == ["train"]
    assert seen["difference"]["text"] == "$19.20"

    before = await store.read(lambda tx: tx.execute(select(tables.ledger).order_by(tables.ledger.c.id)).all())
    order = {"provider": "lambda", "resources": ["i-0abc", "i-0gone"]}
    written = (await api.post("/cost/reconciliation", json=order)).json()["items"]
    assert sorted(each["amount"]["text"] for each in written) == ["$0.20", "$25.00"]
    assert (await api.post("/cost/reconciliation", json=order)).json()["items"] == []
    after = await store.read(lambda tx: tx.execute(select(tables.ledger).order_by(tables.ledger.c.id)).all())
    assert [row for row in after if row.kind != "correction"] == before
    (known,) = [row for row in after if row.resource == "i-0abc"]
    (corrected,) = [row for row in before if row.attempt_id == booked]
    assert (known.attempt_id, known.corrects, known.basis) == (booked, corrected.id, "billed")
    assert known.ended_at.month == 1
    # Tax stays, and so does the machine that the invoice does not know.
    seen = (await api.get("/cost/reconciliation", params={"provider": "lambda"})).json()
    assert [each["state"] for each in seen["items"]] == ["ledger_only", "invoice_only", "matched", "matched"]
    rest = await api.post("/cost/reconciliation", json={"provider": "lambda", "all": True})
    assert len(rest.json()["items"]) == 2
    seen = (await api.get("/cost/reconciliation", params={"provider": "lambda"})).json()
    assert {each["state"] for each in seen["items"]} == {"matched"}
    assert seen["difference"]["micro"] == 0
    total = (await api.get("/cost", params={"by": "kind", "until": "2026-02-01T00:00:00Z"})).json()["total"]
    assert total["amount"]["text"] == "$29.20"


async def test_another_project_sees_nothing_of_it(api: Api, store: SqlStore, booked: str) -> None:
    await import_it(api)

    def move(tx: Transaction) -> None:
        team = tx.execute(select(tables.teams.c.id)).scalar_one()
        tx.execute(
            insert(tables.projects).values(id="proj_z", team_id=team, name="theirs", created_at=tx.now)
        )
        for table in (budget_tables.invoices, budget_tables.invoice_lines, tables.ledger):
            tx.execute(update(table).values(project_id="proj_z"))

    await store.run(move)
    assert (await api.get("/cost/invoices")).json()["items"] == []
    assert (await api.get("/cost/reconciliation", params={"provider": "lambda"})).status_code == 404
    assert (await api.get("/cost", params={"by": "kind"})).json()["rows"] == []


async def test_what_is_wrong_is_said(connect: Callable[[str], Api], booked: str) -> None:
    api = connect("ana")
    bad = await api.post(
        "/cost/invoices",
        json={"provider": "lambda", "filename": "b.csv", "content": "period,resource,amount\n1,2,x\n"},
    )
    assert (bad.status_code, bad.json()["errors"][0]["line"]) == (422, 2)
    assert "b.csv, line 2" in bad.text
    mixed = "period,resource,amount,currency\n2026-01,a,1,USD\n2026-01,a,1,EUR\n"
    answer = await api.post("/cost/invoices", json={"provider": "lambda", "content": mixed})
    assert (answer.status_code, "a file for each currency" in answer.text) == (422, True)
    none = await api.get("/cost/reconciliation", params={"provider": "lambda"})
    assert (none.status_code, "was imported" in none.text) == (404, True)
    await import_it(api)
    unknown = await api.post("/cost/reconciliation", json={"provider": "lambda", "resources": ["i-0none"]})
    assert unknown.status_code == 404
