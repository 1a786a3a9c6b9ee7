"""The examples are job files that this version runs, and resuming gives what an uninterrupted run gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tradewind.control.draft_files import TEMPLATES
from tradewind.spec.loading import load_job_file

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/job.yaml"))


def train(folder: Path, *arguments: str, resume_from: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "TRADEWIND_CHECKPOINT_DIR": str(folder / "ckpt")}
    if resume_from is not None:
        environment["TRADEWIND_CHECKPOINT"] = str(resume_from)
    return subprocess.run(
        [sys.executable, EXAMPLES / "resume" / "train.py", "--step-time-s", "0", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip


def test_there_are_the_examples_that_the_list_names() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert NAMES == ["digits", "pytorch", "resume"]
    assert all(f"[{name}]({name})" in listed for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_job_file_is_one_that_this_version_runs(name: str) -> None:
    folder = EXAMPLES / name
    spec = load_job_file(folder / "job.yaml").spec
    script = str(spec.run).split()[1]
    compile((folder / script).read_text(encoding="utf-8"), script, "exec")
    assert spec.checkpoints is not None
    assert "TRADEWIND_CHECKPOINT" in (folder / script).read_text(encoding="utf-8")
    if spec.setup is not None:
        assert (folder / spec.setup.split()[-1]).is_file()


@pytest.mark.parametrize("name", NAMES)
def test_the_packaged_example_is_the_one_in_the_list(name: str) -> None:
    assert (EXAMPLES / name).resolve() == ROOT / "src" / "tradewind" / "examples" / name


def test_the_packaged_examples_are_the_templates_of_the_web_app() -> None:
    assert sorted(TEMPLATES) == NAMES


def test_resuming_gives_what_an_uninterrupted_run_gives(tmp_path: Path) -> None:
    whole, first, second = (tmp_path / name for name in ("whole", "first", "second"))
    for folder in (whole, first, second):
        folder.mkdir()
    train(whole, "--steps", "60")
    train(first, "--steps", "40")
    checkpoint = first / "ckpt" / "step-000040.json"
    resumed = train(second, "--steps", "60", resume_from=checkpoint)
    assert "resumed from step-000040.json" in resumed.stdout
    assert "step 41/60" in resumed.stdout
    assert "step 40/60" not in resumed.stdout
    results = [json.loads((folder / "out" / "result.json").read_text()) for folder in (whole, second)]
    assert results[0] == results[1]
    assert not list(tmp_path.rglob("*.tmp"))
