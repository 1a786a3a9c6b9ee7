"""One line at the bottom of a terminal that redraws itself, with other output above it."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from tradewind.cli.application import Application

_ERASE: Final = "\r\x1b[K"
_BAR_WIDTH: Final = 24


class StatusLine:
    """Keeps one line on standard error below everything else. Does nothing unless that is a terminal."""

    def __init__(self, app: Application) -> None:
        self._is_shown = app.shows_progress
        self._text = ""
        self._lock = threading.Lock()
        self._at_line_start = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def show(self, text: str) -> None:
        """Replaces the line."""
        if not self._is_shown:
            return
        with self._lock:
            self._text = _fit(text, shutil.get_terminal_size().columns - 1)
            self._draw()

    def put(self, text: str) -> None:
        """Writes output of the job to standard output, above the line."""
        if not text:
            return
        with self._lock:
            self._erase()
            sys.stdout.write(text)
            sys.stdout.flush()
            self._at_line_start = text.endswith("\n")
            self._draw()

    def say(self, text: str) -> None:
        """Writes a line of our own to standard error, above the line."""
        with self._lock:
            self._erase()
            self._end_output_line()
            sys.stderr.write(text + "\n")
            sys.stderr.flush()
            self._draw()

    def end(self) -> None:
        """Removes the line."""
        with self._lock:
            self._erase()
            self._text = ""
            self._end_output_line()

    def _end_output_line(self) -> None:
        # On a shared terminal a half line of output would run into what is said next.
        if not self._at_line_start and sys.stdout.isatty():
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._at_line_start = True

    def _erase(self) -> None:
        if self._is_shown and self._text:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()

    def _draw(self) -> None:
        # A half line of output on the same terminal must not be overwritten.
        if self._is_shown and self._text and (self._at_line_start or not sys.stdout.isatty()):
            sys.stderr.write(_ERASE + self._text)
            sys.stderr.flush()


def _fit(text: str, columns: int) -> str:
    """As many whole parts of the text as there is room for."""
    while len(text) > columns and " · " in text:
        text = text.rpartition(" · ")[0]
    return text[:columns]


class Poller:
    """Calls a function every second on a thread of its own until it is ended."""

    def __init__(self, function: Callable[[], None], interval_s: float = 1.0) -> None:
        self._function = function
        self._interval_s = interval_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tradewind-progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._interval_s):
            self._function()


def draw_bar(fraction: float) -> str:
    """`━━━━━━──────  42 %`."""
    done = round(max(0.0, min(1.0, fraction)) * _BAR_WIDTH)
    return f"{'━' * done}{'─' * (_BAR_WIDTH - done)} {100 * fraction:3.0f} %"
