"""Finds, starts and stops the server of this machine. It is a process of its own: nothing of it is imported here."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tradewind.domain.errors import ConflictError, TimedOutError, UnreachableError
from tradewind.domain.locks import is_held
from tradewind.domain.paths import SERVER_FILE, SERVER_LOCK, SERVER_LOG, TOKEN_FILE

START_TIMEOUT_S: Final = 15.0
STOP_TIMEOUT_S: Final = 30.0
_POLL_S: Final = 0.02
_COMMAND: Final = (sys.executable, "-m", "tradewind.server", "serve")
_LOG_TAIL_LINES: Final = 15


@dataclass(frozen=True, slots=True)
class RunningServer:
    """What a server that is ready says about itself."""

    pid: int
    url: str
    version: str
    started_at: str


class LocalServer:
    """The server whose state is in one folder, running or not."""

    def __init__(
        self,
        state: Path,
        *,
        command: Sequence[str] = _COMMAND,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.state = state
        self.log_path = state / SERVER_LOG
        self._command = tuple(command)
        self._monotonic = monotonic
        self._sleep = sleep

    def find(self) -> RunningServer | None:
        """The server that runs now, if one does. What a dead server left behind does not count."""
        said = self._read_server_file()
        return said if said is not None and self.is_locked() else None

    def is_locked(self) -> bool:
        """True while a server process lives, ready or not."""
        return is_held(self.state / SERVER_LOCK)

    def read_token(self) -> str | None:
        """The token of local mode, once the server has made one."""
        try:
            return (self.state / TOKEN_FILE).read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def foreground_command(self, *, port: int | None = None, host: str | None = None) -> list[str]:
        """The command that runs the server in the foreground."""
        return [
            *self._command,
            *(["--port", str(port)] if port is not None else []),
            *(["--host", host] if host is not None else []),
        ]

    def start(self, *, port: int | None = None, host: str | None = None) -> tuple[RunningServer, bool]:
        """The running server, and whether this call started it. Returns once it answers.

        Raises:
            UnreachableError: it ended at once, or was not ready in time; the end of its log is in `causes`.
        """
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Two commands that start at the same moment must end up with one server, so starters take turns.
        with _hold(self.state / "server.starting"):
            if self.is_locked():
                return self._wait_until_ready(None), False
            (self.state / SERVER_FILE).unlink(missing_ok=True)
            with self.log_path.open("ab") as log:
                log_start = log.tell()
                process = subprocess.Popen(
                    self.foreground_command(port=port, host=host),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            try:
                return self._wait_until_ready(process, log_start), True
            except UnreachableError:
                process.terminate()
                raise
            finally:
                # It outlives a command, but not always a notebook: there, somebody must take its exit status.
                threading.Thread(target=process.wait, name="tradewind-server-exit", daemon=True).start()

    def stop(self, *, timeout_s: float = STOP_TIMEOUT_S) -> RunningServer | None:
        """Stops the server and returns what it was, or None if none ran. Jobs go on; the next server finds them.

        Raises:
            TimedOutError: it still runs after `timeout_s` seconds.
        """
        running = self.find()
        if running is None:
            if self.is_locked():
                raise ConflictError(
                    f"a server holds {self.state / SERVER_LOCK} but does not say who it is",
                    hint="it may still be starting: try again in a moment",
                )
            return None
        try:
            os.kill(running.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        except PermissionError:
            raise ConflictError(f"the server (pid {running.pid}) belongs to another user") from None
        deadline = self._monotonic() + timeout_s
        while self.is_locked():
            if self._monotonic() > deadline:
                raise TimedOutError(
                    f"the server (pid {running.pid}) has not stopped after {timeout_s:.0f} s",
                    hint=f"see {self.log_path}; `kill -9 {running.pid}` ends it, and jobs survive that too",
                )
            self._sleep(_POLL_S)
        return running

    def tail(self, line_count: int = _LOG_TAIL_LINES, *, start: int = 0) -> list[str]:
        """The last lines of the server's log."""
        try:
            with self.log_path.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(start, size - 65_536))
                lines = log.read().decode("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return []
        return lines[-line_count:] if line_count else []

    def _wait_until_ready(self, process: subprocess.Popen[bytes] | None, log_start: int = 0) -> RunningServer:
        deadline = self._monotonic() + START_TIMEOUT_S
        while True:
            said = self._read_server_file()
            if said is not None and _answers(said.url):
                return said
            if process is not None and process.poll() is not None:
                what = f"the local server ended at once with exit status {process.returncode}"
                break
            if self._monotonic() > deadline:
                what = f"the local server was not ready after {START_TIMEOUT_S:.0f} s"
                break
            self._sleep(_POLL_S)
        tail = tuple(f"server log: {line}" for line in self.tail(start=log_start))
        raise UnreachableError(what, causes=tail, hint=f"the whole log is in {self.log_path}")

    def _read_server_file(self) -> RunningServer | None:
        try:
            said = json.loads((self.state / SERVER_FILE).read_bytes())
            return RunningServer(
                int(said["pid"]), str(said["url"]).rstrip("/"), str(said["version"]), str(said["started_at"])
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            # Absent, or caught while it is being written.
            return None


@contextmanager
def _hold(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _answers(url: str) -> bool:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
