"""`tradewind.report` in a script, with and without Tradewind installed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tradewind
from tests.agent.attempts import Attempt
from tradewind.providers.bundle import build_bundle


@pytest.fixture
def channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "metrics.jsonl"
    monkeypatch.setenv("TRADEWIND_METRICS", str(path))
    return path


def test_a_line_for_a_call(channel: Path) -> None:
    class Tensor:
        def __float__(self) -> float:
            return 0.25

    tradewind.report(step=100, loss=0.5, other=Tensor())
    tradewind.report(loss=float("nan"), gradient=float("-inf"))
    tradewind.report()
    lines = [json.loads(line) for line in channel.read_text().splitlines()]
    assert lines == [{"step": 100, "loss": 0.5, "other": 0.25}, {"loss": "nan", "gradient": "-inf"}]


@pytest.mark.parametrize("value", ["0.5", None, True, [1], b"1", {}])
def test_what_is_no_number_is_refused_by_name(channel: Path, value: object) -> None:
    with pytest.raises(TypeError, match=r"accuracy must be a number, not"):
        tradewind.report(accuracy=value)
    assert not channel.exists()


def test_outside_a_job_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRADEWIND_METRICS", raising=False)
    tradewind.report(loss=1)


def test_a_channel_that_cannot_be_written_does_not_end_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEWIND_METRICS", str(tmp_path / "no" / "such" / "folder"))
    tradewind.report(loss=1)


def test_importing_tradewind_imports_nothing_heavy() -> None:
    program = (
        "import sys; import tradewind; tradewind.report(loss=1)\n"
        "heavy = 'pydantic', 'fastapi', 'sqlalchemy', 'httpx2', 'click', 'yaml'\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        env={"PYTHONPATH": _installed_place()},
    )
    assert done.stdout == b"[]\n"


def _installed_place() -> str:
    return str(Path(tradewind.__file__).parent.parent)


_WHICH = "import tradewind; tradewind.report(step=1, loss=0.5); print(tradewind.__file__)"


def _bare_python(folder: Path) -> str:
    """A Python without Tradewind."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return str(folder / "bin" / "python")


def test_a_job_without_tradewind_uses_the_shim(attempt: Attempt, tmp_path: Path) -> None:
    attempt.run(f'exec {_bare_python(tmp_path / "bare")} -c "{_WHICH}"')
    assert attempt.log().decode().strip() == str(attempt.directory / "shim" / "tradewind" / "__init__.py")
    assert [one["values"] for one in attempt.records("metrics")] == [{"loss": 0.5}]


def test_a_job_with_tradewind_uses_its_own(attempt: Attempt, tmp_path: Path) -> None:
    python = _bare_python(tmp_path / "bare")
    (packages,) = (tmp_path / "bare").glob("lib/python*/site-packages")
    (packages / "tradewind.pth").write_text(_installed_place())
    end = attempt.run(f'exec {python} -c "{_WHICH}"')
    assert end["exit_code"] == 0, attempt.log("stderr")
    assert attempt.log().decode().strip() == tradewind.__file__
    assert [one["values"] for one in attempt.records("metrics")] == [{"loss": 0.5}]


def test_the_shim_does_not_hide_a_broken_installation(attempt: Attempt, tmp_path: Path) -> None:
    python = _bare_python(tmp_path / "bare")
    (packages,) = (tmp_path / "bare").glob("lib/python*/site-packages")
    (packages / "tradewind").mkdir()
    (packages / "tradewind" / "__init__.py").write_text("import something_that_is_missing")
    end = attempt.run(f'exec {python} -c "{_WHICH}"')
    assert end["exit_code"] == 1
    assert b"something_that_is_missing" in attempt.log("stderr")


def test_the_shim_works_on_the_oldest_python(
    make_attempt: Callable[..., Attempt], oldest_python: str
) -> None:
    attempt = make_attempt()
    end = attempt.run(f"exec {oldest_python} -c '{_WHICH}'")
    assert end["exit_code"] == 0, attempt.log("stderr")
    assert b"/shim/tradewind/" in attempt.log()


def test_the_same_sources_make_the_same_bundle(tmp_path: Path) -> None:
    first, second = build_bundle(tmp_path / "a"), build_bundle(tmp_path / "b")
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()
    changed_ns = first.stat().st_mtime_ns
    assert build_bundle(tmp_path / "a").stat().st_mtime_ns == changed_ns
    assert [path.name for path in (tmp_path / "a").iterdir()] == [first.name]


def test_a_damaged_bundle_is_made_again(tmp_path: Path) -> None:
    path = build_bundle(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    assert build_bundle(tmp_path).read_bytes() == whole
