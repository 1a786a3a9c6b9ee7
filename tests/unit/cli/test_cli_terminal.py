"""`run` on a terminal: a question, and a line of progress."""

from __future__ import annotations

import os
import pty
import sys
from typing import Self

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.test_cli_run import job_file, ready, show_output
from tests.unit.client.fakes import FakeServer, job
from tradewind.cli import attach, progress

__all__ = ["job_file", "ready"]


class Terminal:
    """A standard stream that is a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass

    def fileno(self) -> int:
        raise OSError


def test_on_a_terminal_it_asks(
    ready: FakeServer, tw: Run, job_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    main_side, program_side = pty.openpty()
    os.write(main_side, b"n\n")
    screen = Terminal()
    with os.fdopen(program_side) as keyboard, os.fdopen(main_side, "rb"):
        monkeypatch.setattr(sys, "stdin", keyboard)
        monkeypatch.setattr(sys, "stderr", screen)
        assert tw("run", "-d", job_file).exit_code == 130
    assert "Start digits? [Y/n]: " in screen.text
    assert ready.sent("POST", "/api/v1/jobs") == []


def test_on_a_terminal_there_is_a_line_of_progress(
    ready: FakeServer, tw: Run, job_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class EagerPoller(progress.Poller):
        def __enter__(self) -> Self:
            self._function()
            return super().__enter__()

    monkeypatch.setattr(attach, "Poller", EagerPoller)
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    result = tw("run", "-y", job_file)
    assert result.out == "epoch 1\nepoch 2\n"
    assert (
        f"\r\x1b[K{'━' * 24} 100 % · 0.042 cents · epoch 20/20 · loss 0.0123 · accuracy 0.971" in screen.text
    )
    # The line is gone at the end.
    assert screen.text.rindex("\r\x1b[K") < screen.text.rindex("SUCCEEDED")
    assert "━" not in screen.text[screen.text.rindex("\r\x1b[K") :]
    monkeypatch.setenv("TRADEWIND_NO_PROGRESS", "1")
    show_output(ready, job())
    screen.text = ""
    tw("run", "-y", job_file)
    assert "\x1b" not in screen.text
