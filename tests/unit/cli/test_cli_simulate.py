"""`tradewind simulate`: what is sent, what is shown, and what is said of files that are wrong."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer, problem

PATH: Final = "/api/v1/simulations"


def money(dollars: float) -> dict[str, Any]:
    return {"micro": round(dollars * 1e6), "currency": "USD", "text": f"${dollars:.2f}"}


def figures(policy: str, dollars: float, **more: Any) -> dict[str, Any]:
    hours = ("waiting_hours_mean", "waiting_hours_p50", "waiting_hours_p95", "turnaround_hours_mean",
             "turnaround_hours_p50", "turnaround_hours_p95", "turnaround_hours_p99", "run_hours", "setup_hours",
             "lost_hours", "makespan_hours")  # fmt: skip
    counts = ("deadlines", "missed_deadlines", "budgets", "over_budget", "interruptions", "moves")
    return {
        "policy": policy, "explanation": f"what {policy} does", "jobs": 10, "ended": 10, "cost": money(dollars),
        "owned_cost": money(0), **dict.fromkeys(hours, 0.0), **dict.fromkeys(counts, 0), **more,
    }  # fmt: skip


ANSWER: Final[dict[str, Any]] = {
    "name": "a week",
    "seed": 7,
    "jobs": 10,
    "places": ["a", "b"],
    "policies": [
        figures("owned-first", 20.0, waiting_hours_mean=1.5, owned_use=0.5, deadlines=4, missed_deadlines=1),
        figures("spot-greedy", 5.0, interruptions=3, lost_hours=0.25, deadlines=4),
    ],
    "best": "spot-greedy",
    "left_out": [{"jobs": 2, "names": ["x-1", "x-2"], "reason": "nothing fits"}],
    "notes": ["a simulated cost is not a bill"],
    "details": [],
}
MIX: Final = "version: 1\njobs:\n  - job: train.yaml\n    count: 3\n    every: 1h\n"
TRAIN: Final = "version: 1\nname: train\nrun: python train.py\nestimate: {hours: 2}\n"


def sent(server: FakeServer) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(server.requests[-1].content)
    return body


def test_a_mix_is_sent_with_its_job_files_and_policies_are_shown_side_by_side(
    server: FakeServer, tw: Run, place: Path
) -> None:
    (place / "mix.yaml").write_text(MIX, encoding="utf-8")
    (place / "train.yaml").write_text(TRAIN, encoding="utf-8")
    server.on("POST", PATH, ANSWER)
    result = tw(
        "simulate", "mix.yaml", "-p", "owned-first", "-p", "spot-greedy", "--seed", "7", "--own", "2x L4:4"
    )
    assert result.exit_code == 0, result.err
    body = sent(server)
    assert body["mix"]["jobs"][0]["job"]["name"] == "train"
    assert body["mix"]["jobs"][0]["count"] == 3
    assert (body["policies"], body["seed"], body["own"]) == (["owned-first", "spot-greedy"], 7, ["2x L4:4"])
    lines = result.out.splitlines()
    assert lines[0] == "a week: 10 jobs, seed 7, 2 places"
    header = lines[2]
    assert all(
        title in header for title in ("POLICY", "COST", "WAIT MEAN", "LATE", "TAKEN BACK", "LOST", "OWN USE")
    )
    assert "OVER BUDGET" not in header
    assert "████████████" in lines[3]
    assert "1h 30m" in lines[3]
    assert "1/4" in lines[3]
    assert "███ " in lines[4]
    assert "Cheapest with the fewest misses: spot-greedy, $5.00, 0 deadlines missed" in result.out
    assert "nowhere: 2 jobs (x-1, x-2): nothing fits" in result.out
    assert "note: a simulated cost is not a bill" in result.err


def test_a_trace_is_sent_as_it_is(server: FakeServer, tw: Run, place: Path) -> None:
    (place / "jobs.csv").write_text("vc,arrival_s,v100_s\na,0,60\n", encoding="utf-8")
    server.on("POST", PATH, ANSWER)
    result = tw(
        "simulate", "jobs.csv", "--where", "VC=a", "--limit", "5", "--max-hours", "48", "--strict", "--no-market",
        "--deadline-factor", "1.5", "--speed-up", "2", "--gpu", "V100",
    )  # fmt: skip
    assert result.exit_code == 0, result.err
    body = sent(server)
    assert body["trace"] == {
        "content": "vc,arrival_s,v100_s\na,0,60\n", "filename": "jobs.csv", "limit": 5, "where": {"vc": "a"},
        "max_hours": 48.0, "deadline_factor": 1.5, "speed_up": 2.0, "checkpoint_minutes": 10.0, "gpus": ["V100"],
    }  # fmt: skip
    assert (body["queue"], body["market"]) == ("strict", False)


def test_a_folder_of_spot_zones_and_past_jobs_are_sent(server: FakeServer, tw: Run, place: Path) -> None:
    folder = place / "zones"
    folder.mkdir()
    (folder / "a.json").write_text("{}", encoding="utf-8")
    (folder / "readme.md").write_text("x", encoding="utf-8")
    server.on("POST", PATH, ANSWER)
    result = tw(
        "simulate", "--history", "30d", "--spot", "zones", "--on-demand-price", "3.06", "--prices", "history"
    )
    assert result.exit_code == 0, result.err
    body = sent(server)
    assert body["history_days"] == 30
    assert body["spot"] == {"files": {"a.json": "{}"}, "on_demand_price": 3.06}
    assert body["prices"] == "history"


def test_other_forms_have_a_row_per_policy_or_per_job(server: FakeServer, tw: Run, place: Path) -> None:
    (place / "train.yaml").write_text(TRAIN, encoding="utf-8")
    detail = {
        "policy": "owned-first", "name": "train-1", "arrival_hours": 0, "ended_hours": 2, "cost": money(1),
        "waiting_hours": 0, "setup_hours": 0, "run_hours": 2, "lost_hours": 0, "interruptions": 0, "is_late": False,
        "is_over_budget": False, "places": ["a", "b"],
    }  # fmt: skip
    server.on("POST", PATH, {**ANSWER, "details": [detail]})
    rows = list(csv.DictReader(io.StringIO(tw("simulate", "train.yaml", "-o", "csv").out)))
    assert [(row["policy"], row["cost_usd"]) for row in rows] == [
        ("owned-first", "20.0"),
        ("spot-greedy", "5.0"),
    ]
    rows = list(csv.DictReader(io.StringIO(tw("simulate", "train.yaml", "--details", "-o", "csv").out)))
    assert [(row["name"], row["run_hours"], row["places"]) for row in rows] == [("train-1", "2.0", "a; b")]
    assert json.loads(tw("simulate", "train.yaml", "--json").out)["seed"] == 7


def test_nothing_that_ended_is_no_success(server: FakeServer, tw: Run, place: Path) -> None:
    (place / "train.yaml").write_text(TRAIN, encoding="utf-8")
    server.on("POST", PATH, {**ANSWER, "policies": [figures("cheapest", 0.0, ended=0)], "best": None})
    result = tw("simulate", "train.yaml")
    assert result.exit_code == 6
    assert "Cheapest" not in result.out


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (
            "version: 1\njobs:\n  - job: train.yaml\n    every: soon\n",
            "mix.yaml:4:12",
            "'soon' is not a duration",
        ),
        (
            "version: 1\njobs:\n  - job: nowhere.yaml\n",
            "mix.yaml:3:10",
            "nowhere.yaml: there is no such file",
        ),
        ("version: 1\njobs: {\n", "mix.yaml:3:1", "not valid YAML"),
    ],
)
def test_a_mix_that_is_wrong_is_refused_with_line_and_column(
    server: FakeServer, tw: Run, place: Path, text: str, line: str, said: str
) -> None:
    (place / "mix.yaml").write_text(text, encoding="utf-8")
    (place / "train.yaml").write_text(TRAIN, encoding="utf-8")
    result = tw("simulate", "mix.yaml")
    assert result.exit_code == 2
    assert line in result.err
    assert said in result.err
    assert not server.requests


def test_what_the_server_finds_wrong_with_a_trace_is_shown(server: FakeServer, tw: Run, place: Path) -> None:
    (place / "jobs.csv").write_text("arrival_s,hours\n0,x\n", encoding="utf-8")
    fault = {"where": "hours", "line": 2, "column": 2, "message": "'x' is not a number", "hint": None}
    server.on("POST", PATH, problem("TW-E200", 422, "jobs.csv: 1 problem", errors=[fault]))
    result = tw("simulate", "jobs.csv")
    assert result.exit_code == 2
    assert "jobs.csv:2:2: hours: 'x' is not a number" in result.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a job mix or a trace, or give --history"),
        (("train.yaml", "--history", "3d"), "name a job mix or a trace, or give --history"),
        (("gone.yaml",), "gone.yaml: cannot be read"),
        (("--history", "often"), "--history: 'often' is not a duration"),
        (("train.yaml", "--spot", "nowhere"), "there is no such folder"),
        (("jobs.csv", "--where", "=a"), "--where names no column"),
    ],
)
def test_what_was_asked_wrongly_is_said(
    server: FakeServer, tw: Run, place: Path, arguments: tuple[str, ...], said: str
) -> None:
    (place / "train.yaml").write_text(TRAIN, encoding="utf-8")
    (place / "jobs.csv").write_text("arrival_s,hours\n0,1\n", encoding="utf-8")
    result = tw("simulate", *arguments)
    assert result.exit_code == 2
    assert said in result.err
    assert not server.requests
