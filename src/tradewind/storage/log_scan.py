"""Finds lines in a log file. Standard library only: it also runs as a script of its own, where a pattern is a user's.

A regular expression can take for ever, and Python cannot interrupt one: such a search has a process that can be ended.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_CHUNK_BYTES = 1 << 22
#: Bytes of one line that are looked at.
_LINE_BYTES = 1 << 16


def scan(path: str, parts: list[list[int]], patterns: list[bytes], words: Sequence[bytes] = ()) -> array[int]:
    """The numbers of lines in which every pattern is found.

    `parts` are stretches of the file that are there: offset, end, and the number of the line that begins at the offset.
    Where `words` are given (in small letters) a line that matches has one of them in it, in whatever letters: to look
    for words takes a tenth of the time that an expression of many branches does.
    """
    compiled = [re.compile(each) for each in patterns]
    found: array[int] = array("Q")
    with open(path, "rb") as file:  # noqa: PTH123
        for offset, end, line in parts:
            file.seek(offset)
            carry = b""
            while offset < end:
                data = file.read(min(_CHUNK_BYTES, end - offset))
                if not data:
                    break
                offset += len(data)
                data = carry + data
                cut = len(data) if offset >= end else data.rfind(b"\n") + 1
                # Without a line break in sight the line is looked at in pieces.
                carry = data[cut:] if cut else data[-_LINE_BYTES:]
                if words:
                    line = _scan_words(data[:cut], line, words, compiled, found)
                else:
                    line = _scan_lines(data[:cut], line, compiled[0], compiled[1:], found)
    return found


def _scan_lines(
    data: bytes, line: int, first: re.Pattern[bytes], others: list[re.Pattern[bytes]], found: array[int]
) -> int:
    """Appends the numbers of matching lines; the number of the line behind the data."""
    # Behind the last line break there is no line, though an expression may take it for an empty one.
    end = len(data) - data.endswith(b"\n")
    last = line + data.count(b"\n")
    position = 0
    while position <= end and data and (match := first.search(data, position, end)) is not None:
        begin = data.rfind(b"\n", 0, match.start()) + 1
        stop = data.find(b"\n", match.start(), end)
        stop = end if stop < 0 else stop
        line += data.count(b"\n", position, begin)
        text = data[begin : min(stop, begin + _LINE_BYTES)]
        if (match.end() <= stop or first.search(text)) and all(each.search(text) for each in others):
            found.append(line)
        position, line = stop + 1, line + 1
    return last


def _scan_words(
    data: bytes, line: int, words: Sequence[bytes], patterns: list[re.Pattern[bytes]], found: array[int]
) -> int:
    """The same for lines that have one of these words."""
    small = data.lower()
    begins: set[int] = set()
    for word in words:
        position = 0
        while (at := small.find(word, position)) >= 0:
            begins.add(small.rfind(b"\n", 0, at) + 1)
            stop = small.find(b"\n", at)
            if stop < 0:
                break
            position = stop + 1
    last, position = line + data.count(b"\n"), 0
    for begin in sorted(begins):
        line += data.count(b"\n", position, begin)
        position = begin
        stop = data.find(b"\n", begin)
        text = data[begin : min(stop if stop >= 0 else len(data), begin + _LINE_BYTES)]
        if all(each.search(text) for each in patterns):
            found.append(line)
    return last


def scan_apart(path: Path, parts: list[list[int]], patterns: list[bytes], limit_s: float) -> array[int]:
    """The same in a process of its own. Raises TimeoutError, or ValueError for a pattern that is none."""
    order = {"path": str(path), "parts": parts, "patterns": [each.decode() for each in patterns]}
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", __file__],
            input=json.dumps(order).encode(),
            capture_output=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    if done.returncode != 0:
        raise ValueError(done.stderr.decode(errors="replace").strip().rpartition("\n")[2])
    found: array[int] = array("Q")
    found.frombytes(done.stdout)
    return found


def _main() -> None:
    order: Any = json.loads(sys.stdin.buffer.read())
    found = scan(order["path"], order["parts"], [each.encode() for each in order["patterns"]])
    sys.stdout.buffer.write(found.tobytes())


if __name__ == "__main__":
    _main()
