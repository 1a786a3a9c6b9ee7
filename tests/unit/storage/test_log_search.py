"""A search among lines: every match once, in order, whatever the pieces the file is read in."""

from __future__ import annotations

import random
import re
import struct
from array import array
from pathlib import Path
from typing import Any

import pytest

from tradewind.storage import log_scan, log_search
from tradewind.storage.log_lines import LogReader
from tradewind.storage.log_search import LogSearch, Matches, Query
from tradewind.storage.log_text import ERROR_WORDS, ERRORS
from tradewind.storage.logs import AttemptLogs


def _write(tmp_path: Path, stream: str, lines: list[str], at_s: float | None = None) -> None:
    folder = tmp_path / "logs"
    folder.mkdir(exist_ok=True)
    path = folder / f"{stream}.log"
    with path.open("ab") as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
    if at_s is not None:
        data = path.read_bytes()
        with path.with_suffix(".idx").open("ab") as index:
            index.write(struct.pack("<QQQ", len(data), data.count(b"\n"), int(at_s * 1000)))


def _found(tmp_path: Path, query: Query, stream: str = "stdout", **dropped: list[list[int]]) -> list[int]:
    logs, reader = AttemptLogs(tmp_path, dropped or None), LogReader()
    stretches = reader.stretches(logs, stream)  # type: ignore[arg-type]
    return LogSearch(reader).search(logs, stretches, query).after(-1, 10_000)[1]


@pytest.mark.parametrize("chunk", [7, 64, 1 << 22])
def test_every_match_is_found_once_however_the_file_is_read(
    tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_scan, "_CHUNK_BYTES", chunk)
    chance = random.Random(4)
    lines = ["".join(chance.choices("ab \t", k=chance.randrange(9))) for _ in range(400)]
    lines.append("no end")
    data = "\n".join(lines).encode()
    path = tmp_path / "x.log"
    path.write_bytes(data)
    for pattern in (rb"a", rb"ab", rb"^b", rb"a$", rb"a b", rb"^$", rb"b+ ?a"):
        compiled = b"(?m:" + pattern + b")"
        found = log_scan.scan(str(path), [[0, len(data), 0]], [compiled])
        assert list(found) == [
            number for number, line in enumerate(lines) if re.search(compiled, line.encode())
        ], pattern


@pytest.mark.parametrize("chunk", [7, 64, 1 << 22])
def test_words_find_the_same_lines(tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_scan, "_CHUNK_BYTES", chunk)
    chance = random.Random(5)
    words = [
        "Killed",
        "skilled",
        "ERROR",
        "ValueError",
        "terror",
        "Fatal",
        "CUDA error",
        "NCCL WARN",
        "fine",
        "outofmemory",
    ]
    lines = [" ".join(chance.choices(words, k=chance.randrange(3))) for _ in range(300)]
    path = tmp_path / "x.log"
    path.write_text("\n".join([*lines, "error"]))
    part = [[0, path.stat().st_size, 0]]
    slow = log_scan.scan(str(path), part, [ERRORS])
    assert log_scan.scan(str(path), part, [ERRORS], ERROR_WORDS) == slow
    assert len(slow) > 50


def test_a_text_is_found_as_it_is_written(tmp_path: Path) -> None:
    _write(tmp_path, "stdout", ["Loss (1.0)", "loss [1.0]", "nothing", "LOSS (1.0)?"])
    assert _found(tmp_path, Query(text="loss (1.0)")) == [0, 3]
    assert _found(tmp_path, Query(text="LOSS", is_case_sensitive=True)) == [3]
    assert _found(tmp_path, Query(text=r"loss .1\.\d", is_regex=True)) == [0, 1, 3]
    assert _found(tmp_path, Query(text="^loss", is_regex=True, is_case_sensitive=True)) == [1]


def test_errors_only_and_a_text_must_both_be_there(tmp_path: Path) -> None:
    _write(tmp_path, "stdout", ["error in rank 1", "error in rank 2", "rank 2 is fine", "ValueError: rank 2"])
    assert _found(tmp_path, Query(errors_only=True)) == [0, 1, 3]
    assert _found(tmp_path, Query(text="rank 2", errors_only=True)) == [1, 3]


def test_matches_of_all_streams_have_the_numbers_of_the_whole(tmp_path: Path) -> None:
    _write(tmp_path, "setup", ["x", "-"], 1)
    _write(tmp_path, "stdout", ["x", "-"], 10)
    _write(tmp_path, "stderr", ["-", "x"], 11)
    _write(tmp_path, "stdout", ["x"], 12)
    assert _found(tmp_path, Query(text="x"), "all") == [0, 2, 5, 6]


def test_dropped_bytes_are_not_searched_and_numbers_stay(tmp_path: Path) -> None:
    lines = [f"line {number:04d}" for number in range(100)]
    for number, line in enumerate(lines):
        _write(tmp_path, "stdout", [line], number)
    # Ten bytes each: those from 20 to 59 are gone.
    assert _found(tmp_path, Query(text="5"), stdout=[[200, 600]]) == [
        number for number in range(100) if "5" in lines[number] and not 20 <= number < 60
    ]


def test_what_is_no_expression_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, "stdout", ["a"])
    with pytest.raises(ValueError, match="unterminated"):
        _found(tmp_path, Query(text="[", is_regex=True))


def test_an_expression_that_takes_for_ever_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_search, "TIME_LIMIT_S", 0.5)
    _write(tmp_path, "stdout", ["a" * 60 + "b"])
    with pytest.raises(TimeoutError):
        _found(tmp_path, Query(text="(a+)+$", is_regex=True))


def test_what_was_found_is_kept_until_the_file_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path, "stdout", ["x"])
    logs, reader = AttemptLogs(tmp_path), LogReader()
    search, calls = LogSearch(reader), []
    real = log_scan.scan

    def counted(*given: Any) -> array[int]:
        calls.append(1)
        return real(*given)

    monkeypatch.setattr(log_search, "scan", counted)
    for _ in range(3):
        assert len(search.search(logs, reader.stretches(logs, "stdout"), Query(text="x"))) == 1
    assert len(calls) == 1
    _write(tmp_path, "stdout", ["x"])
    assert len(search.search(logs, reader.stretches(logs, "stdout"), Query(text="x"))) == 2


def test_pages_of_matches_go_both_ways() -> None:
    matches = Matches(array("Q", [3, 5, 8, 13]))
    assert matches.after(-1, 2) == (0, [3, 5])
    assert matches.after(5, 9) == (2, [8, 13])
    assert matches.after(13, 9) == (4, [])
    assert matches.before(13, 2) == (1, [5, 8])
    assert matches.before(4, 9) == (0, [3])
    assert matches.from_place(2, 9) == (2, [8, 13])
    assert matches.from_place(-3, 2) == (1, [5, 8])
    assert matches.from_place(9, 2) == (9, [])
