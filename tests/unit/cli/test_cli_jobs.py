"""Lists, details and actions on jobs: what is printed, in every form."""

from __future__ import annotations

import csv
import io
import json
import sys

import httpx2
import pytest
import yaml

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer, Pieces, event, job, money, problem, sse

ID = str(job()["id"])
WAITING = job(
    id="job_00000000000000000002", name="big", status="queued", provider=None, node=None, progress=None,
    explanation="waiting for\n4 free CPUs", started_at=None, ended_at=None, attempt=0,
    exit_code=None, cost={**job()["cost"], "amount": money(0, "$0.00"), "basis": "none", "is_final": False},
)  # fmt: skip


@pytest.fixture
def two_jobs(server: FakeServer) -> FakeServer:
    server.on("GET", "/api/v1/jobs", {"items": [WAITING, job()], "next_cursor": None})
    return server


def test_ls_as_a_table(two_jobs: FakeServer, tw: Run) -> None:
    result = tw("ls", "-a")
    assert result.exit_code == 0
    assert (
        result.out
        == """\
NAME    ID                        STATUS      DONE  WHERE         TIME         COST  WHY
big     job_00000000000000000002  queued         -  -           2m 00s      0 cents  waiting for 4 free CPUs
digits  job_00000000000000000001  succeeded  100 %  local/here  1m 32s  0.042 cents
"""
    )
    assert result.err == ""


def test_ls_asks_for_active_jobs_unless_told(two_jobs: FakeServer, tw: Run) -> None:
    tw("ls")
    tw("ls", "-a")
    tw("jobs", "ls", "--status", "failed", "--status", "cancelled", "--name", "digits")
    assert [request.url.query.decode() for request in two_jobs.requests] == [
        "active=true&limit=50",
        "limit=50",
        "status=failed&status=cancelled&name=digits&limit=50",
    ]


def test_ls_in_the_other_forms(two_jobs: FakeServer, tw: Run) -> None:
    expected = [WAITING["id"], ID]
    assert [row["id"] for row in json.loads(tw("ls", "-o", "json").out)] == expected
    assert [row["id"] for row in json.loads(tw("ls", "--json").out)] == expected
    assert [json.loads(line)["id"] for line in tw("ls", "-o", "jsonl").out.splitlines()] == expected
    assert [row["id"] for row in yaml.safe_load(tw("ls", "-o", "yaml").out)] == expected
    rows = list(csv.DictReader(io.StringIO(tw("ls", "-o", "csv").out)))
    assert [row["id"] for row in rows] == expected
    assert json.loads(rows[1]["cost"])["amount"]["micro"] == 420
    assert tw("ls", "-o", "name").out.split() == expected


def test_fields_are_chosen_by_their_names_in_the_json(two_jobs: FakeServer, tw: Run) -> None:
    chosen = tw("ls", "-F", "name,cost.amount.text,progress.metrics.loss")
    assert chosen.out.splitlines() == [
        "NAME    COST.AMOUNT.TEXT  PROGRESS.METRICS.LOSS",
        "big     $0.00",
        "digits  $0.00042          0.0123",
    ]
    assert json.loads(tw("ls", "-F", "name", "-o", "json").out) == [{"name": "big"}, {"name": "digits"}]
    wrong = tw("ls", "-F", "nam")
    assert wrong.exit_code == 2
    assert "there is no field 'nam'" in wrong.err


def test_output_from_the_environment(two_jobs: FakeServer, tw: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_OUTPUT", "name")
    assert tw("ls").out.split() == [WAITING["id"], ID]


def test_ls_without_jobs(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/jobs", {"items": [], "next_cursor": None})
    result = tw("ls")
    assert (result.out, result.err) == ("", "no active jobs; `tradewind ls -a` lists all\n")
    assert tw("ls", "-o", "json").out == "[]\n"
    assert tw("ls", "-o", "csv").out == ""


def test_ls_reads_pages_up_to_its_limit(server: FakeServer, tw: Run) -> None:
    pages = [{"items": [job(name=f"j{i}")], "next_cursor": f"c{i}"} for i in range(3)]
    server.on("GET", "/api/v1/jobs", *pages)
    result = tw("jobs", "ls", "-n", "3", "-o", "name", "-F", "name")
    assert result.out.split() == ["j0", "j1", "j2"]
    assert [request.url.params.get("cursor") for request in server.requests] == [None, "c0", "c1"]
    server.on("GET", "/api/v1/jobs", pages[0])
    assert "hint: there are more; show them with `-n 4`" in tw("jobs", "ls", "-n", "1").err


def test_show(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/jobs/digits", job())
    result = tw("jobs", "show", "digits")
    assert (
        result.out
        == """\
digits  job_00000000000000000001  SUCCEEDED  project default · by local · attempt 1
  why          the command ended with exit status 0
  exit status  0
  where        local/here
  time         waited 2.0s · ran 1m 30s
  cost         0.042 cents · 0.0012 kWh · 0.45 g CO2e (modelled)
  progress     100 % · epoch 20/20 · loss 0.0123 · accuracy 0.971
  attempt      1  succeeded  local/here  1m 32s  the command ended with exit status 0
  note         65 W at $0.30/kWh
"""
    )
    assert (
        json.loads(tw("jobs", "show", "digits", "-o", "json").out)["tasks"][0]["attempts"][0]["number"] == 1
    )


def test_text_from_a_job_cannot_move_the_cursor(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/jobs", {"items": [job(name="a\x1b[2Jb\rc\nd")], "next_cursor": None})
    assert "a [2Jb c d" in tw("ls", "-a").out


def test_events(server: FakeServer, tw: Run) -> None:
    page = {"items": [event(1, "submitted"), event(2, "placed at local/here")], "next_after": 2}
    server.on("GET", "/api/v1/jobs/digits/events", page, {"items": [], "next_after": 2})
    assert tw("jobs", "events", "digits").out == (
        "N  AT        TYPE         WHAT\n"
        "1  11:58:00  job.changed  submitted\n"
        "2  11:58:00  job.changed  placed at local/here\n"
    )


def test_events_followed(server: FakeServer, tw: Run) -> None:
    path = "/api/v1/jobs/digits/events/stream"
    server.on_stream(path, Pieces([sse("event", event(1, "submitted"), "1"), sse("end", {})]))
    assert tw("jobs", "events", "digits", "-f").out == "11:58:00  job.changed  submitted\n"


def test_metrics(server: FakeServer, tw: Run) -> None:
    points = [{"at": "2026-11-22T11:58:00Z", "step": i, "value": 1 / (i + 1)} for i in range(8)]
    series = {"name": "loss", "kind": "user", "unit": None, "points": points, "total_points": 8}
    server.on("GET", "/api/v1/jobs/digits/metrics", {"job": ID, "attempt": 1, "series": [series]})
    assert tw("jobs", "metrics", "digits").out == (
        "METRIC  KIND   LAST    MIN  MAX  UNIT  POINTS  COURSE\n"
        "loss    user  0.125  0.125    1             8  █▄▂▂▁▁▁▁\n"
    )
    rows = tw("jobs", "metrics", "digits", "-o", "csv").out.splitlines()
    assert rows[:2] == ["name,kind,unit,at,step,value", "loss,user,,2026-11-22T11:58:00Z,0.0,1.0"]
    assert json.loads(tw("jobs", "metrics", "digits", "--json").out)["series"][0]["total_points"] == 8


@pytest.mark.parametrize(
    ("status", "exit_code", "arguments", "code"),
    [
        ("succeeded", 0, [], 0),
        ("failed", 3, [], 100),
        ("cancelled", None, [], 103),
        ("failed", 3, ["--propagate-exit"], 3),
        ("failed", None, ["--propagate-exit"], 100),
        ("succeeded", 0, ["--propagate-exit"], 0),
    ],
)
def test_wait_ends_as_the_job_does(
    server: FakeServer, tw: Run, status: str, exit_code: int | None, arguments: list[str], code: int
) -> None:
    server.on("GET", "/api/v1/jobs/digits/wait", job(status=status, exit_code=exit_code))
    assert tw("jobs", "wait", "digits", *arguments).exit_code == code


def test_wait_that_is_too_short_ends_with_101(server: FakeServer, tw: Run) -> None:
    running = job(status="running", ended_at=None, exit_code=None)
    server.on("GET", "/api/v1/jobs/digits/wait", running)
    server.on("GET", "/api/v1/jobs/digits", running)
    result = tw("jobs", "wait", "digits", "--timeout", "0s", "-o", "json")
    assert result.exit_code == 101
    assert json.loads(result.out)["status"] == "running"
    assert result.err == "digits has not ended after 0s; it goes on\n"
    assert tw("jobs", "wait", "digits", "--timeout", "soon").exit_code == 2


def test_stop(server: FakeServer, tw: Run) -> None:
    server.on("POST", "/api/v1/jobs/digits/stop", job(status="stopping"))
    result = tw("stop", "digits", "--now")
    assert result.out == f"digits {ID} stopping\n"
    assert server.sent_json("POST", "/api/v1/jobs/digits/stop") == {"now": True}
    assert json.loads(tw("jobs", "stop", "digits", "-o", "json").out)["status"] == "stopping"


def test_stopping_many_wants_a_yes(server: FakeServer, tw: Run) -> None:
    for name in ("a", "b"):
        server.on("POST", f"/api/v1/jobs/{name}/stop", job(name=name, status="stopping"))
    refused = tw("stop", "a", "b")
    assert refused.exit_code == 2
    assert "say it in advance with -y" in refused.err
    assert server.requests == []
    assert tw("stop", "a", "b", "-y", "-o", "name").out.split() == [ID, ID]


def test_dry_runs_change_nothing(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/jobs/digits", job(actions=["stop"]))
    stopped = tw("stop", "digits", "--dry-run")
    assert f"digits {ID} (succeeded) would be stopped" in stopped.err
    assert "nothing was started" in tw("jobs", "retry", "digits", "--dry-run").err
    assert {request.method for request in server.requests} == {"GET"}


def test_retry(server: FakeServer, tw: Run) -> None:
    server.on(
        "POST", "/api/v1/jobs/digits/retry", httpx2.Response(201, json=job(id="job_new", status="queued"))
    )
    result = tw("jobs", "retry", "digits")
    assert result.out == "digits job_new queued\n"
    assert "tradewind logs -f job_new" in result.err


def test_an_unknown_job(server: FakeServer, tw: Run) -> None:
    answer = problem("TW-E400", 404, "there is no job `digist`", hint="did you mean `digits`?")
    server.on("GET", "/api/v1/jobs/digist", answer)
    result = tw("jobs", "show", "digist")
    assert result.exit_code == 4
    assert result.err == "error: TW-E400 there is no job `digist`\n\nhint: did you mean `digits`?\n"


def test_on_a_narrow_terminal_text_is_broken_and_ids_are_not(
    two_jobs: FakeServer, tw: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    tw("ls", "-a", "--color", "never")
    lines = screen.getvalue().splitlines()
    assert any(line.startswith("big     job_00000000000000000002  queued") for line in lines)
    assert lines[1].rstrip().endswith("waiting for 4")
    assert lines[2].strip() == "free CPUs"
    assert "\x1b" not in screen.getvalue()
    tw("ls", "-a", "--color", "always")
    assert "\x1b[32msucceeded" in screen.getvalue()
