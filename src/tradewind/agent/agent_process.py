"""The supervisor's side of the agent: starting it, starting it again, and the two pipes between them."""

from __future__ import annotations

import json
import os
import signal

from .clocks import steady_s
from .processes import AGENT_MARKER
from .spawn import SpawnError, spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 30.0
_STEADY_AFTER_S = 60.0
_LONGEST_MESSAGE_BYTES = 65536
_LONGEST_LOG_BYTES = 1 << 20


class AgentProcess:
    """The agent, kept alive.

    The supervisor writes lines to the agent's standard input (`look`: something changed; `end`: say the last things
    and go) and the agent writes JSON objects to its standard output.
    """

    def __init__(self, program: list[str], attempt: str, directory: str) -> None:
        self._program = program
        self._directory = directory
        self._log_path = os.path.join(directory, "agent.log")
        self._environment = {AGENT_MARKER: attempt, "PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        self.pid: int | None = None
        self.messages_fd: int | None = None
        self._orders_fd: int | None = None
        self._unfinished = b""
        self._wait_s = _FIRST_WAIT_S
        self._started_at_s = 0.0
        #: When to start it again; None while it runs.
        self.start_at_s: float | None = 0.0

    def start(self) -> None:
        """Start it now. When that is impossible, it will be tried again later."""
        self._cut_log()
        self.start_at_s = None
        self._started_at_s = steady_s()
        orders_read, self._orders_fd = os.pipe()
        self.messages_fd, messages_write = os.pipe()
        os.set_blocking(self._orders_fd, False)
        os.set_blocking(self.messages_fd, False)
        try:
            self.pid = spawn(
                [*self._program, "watch", "--dir", self._directory],
                self._environment,
                workdir=self._directory,
                stdin=orders_read,
                stdout=messages_write,
                stderr=self._log_path,
            )
        except (SpawnError, OSError):
            self.ended()
        finally:
            os.close(orders_read)
            os.close(messages_write)

    def ended(self) -> None:
        """Note that it is gone, and when to start it again."""
        if steady_s() - self._started_at_s > _STEADY_AFTER_S:
            self._wait_s = _FIRST_WAIT_S
        self.start_at_s = steady_s() + self._wait_s
        self._wait_s = min(self._wait_s * 2, _LONGEST_WAIT_S)
        self.pid = None
        self._close()

    def order(self, word: str) -> None:
        """Tell it something. An agent that is dead or does not read loses the order; the next one looks for itself."""
        if self._orders_fd is not None:
            try:
                os.write(self._orders_fd, word.encode() + b"\n")
            except OSError:
                pass

    def read_messages(self) -> list[dict[str, Any]]:
        """What it said since the last call."""
        if self.messages_fd is None:
            return []
        try:
            data = os.read(self.messages_fd, 65536)
        except OSError:
            return []
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        self._unfinished = self._unfinished[-_LONGEST_MESSAGE_BYTES:]
        if not data:
            # It closed its end: it is about to be reaped. Polling a closed pipe would spin until then.
            os.close(self.messages_fd)
            self.messages_fd = None
        messages = []
        for line in lines:
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if isinstance(message, dict):
                messages.append(message)
        return messages

    def kill(self) -> None:
        """End it at once."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)

    def _close(self) -> None:
        for fd in (self._orders_fd, self.messages_fd):
            if fd is not None:
                os.close(fd)
        self._orders_fd = self.messages_fd = None
        self._unfinished = b""

    def _cut_log(self) -> None:
        # An agent that fails at once, for days, must not fill the disk with its reasons.
        try:
            if os.path.getsize(self._log_path) > _LONGEST_LOG_BYTES:
                os.truncate(self._log_path, 0)
        except OSError:
            pass
