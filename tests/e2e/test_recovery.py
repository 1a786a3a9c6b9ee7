"""What a killed server leaves must not get in the way of the next."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sqlite3
from pathlib import Path

import pytest

from tests.e2e.installation import Installation
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.e2e


def test_leases_of_a_killed_server_are_not_waited_for(cold: Installation) -> None:
    cold.start()
    job = cold.submit({"name": "before", "run": "sleep 2", "resources": {"cpus": 0.1}})
    cold.wait_for_status(job, "running")
    cold.kill()
    # As if the kill had hit every row in the middle of a step, under leases that last for a year.
    with contextlib.closing(sqlite3.connect(cold.state / "tradewind.db")) as connection, connection:
        for table in ("jobs", "attempts", "nodes"):
            connection.execute(
                f"UPDATE {table} SET lease_token = 'dead', lease_expires_at = "
                "(CAST(strftime('%s', 'now') AS INTEGER) + 31536000) * 1000000"
            )
    cold.start()
    after = cold.submit({"name": "after", "run": "true", "resources": {"cpus": 0.1}})
    assert cold.wait_until_ended(after, timeout_s=20)["status"] == "succeeded"
    assert cold.wait_until_ended(job, timeout_s=20)["status"] == "succeeded"


def test_a_glance_at_the_lock_does_not_keep_a_server_from_starting(cold: Installation) -> None:
    cold.start()
    cold.kill()
    lock = cold.state / "server.lock"
    descriptor = os.open(lock, os.O_RDWR)
    try:
        # What every command does to see whether a server lives, only slower.
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        server = cold.spawn_server()
        eventually(
            "the server wants the lock", lambda: server.poll() is not None or _has_open(server.pid, lock)
        )
    finally:
        os.close(descriptor)
    cold.wait_until_ready()


def test_the_address_of_a_killed_server_is_withdrawn(cold: Installation) -> None:
    cold.start()
    cold.kill()
    path = cold.state / "server.json"
    assert path.exists()
    path.write_text(json.dumps({**json.loads(path.read_text()), "url": "http://127.0.0.1:9"}))
    server = cold.spawn_server()
    cold.wait_until_ready()
    eventually("the server says where it is", lambda: not path.read_text().count('"http://127.0.0.1:9"'))
    said = json.loads(path.read_text())
    assert (said["pid"], said["url"]) == (server.pid, f"http://127.0.0.1:{cold.port}")
    assert cold.stop() == 0
    assert not path.exists()


def test_a_second_server_on_the_same_state_is_refused(installation: Installation) -> None:
    first = installation.server
    installation.server = None
    second = installation.spawn_server()
    status = second.wait(timeout=30)
    installation.server = first
    assert status == 5
    assert "a server is already using" in installation.server_log()
    assert installation.request("GET", "/readyz").status == 200


def test_a_job_outlives_its_server_and_is_told_of_in_full(cold: Installation) -> None:
    cold.start()
    job = cold.submit({"name": "alone", "run": cold.run_worker(20, 0.05), "resources": {"cpus": 0.1}})
    cold.wait_for_status(job, "running")
    attempt = cold.attempts(job)[0]
    assert cold.stop() == 0
    eventually("it ends with no server there", (cold.directory(attempt["id"]) / "exit.json").exists)
    cold.start()
    ended = cold.wait_until_ended(job)
    assert (ended["status"], ended["exit_code"]) == ("succeeded", 0)
    assert ended["progress"]["metrics"] == {"loss": 1 / 20}
    # It ended when it ended, not when somebody came to look.
    exit_ = json.loads((cold.directory(attempt["id"]) / "exit.json").read_text())
    row = cold.rows(f"SELECT ended_at FROM attempts WHERE id = '{attempt['id']}'")[0]
    assert abs(row["ended_at"] / 1e6 - exit_["ended_at"]) < 0.001


def test_what_a_killed_server_did_not_clear_away_is_cleared_away(cold: Installation) -> None:
    cold.start()
    job = cold.submit({"name": "untidy", "run": "echo kept > file", "resources": {"cpus": 0.1}})
    cold.wait_until_ended(job)
    running = cold.submit({"name": "running", "run": "echo x > file; sleep 300", "resources": {"cpus": 0.1}})
    cold.wait_for_status(running, "running")
    work = cold.directory(cold.attempts(job)[0]["id"]) / "work"
    live = cold.directory(cold.attempts(running)[0]["id"]) / "work" / "file"
    eventually("its files are gone", lambda: not work.exists())
    cold.kill()
    # As if the kill had come between the commit of the end and the clearing away, and in the middle of an upload.
    work.mkdir()
    (work / "file").write_text("left")
    partial = cold.state / "workdirs" / f".{'0' * 64}.tar.gz.1.2"
    partial.write_bytes(b"half")
    eventually("the other one has begun", live.exists)
    cold.start()
    eventually("the files are gone", lambda: not work.exists())
    assert not partial.exists()
    assert live.exists()
    cold.stop_job(running, now=True)
    assert cold.wait_until_ended(running)["status"] == "cancelled"


def _has_open(pid: int, path: Path) -> bool:
    try:
        links = [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    return str(path) in links
