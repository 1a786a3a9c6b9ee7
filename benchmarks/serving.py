"""A server of our own to measure: a fresh state folder, one process, ended by the handle that started it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tradewind.client.endpoint import FixedEndpoint
from tradewind.client.local_server import LocalServer, RunningServer
from tradewind.client.synchronous import Client
from tradewind.domain.schemas import JobSubmission
from tradewind.domain.status import JobStatus, has_ended
from tradewind.providers.attempt_files import is_supervised

_READY_WITHIN_S: Final = 30.0
_END_WITHIN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class BenchServer:
    """A running server. `ready_s` is from before the process was made until it answered."""

    state: Path
    running: RunningServer
    token: str
    ready_s: float

    @property
    def pid(self) -> int:
        """Its process."""
        return self.running.pid

    @property
    def port(self) -> int:
        """Where it listens, on loopback."""
        return int(self.running.url.rpartition(":")[2])

    def connect(self) -> Client:
        """A client of it."""
        return Client(endpoint=FixedEndpoint(self.running.url, self.token))


def environment_for(state: Path) -> dict[str, str]:
    """The environment of commands that are to use this state folder and nothing that is configured elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRADEWIND_")}
    folder = str(state)
    return {
        **kept,
        "TRADEWIND_STATE_DIR": folder,
        "TRADEWIND_CONFIG_DIR": str(state / "no-config"),
        # Nobody is asked for prices: what is measured must not depend on the network.
        "TRADEWIND_PRICE_SOURCES": "shipped",
    }


@contextmanager
def state_folder() -> Iterator[Path]:
    """A folder for a server's state, deleted afterwards."""
    with TemporaryDirectory(prefix="tradewind-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name) / "state"


@contextmanager
def serve(
    state: Path, module: str = "tradewind.server", variables: Mapping[str, str] | None = None
) -> Iterator[BenchServer]:
    """Runs a server on this state folder. Jobs made with `while_held` end with it, those that wait never start.

    `module` is what is run in place of the server itself, `variables` are more of its environment.
    """
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    _hold(state).touch()
    local = LocalServer(state)
    with (state / "bench.log").open("ab") as log:
        began_s = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", module, "serve"],
            env={**environment_for(state), **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        running = _wait_until_ready(local, process, began_s)
        ready_s = time.perf_counter() - began_s
        yield BenchServer(state, running, local.read_token() or "", ready_s)
    finally:
        process.terminate()
        process.wait(_END_WITHIN_S)
        _hold(state).unlink()
        _wait_for_attempts(state)


def _wait_until_ready(local: LocalServer, process: subprocess.Popen[bytes], began_s: float) -> RunningServer:
    # The server says where it is once it answers; what an earlier one said does not count.
    while True:
        running = local.find()
        if running is not None and running.pid == process.pid:
            return running
        if process.poll() is not None or time.perf_counter() - began_s > _READY_WITHIN_S:
            raise RuntimeError(f"the server did not become ready; see {local.state / 'bench.log'}")
        time.sleep(0.005)


def _hold(state: Path) -> Path:
    return state / "bench.hold"


def while_held(state: Path, turn: str) -> str:
    """A command that repeats `turn` (shell) until the server that `serve` runs is left."""
    return f"while [ -e {shlex.quote(str(_hold(state)))} ]; do {turn}; done"


def _wait_for_attempts(state: Path) -> None:
    attempts = state / "attempts"
    give_up_at_s = time.perf_counter() + _END_WITHIN_S
    while any(is_supervised(each) for each in (attempts.iterdir() if attempts.exists() else ())):
        if time.perf_counter() > give_up_at_s:
            raise RuntimeError(f"a job of this benchmark still runs; see {attempts}")
        time.sleep(0.02)


def submit(client: Client, run: str, *, name: str = "bench", cpus: int | None = None) -> str:
    """Submits a job and returns its id."""
    spec: dict[str, object] = {"version": 1, "name": name, "run": run}
    if cpus is not None:
        spec["resources"] = {"cpus": cpus}
    return client.submit(JobSubmission(spec=spec, search_path=os.environ.get("PATH"))).id


def wait_until_running(client: Client, job: str) -> None:
    """Returns once the command runs. Raises RuntimeError if the job ends instead."""
    while True:
        view = client.job(job)
        if view.status is JobStatus.RUNNING:
            return
        if has_ended(view.status):
            raise RuntimeError(f"the job ended: {view.explanation}")
        time.sleep(0.02)
