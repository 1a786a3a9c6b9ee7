"""`estimate`: the table, the memory, and a probe; `jobs show` and `run` say how good an estimate was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.test_cli_run import ID, PLAN, show_output
from tests.unit.client.fakes import FakeServer, job, money


def band(p50: float, layer: str = "history") -> dict[str, Any]:
    return {
        "p10": p50 * 0.9,
        "p50": p50,
        "p90": p50 * 1.2,
        "layer": layer,
        "basis": "1 earlier run of this job",
    }


ESTIMATE: dict[str, Any] = {
    "job_name": "digits",
    "workload": "resnet50, pretrain, 115,200,000 images, bf16",
    "lines": [
        {
            "accelerator": "H100 SXM", "count": 8, "verdict": "fits", "memory_gb": band(2.5, "measured"),
            "usable_gb": 84.6, "hours": band(2.0), "provider": "vast", "region": "eu-nl", "market": "on_demand",
            "price_per_hour": money(20_000_000, "$20.00"), "cost": money(40_000_000, "$40.00"),
            "cost_p90": money(48_000_000, "$48.00"), "energy_kwh": band(11.8), "carbon_grams": band(7330.0),
        },
        {"accelerator": "2 processors", "count": 1, "provider": "local", "region": "local", "is_here": True},
    ],
    "memory": {
        "accelerator": "H100 SXM", "count": 8, "total_gb": band(2.5), "usable_gb": 84.6, "verdict": "fits",
        "items": [{"name": "weights", "gb": 0.1, "note": "25.6 million of 4 bytes"}], "switches": [],
    },
    "earlier_runs": 1,
    "accuracy": {"runs": 3, "median_error": 0.09, "within_band": 0.8, "text": "the last 3 estimates were 9 % off"},
    "warnings": ["a warning"],
}  # fmt: skip
TEXT = """\
Estimate for digits: resnet50, pretrain, 115,200,000 images, bf16

ACCELERATOR          MEMORY  FITS  HOURS P50  P90  FROM     CHEAPEST     PRICE/H  COST P50     P90   KWH          CO2E
8x H100 SXM          2.5 GB  fits          2  2.4  history  vast eu-nl    $20.00    $40.00  $48.00  11.8  7.33 kg CO2e
2 processors (here)       -  -             -    -  -        local local        -         -       -     -             -

Memory on each of 8x H100 SXM: 2.5 GB (2.2 to 3.0) of 84.6 GB usable - fits
  weights            0.10 GB  ████████████  25.6 million of 4 bytes

Earlier runs of this job: 1. The last 3 estimates were 9 % off.
"""
PREDICTION: dict[str, Any] = {
    "hours": band(2.0),
    "actual_hours": 2.1,
    "error": 0.048,
    "text": "took 2.1 h: 5 % longer than estimated",
}


@pytest.fixture
def job_file(place: Path) -> str:
    (place / "job.yaml").write_text(
        "version: 1\nname: digits\nrun: python train.py\ntags: {paper: a}\noutputs: [out/**]\n"
        "constraints: {budget: $3, max_duration: 12h}\nretry: {failures: 3}\nsetup: pip install x\n"
    )
    return "job.yaml"


@pytest.fixture
def ready(server: FakeServer) -> FakeServer:
    server.on("POST", "/api/v1/estimates", ESTIMATE)
    server.on("POST", "/api/v1/plans", PLAN)
    server.on("POST", "/api/v1/jobs", httpx2.Response(201, json=job(status="queued", ended_at=None)))
    server.on("POST", f"/api/v1/jobs/{ID}/stop", job(status="running", ended_at=None))
    server.on("GET", f"/api/v1/jobs/{ID}/checkpoints", {"items": []})
    return server


def ended(**changes: Any) -> dict[str, Any]:
    values = {
        "status": "cancelled",
        "reason": "stopped_by_user",
        "exit_code": None,
        "progress": {"fraction": 0.25, "metrics": {}},
    }
    return job(**(values | changes))


def test_an_estimate_is_a_table_with_its_memory_and_how_good_it_is(
    ready: FakeServer, tw: Run, job_file: str
) -> None:
    result = tw("estimate", job_file, "--gpu", "H100:8")
    assert (result.exit_code, result.out) == (0, TEXT)
    assert result.err == "warning: a warning\n"
    assert ready.sent_json("POST", "/api/v1/estimates")["accelerators"] == ["H100:8"]
    assert ready.sent("POST", "/api/v1/jobs") == []


@pytest.mark.parametrize("gpus", [["--gpu", ""], ["--gpu", "x" * 65], ["--gpu", "L4"] * 33])
def test_names_that_no_server_takes_are_refused(
    ready: FakeServer, tw: Run, job_file: str, gpus: list[str]
) -> None:
    result = tw("estimate", job_file, *gpus)
    assert result.exit_code == 2
    assert "error: TW-E200 --gpu" in result.err


def test_a_probe_is_the_same_work_bounded_tagged_and_tried_once(
    ready: FakeServer, tw: Run, job_file: str
) -> None:
    ready.on("GET", f"/api/v1/jobs/{ID}/wait", ended(prediction={"implied_hours": 2.0, "text": ""}))
    result = tw("estimate", job_file, "--probe", "90s", "-y")
    assert (result.exit_code, result.out) == (0, TEXT)
    sent = ready.sent_json("POST", "/api/v1/jobs")["spec"]
    assert (sent["name"], sent["run"], sent["setup"]) == ("digits", "python train.py", "pip install x")
    assert sent["tags"] == {"paper": "a", "probe": "1m 30s"}
    assert sent["retry"] == {"interruptions": 0, "failures": 0}
    # A minute and a half, a minute to stop it, half an hour for its set-up; the budget stands.
    assert sent["constraints"] == {"budget": "$3", "max_duration": "1950s"}
    assert "outputs" not in sent
    assert ready.sent_json("POST", "/api/v1/estimates")["spec"]["retry"] == {"failures": 3}
    lines = result.err.splitlines()
    assert lines[0] == "A probe runs digits here and now for 1m 30s, as a job of its own."
    assert "25 % of it was done; at this pace all of it takes 2h 00m." in lines


def test_a_probe_never_outlasts_what_the_job_file_allows(ready: FakeServer, tw: Run, place: Path) -> None:
    (place / "short.yaml").write_text("version: 1\nname: digits\nrun: x\nconstraints: {max_duration: 30s}\n")
    ready.on("GET", f"/api/v1/jobs/{ID}/wait", ended())
    assert tw("estimate", "short.yaml", "--probe", "-y").exit_code == 0
    assert ready.sent_json("POST", "/api/v1/jobs")["spec"]["constraints"] == {"max_duration": "30s"}


@pytest.mark.parametrize(
    ("end", "said", "exit_code"),
    [
        ({"progress": None}, "the job reported no progress, so its pace is not known", 0),
        ({"progress": {"fraction": 0.1, "metrics": {}}}, "reported too little progress", 0),
        ({"status": "failed", "reason": "max_duration", "progress": None}, "the job reported no progress", 0),
        ({"status": "succeeded", "reason": "exited", "exit_code": 0}, "that is a whole run", 0),
        (
            {"status": "failed", "reason": "exited", "explanation": "it broke"},
            "The probe failed: it broke",
            100,
        ),
    ],
)
def test_what_a_probe_could_not_see_is_said(
    ready: FakeServer, tw: Run, job_file: str, end: dict[str, Any], said: str, exit_code: int
) -> None:
    ready.on("GET", f"/api/v1/jobs/{ID}/wait", ended(**end))
    result = tw("estimate", job_file, "--probe", "-y")
    assert said in result.err
    assert result.exit_code == exit_code
    assert result.out == TEXT


def test_a_probe_wants_a_yes(ready: FakeServer, tw: Run, job_file: str) -> None:
    result = tw("estimate", job_file, "--probe")
    assert result.exit_code == 2
    assert "this needs a yes, and there is no terminal to ask at: Run digits for 1m 00s?" in result.err
    assert ready.sent("POST", "/api/v1/jobs") == []


@pytest.mark.parametrize(
    ("length", "said"), [("soon", "not a duration"), ("5s", "too short to see a pace in")]
)
def test_a_probe_of_no_good_length_is_refused(
    ready: FakeServer, tw: Run, job_file: str, length: str, said: str
) -> None:
    result = tw("estimate", job_file, "--probe", length, "-y")
    assert result.exit_code == 2
    assert said in result.err
    assert ready.requests == []


def test_a_probe_keeps_its_answer_apart_from_what_it_says(ready: FakeServer, tw: Run, job_file: str) -> None:
    ready.on("GET", f"/api/v1/jobs/{ID}/wait", ended())
    result = tw("estimate", job_file, "--probe", "-y", "-o", "json", "-F", "job_name")
    assert result.out.split() == ["{", '"job_name":', '"digits"', "}"]


def test_a_job_shows_how_good_its_estimate_was(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/jobs/digits", job(prediction=PREDICTION))
    assert "\n  estimate     took 2.1 h: 5 % longer than estimated\n" in tw("jobs", "show", "digits").out
    server.on("GET", "/api/v1/jobs/digits", job(prediction={"text": ""}))
    assert "estimate  " not in tw("jobs", "show", "digits").out


def test_a_run_ends_with_how_good_its_estimate_was(ready: FakeServer, tw: Run, job_file: str) -> None:
    show_output(ready, job())
    ready.on("GET", f"/api/v1/jobs/{ID}", job(prediction=PREDICTION))
    result = tw("run", job_file, "-y")
    assert result.exit_code == 0
    assert result.err.count("  estimate     took 2.1 h: 5 % longer than estimated\n") == 1
