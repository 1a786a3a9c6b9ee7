"""What `make new-provider` writes is green from the first minute, and is not written over anything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.providers.contracts import ROOT

_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "e2e", "simulated_runs")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources, in a folder of their own."""
    for name in ("src", "tests", "scripts"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=_LEFT_OUT)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run(folder: Path, *command: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": path, "COVERAGE_PROCESS_START": ""}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.mark.slow
def test_it_passes_the_contract_as_it_is_written(copy: Path) -> None:
    made = run(copy, "scripts/new_provider.py", "acme-gpu")
    assert made.returncode == 0, made.stderr
    assert (
        run(copy, "-m", "ruff", "check", "src/tradewind/providers/acme_gpu", "tests/providers").returncode
        == 0
    )
    # Entry points are found in what is installed.
    installed = copy / "installed"
    pip = ("-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(installed), ".")
    done = run(copy, *pip)
    assert done.returncode == 0, done.stderr
    tested = run(
        copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
        "tests/providers/test_acme_gpu_contract.py", path=f"{installed}{os.pathsep}{copy}",
    )  # fmt: skip
    assert tested.returncode == 0, tested.stdout[-3000:]
    again = run(copy, "scripts/new_provider.py", "acme-gpu")
    assert again.returncode == 1
    assert "nothing was written" in again.stderr


@pytest.mark.parametrize("name", ["", "Acme", "acme_gpu", "-acme", "../acme"])
def test_a_name_that_is_no_id_is_refused(tmp_path: Path, name: str) -> None:
    done = run(ROOT, "scripts/new_provider.py", name)
    assert done.returncode == 2
    assert "usage" in done.stderr
