"""Bad input: each mistake has its exit status, says where it is and what would be right, and starts nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.installation import Installation

pytestmark = pytest.mark.e2e

_REFUSED_FILES = {
    "unknown key": (
        "version: 1\nname: x\nrun: 'true'\nresorces: {cpus: 1}\n",
        2,
        ["job.yaml:4:1", "resorces", "resources"],
    ),
    "wrong type": (
        "version: 1\nname: x\nrun: 'true'\nresources:\n  cpus: [many]\n",
        2,
        ["job.yaml:5:", "resources.cpus"],
    ),
    "contradictory resources": (
        "version: 1\nname: x\nrun: 'true'\nresources: {spot: only, providers: [local]}\nconstraints: "
        "{budget: $0}\n",
        2,
        ["job.yaml:"],
    ),
    "a value out of range": (
        "version: 1\nname: x\nrun: 'true'\nretry: {interruptions: -1}\n",
        2,
        ["job.yaml:4:", "retry.interruptions"],
    ),
    "missing workdir": (
        "version: 1\nname: x\nrun: 'true'\nworkdir: nowhere\n",
        2,
        ["job.yaml:4:", "nowhere"],
    ),
    "no run": ("version: 1\nname: x\n", 2, ["job.yaml:", "run"]),
    "not YAML": ("version: 1\nname: [x\n", 2, ["job.yaml:"]),
    "a key twice": ("version: 1\nname: x\nrun: a\nrun: b\n", 2, ["job.yaml:4:", "run"]),
    "not built yet": ("version: 1\nname: x\nrun: a\nimage: some/image\n", 2, ["image", "not supported"]),
    "not enough accelerators": (
        "version: 1\nname: x\nrun: 'true'\nresources: {accelerators: 'H100:64'}\n",
        6,
        ["H100"],
    ),
    "more processors than there are": (
        "version: 1\nname: x\nrun: 'true'\nresources: {cpus: 4096}\n",
        6,
        ["4096"],
    ),
}


@pytest.mark.parametrize("case", _REFUSED_FILES)
def test_a_wrong_job_file_is_refused_where_it_is_wrong(shared: Installation, case: str) -> None:
    text, status, expected = _REFUSED_FILES[case]
    done = shared.cli("run", "-d", str(shared.write_job(text)))
    print(done.stderr)
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert "error: TW-E" in done.stderr
    for part in expected:
        assert part in done.stderr
    assert "Traceback" not in done.stderr
    assert shared.rows("SELECT id FROM jobs") == []


def test_every_mistake_is_listed_at_once(shared: Installation) -> None:
    path = shared.write_job("version: 1\nname: X Y\nrn: 'true'\nenv: {TRADEWIND_X: y}\n")
    done = shared.cli("validate", str(path))
    assert done.returncode == 2
    for line in ("job.yaml:2:", "job.yaml:3:", "job.yaml:4:"):
        assert line in done.stderr


@pytest.mark.parametrize(
    ("body", "status", "part"),
    [
        (b"{", 422, "JSON"),
        (b"[]", 422, "body"),
        ({"spec": {"version": 1, "name": "x", "run": "true"}, "surprise": 1}, 422, "surprise"),
        ({"spec": {"version": 1, "name": "x", "run": "true", "resorces": {}}}, 422, "resorces"),
        ({"spec": {"version": 1, "name": "x", "run": "true", "project": "other"}}, 404, "other"),
        ({"spec": {"version": 1, "name": "x", "run": "true"}, "workdir": "0" * 64}, 404, "workdir"),
        ({"spec": {"version": 1, "name": "x", "run": "true"}, "workdir": "../" * 21 + "x"}, 422, "workdir"),
        (
            {"spec": {"version": 1, "name": "x", "run": "true", "resources": {"accelerators": "B200:8"}}},
            409,
            "B200",
        ),
        ({"spec": {"version": 1, "name": "x\u0000", "run": "true"}}, 422, "name"),
        ({"spec": {"version": 1, "name": "x", "run": "true\u0000"}}, 422, "run"),
        ({"spec": {"version": 1, "name": "x", "run": "\ud800"}}, 422, "run"),
        ({"spec": {"version": 1, "name": "x", "run": "true", "outputs": ["[z-a]"]}}, 422, "outputs"),
        ({"spec": {"version": 1, "name": "x", "run": "true"}, "search_path": "\u0000"}, 422, "search_path"),
    ],
)
def test_the_server_refuses_what_the_command_line_would(
    shared: Installation, body: object, status: int, part: str
) -> None:
    answer = shared.request("POST", "/api/v1/jobs", body, {"Content-Type": "application/json"})
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/problem+json"
    assert part in answer.body.decode()
    assert answer.json["code"].startswith("TW-E")
    assert shared.rows("SELECT id FROM jobs") == []


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/jobs/job_00000000000000000000",
        "/api/v1/jobs/nothing/events",
        "/api/v1/jobs/nothing/logs",
        "/api/v1/jobs/nothing/logs/raw",
        "/api/v1/artifacts/art_nothing/content",
        "/api/v1/checkpoints/..%2f..%2ftoken/content",
        "/api/v1/nowhere",
    ],
)
def test_what_is_not_there_is_not_found(shared: Installation, path: str) -> None:
    answer = shared.request("GET", path)
    assert answer.status == 404, answer
    assert answer.json["code"] == "TW-E400"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api/v1/jobs?limit=99999999999999999999999", {}),
        ("/api/v1/jobs?cursor=%00", {}),
        ("/api/v1/jobs?cursor=nonsense", {}),
        ("/api/v1/jobs?status=odd", {}),
        ("/api/v1/cost?by=odd", {}),
        ("/api/v1/cost?since=yesterday", {}),
        ("/api/v1/jobs/x/events?after=99999999999999999999999", {}),
        ("/api/v1/jobs/x/events/stream", {"Last-Event-ID": "\xb2"}),
        ("/api/v1/jobs/x/events/stream", {"Last-Event-ID": "9" * 40}),
        ("/api/v1/jobs/x/logs", {"Last-Event-ID": "\xb2:0:0:0"}),
        ("/api/v1/jobs/x/logs", {"Last-Event-ID": "9" * 40 + ":0:0:0"}),
        ("/api/v1/jobs/x/logs", {"Last-Event-ID": "1:" + "9" * 40 + ":0:0"}),
        ("/api/v1/jobs/x/logs?since=2020-01-01T00:00:00", {}),
        ("/api/v1/jobs/x/logs?since=0001-01-01T00:00:00", {}),
        ("/api/v1/cost?until=0001-01-01T00:00:00Z", {}),
        ("/api/v1/jobs/x/metrics?attempt=99999999999999999999999", {}),
        ("/api/v1/jobs/x/logs/raw?offset=99999999999999999999999", {}),
        ("/api/v1/jobs/x/logs/raw?attempt=99999999999999999999999", {}),
        ("/api/v1/jobs/%00", {}),
        ("/healthz", {"Host": "["}),
        ("/healthz", {"Origin": "http://["}),
        ("/api/v1/info", {"Cookie": 'a="b; c[=d; \\; tradewind_session=\xff'}),
    ],
)
def test_nonsense_in_a_request_is_never_the_servers_fault(
    installation_with_job: Installation, path: str, headers: dict[str, str]
) -> None:
    said_before = len(installation_with_job.server_log())
    answer = installation_with_job.request("GET", path, headers=headers, timeout_s=10)
    assert answer.status < 500, answer
    assert installation_with_job.request("GET", "/readyz").status == 200
    assert "Traceback" not in installation_with_job.server_log()[said_before:]


def test_a_retry_by_name_that_is_sent_twice_is_one_job(busy: Installation) -> None:
    busy.wait_until_ended(busy.submit({"name": "again", "run": "true"}))
    headers = {"Idempotency-Key": "again-1"}
    first = busy.request("POST", "/api/v1/jobs/again/retry", headers=headers)
    second = busy.request("POST", "/api/v1/jobs/again/retry", headers=headers)
    assert (first.status, second.status) == (201, 201)
    assert first.json["id"] == second.json["id"]


@pytest.fixture(scope="module")
def installation_with_job(busy: Installation) -> Installation:
    """A running installation with one ended job called `x`."""
    job = busy.submit({"name": "x", "run": "echo hello"})
    busy.wait_until_ended(job)
    return busy


def test_a_run_that_does_not_exist_fails_with_the_name_it_looked_for(busy: Installation) -> None:
    path = busy.write_job("version: 1\nname: typo\nrun: pyhton train.py\n")
    done = busy.cli("run", str(path))
    assert done.returncode == 100
    assert "pyhton" in done.stderr
    assert "not found" in done.stderr
    job = busy.job("typo")
    assert (job["status"], job["reason"], job["exit_code"]) == ("failed", "command_not_found", 127)


def test_a_setup_that_fails_fails_the_job_and_says_what_it_printed(busy: Installation) -> None:
    text = "version: 1\nname: bad-setup\nsetup: echo no such package >&2; exit 9\nrun: echo trained\n"
    done = busy.cli("run", "--wait", str(busy.write_job(text)))
    assert done.returncode == 100
    job = busy.job("bad-setup")
    assert (job["status"], job["reason"]) == ("failed", "setup_failed")
    assert "no such package" in job["explanation"]
    assert busy.raw_log(job["id"]) == b""
    assert b"no such package" in busy.raw_log(job["id"], "setup")


def test_the_exit_status_of_the_command_can_be_passed_on(busy: Installation) -> None:
    path = busy.write_job("version: 1\nname: seven\nrun: exit 7\n")
    assert busy.cli("run", "--wait", "--propagate-exit", str(path)).returncode == 7
    assert busy.cli("jobs", "wait", "seven").returncode == 100


def test_a_workdir_over_the_limit_is_refused_with_the_largest_entries(shared: Installation) -> None:
    path = shared.write_job("version: 1\nname: x\nworkdir: .\nrun: 'true'\n")
    (path.parent / "weights.bin").write_bytes(bytes(3 << 20))
    done = shared.cli("run", "-d", str(path), environment={"TRADEWIND_WORKDIR_LIMIT": "1MB"})
    assert done.returncode == 2
    assert "TW-E202" in done.stderr
    assert "weights.bin" in done.stderr
    assert ".tradewindignore" in done.stderr
    assert shared.rows("SELECT id FROM jobs") == []


def test_a_wrong_token_is_refused(shared: Installation) -> None:
    url = f"http://127.0.0.1:{shared.port}"
    for token in ("", "wrong"):
        done = shared.cli("ls", environment={"TRADEWIND_SERVER": url, "TRADEWIND_TOKEN": token})
        assert done.returncode == 3
        assert "TW-E300" in done.stderr
        assert "TRADEWIND_TOKEN" in done.stderr


@pytest.mark.parametrize(
    "command", [["jobs", "show"], ["logs"], ["stop"], ["jobs", "wait"], ["jobs", "retry"]]
)
def test_an_unknown_job_is_not_found(shared: Installation, command: list[str]) -> None:
    done = shared.cli(*command, "nobody")
    assert done.returncode == 4
    assert "TW-E400" in done.stderr
    assert "nobody" in done.stderr


def test_a_server_that_is_down_is_said_to_be_down(shared: Installation) -> None:
    done = shared.cli("ls", environment={"TRADEWIND_SERVER": "http://127.0.0.1:9", "TRADEWIND_TOKEN": "x"})
    assert done.returncode == 8
    assert "TW-E800" in done.stderr
    assert "127.0.0.1:9" in done.stderr


def test_a_job_file_that_cannot_be_read_is_named(shared: Installation, tmp_path: Path) -> None:
    done = shared.cli("run", "-d", str(tmp_path / "none.yaml"))
    assert done.returncode == 2
    assert "none.yaml" in done.stderr
    broken = tmp_path / "broken.yaml"
    broken.write_bytes(b"version: 1\nname: \xff\xfe\n" + os.urandom(100))
    done = shared.cli("run", "-d", str(broken))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
