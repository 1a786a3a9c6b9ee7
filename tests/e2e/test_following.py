"""Who follows a job sees every line once, whatever happens to the server meanwhile."""

from __future__ import annotations

import contextlib
import http.client
import json
import shlex
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import Installation
from tests.e2e.waiting import eventually
from tradewind.client import Client
from tradewind.client.follow import ContactLost, ContactRegained, JobEnded, LogItem
from tradewind.domain.schemas_records import LogChunk

pytestmark = pytest.mark.e2e

_TALKER = """
import sys, time
for number in range(int(sys.argv[1])):
    print(f"line {number} — ü €", "𝄞" * (number % 7), flush=True)
    time.sleep(float(sys.argv[2]))
print("no newline at the end", end="")
"""


def _talk(lines: int, pause_s: float) -> str:
    return shlex.join([sys.executable, "-I", "-X", "utf8", "-c", _TALKER, str(lines), str(pause_s)])


class _Listener:
    """Follows a job through the client, in a thread of its own."""

    def __init__(self, installation: Installation, job: str) -> None:
        self.items: list[LogItem] = []
        self.error: BaseException | None = None
        self._arguments = (f"http://127.0.0.1:{installation.port}", installation.token, job)
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        url, token, job = self._arguments
        try:
            with Client(url, token) as client:
                self.items.extend(client.logs(job, follow_on=True))
        except BaseException as error:
            self.error = error

    def join(self) -> list[LogItem]:
        """Everything it heard, once the stream has ended."""
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()
        assert self.error is None
        return self.items


@pytest.mark.slow
def test_two_kills_of_the_server_cost_a_follower_nothing(installation: Installation) -> None:
    job = installation.submit({"name": "talk", "run": _talk(80, 0.1), "resources": {"cpus": 0.1}})
    installation.wait_for_status(job, "running")
    seen = installation.home / "seen.txt"
    with seen.open("wb") as output:
        follower = subprocess.Popen(
            [sys.executable, "-m", "tradewind.cli", "logs", "-f", job],
            env=installation.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
        )
        listener = _Listener(installation, job)
        for number in (10, 40):
            eventually(
                f"line {number} was shown",
                lambda wanted=number: f"line {wanted} ".encode() in seen.read_bytes(),  # type: ignore[misc]
            )
            installation.kill()
            installation.start()
        _, complaints = follower.communicate(timeout=60)
    items = listener.join()
    assert follower.returncode == 0, complaints
    assert installation.wait_until_ended(job)["status"] == "succeeded"
    wrote = installation.raw_log(job)
    assert wrote.count(b"\n") == 80
    assert seen.read_bytes() == wrote
    _check_chunks([item for item in items if isinstance(item, LogChunk)], wrote)
    losses = sum(isinstance(item, ContactLost) for item in items)
    # A listener that was slow to come back after the first kill sees both as one loss.
    assert 1 <= losses <= 2
    assert sum(isinstance(item, ContactRegained) for item in items) == losses
    assert isinstance(items[-1], JobEnded)
    assert items[-1].job.status == "succeeded"


def _check_chunks(chunks: list[LogChunk], wrote: bytes) -> None:
    position = 0
    for chunk in chunks:
        assert (chunk.attempt, chunk.stream, chunk.offset) == (1, "stdout", position)
        assert chunk.end - chunk.offset == len(chunk.text.encode())
        position = chunk.end
    assert "".join(chunk.text for chunk in chunks).encode() == wrote


def test_logs_go_on_over_attempts(busy: Installation) -> None:
    spec = {"name": "again", "run": "echo from $TRADEWIND_ATTEMPT_NUMBER; exit 3", "retry": {"failures": 1}}
    job = busy.submit({**spec, "resources": {"cpus": 0.1}})
    done = busy.cli("logs", "-f", job)
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if line.startswith("from")] == ["from 1", "from 2"]
    assert busy.cli("logs", job, "--attempt", "1", "--raw").stdout == "from 1\n"
    assert busy.wait_until_ended(job)["status"] == "failed"


def test_a_log_stream_resumes_behind_any_event(busy: Installation) -> None:
    run = "for i in 1 2 3; do echo out $i; echo err $i >&2; sleep 0.3; done; printf '\\xe2\\x82'"
    job = busy.submit({"name": "resume-logs", "run": run, "resources": {"cpus": 0.1}})
    path = f"/api/v1/jobs/{job}/logs"
    whole = _events(busy, f"{path}?follow=true")
    logs = [event for event in whole if event["event"] == "log"]
    assert len(logs) >= 4
    assert whole[-1]["event"] == "end"
    for stream in ("stdout", "stderr"):
        text = "".join(event["data"]["text"] for event in logs if event["data"]["stream"] == stream)
        assert text == busy.raw_log(job, stream).decode(errors="replace")
    for event in logs:
        later = _events(busy, f"{path}?follow=true", event["id"])
        for stream in ("stdout", "stderr"):
            assert _text(later, stream) == _text(whole[whole.index(event) + 1 :], stream)


def test_an_event_stream_resumes_behind_any_event(busy: Installation) -> None:
    job = busy.submit({"name": "resume-events", "run": "true", "resources": {"cpus": 0.1}})
    path = f"/api/v1/jobs/{job}/events/stream"
    whole = _events(busy, path)
    assert whole[-1]["event"] == "end"
    story = [event for event in whole if event["event"] == "event"]
    assert [event["data"]["seq"] for event in story] == list(range(1, len(story) + 1))
    assert [event["data"] for event in story] == busy.events(job)
    for event in story:
        rest = [each for each in _events(busy, path, event["id"]) if each["event"] == "event"]
        assert rest == story[story.index(event) + 1 :]


def test_the_stream_of_all_jobs_skips_and_repeats_nothing(busy: Installation) -> None:
    start = busy.get("/events?limit=5000")["next_after"]
    jobs = {busy.submit({"name": "all", "run": "true", "resources": {"cpus": 0.1}}) for _ in range(4)}
    for job in jobs:
        busy.wait_until_ended(job)
    page = busy.get(f"/events?after={start}&limit=5000")
    events = [event for event in page["items"] if event["job"] in jobs]
    positions = [event["position"] for event in page["items"]]
    assert positions == sorted(set(positions))
    assert page["next_after"] == positions[-1]
    for job in jobs:
        assert [event for event in events if event["job"] == job] == busy.events(job)
    half = positions[len(positions) // 2]
    assert _first_streamed(busy, half, len(positions)) == [
        each for each in page["items"] if each["position"] > half
    ]


def _first_streamed(installation: Installation, after: int, most: int) -> list[dict[str, Any]]:
    """What the endless stream sends at once behind a position, at most so many; the reader then leaves."""
    connection = http.client.HTTPConnection("127.0.0.1", installation.port, timeout=10)
    headers = {"Authorization": f"Bearer {installation.token}", "Last-Event-ID": str(after)}
    found: list[dict[str, Any]] = []
    with contextlib.closing(connection):
        connection.request("GET", "/api/v1/events/stream", headers=headers)
        answer = connection.getresponse()
        newest = installation.get(f"/events?after={after}&limit={most}")["next_after"]
        while not found or found[-1]["position"] < newest:
            line = answer.readline()
            if line.startswith(b"data: "):
                found.append(json.loads(line[6:]))
    return found


def test_the_last_lines_and_the_exact_bytes(busy: Installation, tmp_path: Path) -> None:
    job = busy.submit({"name": "lines", "run": "seq 1 1000; seq 1 5 >&2", "resources": {"cpus": 0.1}})
    busy.wait_until_ended(job)
    assert busy.cli("logs", job, "--stream", "stdout", "-n", "3").stdout == "998\n999\n1000\n"
    assert busy.cli("logs", job, "--raw").stdout == "".join(f"{n}\n" for n in range(1, 1001))
    part = busy.request("GET", f"/api/v1/jobs/{job}/logs/raw?offset=2&limit=4")
    assert (part.body, part.headers["x-next-offset"]) == (b"2\n3\n", "6")
    beyond = busy.request("GET", f"/api/v1/jobs/{job}/logs/raw?offset=1000000")
    assert (beyond.status, beyond.body) == (200, b"")


def _events(installation: Installation, path: str, last_id: str | None = None) -> list[dict[str, Any]]:
    """The events of a stream that ends by itself."""
    headers = {} if last_id is None else {"Last-Event-ID": last_id}
    answer = installation.request("GET", path, headers=headers)
    assert answer.status == 200, answer
    found = []
    for block in answer.body.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if fields:
            found.append(
                {"id": fields.get("id"), "event": fields["event"], "data": json.loads(fields["data"])}
            )
    return found


def _text(events: list[dict[str, Any]], stream: str) -> str:
    return "".join(
        event["data"]["text"]
        for event in events
        if event["event"] == "log" and event["data"]["stream"] == stream
    )
