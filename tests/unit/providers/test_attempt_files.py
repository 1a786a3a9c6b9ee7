"""Reading an agent's files, which lie within the reach of the job they tell of."""

from __future__ import annotations

from pathlib import Path

from tradewind.providers.attempt_files import RECORDS_PER_LOOK_BYTES, read_exit, read_records


def _read_all(path: Path) -> list[dict[str, object]]:
    found, cursor, more = read_records(path, 0)
    for _ in range(10):
        if not more:
            return found
        records, cursor, more = read_records(path, cursor)
        found += records
    raise AssertionError(f"still at {cursor} of {path.stat().st_size} bytes")


def test_records_are_read_up_to_the_last_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": 2}\n{"n": ')
    assert read_records(path, 0) == ([{"n": 1}, {"n": 2}], 18, False)
    assert read_records(tmp_path / "none", 5) == ([], 5, False)


def test_a_line_without_end_does_not_hold_up_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"n": 1}\n' + b"x" * (3 * RECORDS_PER_LOOK_BYTES) + b'\n{"n": 2}\n')
    assert _read_all(path) == [{"n": 1}, {"n": 2}]


def test_what_is_no_record_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"[" * 200_000 + b'\n\xff\xfe\n[1]\n{"n": 2}\n')
    assert _read_all(path) == [{"n": 2}]


def test_half_characters_become_ones_that_can_be_stored(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"m": "a\\udce9"}\n{"m": "\xed\xa0\x80"}\n{"m": "\\ud83d\\ude00"}\n')
    messages = [str(record["m"]) for record in _read_all(path)]
    assert messages == ["a?", "?", "\N{GRINNING FACE}"]
    (tmp_path / "exit.json").write_bytes(b'{"reason": "exited", "message": "caf\\udce9", "ended_at": 1}')
    exit_ = read_exit(tmp_path)
    assert exit_ is not None
    assert exit_.message == "caf?"
