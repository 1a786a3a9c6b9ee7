"""Keeping trees of files: whole or not at all, and never outside."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tradewind.storage.artifacts import find_outputs
from tradewind.storage.base import ChangedWhileReadError
from tradewind.storage.disk import DiskStorage


def test_a_file_comes_back_as_it_was(tmp_path: Path) -> None:
    source, storage = tmp_path / "model.pt", DiskStorage(tmp_path / "kept")
    source.write_bytes(os.urandom(3_000_000))
    os.utime(source, ns=(1, 1_700_000_000_123_456_789))
    (kept,) = storage.put("job/1/model", source)
    assert kept.size_bytes == 3_000_000
    assert kept.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    storage.fetch("job/1/model", tmp_path / "again" / "model.pt")
    assert (tmp_path / "again" / "model.pt").read_bytes() == source.read_bytes()
    assert (tmp_path / "again" / "model.pt").stat().st_mtime_ns == 1_700_000_000_123_456_789
    assert b"".join(storage.read("job/1/model", "content")) == source.read_bytes()


def test_a_folder_comes_back_as_it_was(tmp_path: Path) -> None:
    source, storage = tmp_path / "step-10", DiskStorage(tmp_path / "kept")
    (source / "inner").mkdir(parents=True)
    (source / "a").write_text("a")
    (source / "inner" / "b").write_text("b")
    assert [file.path for file in storage.put("k", source)] == ["a", "inner/b"]
    storage.fetch("k", tmp_path / "again")
    assert (tmp_path / "again" / "inner" / "b").read_text() == "b"


def test_a_source_that_changes_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, storage = tmp_path / "model.pt", DiskStorage(tmp_path / "kept")
    source.write_bytes(b"old")
    real_stat = Path.stat

    def meddling_stat(path: Path, **options: bool) -> os.stat_result:
        if path == source and source.read_bytes() == b"old" and (tmp_path / "kept").exists():
            source.write_bytes(b"newer")
        return real_stat(path, **options)

    monkeypatch.setattr(Path, "stat", meddling_stat)
    (tmp_path / "kept").mkdir()
    with pytest.raises(ChangedWhileReadError):
        storage._copy(source, tmp_path / "kept" / "copy", "content")


def test_a_missing_source_leaves_nothing(tmp_path: Path) -> None:
    storage = DiskStorage(tmp_path / "kept")
    with pytest.raises(ChangedWhileReadError):
        storage.put("k", tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        storage.fetch("k", tmp_path / "again")
    assert [path for path in (tmp_path / "kept").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a/../../b", ""])
def test_a_key_cannot_lead_outside(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        DiskStorage(tmp_path / "kept").delete(key)


def test_outputs_are_found_by_pattern(tmp_path: Path) -> None:
    for name in ("out/a.txt", "out/deep/b.txt", "model.pt", "deep/model.pt", "other.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "out" / "link").symlink_to("/etc/passwd")
    assert [str(path) for path in find_outputs(tmp_path, ["out/**"])] == ["out/a.txt", "out/deep/b.txt"]
    assert [str(path) for path in find_outputs(tmp_path, ["*.pt"])] == ["model.pt"]
    assert find_outputs(tmp_path, ["nothing/*"]) == []
