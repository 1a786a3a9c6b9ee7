"""Reading logs: from any offset, by lines, by time, around holes, without cutting characters."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tradewind.storage.logs import AttemptLogs, whole_characters


def _logs(
    root: Path, data: bytes, index: list[tuple[int, int, int]] | None = None, **dropped: list[list[int]]
) -> AttemptLogs:
    (root / "logs").mkdir(parents=True, exist_ok=True)
    (root / "logs" / "stdout.log").write_bytes(data)
    (root / "logs" / "stdout.idx").write_bytes(b"".join(struct.pack("<QQQ", *entry) for entry in index or []))
    return AttemptLogs(root, dropped)


def test_pieces_join_to_the_whole(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10
    logs, offset, joined = _logs(tmp_path, data), 0, b""
    while (piece := logs.read("stdout", offset, 100)).data:
        joined += piece.data
        offset = piece.end
    assert joined == data
    assert logs.read("stderr", 0, 100).data == b""


def test_dropped_ranges_are_said_and_skipped(tmp_path: Path) -> None:
    logs = _logs(tmp_path, b"a" * 10 + b"\0" * 20 + b"b" * 10, stdout=[[10, 30]])
    first = logs.read("stdout", 0, 100)
    hole = logs.read("stdout", first.end, 100)
    last = logs.read("stdout", hole.end, 100)
    assert (first.data, hole.dropped, hole.data, last.data) == (b"a" * 10, 20, b"", b"b" * 10)
    assert logs.tail_offset("stdout", 100) == 30


@given(
    st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=40),
    st.integers(0, 50),
)
def test_the_tail_is_the_last_lines(tmp_path_factory: object, lines: list[bytes], count: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        data = b"".join(line + b"\n" for line in lines)
        logs = _logs(Path(folder), data)
        tail = data[logs.tail_offset("stdout", count) :]
        assert tail == b"".join(line + b"\n" for line in (lines[-count:] if count else []))


def test_a_tail_over_many_blocks(tmp_path: Path) -> None:
    lines = [b"x" * 1000 + b"%d\n" % number for number in range(500)]
    logs = _logs(tmp_path, b"".join(lines))
    assert b"".join(lines)[logs.tail_offset("stdout", 300) :] == b"".join(lines[-300:])


def test_times_come_from_the_index(tmp_path: Path) -> None:
    logs = _logs(tmp_path, b"x" * 30, [(10, 1, 1000), (20, 2, 2000), (30, 3, 3000)])
    assert logs.time_at("stdout", 0) == datetime.fromtimestamp(1, UTC)
    assert logs.time_at("stdout", 10) == datetime.fromtimestamp(2, UTC)
    assert logs.time_at("stdout", 29) == datetime.fromtimestamp(3, UTC)
    assert logs.time_at("stdout", 30) is None
    assert logs.offset_since("stdout", datetime.fromtimestamp(2, UTC)) == 10
    assert logs.offset_since("stdout", datetime.fromtimestamp(9, UTC)) == 30
    assert logs.time_at("stderr", 0) is None


@given(st.text(max_size=50), st.integers(0, 60))
def test_no_character_is_cut(text: str, cut: int) -> None:
    data = text.encode()[:cut]
    length = whole_characters(data)
    assert len(data) - length <= 3
    data[:length].decode("utf-8")


@given(st.binary(max_size=50))
def test_garbage_never_blocks_more_than_three_bytes(data: bytes) -> None:
    assert len(data) - 3 <= whole_characters(data) <= len(data)
