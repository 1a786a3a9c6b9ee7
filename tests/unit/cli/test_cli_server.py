"""The local server from the command line: a real process stands in for it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer, job, problem
from tests.unit.client.test_local_server import COMMAND
from tradewind.cli.diagnosis import check_disk, check_file_system
from tradewind.client.local_server import LocalServer

INFO = {
    "version": "9.9", "api_version": "v1", "installation": "inst_1", "user": "local", "team": "default",
    "project": "default", "database": "sqlite", "started_at": "2026-11-22T12:00:00Z", "running_jobs": 1,
    "queued_jobs": 2, "providers": ["local"],
}  # fmt: skip


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    monkeypatch.delenv("TRADEWIND_SERVER")
    monkeypatch.delenv("TRADEWIND_TOKEN")
    server = LocalServer(tmp_path / "state", command=COMMAND)
    yield server
    server.stop()


def test_start_status_stop(local: LocalServer, server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/info", INFO)
    started = json.loads(tw("server", "start", "-o", "json", server_command=COMMAND).out)
    assert started["running"] is True
    assert started["was_running"] is False
    again = tw("server", "start", server_command=COMMAND)
    assert again.out == f"already running: server 9.9 at {started['url']} (pid {started['pid']})\n"
    status = json.loads(tw("server", "status", "-o", "json").out)
    assert {key: status[key] for key in ("pid", "url", "version", "running_jobs", "queued_jobs")} == {
        "pid": started["pid"], "url": started["url"], "version": "9.9", "running_jobs": 1, "queued_jobs": 2,
    }  # fmt: skip
    assert tw("server", "status").out.startswith(
        f"server 9.9 runs at {started['url']} (pid {started['pid']})\n"
    )
    # What it answers to has the token that the server itself made.
    assert server.requests[-1].headers["Authorization"] == "Bearer local-token"
    assert tw("server", "stop").out == f"stopped the server (pid {started['pid']}); jobs go on\n"
    assert tw("server", "stop").out == "no local server was running\n"
    assert not local.is_locked()


def test_status_of_none(local: LocalServer, tw: Run) -> None:
    result = tw("server", "status")
    assert (result.exit_code, result.out) == (8, "no local server is running\n")
    assert result.err == "hint: start it with `tradewind server start`\n"
    machine = tw("server", "status", "-o", "json")
    assert (machine.exit_code, json.loads(machine.out)) == (8, {"running": False})


def test_status_of_a_server_elsewhere(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/info", INFO)
    found = json.loads(tw("server", "status", "--json").out)
    assert (found["pid"], found["url"]) == (None, "http://tradewind.test")
    server.on("GET", "/api/v1/info", httpx2.ConnectError("refused"))
    assert tw("server", "status").exit_code == 8
    server.on("GET", "/api/v1/info", problem("TW-E300", 401, "the token is not valid"))
    assert tw("server", "status").exit_code == 3


def test_a_command_that_needs_a_server_starts_it_and_says_so_once(
    local: LocalServer, server: FakeServer, tw: Run
) -> None:
    server.on("GET", "/api/v1/jobs", {"items": [job()], "next_cursor": None})
    first = tw("ls", "-o", "name", server_command=COMMAND)
    running = local.find()
    assert running is not None
    assert first.err == f"started a local server at {running.url} (stop it with `tradewind server stop`)\n"
    assert tw("ls", "-o", "name", server_command=COMMAND).err == ""


def test_a_server_that_does_not_start(local: LocalServer, tw: Run) -> None:
    result = tw("ls", server_command=(*COMMAND, "--fail"))
    assert result.exit_code == 8
    assert result.err == (
        "error: TW-E800 the local server ended at once with exit status 3\n"
        "  caused by: server log: no: the disk is full\n\n"
        f"hint: the whole log is in {local.log_path}\n"
    )
    assert tw("server", "logs").out == "no: the disk is full\n"


def test_server_logs_before_there_are_any(local: LocalServer, tw: Run) -> None:
    assert "there is no log yet" in tw("server", "logs").err


def test_foreground_replaces_this_process(tw: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(os, "execv", lambda path, arguments: calls.append((path, arguments)))
    monkeypatch.setattr(LocalServer, "start", lambda *_, **__: pytest.fail("it must not go on after exec"))
    with pytest.raises(pytest.fail.Exception):
        tw("server", "start", "--foreground", "--port", "9000", server_command=COMMAND)
    assert calls == [(COMMAND[0], [*COMMAND, "--port", "9000"])]


def test_doctor_without_a_server(local: LocalServer, tw: Run) -> None:
    result = tw("doctor", "-o", "json")
    rows = {row["name"]: row for row in json.loads(result.out)}
    assert list(rows) == ["python", "state folder", "file system", "free space", "token", "server"]
    assert rows["server"]["message"] == "no local server runs; the first command that needs one starts it"
    assert local.find() is None
    local.state.mkdir(exist_ok=True)
    (local.state / "token").write_text("t")
    (local.state / "token").chmod(0o644)
    bad = tw("doctor")
    assert bad.exit_code == 1
    assert f"chmod 600 {local.state / 'token'}" in bad.out


def test_doctor_asks_the_server_too(server: FakeServer, tw: Run) -> None:
    check = {"name": "database", "status": "warning", "message": "large", "fix": "vacuum it"}
    server.on("GET", "/api/v1/doctor", {"checks": [check]})
    assert json.loads(tw("doctor", "--json").out)[-1] == check
    server.on("GET", "/api/v1/doctor", problem("TW-E300", 401, "the token is not valid", hint="get another"))
    result = tw("doctor", "--json")
    assert result.exit_code == 1
    assert json.loads(result.out)[-1] == {
        "name": "server answers", "status": "error", "message": "TW-E300 the token is not valid", "fix": "get another",
    }  # fmt: skip


def test_disk_space_is_judged(tmp_path: Path) -> None:
    assert [check_disk(tmp_path, size << 20)["status"] for size in (100, 1000, 5000)] == [
        "error",
        "warning",
        "ok",
    ]


def test_network_file_systems_are_found(tmp_path: Path) -> None:
    state = tmp_path / "deep" / "state"
    local = [("/", "ext4"), (str(tmp_path.parent), "nfs4"), (str(tmp_path), "tmpfs")]
    assert check_file_system(state, local)["status"] == "ok"
    assert check_file_system(state, [*local, (str(tmp_path), "fuse.sshfs")])["status"] == "error"
    assert check_file_system(state, [("/", "nfs")])["status"] == "error"
    # A folder whose name merely begins the same is another folder.
    assert check_file_system(state, [("/", "ext4"), (str(tmp_path)[:-1], "nfs")])["status"] == "ok"
