"""Output that no program should write: kept to the byte, in bounded memory, and never anybody else's problem."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.installation import ENDED, LONG, Installation
from tests.e2e.processes import peak_memory_bytes
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.e2e
_MEBIBYTE = 1 << 20

_LONG_LINE = """
import os, sys
block = b"x" * (1 << 20)
for _ in range(int(sys.argv[1])):
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(1, rest):]
"""
_FAST = """
import sys, time
began = time.monotonic()
for second in range(int(sys.argv[1])):
    for tenth in range(10):
        for line in range(1000):
            print(f"second {second} line {tenth * 1000 + line} loss={line}")
        wait = began + second + (tenth + 1) / 10 - time.monotonic()
        if wait > 0:
            time.sleep(wait)
"""


def _python(text: str, *arguments: object) -> str:
    return shlex.join([sys.executable, "-I", "-S", "-c", text, *map(str, arguments)])


def test_bytes_that_are_no_text_are_kept_as_they_are(busy: Installation) -> None:
    wrote = bytes(range(256)) * 300 + b"\xff\xfe\xe2\x82\n\x00\x1b[31m\xed\xa0\x80\r" + b"\xf0\x9f"
    (busy.outside / "bytes").write_bytes(wrote)
    job = busy.submit({"name": "bytes", "run": f"cat {busy.outside}/bytes", "resources": {"cpus": 0.1}})
    assert busy.wait_until_ended(job)["status"] == "succeeded"
    assert busy.raw_log(job) == wrote
    answer = busy.request("GET", f"/api/v1/jobs/{job}/logs?follow=true")
    data = [line[6:] for line in answer.body.decode().split("\n") if line.startswith("data: ")]
    chunks = [chunk for chunk in map(json.loads, data) if chunk.get("stream") == "stdout"]
    assert (chunks[0]["offset"], chunks[-1]["end"]) == (0, len(wrote))
    assert "".join(chunk["text"] for chunk in chunks).startswith(wrote[:128].decode())
    shown = subprocess.run(
        [sys.executable, "-m", "tradewind.cli", "logs", "--raw", job],
        env=busy.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert shown.stdout == wrote
    assert busy.cli("logs", job).returncode == 0


def test_an_output_whose_name_is_no_text_is_left_and_told_of(busy: Installation) -> None:
    text = "import os; os.mkdir('out'); open(b'out/caf\\xe9', 'w').close(); open('out/good', 'w').close()"
    job = busy.submit(
        {"name": "odd-output", "run": _python(text), "outputs": ["out/*"], "resources": {"cpus": 0.1}}
    )
    assert busy.wait_until_ended(job)["status"] == "succeeded"
    kept = busy.get(f"/jobs/{job}/artifacts")["items"]
    assert [each["path"] for each in kept] == ["out/good"]
    told = [each["message"] for each in busy.events(job)]
    assert [each for each in told if "could not be kept: its name is not UTF-8" in each]


@pytest.mark.slow
def test_a_gigabyte_without_a_newline_is_kept_in_bounded_memory(installation: Installation) -> None:
    if shutil.disk_usage(installation.home).free < 4 << 30:
        pytest.skip("less than 4 GiB are free")
    size = 1000 * _MEBIBYTE
    go_on = installation.outside / "go-on"
    run = f"{_python(_LONG_LINE, 1000)}; while [ ! -e {go_on} ]; do sleep 0.1; done"
    job = installation.submit({"name": "long-line", "run": run, "resources": {"cpus": 0.1}})
    installation.wait_for_status(job, "running")
    directory = installation.directory(installation.attempts(job)[0]["id"])
    log = directory / "logs" / "stdout.log"
    eventually("all is written", lambda: log.stat().st_size == size, timeout_s=60)
    digest, length = _stream(installation, f"/api/v1/jobs/{job}/logs/raw")
    assert length == size
    assert digest == _digest(log)
    followed = installation.cli("logs", job, "-n", "1", timeout_s=120)
    assert followed.returncode == 0
    assert len(followed.stdout) == size
    server, agent = installation.server, json.loads((directory / "agent.json").read_text())["pid"]
    assert server is not None
    assert peak_memory_bytes(server.pid) < 250 * _MEBIBYTE
    assert peak_memory_bytes(agent) < 40 * _MEBIBYTE
    supervisor = json.loads((directory / "begun.json").read_text())["pid"]
    assert peak_memory_bytes(supervisor) < 40 * _MEBIBYTE
    go_on.touch()
    assert installation.wait_until_ended(job)["status"] == "succeeded"
    log.unlink()


@pytest.mark.slow
def test_ten_thousand_lines_a_second_lose_none(installation: Installation) -> None:
    seconds = 60 if LONG else 10
    job = installation.submit({"name": "fast", "run": _python(_FAST, seconds)})
    installation.wait_for_status(job, "running")
    directory = installation.directory(installation.attempts(job)[0]["id"])
    followed = installation.cli("logs", "-f", job, timeout_s=seconds + 60)
    expected = "".join(
        f"second {second} line {line} loss={line % 1000}\n"
        for second in range(seconds)
        for line in range(10000)
    )
    assert followed.stdout == expected
    ended = installation.wait_until_ended(job)
    assert ended["status"] == "succeeded"
    assert ended["progress"]["metrics"] == {"loss": 999.0}
    assert installation.raw_log(job).decode() == expected
    assert (directory / "records.jsonl").stat().st_size < 2 * _MEBIBYTE
    assert installation.server is not None
    assert peak_memory_bytes(installation.server.pid) < 250 * _MEBIBYTE


def test_a_log_beyond_its_cap_keeps_its_beginning_and_its_end(cold: Installation) -> None:
    (cold.home / "config").mkdir()
    (cold.home / "config" / "config.toml").write_text('[local]\nlog_cap = "1MB"\n')
    cold.start()
    # A character of three bytes a million times, so that the cut falls into the middle of one.
    line = "€" * 99 + "\n"
    go_on, seen = cold.outside / "go-on", cold.home / "seen.txt"
    run = _python(f"import os\nfor n in range(40000): os.write(1, (str(n).zfill(7) + {line!r}).encode())")
    run += f"; while [ ! -e {go_on} ]; do sleep 0.1; done"
    job = cold.submit({"name": "capped", "run": run, "resources": {"cpus": 0.1}})
    with seen.open("wb") as output:
        follower = subprocess.Popen(
            [sys.executable, "-m", "tradewind.cli", "logs", "-f", job],
            env=cold.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
        )
        # A follower gets to the end of what there is although the job goes on.
        eventually("the end is shown", lambda: "0039999€".encode() in seen.read_bytes(), timeout_s=30)
        go_on.touch()
        assert follower.wait(timeout=30) == 0
    shown = seen.read_bytes()
    assert cold.wait_until_ended(job)["status"] == "succeeded"
    assert shown.startswith("0000000€".encode())
    assert b"\0" not in shown
    attempt = cold.attempts(job)[0]["id"]
    log = cold.directory(attempt) / "logs" / "stdout.log"
    assert log.stat().st_blocks * 512 < 2 * _MEBIBYTE
    kept = cold.raw_log(job)
    assert b"\0" not in kept
    whole = log.read_bytes()
    assert kept == whole.replace(b"\0", b"")
    assert "attempt.log_dropped" in [event["type"] for event in cold.events(job)]


# -- a full disk -----------------------------------------------------------------------------------------------------


@pytest.fixture
def on_small_disk(tmp_path: Path) -> Iterator[Installation]:
    """An installation whose state lies on a file system of 48 MB that only its own processes see."""
    if os.geteuid() != 0:
        pytest.skip("a mount namespace needs root")
    installation = Installation(tmp_path / "tradewind")
    installation.state.mkdir()
    mount = f"mount -t tmpfs -o size=48m,mode=700 small {shlex.quote(str(installation.state))}"
    if subprocess.run(["unshare", "-m", "sh", "-c", mount], check=False, capture_output=True).returncode != 0:
        pytest.skip("mount namespaces are not allowed here")
    installation.server_prefix = ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh"]
    installation.spawn_server()
    assert installation.server is not None
    installation.see_state_through(installation.server.pid)
    try:
        installation.wait_until_ready()
        yield installation
    finally:
        installation.close()


@pytest.mark.slow
def test_a_full_disk_fails_the_job_that_filled_it_and_nothing_else(on_small_disk: Installation) -> None:
    world = on_small_disk
    writes = "dd if=/dev/zero bs=64k count=4096 2>/dev/null || exit 28"
    witness = world.submit({"name": "witness", "run": "sleep 4", "resources": {"cpus": 0.1}})
    world.wait_for_status(witness, "running")
    job = world.submit({"name": "glutton", "run": writes, "resources": {"cpus": 0.1}})
    full = eventually("the disk is full", lambda: shutil.disk_usage(world.state).free < 65536, timeout_s=30)
    assert full
    # Whatever it could not write down, the server answers.
    assert world.request("GET", "/healthz").status == 200
    assert world.request("GET", f"/api/v1/jobs/{job}").status == 200
    refused = world.request("POST", "/api/v1/jobs", {"spec": {"version": 1, "name": "x", "run": "true"}})
    assert refused.status in (201, 507)
    server = world.server
    assert server is not None
    enlarge = ["mount", "-o", "remount,size=256m", str(world.home / "state")]
    subprocess.run(["nsenter", "-m", "-t", str(server.pid), *enlarge], check=True)
    for each in (job, witness):
        eventually(f"{each} has ended", lambda which=each: world.job(which)["status"] in ENDED, timeout_s=90)  # type: ignore[misc]
    ended = world.job(job)
    assert (ended["status"], ended["exit_code"]) == ("failed", 28)
    assert world.job(witness)["status"] == "succeeded"
    log = world.directory(world.attempts(job)[0]["id"]) / "logs" / "stdout.log"
    assert log.stat().st_size > 20 * _MEBIBYTE
    digest, length = _stream(world, f"/api/v1/jobs/{job}/logs/raw")
    assert (digest, length) == (_digest(log), log.stat().st_size)


def _stream(installation: Installation, path: str) -> tuple[str, int]:
    """The SHA-256 and the length of what the server sends."""
    connection = http.client.HTTPConnection("127.0.0.1", installation.port, timeout=60)
    connection.request("GET", path, headers={"Authorization": f"Bearer {installation.token}"})
    response = connection.getresponse()
    digest, length = hashlib.sha256(), 0
    while piece := response.read(_MEBIBYTE):
        digest.update(piece)
        length += len(piece)
    connection.close()
    return digest.hexdigest(), length


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
