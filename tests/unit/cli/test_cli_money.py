"""Budgets, costs and invoices on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer


def money(text: str) -> dict[str, Any]:
    return {"micro": round(float(text.strip("-$").replace(",", "")) * 1e6), "currency": "USD", "text": text}


BUDGET: dict[str, Any] = {
    "id": "bud_00000000000000000001", "name": "vision", "scope": "project", "target": "default", "period": "month",
    "period_start": "2026-11-01T00:00:00Z", "period_end": "2026-12-01T00:00:00Z", "amount": money("$1,000.00"),
    "action": "block_new", "thresholds": [50, 80, 100], "channels": ["slack"], "max_cost_per_hour": money("$12.00"),
    "max_concurrent_jobs": None, "watches_anomalies": True, "spent": money("$820.00"), "running": money("$1.50"),
    "reserved": money("$3.00"), "left": money("$175.50"), "used_percent": 82.2,
    "forecast": {"amount": money("$1,104.00"), "until": "2026-12-01T00:00:00Z",
                 "runs_out_at": "2026-11-27T00:00:00Z", "method": "as before"},
    "cost_per_hour": money("$3.00"), "running_jobs": 2, "created_at": "2026-11-01T00:00:00Z", "creator": "ana",
    "notes": ["at this pace used up on 2026-11-27"],
}  # fmt: skip
WATCH = {**BUDGET, "id": "bud_2", "name": "watch", "amount": None, "left": None, "used_percent": None, "notes": [],
         "max_cost_per_hour": None, "max_concurrent_jobs": 4}  # fmt: skip


def sent(server: FakeServer) -> Any:
    return json.loads(server.requests[-1].content)


def test_budgets_ls(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/budgets", {"items": [BUDGET, WATCH]})
    lines = tw("budgets", "ls").out.splitlines()
    assert lines[0].split() == [
        "NAME", "COUNTS", "AMOUNT", "USED", "SPENT", "RUNNING", "HELD", "FORECAST", "LIMITS", "NOTE"
    ]  # fmt: skip
    assert "vision  project default  $1,000.00 a month  82.2 %  $820.00" in lines[1]
    assert lines[1].endswith("block_new; $12.00/h  at this pace used up on 2026-11-27")
    assert lines[2].endswith("4 at a time")
    assert tw("budgets", "ls", "-o", "name").out.split() == ["vision", "watch"]
    assert json.loads(tw("budgets", "ls", "-o", "json").out)[0]["left"]["text"] == "$175.50"


def test_budgets_show(server: FakeServer, tw: Run) -> None:
    day = {"day": "2026-11-02", "spent": money("$20.00"), "total": money("$40.00"), "left": money("$960.00")}
    notice = {
        "id": "tell_1",
        "kind": "threshold",
        "at": "2026-11-20T10:00:00Z",
        "title": "80 % used",
        "body": "",
    }
    server.on("GET", "/api/v1/budgets/vision", {**BUDGET, "days": [day], "notices": [notice]})
    out = tw("budgets", "show", "vision").out
    assert "vision  project default  $1,000.00 a month  block_new  $12.00/h  set by ana" in out
    assert "spent        $820.00 closed, $1.50 by what runs (82.2 % of the amount)" in out
    assert "forecast     $1,104.00 by 2026-12-01; used up on 2026-11-27 (as before)" in out
    assert "2026-11-02        $20.00  in all $40.00  left $960.00" in out
    assert "told         2026-11-20 10:00  80 % used" in out
    assert tw("budgets", "show", "vision", "-o", "csv").out.startswith("day,spent,total,left\n2026-11-02")


def test_budgets_set_makes_what_is_not_there(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/budgets", {"items": []})
    server.on("POST", "/api/v1/budgets", httpx2.Response(201, json=BUDGET))
    result = tw(
        "budgets", "set", "vision", "$1,000", "--action", "block_new", "--at", "90%,50", "--channel", "slack",
        "--max-cost-per-hour", "12/h", "--max-concurrent-jobs", "0", "--scope", "provider", "--of", "lambda",
        "--period", "week", "--no-anomalies",
    )  # fmt: skip
    assert result.exit_code == 0, result.err
    assert result.out == "vision  project default  $1,000.00 a month  block_new  $12.00/h\n"
    assert "used up on 2026-11-27" in result.err
    assert sent(server) == {
        "name": "vision", "amount_micro": 1_000_000_000, "action": "block_new", "thresholds": [50, 90],
        "channels": ["slack"], "max_hourly_micro": 12_000_000, "max_concurrent_jobs": 0, "scope": "provider",
        "target": "lambda", "period": "week", "watches_anomalies": False,
    }  # fmt: skip


def test_budgets_set_changes_only_what_is_said(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/budgets", {"items": [BUDGET]})
    server.on("PATCH", f"/api/v1/budgets/{BUDGET['id']}", BUDGET)
    assert tw("budgets", "set", "vision", "1200", "--no", "max-cost-per-hour").exit_code == 0
    assert sent(server) == {"amount_micro": 1_200_000_000, "clears": ["max_cost_per_hour"]}
    refused = tw("budgets", "set", "vision", "--scope", "team")
    assert (refused.exit_code, "counts project default" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("much",), "AMOUNT: 'much' is not an amount"),
        (("--max-cost-per-hour", "-3"), "--max-cost-per-hour"),
        (("--at", "half"), "--at: 'half' are not per cents"),
        (("--at", "0"), "thresholds"),
        (("--period", "year"), "--period"),
    ],
)
def test_budgets_set_refuses_nonsense(
    server: FakeServer, tw: Run, arguments: tuple[str, ...], says: str
) -> None:
    server.on("GET", "/api/v1/budgets", {"items": []})
    result = tw("budgets", "set", "vision", *arguments)
    assert result.exit_code == 2
    assert says in result.err
    assert all(request.method == "GET" for request in server.requests)


def test_dry_runs_change_nothing_and_rm_asks(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/budgets", {"items": [BUDGET]})
    server.on("DELETE", f"/api/v1/budgets/{BUDGET['id']}", httpx2.Response(204))
    result = tw("budgets", "set", "vision", "5", "--dry-run")
    assert "vision would be changed: amount $5.00" in result.err
    assert "vision  project default" in tw("budgets", "rm", "vision", "--dry-run").err
    assert all(request.method == "GET" for request in server.requests)
    assert tw("budgets", "rm", "nothing", "-y").exit_code == 4
    assert tw("budgets", "rm", "vision", "-y").out == "vision removed\n"


REPORT = {
    "since": "2026-10-23T00:00:00Z", "until": "2026-11-22T00:00:00Z", "by": ["accelerator"],
    "rows": [{"group": {"accelerator": "H100-SXM"}, "jobs": 3, "hours": 10.0, "amount": money("$25.00"),
              "energy_kwh": 1.0, "carbon_grams": 5.0, "basis": "modelled", "accelerator_hours": 20.0,
              "idle": money("$2.00")}],
    "total": {"group": {}, "jobs": 3, "hours": 10.0, "amount": money("$25.00"), "energy_kwh": 1.0,
              "carbon_grams": 5.0, "basis": "modelled", "accelerator_hours": 20.0, "idle": money("$2.00")},
}  # fmt: skip


def test_cost_is_still_a_command_of_its_own(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/cost", REPORT)
    result = tw("cost", "--by", "accelerator", "--server", "http://tradewind.test")
    assert (
        result.out
        == """\
ACCELERATOR  JOBS  HOURS  GPU-H   SPENT  KIND      ENERGY    CARBON
H100-SXM        3     10     20  $25.00  modelled   1 kWh  5 g CO2e
total           3     10     20  $25.00  modelled   1 kWh  5 g CO2e
"""
    )
    assert "$2.00 of it for rented machines that had no job" in result.err
    assert tw("cost", "-o", "csv").out.startswith("accelerator,jobs,hours")


def test_cost_forecast(server: FakeServer, tw: Run) -> None:
    outlook = {
        "project": "default", "since": "2026-11-01T00:00:00Z", "spent": money("$8.00"), "running": money("$1.00"),
        "reserved": money("$2.00"), "cost_per_hour": money("$3.00"), "running_jobs": 2, "forecast": BUDGET["forecast"],
    }  # fmt: skip
    server.on("GET", "/api/v1/cost/outlook", outlook)
    out = tw("cost", "--forecast").out
    assert "forecast  $1,104.00 by 2026-12-01: as before" in out
    assert json.loads(tw("cost", "--forecast", "--json").out)["spent"]["text"] == "$8.00"


def test_cost_jobs(server: FakeServer, tw: Run) -> None:
    job = {"job": "job_1", "name": "train", "outcome": "succeeded", "provider": "lambda", "accelerator": "L4",
           "estimated": money("$2.00"), "actual": money("$3.00"), "ratio": 1.5, "estimated_hours": 2.0,
           "actual_hours": 3.0}  # fmt: skip
    page = {"items": [job], "compared_jobs": 1, "estimated": money("$2.00"), "actual": money("$3.00")}
    server.on("GET", "/api/v1/cost/jobs", page)
    result = tw("cost", "jobs", "--since", "7d")
    assert result.out.splitlines()[1].split() == [
        "train", "succeeded", "lambda", "L4", "$2.00", "$3.00", "1.50", "2", "3"
    ]  # fmt: skip
    assert "1 finished with an estimate: $2.00 estimated, $3.00 spent" in result.err


def test_cost_import_sends_the_file(server: FakeServer, tw: Run, place: Path) -> None:
    answer = {"id": "inv_1", "provider": "lambda", "filename": "bill.csv", "lines": 3, "new_lines": 1,
              "total": money("$29.20"), "since": "2026-10-01T00:00:00Z", "until": "2026-11-01T00:00:00Z"}  # fmt: skip
    server.on("POST", "/api/v1/cost/invoices", answer)
    (place / "bill.csv").write_text("\ufeffperiod,resource,amount\n", encoding="utf-8")
    result = tw("cost", "import", "bill.csv", "--provider", "lambda")
    assert result.out == "3 lines, $29.20, 2026-10-01 up to 2026-11-01; 1 are new\n"
    assert sent(server) == {
        "provider": "lambda", "content": "period,resource,amount\n", "filename": "bill.csv", "dry_run": False
    }  # fmt: skip
    assert "would be new" in tw("cost", "import", "bill.csv", "--provider", "lambda", "--dry-run").out
    assert sent(server)["dry_run"] is True
    (place / "picture").write_bytes(b"\xff\xfe\x00")
    assert "cannot read picture" in tw("cost", "import", "picture", "--provider", "x").err


def match(state: str, resource: str, difference: str) -> dict[str, Any]:
    return {"state": state, "resource": resource, "description": "", "since": "2026-10-01T00:00:00Z",
            "until": "2026-11-01T00:00:00Z", "invoice": money("$25.00"), "ledger": money("$0.00"),
            "difference": money(difference), "lines": 1, "jobs": ["train"], "note": None}  # fmt: skip


def test_cost_reconcile_and_accept(server: FakeServer, tw: Run) -> None:
    report = {
        "provider": "lambda", "since": None, "until": None, "tolerance_percent": 1.0, "invoice": money("$50.00"),
        "ledger": money("$25.00"), "difference": money("$25.00"),
        "items": [match("invoice_only", "i-0gone", "$25.00"), match("matched", "i-0abc", "$0.00")],
    }  # fmt: skip
    server.on("GET", "/api/v1/cost/reconciliation", report)
    correction = {
        "id": "led_1",
        "resource": "i-0gone",
        "amount": money("$25.00"),
        "booked_at": "2026-10-31T23:59:59Z",
    }
    server.on("POST", "/api/v1/cost/reconciliation", {"items": [correction]})
    result = tw("cost", "reconcile", "--provider", "lambda")
    assert result.exit_code == 1
    assert result.out.splitlines()[1].split()[:4] == ["invoice", "only", "i-0gone", "2026-10-01"]
    assert "difference $25.00; tolerance 1 %" in result.err
    assert tw("cost", "reconcile", "--provider", "lambda", "--accept-all", "--dry-run").exit_code == 0
    assert all(request.method == "GET" for request in server.requests)
    done = tw("cost", "reconcile", "--provider", "lambda", "--accept-all", "-y")
    assert done.exit_code == 0
    assert done.out.splitlines()[-1] == "led_1  i-0gone  $25.00"
    assert sent(server)["resources"] == ["i-0gone"]
    unknown = tw("cost", "reconcile", "--provider", "lambda", "--accept", "nothing", "-y")
    assert (unknown.exit_code, "has 'nothing'" in unknown.err) == (2, True)
