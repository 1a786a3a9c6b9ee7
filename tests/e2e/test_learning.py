"""Estimates learn: from a run to the next, and from a probe to the run."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import Installation

pytestmark = pytest.mark.e2e

_STEPS = """
import sys, time
for step in range(int(sys.argv[1])):
    time.sleep(0.25)
    if sys.argv[2] == "tells":
        print(f"step {step + 1}/{sys.argv[1]}", flush=True)
"""


def _write(installation: Installation, name: str, steps: int, *, tells: bool = True) -> Path:
    command = shlex.join([sys.executable, "-I", "-c", _STEPS, str(steps), "tells" if tells else "silent"])
    job = {"version": 1, "name": name, "run": command, "resources": {"cpus": 0.5}}
    return installation.write_job(json.dumps(job))


def _here(installation: Installation, file: Path, *more: str) -> dict[str, Any]:
    """What `tradewind estimate` says of this machine."""
    done = installation.cli("estimate", str(file), "-o", "json", *more, timeout_s=120)
    assert done.returncode == 0, done.stderr
    view = json.loads(done.stdout)
    [line] = [line for line in view["lines"] if line["is_here"]]
    return {**line, "earlier_runs": view["earlier_runs"], "said": done.stderr}


def test_the_second_run_is_estimated_from_the_first(busy: Installation) -> None:
    file = _write(busy, "twice", 16)
    assert _here(busy, file)["hours"] is None
    first = busy.cli("run", str(file), "-y")
    assert first.returncode == 0, first.stderr
    assert "  estimate  " not in first.stderr
    known = _here(busy, file)
    assert known["earlier_runs"] == 1
    assert known["hours"]["layer"] == "history"
    assert 4 <= known["hours"]["p50"] * 3600 < 30
    plan = busy.cli("plan", str(file), "-o", "json")
    assert json.loads(plan.stdout)["hours"] == pytest.approx(known["hours"]["p50"])
    second = busy.cli("run", str(file), "-y")
    assert second.returncode == 0, second.stderr
    [line] = [line for line in second.stderr.splitlines() if line.startswith("  estimate  ")]
    assert "took " in line
    shown = busy.job("twice")["prediction"]
    assert shown["text"] in line
    assert shown["hours"]["basis"] == "1 earlier run of this job here"
    assert shown["error"] == pytest.approx(
        abs(shown["hours"]["p50"] - shown["actual_hours"]) / shown["actual_hours"]
    )
    assert busy.get("/estimates/accuracy")["runs"] >= 1


@pytest.mark.slow
def test_a_probe_foretells_the_run_from_its_pace(busy: Installation) -> None:
    file = _write(busy, "probed", 400)
    seen = _here(busy, file, "--probe", "16s", "-y")
    assert "at this pace all of it takes" in seen["said"]
    assert seen["hours"]["layer"] == "probe"
    # 400 steps of a quarter of a second, and what a busy machine adds to each.
    assert 95 <= seen["hours"]["p50"] * 3600 <= 250
    probe = busy.job("probed")
    assert (probe["status"], probe["tags"]) == ("cancelled", {"probe": "16s"})
    assert probe["attempt"] == 1


@pytest.mark.slow
def test_a_probe_of_a_job_that_says_nothing_says_so(busy: Installation) -> None:
    file = _write(busy, "silent", 400, tells=False)
    seen = _here(busy, file, "--probe", "15s", "-y")
    assert "the job reported no progress, so its pace is not known" in seen["said"]
    assert (seen["hours"], seen["earlier_runs"]) == (None, 0)
    assert busy.job("silent")["status"] == "cancelled"
