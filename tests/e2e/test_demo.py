"""`tradewind demo --show-restart`, as a stranger sees it: a real training, through a restart of the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def tradewind(tmp_path: Path) -> Iterator[Command]:
    """Runs a command against a state folder of the test's own; its server is stopped at the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRADEWIND_")}
    environment |= {
        "TRADEWIND_STATE_DIR": str(tmp_path / "state"),
        "TRADEWIND_CONFIG_DIR": str(tmp_path / "config"),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tradewind.cli", *arguments]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False
        )

    try:
        yield run
    finally:
        run("stop", "digits", "--now", "-y")
        run("server", "stop")


def test_the_demo_trains_through_a_restart_of_the_server(tradewind: Command, tmp_path: Path) -> None:
    done = tradewind("demo", "--show-restart", "--yes", "--to", str(tmp_path / "example"))
    assert done.returncode == 0, done.stderr
    assert "stopped the server" in done.stderr
    assert "started it again" in done.stderr
    assert "bytes of output, without a gap." in done.stderr
    epochs = [line for line in done.stdout.splitlines() if line.startswith("epoch")]
    assert [int(line.split()[1].partition("/")[0]) for line in epochs] == list(range(1, 21))
    losses = [float(line.split()[3]) for line in epochs]
    assert losses[-1] < losses[0] / 4

    job = read_json(tradewind("jobs", "show", "digits", "-o", "json"))
    assert job["status"] == "succeeded"
    # One attempt: the training itself was never touched.
    assert [attempt["number"] for attempt in job["tasks"][0]["attempts"]] == [1]
    assert job["cost"]["energy_kwh"] > 0
    assert job["cost"]["carbon_grams"] > 0
    assert job["progress"]["epoch"] == 20
    checkpoints = read_json(tradewind("checkpoints", "ls", "digits", "-o", "json"))
    assert sorted(each["path"] for each in items_of(checkpoints)) == [
        "ckpt/epoch-010.npz",
        "ckpt/epoch-020.npz",
    ]

    got = tradewind("artifacts", "pull", "digits", "--to", str(tmp_path / "kept"))
    assert got.returncode == 0, got.stderr
    metrics = json.loads(next((tmp_path / "kept").rglob("metrics.json")).read_text(encoding="utf-8"))
    assert metrics["test_accuracy"] > 0.95

    raw = tradewind("logs", "digits")
    assert raw.stdout == done.stdout


def read_json(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def items_of(document: Any) -> list[dict[str, Any]]:
    """A list, bare or in a page."""
    found: list[dict[str, Any]] = document if isinstance(document, list) else document["items"]
    return found
