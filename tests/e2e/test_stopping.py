"""Stopping, limits and budgets: a job ends when it should, as what it should, and takes everything with it."""

from __future__ import annotations

import json
import shlex
import signal
import sys

import pytest

from tests.e2e.books import check_books
from tests.e2e.installation import LONG, Installation
from tests.e2e.processes import processes_of
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.e2e
_SMALL = {"resources": {"cpus": 0.1}}
_DEAF = "trap '' TERM; echo ready; while true; do sleep 0.2; done"
_FORKS = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.environ.clear()
        os.execve("/bin/sleep", ["sleep", "7654.25"], {"ELSEWHERE": sys.argv[1]})
    os._exit(0)
os.wait()
"""


def test_a_queued_job_is_cancelled_without_a_trace(installation: Installation) -> None:
    blocker = installation.submit({"name": "blocker", "run": "sleep 300", "resources": {"cpus": "2"}})
    installation.wait_for_status(blocker, "running")
    queued = installation.submit({"name": "queued", "run": "echo never"})
    installation.stop_job(queued)
    ended = installation.wait_until_ended(queued)
    assert (ended["status"], ended["reason"]) == ("cancelled", "stopped_by_user")
    assert installation.attempts(queued) == []
    assert installation.cli("jobs", "wait", "queued").returncode == 103
    done = installation.cli("stop", "blocker", "--now")
    assert done.returncode == 0
    assert installation.wait_until_ended(blocker)["status"] == "cancelled"
    # What has ended is left as it is.
    installation.stop_job(queued)
    assert installation.events(queued)[-1]["type"] == "job.cancelled"
    check_books(installation)


def test_a_stop_gives_the_command_its_chance(busy: Installation) -> None:
    run = "trap 'echo saved; exit 0' TERM; echo ready; while true; do sleep 0.1; done"
    job = busy.submit({"name": "polite", "run": run, **_SMALL})
    eventually("it is ready", lambda: _printed(busy, job) == b"ready\n")
    busy.stop_job(job)
    assert busy.wait_until_ended(job)["status"] == "cancelled"
    assert busy.raw_log(job) == b"ready\nsaved\n"


def test_a_stop_during_setup_ends_the_setup(busy: Installation) -> None:
    job = busy.submit({"name": "setup", "setup": "echo begun; sleep 300", "run": "echo never", **_SMALL})
    eventually("setup has begun", lambda: _printed(busy, job, "setup").endswith(b"begun\n"))
    busy.stop_job(job)
    assert busy.wait_until_ended(job)["status"] == "cancelled"
    assert busy.raw_log(job) == b""
    attempt = busy.attempts(job)[0]
    assert (attempt["status"], attempt["started_at"]) == ("cancelled", None)


def test_patience_with_a_command_that_ignores_sigterm_can_be_withdrawn(busy: Installation) -> None:
    job = busy.submit({"name": "deaf", "run": _DEAF, **_SMALL})
    eventually("it is ready", lambda: _printed(busy, job) == b"ready\n")
    busy.stop_job(job)
    # It has 30 s to think it over; whoever has no patience says so.
    busy.wait_for_status(job, "stopping")
    busy.stop_job(job, now=True)
    ended = busy.wait_until_ended(job, timeout_s=15)
    assert (ended["status"], ended["reason"]) == ("cancelled", "stopped_by_user")
    assert busy.attempts(job)[0]["signal"] == signal.SIGKILL


@pytest.mark.slow
@pytest.mark.skipif(not LONG, reason="takes the 30 s of grace; set TRADEWIND_E2E_LONG=1 to run it")
def test_a_command_that_ignores_sigterm_is_killed_when_its_grace_is_over(busy: Installation) -> None:
    job = busy.submit({"name": "deaf-long", "run": _DEAF, **_SMALL})
    eventually("it is ready", lambda: _printed(busy, job) == b"ready\n")
    busy.stop_job(job)
    ended = busy.wait_until_ended(job, timeout_s=45)
    assert (ended["status"], ended["reason"]) == ("cancelled", "stopped_by_user")
    assert busy.attempts(job)[0]["signal"] == signal.SIGKILL


def test_stop_now_does_not_wait_for_the_command(busy: Installation) -> None:
    job = busy.submit({"name": "deaf-now", "run": _DEAF, **_SMALL})
    eventually("it is ready", lambda: _printed(busy, job) == b"ready\n")
    done = busy.cli("stop", job, "--now")
    assert done.returncode == 0
    ended = busy.wait_until_ended(job, timeout_s=15)
    assert (ended["status"], ended["reason"]) == ("cancelled", "stopped_by_user")
    assert busy.attempts(job)[0]["signal"] == signal.SIGKILL


def test_max_duration_ends_a_job_for_good(busy: Installation) -> None:
    spec = {"name": "endless", "run": "echo ready; sleep 300", "retry": {"failures": 5, "interruptions": 5}}
    job = busy.submit({**spec, "constraints": {"max_duration": "1s"}, **_SMALL})
    ended = busy.wait_until_ended(job, timeout_s=20)
    assert (ended["status"], ended["reason"]) == ("failed", "max_duration")
    assert len(busy.attempts(job)) == 1


@pytest.mark.parametrize("how", ["ends", "is stopped"])
def test_a_process_that_forks_and_detaches_ends_with_the_job(busy: Installation, how: str) -> None:
    mark = f"{busy.home}/{how}"
    run = shlex.join([sys.executable, "-c", _FORKS, mark]) + ("" if how == "ends" else "; sleep 300")
    job = busy.submit({"name": "forks", "run": run, **_SMALL})
    if how == "is stopped":
        eventually("it has detached", lambda: _detached(busy) != [])
        busy.stop_job(job)
    ended = busy.wait_until_ended(job)
    assert ended["status"] == ("succeeded" if how == "ends" else "cancelled")
    assert _detached(busy) == []
    exit_ = json.loads((busy.directory(busy.attempts(job)[0]["id"]) / "exit.json").read_text())
    assert exit_["strays"] >= (1 if how == "ends" else 0)


def test_a_budget_that_covers_nothing_is_refused(busy: Installation) -> None:
    path = busy.write_job("version: 1\nname: poor\nrun: touch ran\nconstraints: {budget: $0.000001}\n")
    done = busy.cli("run", "--wait", str(path))
    job = busy.job("poor")
    assert done.returncode == 100
    assert (job["status"], job["reason"]) == ("failed", "budget")
    assert "budget" in done.stdout + done.stderr
    assert busy.attempts(job["id"]) == []


@pytest.mark.slow
@pytest.mark.skipif(not LONG, reason="takes half a minute; set TRADEWIND_E2E_LONG=1 to run it")
def test_a_budget_that_is_used_up_stops_the_job(installation: Installation) -> None:
    rate = installation.request(
        "POST", "/api/v1/plans", {"spec": {"version": 1, "name": "x", "run": "true"}}
    ).json["chosen"]["price_per_hour_max"]["micro"]
    # Worth 62 s at the highest price: it may start, and has to stop a minute before the money is gone.
    budget = f"${rate * 62 / 3600 / 1e6:.7f}"
    run = "trap 'echo saved; exit 0' TERM; echo ready; while true; do sleep 0.1; done"
    job = installation.submit({"name": "frugal", "run": run, "constraints": {"budget": budget}})
    ended = installation.wait_until_ended(job, timeout_s=100)
    assert (ended["status"], ended["reason"]) == ("failed", "budget"), ended
    assert installation.raw_log(job) == b"ready\nsaved\n"
    assert "job.budget_reached" in [event["type"] for event in installation.events(job)]
    assert len(installation.attempts(job)) == 1
    check_books(installation)


def test_retry_makes_a_new_job_of_an_ended_one_only(busy: Installation) -> None:
    workdir = busy.write_job("version: 1\nname: tried\nworkdir: .\nrun: cat job.yaml; exit 1\n")
    assert busy.cli("run", "--wait", str(workdir)).returncode == 100
    old = busy.job("tried")["id"]
    done = busy.cli("jobs", "retry", old, "-o", "json")
    assert done.returncode == 0, done.stderr
    new = json.loads(done.stdout)["id"]
    assert new != old
    busy.wait_until_ended(new)
    assert busy.raw_log(new) == workdir.read_bytes()
    running = busy.submit({"name": "under-way", "run": "sleep 300", **_SMALL})
    refused = busy.cli("jobs", "retry", running)
    assert refused.returncode == 5
    assert "stop it first" in refused.stderr
    busy.stop_job(running, now=True)
    busy.wait_until_ended(running)


def _printed(installation: Installation, job: str, stream: str = "stdout") -> bytes:
    attempts = installation.attempts(job)
    if not attempts:
        return b""
    return installation.raw_log(job, stream)


def _detached(installation: Installation) -> list[object]:
    return [each for each in processes_of(installation.home) if "7654.25" in each.command]
