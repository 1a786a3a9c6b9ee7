"""Environments that setup makes, and when they are shared."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.attempts import Attempt, wait_until
from tradewind.agent.environment_key import environment_key, named_files, why_private

pytestmark = pytest.mark.slow

# `venv` installs pip, which takes most of three seconds and is not what is tested here.
_FAST_PYTHON = """#!/bin/sh
case "$*" in *"-m venv"*) exec {python} "$@" --without-pip;; *) exec {python} "$@";; esac
"""


@pytest.fixture
def fast_python(tmp_path: Path) -> str:
    path = tmp_path / "python-without-pip"
    path.write_text(_FAST_PYTHON.format(python=sys.executable))
    path.chmod(0o700)
    return str(path)


def _environment(attempt: Attempt) -> dict[str, object]:
    (record,) = attempt.records("environment")
    return record


def test_pip_is_there_and_the_command_uses_what_setup_made(attempt: Attempt) -> None:
    end = attempt.run("command -v python; echo $VIRTUAL_ENV", setup="python -m pip --version")
    assert end["exit_code"] == 0, end
    python, environment = attempt.log().decode().split()
    assert python == f"{environment}/bin/python"
    assert attempt.log("setup").startswith(b"pip ")
    assert _environment(attempt)["path"] == environment


def test_the_same_setup_runs_once(make_attempt: Callable[..., Attempt], fast_python: str) -> None:
    setup = "echo installing $(cat requirements.txt); touch $VIRTUAL_ENV/made"
    made = []
    for name, requirements in (("one", "numpy"), ("two", "numpy"), ("three", "scipy")):
        attempt = make_attempt(name)
        (attempt.workdir / "requirements.txt").write_text(requirements)
        end = attempt.run("test -e $VIRTUAL_ENV/made", setup=setup, python=fast_python)
        assert end["exit_code"] == 0
        made.append(_environment(attempt))
    assert [one["cached"] for one in made] == [False, True, False]
    assert made[0]["path"] == made[1]["path"]
    assert made[0]["key"] != made[2]["key"]
    assert make_attempt("four").directory.exists()


def test_two_at_once_share_one(make_attempt: Callable[..., Attempt], fast_python: str) -> None:
    attempts = [make_attempt(name) for name in ("one", "two")]
    for attempt in attempts:
        attempt.start("true", setup="sleep 0.5", python=fast_python)
    assert [attempt.wait()["exit_code"] for attempt in attempts] == [0, 0]
    assert sorted(str(_environment(attempt)["cached"]) for attempt in attempts) == ["False", "True"]


def test_a_setup_that_fails_is_quoted_and_not_kept(attempt: Attempt, fast_python: str) -> None:
    end = attempt.run("touch ran", setup="echo no such package; exit 9", python=fast_python)
    assert (end["reason"], end["exit_code"]) == ("setup_failed", 9)
    assert "no such package" in end["message"]
    assert attempt.log("setup") == b"no such package\n"
    assert not (attempt.workdir / "ran").exists()
    assert not list(Path(attempt.spec["environments_dir"]).glob("*/att_*/bin"))
    assert [record["phase"] for record in attempt.records("phase")] == ["setup"]


def test_a_setup_that_writes_into_the_workdir_is_not_shared(
    make_attempt: Callable[..., Attempt], fast_python: str
) -> None:
    for name in ("one", "two"):
        attempt = make_attempt(name)
        end = attempt.run("cat built", setup="echo compiled > built", python=fast_python)
        assert end["exit_code"] == 0
        record = _environment(attempt)
        assert record["cached"] is False
        assert "built" in str(record["reason"])
        assert attempt.log() == b"compiled\n"


def test_an_interrupted_setup_is_removed_and_done_again(
    make_attempt: Callable[..., Attempt], fast_python: str
) -> None:
    first = make_attempt("one")
    setup = "touch $VIRTUAL_ENV/half; [ -e ../../go ] || sleep 100; touch $VIRTUAL_ENV/whole"
    first.start("true", setup=setup, python=fast_python, grace_s=0)
    environments = Path(first.spec["environments_dir"])
    wait_until(lambda: list(environments.glob("*/*/half")), "setup to be in the middle")
    os.kill(first.wait_for_agent(), signal.SIGSTOP)
    os.kill(first.supervisor(), signal.SIGKILL)
    wait_until(lambda: first.verb("reap")["state"] == "ended", "the first attempt to be reaped")
    (first.directory.parent / "go").touch()
    second = make_attempt("two")
    end = second.run("test -e $VIRTUAL_ENV/whole", setup=setup, python=fast_python)
    assert end["exit_code"] == 0
    assert [path.parent.name for path in environments.glob("*/*/half")] == [second.name]


def test_a_python_that_is_not_there_is_named(attempt: Attempt) -> None:
    end = attempt.run("true", setup="true", python="/nowhere/python")
    assert end["reason"] == "setup_failed"
    assert "/nowhere/python" in end["message"]


def test_setup_is_found_in_its_own_log_only(attempt: Attempt, fast_python: str) -> None:
    attempt.run("echo run", setup="echo set up; echo badly >&2", python=fast_python)
    assert attempt.log("setup") == b"set up\nbadly\n"
    assert attempt.log() == b"run\n"


def test_named_files_follow_requirements_and_stay_inside(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    (tmp_path / "outside.txt").write_text("x")
    (work / "requirements.txt").write_text("-r sub/more.txt\nnumpy\n")
    (work / "sub" / "more.txt").write_text("-r ../requirements.txt\n")
    (work / "train.py").write_text("")
    found = named_files("pip install -r requirements.txt -c ../outside.txt", str(work))
    assert {os.path.relpath(path, work) for path in found} == {"requirements.txt", "sub/more.txt"}
    whole = named_files("pip install .", str(work))
    assert str((work / "train.py").resolve()) in whole


def test_the_key_changes_with_what_matters(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("a")
    (tmp_path / "train.py").write_text("a")

    def key(setup: str = "pip install -r r.txt") -> str:
        return environment_key(setup, str(tmp_path), sys.executable)

    first = key()
    (tmp_path / "train.py").write_text("b")
    assert key() == first
    assert key("pip install -r r.txt -q") != first
    (tmp_path / "r.txt").write_text("b")
    assert key() != first


def test_editable_installs_are_private(tmp_path: Path) -> None:
    work, packages = tmp_path / "work", tmp_path / "environment" / "lib" / "site-packages"
    work.mkdir()
    packages.mkdir(parents=True)
    (packages / "other.pth").write_text("/somewhere/else")
    assert why_private(str(work), {}, str(tmp_path / "environment")) is None
    (packages / "mine.pth").write_text(str(work / "src"))
    assert "stays in the working directory" in str(why_private(str(work), {}, str(tmp_path / "environment")))


def test_max_duration_counts_during_setup(attempt: Attempt, fast_python: str) -> None:
    end = attempt.run("touch ran", setup="sleep 100", python=fast_python, max_duration_s=1)
    assert end["reason"] == "max_duration"
    assert not (attempt.workdir / "ran").exists()
    assert json.dumps(end)
