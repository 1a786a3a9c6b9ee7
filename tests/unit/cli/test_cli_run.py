"""`run`: from a job file to its end, and every way it can be refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer, Pieces, event, job, log, money, problem, sse

ID = str(job()["id"])
PLAN: dict[str, Any] = {
    "id": "plan_1",
    "job_name": "digits",
    "chosen": {
        "provider": "local", "region": "here", "instance_type": "this machine",
        "market": "owned",
        "accelerators": None, "cpus": 2, "memory_bytes": 4 << 30, "price_per_hour": money(20000, "$0.02"),
        "price_per_hour_max": money(20000, "$0.02"), "grams_co2e_per_hour": 12.0,
    },
    "reason": "it is the only place that is connected",
    "hours": 0.05,
    "hours_source": "job file", "cost_estimate": money(1000, "$0.001"), "cost_max": money(20000, "$0.02"),
    "carbon_grams_estimate": 0.6, "queue_ahead": 0,
    "excluded": [
        {"provider": "vast", "instance_type": "RTX 4090", "constraint": "budget", "explanation": "costs more than $1"}
    ],
    "warnings": ["no checkpoints: an interruption starts over"],
}  # fmt: skip
PLAN_TEXT = """\
Plan for job digits  plan_1
  1  local  this machine  2 CPUs, 4.0 GB  here  owned  $0.02/h  est. 0.05 h  $0.001 (max $0.02)
  why  it is the only place that is connected
  ruled out  vast RTX 4090: costs more than $1
  carbon  ~0.6 g CO2e
warning: no checkpoints: an interruption starts over
"""


@pytest.fixture
def job_file(place: Path) -> str:
    (place / "job.yaml").write_text("version: 1\nname: digits\nrun: python train.py\nenv: {SEED: '1'}\n")
    return "job.yaml"


@pytest.fixture
def ready(server: FakeServer) -> FakeServer:
    server.on("POST", "/api/v1/plans", PLAN)
    server.on("POST", "/api/v1/jobs", httpx2.Response(201, json=job(status="queued", ended_at=None)))
    server.on("GET", f"/api/v1/jobs/{ID}", job())
    server.on("GET", f"/api/v1/jobs/{ID}/wait", job())
    server.on("GET", f"/api/v1/jobs/{ID}/checkpoints", {"items": []})
    show_output(server, job())
    return server


def show_output(server: FakeServer, ended: dict[str, Any]) -> None:
    events = [sse("event", event(1, "placed at local/here"), "1"), sse("end", {})]
    server.on_stream(f"/api/v1/jobs/{ID}/events/stream", Pieces(events))
    chunks = [sse("log", log("epoch 1\n", 0), "1"), sse("log", log("epoch 2\n", 8), "2"), sse("end", ended)]
    server.on_stream(f"/api/v1/jobs/{ID}/logs", Pieces(chunks))


def test_each_thing_is_said_once_and_only_kept_checkpoints_count(
    ready: FakeServer, tw: Run, job_file: str
) -> None:
    story = ["attempt.starting", "attempt.running", "job.running", "attempt.succeeded", "job.succeeded"]
    events = [
        sse("event", {**event(number, kind), "type": kind}, str(number))
        for number, kind in enumerate(story, start=1)
    ]
    server = ready
    server.on_stream(f"/api/v1/jobs/{ID}/events/stream", Pieces([*events, sse("end", {})]))
    checkpoint = {
        "id": "ckpt_1", "job": ID, "attempt": 1, "path": "ckpt/1", "step": 1, "size_bytes": 1, "file_count": 1,
        "created_at": "2026-11-22T11:55:00Z", "is_resumable": True, "note": None,
    }  # fmt: skip
    pruned = {**checkpoint, "id": "ckpt_0", "is_resumable": False, "note": "pruned"}
    server.on("GET", f"/api/v1/jobs/{ID}/checkpoints", {"items": [checkpoint, pruned]})
    result = tw("run", job_file)
    assert [line.split()[-1] for line in result.err.splitlines() if line.startswith("11:58")] == [
        "attempt.starting",
        "attempt.running",
        "job.succeeded",
    ]
    assert "  checkpoints  1\n" in result.err


def test_run_plans_submits_and_shows_the_output(ready: FakeServer, tw: Run, job_file: str) -> None:
    result = tw("run", job_file)
    assert result.exit_code == 0
    assert result.out == "epoch 1\nepoch 2\n"
    before, _, after = result.err.partition("submitted ")
    assert before == PLAN_TEXT
    assert (
        after
        == f"""\
digits as {ID}
11:58:00  placed at local/here

digits  {ID}  SUCCEEDED  project default · by local · attempt 1
  why          the command ended with exit status 0
  exit status  0
  where        local/here
  time         waited 2.0s · ran 1m 30s
  cost         0.042 cents · 0.0012 kWh · 0.45 g CO2e (modelled)
  progress     100 % · epoch 20/20 · loss 0.0123 · accuracy 0.971
  checkpoints  0
"""
    )
    sent = ready.sent_json("POST", "/api/v1/jobs")
    assert sent["spec"] == {"version": 1, "name": "digits", "run": "python train.py", "env": {"SEED": "1"}}
    assert "workdir" not in sent
    # The server is elsewhere: what PATH says here means nothing there.
    assert "search_path" not in sent


def test_a_failed_job_ends_with_100(ready: FakeServer, tw: Run, job_file: str) -> None:
    show_output(ready, job(status="failed", exit_code=7))
    result = tw("run", job_file)
    assert result.exit_code == 100
    assert f"hint: `tradewind jobs events {ID}` tells the story" in result.err
    show_output(ready, job(status="failed", exit_code=7))
    assert tw("run", job_file, "--propagate-exit").exit_code == 7


def test_detached(ready: FakeServer, tw: Run, job_file: str) -> None:
    result = tw("run", "-d", job_file)
    assert (result.exit_code, result.out) == (0, f"{ID}\n")
    assert json.loads(tw("run", "-d", "-o", "json", job_file).out)["id"] == ID
    assert tw("run", "-d", "-o", "name", job_file).out == f"{ID}\n"


def test_wait_shows_the_end_only(ready: FakeServer, tw: Run, job_file: str) -> None:
    result = tw("run", "--wait", job_file)
    assert result.exit_code == 0
    assert result.out.startswith(f"digits  {ID}  SUCCEEDED")
    assert "epoch 1\n" not in result.out
    ready.on("GET", f"/api/v1/jobs/{ID}/wait", job(status="cancelled"))
    answer = tw("run", "--wait", "-o", "json", job_file)
    assert answer.exit_code == 103
    assert json.loads(answer.out)["status"] == "cancelled"


def test_dry_run(ready: FakeServer, tw: Run, job_file: str) -> None:
    result = tw("run", "--dry-run", job_file)
    assert result.exit_code == 0
    assert result.out == PLAN_TEXT
    assert result.err == "Dry run: nothing was started.\nhint: start it with `tradewind run job.yaml`\n"
    assert [request.url.path for request in ready.requests] == ["/api/v1/plans"]


def test_name_variables_and_project(
    ready: FakeServer, tw: Run, job_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_HERE", "yes")
    tw(
        "--project",
        "vision",
        "run",
        "-d",
        job_file,
        "--name",
        "other",
        "--env",
        "A=b=c",
        "--env",
        "FROM_HERE",
    )
    spec = ready.sent_json("POST", "/api/v1/jobs")["spec"]
    assert (spec["name"], spec["project"]) == ("other", "vision")
    assert spec["env"] == {"SEED": "1", "A": "b=c", "FROM_HERE": "yes"}
    assert tw("run", "-d", job_file, "--env", "=x").exit_code == 2
    missing = tw("run", "-d", job_file, "--env", "NOT_THERE")
    assert "error: TW-E200 --env NOT_THERE: there is no such variable here" in missing.err


def test_the_project_of_the_file_stays_unless_a_flag_names_another(
    ready: FakeServer, tw: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "p.yaml").write_text("version: 1\nname: a\nproject: mine\nrun: echo\n")
    monkeypatch.setenv("TRADEWIND_PROJECT", "other")
    tw("run", "-d", "p.yaml")
    assert ready.sent_json("POST", "/api/v1/jobs")["spec"]["project"] == "mine"
    tw("run", "-d", "p.yaml", "--project", "flag")
    assert ready.sent_json("POST", "/api/v1/jobs")["spec"]["project"] == "flag"


def test_the_workdir_is_packed_and_sent(ready: FakeServer, tw: Run, place: Path) -> None:
    (place / "src").mkdir()
    (place / "src" / "train.py").write_text("print(1)")
    (place / "job.yaml").write_text("version: 1\nname: digits\nworkdir: src\nrun: python train.py\n")
    bodies: list[bytes] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        bodies.append(request.content)
        sha = request.url.path.rpartition("/")[2]
        return httpx2.Response(
            201, json={"sha256": sha, "size_bytes": len(request.content), "was_known": False}
        )

    from tradewind.client.snapshot import pack_workdir

    with pack_workdir(place / "src") as snapshot:
        path = f"/api/v1/workdirs/{snapshot.sha256}"
    ready.on("HEAD", path, httpx2.Response(404))
    ready.on("PUT", path, take)
    result = tw("run", "-d", "job.yaml")
    assert result.exit_code == 0, result.err
    assert "in 1 files" in result.err
    assert hashlib.sha256(bodies[0]).hexdigest() == snapshot.sha256
    assert ready.sent_json("POST", "/api/v1/jobs")["workdir"] == snapshot.sha256


def test_rented_places_need_a_yes_without_a_terminal(ready: FakeServer, tw: Run, job_file: str) -> None:
    rented = {**PLAN, "chosen": {**PLAN["chosen"], "market": "spot"}}
    ready.on("POST", "/api/v1/plans", rented)
    result = tw("run", job_file)
    assert result.exit_code == 2
    assert result.err.endswith(
        "error: TW-E200 this needs a yes, and there is no terminal to ask at: Start digits?\n"
        "\nhint: say it in advance with -y\n"
    )
    assert ready.sent("POST", "/api/v1/jobs") == []
    assert tw("run", "-d", "-y", job_file).exit_code == 0


def test_no_place_can_run_it(ready: FakeServer, tw: Run, job_file: str) -> None:
    ready.on("POST", "/api/v1/plans", {**PLAN, "chosen": None, "reason": "no place has 64 CPUs"})
    result = tw("run", job_file)
    assert result.exit_code == 6
    assert (
        result.err
        == """\
error: TW-E600 no place has 64 CPUs
  caused by: vast RTX 4090: costs more than $1

hint: ask for less in `resources`, or see `tradewind plan` for all that was ruled out
"""
    )
    assert tw("plan", job_file).exit_code == 6


def test_mistakes_in_the_file_are_placed(tw: Run, place: Path, server: FakeServer) -> None:
    (place / "bad.yaml").write_text("version: 1\nname: digits\nruns: python train.py\n")
    result = tw("run", "bad.yaml")
    assert result.exit_code == 2
    assert "error: TW-E200 bad.yaml: " in result.err
    assert "  bad.yaml:3:1: " in result.err
    assert "Traceback" not in result.err
    assert server.requests == []
    assert tw("validate", "bad.yaml").exit_code == 2
    assert tw("validate", "none.yaml").exit_code == 2


def test_validate_and_plan(ready: FakeServer, tw: Run, job_file: str) -> None:
    assert tw("validate", job_file).out == "job.yaml is valid: job digits\n"
    assert json.loads(tw("validate", job_file, "-o", "json").out)["valid"] is True
    assert tw("plan", job_file).out == PLAN_TEXT
    assert json.loads(tw("plan", job_file, "--json").out)["chosen"]["market"] == "owned"


def test_the_server_refuses(ready: FakeServer, tw: Run, job_file: str) -> None:
    ready.on(
        "POST", "/api/v1/jobs", problem("TW-E500", 409, "budget `vision` is used up", causes=["set by ana"])
    )
    result = tw("run", job_file)
    assert result.exit_code == 5
    assert "error: TW-E500 budget `vision` is used up\n  caused by: set by ana\n" in result.err


def test_the_server_is_not_there(server: FakeServer, tw: Run, job_file: str) -> None:
    server.on("POST", "/api/v1/plans", httpx2.ConnectError("connection refused"))
    result = tw("run", job_file)
    assert result.exit_code == 8
    assert (
        result.err
        == """\
error: TW-E800 http://tradewind.test does not answer
  caused by: ConnectError: connection refused

hint: see whether it runs with `tradewind server status`
"""
    )


def test_ctrl_c_detaches(ready: FakeServer, tw: Run, job_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tradewind.client.synchronous import Client

    def interrupt(self: Client, *_: object, **__: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "watch", interrupt)
    result = tw("run", job_file)
    assert result.exit_code == 0
    assert result.err.endswith(
        f"\ndetached; the job goes on. Follow it with `tradewind logs -f {ID}`, stop it with `tradewind stop {ID}`\n"
    )
