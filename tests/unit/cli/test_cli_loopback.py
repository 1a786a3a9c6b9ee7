"""The command line as a process, over real sockets: uploads, interrupts, and a server that moves."""

from __future__ import annotations

import fcntl
import hashlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.unit.cli.test_cli_run import ID, PLAN
from tests.unit.client.fakes import job, log, sse

COMMAND = (sys.executable, "-m", "tradewind.cli")


class LoopbackServer(http.server.ThreadingHTTPServer):
    """Answers on a real socket. `serve_logs` writes the body of a log stream."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.uploads: dict[str, bytes] = {}
        self.headers: list[dict[str, str]] = []
        self.last_ids: list[str | None] = []
        self.serve_logs: Callable[[_Handler], None] = lambda _: None
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def end(self) -> None:
        self.is_over.set()
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: LoopbackServer

    def do_HEAD(self) -> None:
        self._answer(404, b"")

    def do_PUT(self) -> None:
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        content = self.rfile.read(int(self.headers["Content-Length"]))
        sha = self.path.rpartition("/")[2]
        self.server.uploads[sha] = content
        self._json({"sha256": sha, "size_bytes": len(content), "was_known": False})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._json(PLAN if self.path.endswith("/plans") else job(status="queued"))

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.endswith("/logs"):
            self.server.last_ids.append(self.headers.get("Last-Event-ID"))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.server.serve_logs(self)
        else:
            self._json(job())

    def write(self, content: bytes) -> None:
        self.wfile.write(content)
        self.wfile.flush()

    def _json(self, body: object) -> None:
        self._answer(200, json.dumps(body).encode())

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def loopback() -> Iterator[LoopbackServer]:
    server = LoopbackServer()
    yield server
    server.end()


def test_an_upload_arrives_whole_and_with_its_length(
    loopback: LoopbackServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "data.bin").write_bytes(os.urandom(3 << 20))
    (place / "job.yaml").write_text("version: 1\nname: digits\nworkdir: .\nrun: python train.py\n")
    monkeypatch.setenv("TRADEWIND_SERVER", loopback.url)
    done = subprocess.run([*COMMAND, "run", "-d", "job.yaml"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{ID}\n"), done.stderr
    ((sha, content),) = loopback.uploads.items()
    assert hashlib.sha256(content).hexdigest() == sha
    (headers,) = loopback.headers
    assert int(headers["content-length"]) == len(content)
    assert "transfer-encoding" not in headers


def test_ctrl_c_leaves_the_job_alone(loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def stall(handler: _Handler) -> None:
        handler.write(sse("log", log("epoch 1\n", 0), "1"))
        loopback.is_over.wait()

    loopback.serve_logs = stall
    monkeypatch.setenv("TRADEWIND_SERVER", loopback.url)
    with subprocess.Popen(
        [*COMMAND, "logs", "-f", "digits"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "epoch 1\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert out == ""
    assert err == (
        "\ndetached; the job goes on. Follow it with `tradewind logs -f digits`,"
        " stop it with `tradewind stop digits`\n"
    )


class LocalState:
    """What a local server keeps on disk while it runs."""

    def __init__(self, state: Path) -> None:
        state.mkdir(exist_ok=True)
        self._state = state
        self._lock = os.open(state / "server.lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        (state / "token").write_text("t")

    def announce(self, url: str) -> None:
        said = {"pid": os.getpid(), "url": url, "version": "9.9", "started_at": ""}
        partial = self._state / "new"
        partial.write_text(json.dumps(said))
        partial.rename(self._state / "server.json")

    def close(self) -> None:
        os.close(self._lock)


def test_a_follower_finds_the_server_at_its_new_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRADEWIND_SERVER")
    monkeypatch.delenv("TRADEWIND_TOKEN")
    state = LocalState(tmp_path / "state")
    first, second = LoopbackServer(), LoopbackServer()
    first.serve_logs = lambda handler: handler.write(
        sse("log", log("one\n", 0), "c1") + sse("log", log("two", 4))[:9]
    )
    second.serve_logs = lambda handler: handler.write(sse("log", log("two\n", 4), "c2") + sse("end", job()))
    state.announce(first.url)
    with subprocess.Popen(
        [*COMMAND, "logs", "-f", "digits"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "one\n"
        first.end()
        state.announce(second.url)
        out, err = process.communicate(timeout=30)
    second.end()
    state.close()
    assert (process.returncode, out) == (0, "two\n")
    assert err.splitlines() == [
        "-- the server closed the stream before the job had ended; the job goes on; trying again --",
        "-- the server is back --",
    ]
    assert second.last_ids == ["c1"]
