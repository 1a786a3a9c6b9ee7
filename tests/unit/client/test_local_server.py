"""Finding, starting and stopping the local server, with a real process in its place."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradewind.client.endpoint import LocalEndpoint, find_endpoint
from tradewind.client.local_server import LocalServer, RunningServer
from tradewind.client.settings import Settings
from tradewind.domain.errors import UnreachableError

COMMAND = (sys.executable, str(Path(__file__).with_name("stand_in_server.py")))


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    monkeypatch.setenv("TRADEWIND_STATE_DIR", str(tmp_path / "state"))
    server = LocalServer(tmp_path / "state", command=COMMAND)
    yield server
    server.stop()


def test_start_find_stop(local: LocalServer) -> None:
    assert local.find() is None
    assert local.stop() is None
    running, was_started = local.start()
    assert was_started
    assert local.find() == running
    assert local.start() == (running, False)
    assert LocalEndpoint(local).resolve() == (running.url, "local-token")
    assert local.stop() == running
    assert local.find() is None
    with pytest.raises(UnreachableError, match="no local server is running"):
        LocalEndpoint(local).resolve()


def test_what_a_dead_server_left_behind_does_not_count(local: LocalServer) -> None:
    first, _ = local.start()
    os.kill(first.pid, signal.SIGKILL)
    wait_until_gone(local)
    assert (local.state / "server.json").exists()
    assert local.find() is None
    second, was_started = local.start()
    assert was_started
    assert second.pid != first.pid


def wait_until_gone(local: LocalServer) -> None:
    gone = threading.Event()
    for _ in range(500):
        if not local.is_locked():
            return
        gone.wait(0.01)
    raise AssertionError("the lock of a killed process is still held")


def test_a_server_that_ends_at_once_shows_the_end_of_its_log(local: LocalServer) -> None:
    local.state.mkdir()
    local.log_path.write_text("from an earlier run\n")
    failing = LocalServer(local.state, command=(*COMMAND, "--fail"))
    with pytest.raises(UnreachableError) as caught:
        failing.start()
    assert caught.value.message == "the local server ended at once with exit status 3"
    assert caught.value.causes == ("server log: no: the disk is full",)
    assert str(local.log_path) in str(caught.value.hint)


def test_many_starters_get_one_server(local: LocalServer) -> None:
    results: list[tuple[int, bool]] = []

    def start() -> None:
        running, was_started = LocalServer(local.state, command=COMMAND).start()
        results.append((running.pid, was_started))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({pid for pid, _ in results}) == 1
    assert sorted(was_started for _, was_started in results) == [False, False, False, True]


def test_an_unfinished_file_is_not_believed(local: LocalServer) -> None:
    local.state.mkdir()
    for text in (
        '{"pid": 1',
        "[]",
        "{}",
        json.dumps({"pid": "x", "url": "u", "version": "v", "started_at": ""}),
    ):
        (local.state / "server.json").write_text(text)
        assert local.find() is None


def test_the_configured_server_goes_before_the_local_one(local: LocalServer) -> None:
    endpoint = find_endpoint(Settings(server="https://far.example", token="t"), local=local)
    assert endpoint.resolve() == ("https://far.example", "t")
    assert local.find() is None


def test_the_local_server_is_started_when_it_is_needed(local: LocalServer) -> None:
    started: list[RunningServer] = []
    endpoint = find_endpoint(Settings(), local=local, on_start=started.append)
    assert endpoint.resolve() == (started[0].url, "local-token")
    find_endpoint(Settings(), local=local, on_start=started.append)
    assert len(started) == 1


def test_the_foreground_command_carries_the_options(local: LocalServer) -> None:
    assert local.foreground_command(port=0, host="::1") == [*COMMAND, "--port", "0", "--host", "::1"]
