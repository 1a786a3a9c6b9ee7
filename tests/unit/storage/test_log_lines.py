"""Lines by number: of one stream and of all, live, with holes, with progress bars and control sequences."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from tradewind.storage.log_index import STRIDE, LineIndex
from tradewind.storage.log_lines import LogReader
from tradewind.storage.log_text import HEAD_BYTES
from tradewind.storage.logs import AttemptLogs

_RECORD = struct.Struct("<QQQ")


class Writer:
    """Writes a stream as a process and the agent do: bytes, and now and then a note of how far it has grown."""

    def __init__(self, folder: Path, stream: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{stream}.log"
        self.data = b""

    def write(self, text: str | bytes, at_s: float | None = None) -> None:
        data = text.encode() if isinstance(text, str) else text
        self.data += data
        with self._path.open("ab") as file:
            file.write(data)
        if at_s is not None:
            with self._path.with_suffix(".idx").open("ab") as index:
                index.write(_RECORD.pack(len(self.data), self.data.count(b"\n"), int(at_s * 1000)))


@pytest.fixture
def logs(tmp_path: Path) -> AttemptLogs:
    return AttemptLogs(tmp_path)


@pytest.fixture
def out(tmp_path: Path) -> Writer:
    return Writer(tmp_path / "logs", "stdout")


@pytest.fixture
def err(tmp_path: Path) -> Writer:
    return Writer(tmp_path / "logs", "stderr")


def _texts(
    logs: AttemptLogs, stream: str, start: int = 0, limit: int = 100, reader: LogReader | None = None
) -> list[str]:
    reader = reader or LogReader()
    stretches = reader.stretches(logs, stream)  # type: ignore[arg-type]
    return [each.text for each in reader.read(logs, stretches, start, limit)]


def test_any_line_is_found_by_its_number(logs: AttemptLogs, out: Writer) -> None:
    out.write("".join(f"line {number}\n" for number in range(5 * STRIDE + 7)))
    reader = LogReader()
    stretches = reader.stretches(logs, "stdout")
    for start in (0, 1, STRIDE - 1, STRIDE, STRIDE + 1, 3 * STRIDE + 500, 5 * STRIDE + 5):
        lines = reader.read(logs, stretches, start, 3)
        assert [(each.number, each.text) for each in lines] == [
            (number, f"line {number}") for number in range(start, min(start + 3, 5 * STRIDE + 7))
        ]
    assert reader.read(logs, stretches, 5 * STRIDE + 7, 3) == []


@pytest.mark.parametrize("pieces", [1, 2, 7, 1000, 5003])
def test_the_index_is_the_same_however_the_file_has_grown(tmp_path: Path, pieces: int) -> None:
    data = b"".join(b"x" * (number % 13) + b"\n" for number in range(3 * STRIDE + 11)) + b"no end"
    out, logs, index = Writer(tmp_path / "logs", "stdout"), AttemptLogs(tmp_path), LineIndex()
    for position in range(0, len(data), -(-len(data) // pieces)):
        out.write(data[position : position + -(-len(data) // pieces)])
        index.follow(logs, "stdout")
    assert index.total == 3 * STRIDE + 12
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for number in (0, STRIDE, 2 * STRIDE, 3 * STRIDE + 11):
        known, offset = index.anchor(number)
        assert number - known < STRIDE
        assert offset == starts[known]


def test_a_line_that_has_not_ended_is_shown_and_goes_on(logs: AttemptLogs, out: Writer) -> None:
    reader = LogReader()
    out.write("one\ntw")
    assert _texts(logs, "stdout", reader=reader) == ["one", "tw"]
    out.write("o\nthree\n")
    assert _texts(logs, "stdout", reader=reader) == ["one", "two", "three"]


def test_all_has_setup_first_and_then_the_others_by_time(
    tmp_path: Path, logs: AttemptLogs, out: Writer, err: Writer
) -> None:
    Writer(tmp_path / "logs", "setup").write("installing\n", 1)
    out.write("a\nb\n", 10)
    err.write("warning: c\n", 11)
    out.write("d\n", 12)
    err.write("e\nf\n", 13)
    reader = LogReader()
    assert _texts(logs, "all", reader=reader) == ["installing", "a", "b", "warning: c", "d", "e", "f"]
    assert _texts(logs, "all", start=3, limit=2, reader=reader) == ["warning: c", "d"]
    lines = reader.read(logs, reader.stretches(logs, "all"), 0, 100)
    assert [(each.number, each.stream, each.number_in_stream, each.at_ms) for each in lines[2:5]] == [
        (2, "stdout", 1, 10_000),
        (3, "stderr", 0, 11_000),
        (4, "stdout", 2, 12_000),
    ]


def test_numbers_in_all_stay_what_they_are_as_more_comes(logs: AttemptLogs, out: Writer, err: Writer) -> None:
    reader = LogReader()
    out.write("a\n", 10)
    err.write("b\n", 20)
    assert _texts(logs, "all", reader=reader) == ["a", "b"]
    # What was brought late bears an earlier time: it is put behind all the same.
    out.write("late\n", 15)
    err.write("c\n", 30)
    assert _texts(logs, "all", reader=reader) == ["a", "b", "late", "c"]


def test_what_the_agent_has_not_noted_yet_is_at_the_end(logs: AttemptLogs, out: Writer, err: Writer) -> None:
    out.write("a\n", 10)
    err.write("unnoted\n")
    out.write("b\nhalf", 11)
    assert _texts(logs, "all") == ["a", "b", "half", "unnoted"]


def test_progress_bars_and_colours(logs: AttemptLogs, out: Writer) -> None:
    out.write("\x1b[31;1mred\x1b[0m and \x1b]8;;http://x\x07link\x1b]8;;\x07\n")
    out.write(b"  0%|   | 0/9\r 50%|#  | 4/9\r100%|###| 9/9\r\n")
    out.write(b"bell\x07 tab\there \xff\xfe nul\x00\n")
    assert _texts(logs, "stdout") == ["red and link", "100%|###| 9/9", "bell tab\there \ufffd\ufffd nul"]


def test_a_line_without_end_takes_no_memory_and_shows_its_last_state(logs: AttemptLogs, out: Writer) -> None:
    out.write(b"".join(b"\rstep %d of many" % number for number in range(200_000)) + b"\nnext\n")
    out.write(b"y" * 3_000_000 + b"\nlast\n")
    reader = LogReader()
    lines = reader.read(logs, reader.stretches(logs, "stdout"), 0, 10)
    assert [each.text[:30] for each in lines] == ["step 199999 of many", "next", "y" * 30, "last"]
    assert [each.is_cut for each in lines] == [False, False, True, False]
    assert len(lines[2].text) <= HEAD_BYTES


def test_dropped_lines_keep_their_numbers(tmp_path: Path) -> None:
    out = Writer(tmp_path / "logs", "stdout")
    for number in range(3000):
        out.write(f"line {number}\n", number)
    offset = [0]
    for line in out.data.splitlines(keepends=True):
        offset.append(offset[-1] + len(line))
    logs = AttemptLogs(tmp_path, {"stdout": [[offset[1000], offset[2500]]]})
    reader = LogReader()
    stretches = reader.stretches(logs, "stdout")
    lines = reader.read(logs, stretches, 998, 4)
    assert [(each.number, each.text, each.is_dropped) for each in lines] == [
        (998, "line 998", False),
        (999, "line 999", False),
        (1000, "", True),
        (1001, "", True),
    ]
    assert [each.text for each in reader.read(logs, stretches, 2499, 3)] == ["", "line 2500", "line 2501"]
    assert stretches[0].count == 3000


def test_lines_that_are_dropped_after_they_were_counted(tmp_path: Path) -> None:
    out = Writer(tmp_path / "logs", "stdout")
    out.write("".join(f"line {number}\n" for number in range(3000)), 1)
    reader = LogReader()
    reader.stretches(AttemptLogs(tmp_path), "stdout")
    logs = AttemptLogs(tmp_path, {"stdout": [[0, 15_000]]})
    lines = reader.read(logs, reader.stretches(logs, "stdout"), 10, 3)
    assert [(each.number, each.is_dropped) for each in lines] == [(10, True), (11, True), (12, True)]


def test_a_stream_that_is_not_there_has_no_lines(logs: AttemptLogs) -> None:
    assert _texts(logs, "stdout") == []
    assert _texts(logs, "all") == []


def test_lines_that_sound_like_errors(logs: AttemptLogs, out: Writer) -> None:
    for text in (
        "torch.OutOfMemoryError: CUDA out of memory",
        "FutureWarning: old",
        "terror in errorbars",
        "loss 0.1",
    ):
        out.write(text + "\n")
    reader = LogReader()
    lines = reader.read(logs, reader.stretches(logs, "stdout"), 0, 9)
    assert [each.level for each in lines] == ["error", "warning", None, None]


def test_an_index_file_that_ends_in_the_middle_of_a_record(
    logs: AttemptLogs, out: Writer, tmp_path: Path
) -> None:
    out.write("a\n", 10)
    with (tmp_path / "logs" / "stdout.idx").open("ab") as file:
        file.write(os.urandom(5))
    assert _texts(logs, "all") == ["a"]
