"""Runs the command line in this process against a server under the test's control."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.client.fakes import FakeClock, FakeServer
from tradewind.cli.application import Application
from tradewind.cli.main import main


@dataclass(frozen=True)
class Result:
    """What a command did."""

    exit_code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, with no settings but a server that does not exist outside the test."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TRADEWIND_PROJECT", "TRADEWIND_OUTPUT", "TRADEWIND_NO_PROGRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRADEWIND_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TRADEWIND_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("TRADEWIND_SERVER", "http://tradewind.test")
    monkeypatch.setenv("TRADEWIND_TOKEN", "secret-token")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def tw(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs one command; `app` seams may be given as keywords."""

    def run(*arguments: str, **seams: object) -> Result:
        app = Application(transport=server.transport, clock=FakeClock(), **seams)  # type: ignore[arg-type]
        exit_code = main(list(arguments), app)
        captured = capsys.readouterr()
        assert "secret-token" not in captured.out + captured.err
        return Result(exit_code, captured.out, captured.err)

    return run
