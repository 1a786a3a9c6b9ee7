"""A whole Tradewind of its own: state folder, server process, command line and HTTP, on loopback."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shlex
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.processes import end_all, processes_of
from tests.e2e.waiting import eventually

_REPOSITORY = Path(__file__).resolve().parents[2]
_WORKER = Path(__file__).with_name("worker.py")
#: Whether to take the time for the tests that need minutes.
LONG = bool(os.environ.get("TRADEWIND_E2E_LONG"))
ENDED = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Installation:
    """Starts, kills and asks one server; `outside` is a folder for what jobs write behind Tradewind's back."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.state = home / "state"
        self.outside = home / "outside"
        self.outside.mkdir(parents=True)
        self.port = _free_port()
        self.server: subprocess.Popen[bytes] | None = None
        self.extra_environment: dict[str, str] = {}
        #: What goes before the server's command, to start it in surroundings of its own.
        self.server_prefix: list[str] = []
        self._log = (home / "server.log").open("ab")

    # -- the server ----------------------------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """What every process of this installation is started with: nothing of the developer's own settings."""
        kept = {name: os.environ[name] for name in ("LANG", "TERM") if name in os.environ}
        return {
            **kept,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "HOME": str(self.home),
            "PYTHONPATH": str(_REPOSITORY / "src"),
            "TRADEWIND_STATE_DIR": str(self.home / "state"),
            "TRADEWIND_PRICE_SOURCES": "shipped",
            "TRADEWIND_CONFIG_DIR": str(self.home / "config"),
            "NO_COLOR": "1",
            **self.extra_environment,
        }

    def spawn_server(self) -> subprocess.Popen[bytes]:
        """Starts the server process and returns at once."""
        assert self.server is None
        self.server = subprocess.Popen(
            [
                *self.server_prefix,
                sys.executable,
                "-m",
                "tradewind.server",
                "serve",
                "--port",
                str(self.port),
            ],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        return self.server

    def start(self) -> None:
        """Starts the server and returns once it answers."""
        self.spawn_server()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Returns once the server answers."""
        eventually("the server answers", self._answers, timeout_s=30)

    def _answers(self) -> bool:
        assert self.server is not None
        if self.server.poll() is not None:
            raise AssertionError(
                f"the server ended with {self.server.returncode}:\n{self.server_log()[-3000:]}"
            )
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/readyz", token=None).status == 200
        return False

    def kill(self) -> None:
        """`kill -9` of the server."""
        assert self.server is not None
        self.server.kill()
        self.server.wait()
        self.server = None

    def stop(self) -> int:
        """Stops the server as an operator would, and returns its exit status."""
        assert self.server is not None
        self.server.terminate()
        status = self.server.wait(timeout=30)
        self.server = None
        return status

    def server_log(self) -> str:
        """Everything the server wrote to its log."""
        return (self.home / "server.log").read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """Ends everything. Fails when a process is left that should have been gone."""
        if self.server is not None:
            self.server.kill()
            self.server.wait()
            self.server = None
        self._log.close()
        left: list[list[object]] = [[]]

        def is_gone() -> bool:
            left[0] = list(processes_of(self.home))
            return not left[0]

        try:
            eventually("no process is left behind", is_gone, timeout_s=5)
        except AssertionError as error:
            found = processes_of(self.home)
            end_all(found)
            raise AssertionError(f"processes left behind: {found}") from error

    def see_state_through(self, pid: int) -> None:
        """Looks at the state as this process sees it: in a mount namespace of its own it has another one."""
        self.state = Path(f"/proc/{pid}/root{self.home / 'state'}")

    # -- asking it -----------------------------------------------------------------------------------------------

    @property
    def token(self) -> str:
        """The local token."""
        return (self.state / "token").read_text(encoding="ascii").strip()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        token: str | None = "",
        timeout_s: float = 30.0,
    ) -> Answer:
        """One request. `token`: empty for the right one, None for none. A body that is not bytes travels as JSON."""
        sent = dict(headers or {})
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {token or self.token}")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The JSON at a path below `/api/v1`."""
        answer = self.request("GET", f"/api/v1{path}")
        assert answer.status == 200, answer
        return answer.json

    def submit(self, spec: Mapping[str, Any], *, key: str | None = None, workdir: str | None = None) -> str:
        """Submits a job over HTTP and returns its id."""
        body = {"spec": {"version": 1, **spec}, "workdir": workdir, "search_path": os.environ.get("PATH")}
        answer = self.request("POST", "/api/v1/jobs", body, {"Idempotency-Key": key} if key else None)
        assert answer.status == 201, answer
        return str(answer.json["id"])

    def run_worker(self, steps: int, step_s: float, exit_code: int = 0) -> str:
        """A command that runs the tests' worker."""
        arguments = [sys.executable, "-I", "-S", str(_WORKER), str(self.outside), str(steps), str(step_s)]
        return shlex.join([*arguments, str(exit_code)])

    def job(self, job_id: str) -> dict[str, Any]:
        """A job as the server shows it."""
        found: dict[str, Any] = self.get(f"/jobs/{job_id}")
        return found

    def attempts(self, job_id: str) -> list[dict[str, Any]]:
        """A job's attempts, oldest first."""
        tasks = self.job(job_id)["tasks"]
        return sorted(
            (attempt for task in tasks for attempt in task["attempts"]), key=lambda each: int(each["number"])
        )

    def wait_for_status(self, job_id: str, *statuses: str, timeout_s: float = 60.0) -> dict[str, Any]:
        """The job once it has one of the statuses."""

        def look() -> dict[str, Any] | None:
            job = self.job(job_id)
            if job["status"] in ENDED and job["status"] not in statuses:
                raise AssertionError(f"the job ended as {job['status']}: {job['explanation']}")
            return job if job["status"] in statuses else None

        found = eventually(f"job {job_id} is {' or '.join(statuses)}", look, timeout_s=timeout_s)
        assert found is not None
        return found

    def wait_until_ended(self, job_id: str, timeout_s: float = 60.0) -> dict[str, Any]:
        """The job once it has ended."""
        return self.wait_for_status(job_id, *ENDED, timeout_s=timeout_s)

    def events(self, job_id: str) -> list[dict[str, Any]]:
        """The whole story of a job."""
        items: list[dict[str, Any]] = self.get(f"/jobs/{job_id}/events?limit=5000")["items"]
        return items

    def raw_log(self, job_id: str, stream: str = "stdout", attempt: int | None = None) -> bytes:
        """The bytes of one stream."""
        which = "" if attempt is None else f"&attempt={attempt}"
        answer = self.request("GET", f"/api/v1/jobs/{job_id}/logs/raw?stream={stream}{which}", timeout_s=120)
        assert answer.status == 200, answer
        return answer.body

    def stop_job(self, job_id: str, *, now: bool = False) -> None:
        """Asks a job to end."""
        assert self.request("POST", f"/api/v1/jobs/{job_id}/stop", {"now": now}).status == 200

    def directory(self, attempt_id: str) -> Path:
        """Where an attempt's files lie."""
        return self.state / "attempts" / attempt_id

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Rows of the database, read past the server."""
        with contextlib.closing(
            sqlite3.connect(f"file:{self.state / 'tradewind.db'}?mode=ro", uri=True, timeout=30)
        ) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement)]

    # -- the command line ----------------------------------------------------------------------------------------

    def cli(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        timeout_s: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Runs `tradewind` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "tradewind.cli", *arguments],
            env={**self.environment(), **(environment or {})},
            cwd=folder or self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def write_job(self, text: str) -> Path:
        """A job file in a folder of its own."""
        number = len(list(self.home.glob("job-*")))
        folder = self.home / f"job-{number}"
        folder.mkdir()
        path = folder / "job.yaml"
        path.write_text(text, encoding="utf-8")
        return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
