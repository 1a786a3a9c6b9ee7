"""Reading job files from disk, and checking what they name on it."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tradewind.domain.errors import InvalidInputError
from tradewind.spec.checks import check_workdir
from tradewind.spec.loading import MAX_FILE_BYTES, load_job_file, load_job_text
from tradewind.spec.models import JobSpec

TEXT = """\
version: 1
name: digits
run: python train.py
workdir: code
env: {LR: 1e-3}
constraints: {max_duration: 1h}
"""


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    path = tmp_path / "job.yaml"
    path.write_text(TEXT)
    return path


def get_error(path: Path) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        load_job_file(path)
    return caught.value


def test_a_good_file(job_file: Path) -> None:
    loaded = load_job_file(job_file)
    assert loaded.path == job_file
    assert loaded.spec.name == "digits"
    assert loaded.mapping == {
        "version": 1, "name": "digits", "run": "python train.py", "workdir": "code", "env": {"LR": "1e-3"},
        "constraints": {"max_duration": "1h"},
    }  # fmt: skip
    assert JobSpec.model_validate(json.loads(json.dumps(loaded.mapping))) == loaded.spec
    assert loaded.locate("env", "LR") == (5, 11)


def test_a_byte_order_mark_and_other_line_ends_are_fine(job_file: Path) -> None:
    job_file.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert load_job_file(job_file).locate("env", "LR") == (5, 11)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "nope.yaml"
    error = get_error(path)
    assert (error.message, error.details) == (f"{path}: there is no such file", [])
    assert error.hint == "name a job file, for example: tradewind run job.yaml"


def test_a_folder(tmp_path: Path) -> None:
    assert get_error(tmp_path).message == f"{tmp_path}: is a folder, not a job file"


def test_a_name_no_file_can_have() -> None:
    assert get_error(Path("a\0b")).message == "a\\x00b: cannot be read: embedded null byte"


def test_a_file_that_cannot_be_opened(job_file: Path) -> None:
    path = job_file.parent / "circle.yaml"
    path.symlink_to(path)
    assert get_error(path).message == f"{path}: cannot be read: {os.strerror(errno.ELOOP)}"


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing\n", "---\n", "null\n"])
def test_an_empty_file(job_file: Path, content: str) -> None:
    job_file.write_text(content)
    error = get_error(job_file)
    assert error.message == f"{job_file}: the file is empty"
    assert error.hint is not None
    assert "`version: 1`" in error.hint


def test_a_file_that_is_too_large(job_file: Path) -> None:
    job_file.write_text(TEXT + "#" * MAX_FILE_BYTES)
    assert get_error(job_file).message == f"{job_file}: is larger than 1 MiB, more than a job file can be"
    job_file.write_text(TEXT + "#" * (MAX_FILE_BYTES - len(TEXT)))
    assert load_job_file(job_file).spec.name == "digits"


def test_a_file_that_is_not_utf_8(job_file: Path) -> None:
    job_file.write_bytes(b"version: 1\nname: caf\xe9\n")
    error = get_error(job_file)
    assert error.details == [
        {"where": "", "line": 2, "column": 10, "message": "not UTF-8 text", "hint": "save the file as UTF-8"}
    ]


@pytest.mark.parametrize(("content", "found"), [("- a", "a list"), ("hello", "text"), ("5", "a number")])
def test_a_file_that_is_not_a_mapping(job_file: Path, content: str, found: str) -> None:
    job_file.write_text(content)
    assert get_error(job_file).details[0]["message"] == f"a job is a mapping of keys to values, not {found}"


def test_text_from_elsewhere() -> None:
    loaded = load_job_text(TEXT, "standard input")
    assert (loaded.path, loaded.filename) == (None, "standard input")
    with pytest.raises(InvalidInputError, match="standard input: is larger than 1 MiB"):
        load_job_text("#" * (MAX_FILE_BYTES + 1), "standard input")


def test_the_workdir_starts_at_the_job_file(job_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (job_file.parent / "code").mkdir()
    monkeypatch.chdir("/")
    assert check_workdir(load_job_file(job_file)) == (job_file.parent / "code").resolve()


def test_no_workdir(job_file: Path) -> None:
    job_file.write_text(TEXT.replace("workdir: code\n", ""))
    assert check_workdir(load_job_file(job_file)) is None


def test_the_workdir_of_text_starts_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "code").mkdir()
    monkeypatch.chdir(tmp_path)
    assert check_workdir(load_job_text(TEXT, "text")) == (tmp_path / "code").resolve()


def test_a_workdir_that_is_missing_or_a_file(job_file: Path) -> None:
    loaded = load_job_file(job_file)
    folder = job_file.parent.resolve() / "code"
    with pytest.raises(InvalidInputError) as caught:
        check_workdir(loaded)
    assert caught.value.message == f"{job_file}: 1 problem"
    assert caught.value.details == [
        {
            "where": "workdir",
            "line": 4,
            "column": 10,
            "message": f"the workdir 'code' does not exist: there is no {folder}",
            "hint": "write a folder that exists, relative to the job file; `.` is the folder of the job file",
        }
    ]
    folder.write_text("")
    with pytest.raises(InvalidInputError) as caught:
        check_workdir(loaded)
    assert caught.value.details[0]["message"] == "the workdir 'code' is a file, not a folder"


def test_a_workdir_that_leads_in_a_circle(job_file: Path) -> None:
    (job_file.parent / "code").symlink_to("code")
    with pytest.raises(InvalidInputError) as caught:
        check_workdir(load_job_file(job_file))
    assert str(caught.value.details[0]["message"]).startswith("the workdir 'code' ")


def test_reading_job_files_needs_no_other_room() -> None:
    code = (
        "import sys, tradewind.spec.loading as loading\n"
        "loading.load_job_text('version: 1\\nname: a\\nrun: b', 'x')\n"
        "print(*sorted(m for m in sys.modules if m.startswith('tradewind.')))\n"
        "print(*sorted({m.partition('.')[0] for m in sys.modules} & {'fastapi', 'sqlalchemy', 'rich', 'difflib'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    ours, heavy = done.stdout.splitlines()
    assert {name.split(".")[1] for name in ours.split()} == {"domain", "spec"}
    assert heavy == ""
