"""What a wait status, a stop or a failed setup means, in words and in the terms of `exit.json`."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NOT_FOUND = 127
_QUOTED_BYTES = 4096
_QUOTED_CHARACTERS = 500


class Outcome:
    """How an attempt ended."""

    def __init__(
        self, reason: str, message: str, exit_code: int | None = None, signal_number: int | None = None
    ) -> None:
        self.reason = reason
        self.message = message
        self.exit_code = exit_code
        self.signal_number = signal_number


def of_command(status: int | None, stderr_path: str) -> Outcome:
    """The end of a command that nobody stopped."""
    code, number = decode(status)
    if number is not None:
        text = "the command was killed by {}".format(_signal_name(number))
        if number == signal.SIGKILL:
            text += ": often the kernel, because memory ran out"
        return Outcome("killed_by_signal", text, code, number)
    if code == _NOT_FOUND:
        said = "; ".join(last_lines(stderr_path, 1)) or "the shell said nothing"
        text = "the command was not found: {} (check the spelling, and that setup installs it)".format(said)
        return Outcome("command_not_found", text, code)
    text = "the command ended with exit code {}".format(code)
    if code is not None and code > 128 and _signal_name(code - 128):
        text += ", the shell's way of saying {}".format(_signal_name(code - 128))
    return Outcome("exited", text, code)


def of_stop(reason: str, message: str, status: int | None) -> Outcome:
    """The end of a command that was stopped, whatever it made of it; `status` is None if it never started."""
    code, number = decode(status)
    return Outcome(reason, message or reason.replace("_", " "), code, number)


def of_failed_setup(status: int | None, prepared: dict[str, Any] | None, log_path: str) -> Outcome:
    """The end of an attempt whose setup did not succeed."""
    code, number = decode(status)
    if prepared is not None and "problem" in prepared:
        return Outcome("setup_failed", "setup failed: {}".format(prepared["problem"]), code, number)
    how = "exit code {}".format(code) if number is None else _signal_name(number)
    said = " / ".join(last_lines(log_path, 3))
    text = "setup ended with {}{}".format(how, ": " + said if said else " and printed nothing")
    return Outcome("setup_failed", text, code, number)


def decode(status: int | None) -> tuple[int | None, int | None]:
    """Exit code in a shell's terms and signal, from a wait status."""
    if status is None:
        return None, None
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return 128 + number, number
    return os.WEXITSTATUS(status), None


def last_lines(path: str, count: int) -> list[str]:
    """The last lines of a file that have anything on them, cut to a length that can be quoted."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _QUOTED_BYTES))
            text = file.read(_QUOTED_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    lines = [line.strip() for line in text.replace("\r", "\n").split("\n") if line.strip()]
    return [
        "".join(c if c.isprintable() else "?" for c in line)[-_QUOTED_CHARACTERS:] for line in lines[-count:]
    ]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
