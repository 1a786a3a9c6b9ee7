"""Reading logs that the agent cut at their cap, before anybody has heard of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tradewind.agent.log_cap import punch_hole
from tradewind.storage.logs import AttemptLogs

_BLOCK = 4096


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An attempt whose standard output is ten blocks, of which the third to the sixth were given back."""
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs" / "stdout.log"
    log.write_bytes(b"x" * (10 * _BLOCK))
    descriptor = os.open(log, os.O_RDWR)
    try:
        punch_hole(descriptor, 2 * _BLOCK, 4 * _BLOCK)
    except OSError as error:
        pytest.skip(f"this file system makes no holes: {error}")
    finally:
        os.close(descriptor)
    return tmp_path


def test_a_hole_that_nobody_told_of_is_dropped_bytes_and_not_zeros(directory: Path) -> None:
    logs = AttemptLogs(directory, None, cap_bytes=6 * _BLOCK)
    first = logs.read("stdout", 100, 1 << 20)
    assert (first.end, first.data, first.dropped) == (2 * _BLOCK, b"x" * (2 * _BLOCK - 100), 0)
    hole = logs.read("stdout", first.end, 1 << 20)
    assert (hole.end, hole.data, hole.dropped) == (6 * _BLOCK, b"", 4 * _BLOCK)
    rest = logs.read("stdout", hole.end, 1 << 20)
    assert (rest.end, rest.data) == (10 * _BLOCK, b"x" * (4 * _BLOCK))
    end = logs.read("stdout", rest.end, 1 << 20)
    assert (end.end, end.data, end.dropped) == (rest.end, b"", 0)


def test_below_the_cap_zeros_are_what_was_written(directory: Path) -> None:
    logs = AttemptLogs(directory, None, cap_bytes=10 * _BLOCK)
    piece = logs.read("stdout", 0, 1 << 20)
    assert piece.data == (directory / "logs" / "stdout.log").read_bytes()
