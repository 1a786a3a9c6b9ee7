"""Packing a workdir: what goes in, what stays out, and always the same archive."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.client.snapshot import pack_workdir
from tradewind.domain.errors import InvalidInputError, TooLargeError


def write(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def packed_files(root: Path, **options: list[str]) -> set[str]:
    with pack_workdir(root, **options) as snapshot, tarfile.open(snapshot.path) as archive:  # type: ignore[arg-type]
        return {member.name for member in archive if not member.isdir()}


def test_the_same_files_give_the_same_archive(tmp_path: Path) -> None:
    files = {"train.py": "print(1)", "lib/a.py": "a", "lib/b.py": "b", "ä ö/ß.txt": "x"}
    first, second = tmp_path / "first", tmp_path / "second"
    write(first, files)
    write(second, dict(reversed(files.items())))
    os.utime(second / "train.py", (1, 1))
    (second / "train.py").chmod(0o600)
    with pack_workdir(first) as one, pack_workdir(second) as two:
        assert one.sha256 == two.sha256
        assert one.path.read_bytes() == two.path.read_bytes()
        assert one.size_bytes == one.path.stat().st_size
        assert (one.file_count, one.content_bytes) == (4, 11)
        with tarfile.open(one.path) as archive:
            assert {(m.uid, m.gid, m.mtime, m.uname) for m in archive} == {(0, 0, 0, "")}
    assert not one.path.exists()


def test_the_executable_bit_and_empty_folders_are_kept(tmp_path: Path) -> None:
    write(tmp_path, {"run.sh": "#!/bin/sh"})
    (tmp_path / "run.sh").chmod(0o740)
    (tmp_path / "out").mkdir()
    with pack_workdir(tmp_path) as snapshot, tarfile.open(snapshot.path) as archive:
        assert [(m.name, oct(m.mode), m.isdir()) for m in archive] == [
            ("out", "0o755", True),
            ("run.sh", "0o755", False),
        ]


def test_ignore_files_nest_and_the_own_one_has_the_last_word(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".gitignore": "*.log\n/data/\nbuild\n",
            ".tradewindignore": "!keep.log\nnotes.txt\n",
            "train.py": "", "keep.log": "", "other.log": "", "notes.txt": "",
            "data/big.bin": "", "sub/data/small.bin": "", "build": "",
            "sub/.gitignore": "!*.log\n/only_here\n",
            "sub/run.log": "", "sub/only_here": "", "sub/deep/only_here": "",
            ".git/config": "", ".venv/x": "", "sub/__pycache__/x.pyc": "", "node_modules/x": "",
        },
    )  # fmt: skip
    assert packed_files(tmp_path) == {
        ".gitignore", ".tradewindignore", "train.py", "keep.log", "sub/data/small.bin",
        "sub/.gitignore", "sub/run.log", "sub/deep/only_here",
    }  # fmt: skip


def test_patterns_of_the_caller_come_first(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "!a.txt\n", "a.txt": "", "b.txt": ""})
    assert packed_files(tmp_path, ignore=["a.txt"]) == {".gitignore", "b.txt"}


NAMES = st.sampled_from(["a", "b", "a.log", "b.log", "d", "e"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PATTERNS = st.lists(
    st.sampled_from(
        [
            "*.log",
            "!a.log",
            "/a",
            "d/",
            "!d/",
            "d/*",
            "!d/a",
            "**/e",
            "e/**",
            "# note",
            "",
            "b",
            "!b",
            "a*",
            "d/e/a",
        ]
    ),
    max_size=4,
).map("\n".join)


@settings(max_examples=100, deadline=None)
@given(st.sets(PATHS, min_size=1, max_size=12), PATTERNS, PATTERNS)
def test_it_ignores_what_git_ignores(
    tmp_path_factory: pytest.TempPathFactory, paths: set[str], top: str, nested: str
) -> None:
    root = tmp_path_factory.mktemp("workdir")
    for path in sorted(paths):
        if not any((root / parent).is_file() for parent in Path(path).parents) and not (root / path).exists():
            write(root, {path: ""})
    write(root, {".gitignore": top})
    if (root / "d").is_dir():
        write(root, {"d/.gitignore": nested})
    git = ["git", "-c", "core.excludesFile=", "-c", "core.quotePath=false", "-C", str(root)]
    subprocess.run([*git, "init", "-q"], check=True, capture_output=True)
    listing = subprocess.run(
        [*git, "ls-files", "--others", "--exclude-standard", "-z"], check=True, capture_output=True, text=True
    )
    assert packed_files(root) == set(filter(None, listing.stdout.split("\0")))


def test_links_inside_are_kept_and_made_relative(tmp_path: Path) -> None:
    root = tmp_path / "work"
    write(root, {"data/a.txt": "x"})
    (root / "near").symlink_to("data/a.txt")
    (root / "folder").symlink_to("data")
    (root / "absolute").symlink_to(root / "data" / "a.txt")
    (root / "data" / "roundabout").symlink_to("../../work/data/a.txt")
    (root / "dangling").symlink_to("not/yet")
    with pack_workdir(root) as snapshot, tarfile.open(snapshot.path) as archive:
        links = {member.name: member.linkname for member in archive if member.issym()}
    assert links == {
        "near": "data/a.txt",
        "folder": "data",
        "absolute": "data/a.txt",
        "data/roundabout": "a.txt",
        "dangling": "not/yet",
    }


def test_links_that_lead_outside_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "work"
    write(tmp_path, {"secret": "x", "work/train.py": ""})
    (root / "leak").symlink_to("../secret")
    (root / "second").symlink_to("leak")
    with pytest.raises(InvalidInputError) as caught:
        pack_workdir(root)
    assert caught.value.message == f"the workdir {root} has 2 links to outside it"
    assert caught.value.causes == (f"{root}/leak -> ../secret", f"{root}/second -> leak")
    assert ".tradewindignore" in str(caught.value.hint)
    write(root, {".tradewindignore": "leak\nsecond\n"})
    assert packed_files(root) == {"train.py", ".tradewindignore"}


def test_too_much_content_names_the_largest_entries(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"data/a.bin": "x" * 3000, "data/b.bin": "x" * 3000, "model.pt": "x" * 2048, "train.py": "x"},
    )
    with pytest.raises(TooLargeError) as caught:
        pack_workdir(tmp_path, limit_bytes=4096)
    error = caught.value
    assert error.message == f"the workdir {tmp_path} holds 7.9 KB in 4 files; the limit is 4.0 KB"
    assert error.causes == ("  5.9 KB  data/", "  2.0 KB  model.pt", "     1 B  train.py")
    assert error.hint == (
        "keep data out with a line such as `/data/` in .tradewindignore,"
        " or raise the limit with TRADEWIND_WORKDIR_LIMIT=1GB"
    )


def test_the_limit_is_read_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a": "x" * 2000})
    monkeypatch.setenv("TRADEWIND_WORKDIR_LIMIT", "1KB")
    with pytest.raises(TooLargeError):
        pack_workdir(tmp_path)
    monkeypatch.setenv("TRADEWIND_WORKDIR_LIMIT", "lots")
    with pytest.raises(InvalidInputError, match="TRADEWIND_WORKDIR_LIMIT: 'lots' is not a size"):
        pack_workdir(tmp_path)


def test_pipes_are_passed_over_and_do_not_block(tmp_path: Path) -> None:
    write(tmp_path, {"a": ""})
    os.mkfifo(tmp_path / "pipe")
    assert packed_files(tmp_path) == {"a"}


def test_progress_reaches_the_whole(tmp_path: Path) -> None:
    write(tmp_path, {"a": "12", "b": "345"})
    seen: list[tuple[int, int]] = []
    with pack_workdir(tmp_path, on_progress=lambda done, total: seen.append((done, total))):
        assert seen == [(2, 5), (5, 5)]


def test_a_file_that_shrinks_is_said_clearly(tmp_path: Path) -> None:
    write(tmp_path, {"a": "first", "b": "x" * 100_000})
    with pytest.raises(InvalidInputError, match="b became shorter while it was packed"):
        pack_workdir(tmp_path, on_progress=lambda *_: os.truncate(tmp_path / "b", 10))


def test_an_unreadable_file_is_said_clearly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a": "x"})

    def refuse(path: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InvalidInputError, match="a cannot be packed") as caught:
        pack_workdir(tmp_path)
    assert caught.value.causes == ("Permission denied",)
