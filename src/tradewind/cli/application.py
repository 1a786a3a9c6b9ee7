"""What every command shares: flags, settings, the streams, and the client once it is needed."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from tradewind.client.local_server import LocalServer, RunningServer
    from tradewind.client.settings import Settings
    from tradewind.client.synchronous import Client
    from tradewind.domain.clock import Clock

_COLORS = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
    "bold": "1",
    "dim": "2",
}


@dataclass
class Application:
    """One run of the command line. The fields without a leading underscore are seams for tests."""

    flags: dict[str, Any] = field(default_factory=dict)
    transport: Any = None
    server_command: tuple[str, ...] | None = None
    clock: Clock | None = None
    _settings: Settings | None = None
    _client: Client | None = None

    @property
    def settings(self) -> Settings:
        """Flags, environment and files, by precedence."""
        if self._settings is None:
            from tradewind.client.settings import load_settings

            self._settings = load_settings(
                server=self.flags.get("server"),
                token_file=self.flags.get("token_file"),
                project=self.flags.get("project"),
                output=self.flags.get("output"),
            )
        return self._settings

    @property
    def client(self) -> Client:
        """The client; the first use finds the server, and starts the local one if none is configured."""
        if self._client is None:
            self._client = self.make_client()
        return self._client

    def make_client(self, *, start: bool = True) -> Client:
        """A client of its own; without `start`, no local server is started for it."""
        from tradewind.client.endpoint import find_endpoint
        from tradewind.client.synchronous import Client

        endpoint = find_endpoint(
            self.settings, local=self.local_server(), start=start, on_start=self._say_that_it_started
        )
        return Client(endpoint=endpoint, transport=self.transport, clock=self.clock)

    def local_server(self) -> LocalServer:
        """The server of this machine, running or not."""
        from tradewind.client.local_server import LocalServer
        from tradewind.domain.paths import state_dir

        if self.server_command is not None:
            return LocalServer(state_dir(), command=self.server_command)
        return LocalServer(state_dir())

    def close(self) -> None:
        """Closes the client, if there is one."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def now(self) -> datetime:
        """The time, for ages and durations on the screen."""
        if self.clock is None:
            from tradewind.domain.clock import SystemClock

            self.clock = SystemClock()
        return self.clock.now()

    @property
    def is_debugging(self) -> bool:
        """True with --debug."""
        return bool(self.flags.get("debug"))

    @property
    def can_ask(self) -> bool:
        """True if a question would reach a person."""
        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def shows_progress(self) -> bool:
        """True if a line that redraws itself would be seen and is wanted."""
        return sys.stderr.isatty() and not os.environ.get("TRADEWIND_NO_PROGRESS")

    def has_color(self, *, is_error_stream: bool = False) -> bool:
        """`--color`, then `NO_COLOR`, then `FORCE_COLOR`, then whether the stream is a terminal."""
        wanted = self.flags.get("color") or "auto"
        if wanted != "auto":
            return bool(wanted == "always")
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return True
        stream = sys.stderr if is_error_stream else sys.stdout
        return stream.isatty() and os.environ.get("TERM") != "dumb"

    def paint(self, text: str, color: str, *, is_error_stream: bool = False) -> str:
        """The text in a colour, where colours are wanted."""
        if not text or not self.has_color(is_error_stream=is_error_stream):
            return text
        return f"\x1b[{_COLORS[color]}m{text}\x1b[0m"

    def say(self, text: str = "") -> None:
        """A line for people, on standard error."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def hint(self, text: str) -> None:
        """What to do next, on standard error."""
        self.say(f"{self.paint('hint:', 'cyan', is_error_stream=True)} {text}")

    def put(self, text: str) -> None:
        """Data, on standard output."""
        sys.stdout.write(text + "\n")

    def _say_that_it_started(self, running: RunningServer) -> None:
        self.say(f"started a local server at {running.url} (stop it with `tradewind server stop`)")


def show_path(path: Path) -> str:
    """A path as people read it: relative to here, or to home, where that is shorter."""
    for base, prefix in ((Path.cwd(), ""), (Path.home(), "~/")):
        if path.is_relative_to(base):
            rest = path.relative_to(base).as_posix()
            return prefix + rest if rest != "." else "."
    return str(path)
