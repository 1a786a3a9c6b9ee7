"""The scripts behind `make`: what they say and when they refuse."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def run_script(
    name: str, folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs a copy of a script in a folder that stands for the repository."""
    script = folder / "scripts" / name
    script.parent.mkdir(exist_ok=True)
    shutil.copy2(ROOT / "scripts" / name, script)
    return subprocess.run(
        [script, *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def write_program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """As much of a clone as the scripts need before they install anything."""
    folder = tmp_path / "clone"
    folder.mkdir()
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    shutil.copy2(ROOT / "pyproject.toml", folder)
    return folder


def test_help_lists_every_verb() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    verbs = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE)) - {"run-environment", "environment"}
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make ([a-z-]+)", shown, re.MULTILINE)) == verbs
    assert {"demo", "test", "check", "fmt", "bench", "docs", "lock", "help"} <= verbs


def test_bootstrap_refuses_a_python_that_is_too_old(clone: Path, tmp_path: Path) -> None:
    old = write_program(tmp_path / "old", "exit 1")
    done = run_script("bootstrap", clone, "run", PYTHON=str(old))
    assert done.returncode == 1
    assert f"PYTHON={old} is not a Python of version 3.11 or newer" in done.stderr
    assert not (clone / ".venv").exists()


def test_bootstrap_says_how_to_get_a_python(clone: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "cat", "cksum", "sed", "id"):
        (tools / name).symlink_to(str(shutil.which(name)))
    write_program(tools / "python3", 'case $1 in --version) echo "Python 3.9.2";; *) exit 1;; esac')
    done = run_script("bootstrap", clone, "run", PATH=str(tools))
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed (found: Python 3.9.2)" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr


def test_bootstrap_says_what_to_type_when_venv_is_missing(clone: Path, tmp_path: Path) -> None:
    bare = write_program(
        tmp_path / "bare",
        'case $2 in *ensurepip*) exit 1;; *"%d.%d"*) echo 3.12;; *) exit 0;; esac',
    )
    tools = tmp_path / "tools"
    tools.mkdir()
    write_program(tools / "id", "echo 1000")
    done = run_script(
        "bootstrap", clone, "run", PYTHON=str(bare), PATH=f"{tools}{os.pathsep}{os.environ['PATH']}"
    )
    assert done.returncode == 1
    assert "it lacks ensurepip" in done.stderr
    assert "sudo apt-get install python3.12-venv" in done.stderr


def test_bootstrap_knows_its_levels(clone: Path) -> None:
    done = run_script("bootstrap", clone, "everything")
    assert done.returncode == 2
    assert "usage:" in done.stderr


@pytest.mark.parametrize(("lines", "exit_code"), [(800, 0), (801, 1)])
def test_a_file_that_is_too_long_is_refused(tmp_path: Path, lines: int, exit_code: int) -> None:
    for name in ("src", "tests", "benchmarks"):
        (tmp_path / name).mkdir()
    (tmp_path / "src" / "short.py").write_text("x = 1\n")
    (tmp_path / "src" / "long.py").write_text("x = 1\n" * lines)
    done = run_script("check-file-sizes", tmp_path)
    assert done.returncode == exit_code
    assert done.stderr == ("" if exit_code == 0 else "src/long.py: 801 lines; the limit is 800\n")


def test_ci_runs_the_tests() -> None:
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").rstrip().endswith("exec make test")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
