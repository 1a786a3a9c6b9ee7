"""Finds lines in an attempt's logs, and remembers for a while what was found."""

from __future__ import annotations

import re
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from tradewind.storage.log_lines import LogReader, Stretch
from tradewind.storage.log_scan import scan, scan_apart
from tradewind.storage.log_text import ERROR_WORDS, ERRORS
from tradewind.storage.logs import AttemptLogs

#: A user's own pattern that has not gone through the file by then is given up.
TIME_LIMIT_S: Final = 10.0
_KEPT: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for: a text, or a regular expression; `errors_only`: lines that sound like an error."""

    text: str = ""
    is_regex: bool = False
    is_case_sensitive: bool = False
    errors_only: bool = False

    def patterns(self) -> list[bytes]:
        """Expressions that a line must all match. Raises ValueError for what is no regular expression."""
        found: list[bytes] = []
        if self.text:
            text = self.text if self.is_regex else re.escape(self.text)
            pattern = f"(?{'m' if self.is_case_sensitive else 'im'}:{text})".encode()
            try:
                re.compile(pattern)
            except (re.error, RecursionError, OverflowError) as error:
                raise ValueError(str(error)) from None
            found.append(pattern)
        if self.errors_only:
            found.append(ERRORS)
        return found

    def words(self) -> tuple[bytes, ...]:
        """Words of which every matching line has one, in small letters."""
        if self.text and not self.is_regex:
            # Only ASCII letters have another case for an expression on bytes.
            return (self.text.encode().lower(),)
        return ERROR_WORDS


class Matches:
    """Numbers of matching lines, in order."""

    def __init__(self, numbers: array[int]) -> None:
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def after(self, number: int, limit: int) -> tuple[int, list[int]]:
        """At most `limit` matches behind this line, and how many come before the first of them."""
        place = bisect_right(self._numbers, number)
        return place, list(self._numbers[place : place + limit])

    def from_place(self, place: int, limit: int) -> tuple[int, list[int]]:
        """At most `limit` matches from the one at this place on; a negative place counts from the end."""
        first = max(len(self) + place, 0) if place < 0 else place
        return first, list(self._numbers[first : first + limit])

    def before(self, number: int, limit: int) -> tuple[int, list[int]]:
        """The last matches before this line, and how many come before the first of them."""
        end = bisect_left(self._numbers, number)
        place = max(end - limit, 0)
        return place, list(self._numbers[place:end])


class LogSearch:
    """Searches; what was found in a file is kept until the file grows."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple[str, str, int, Query], array[int]] = OrderedDict()

    def search(self, logs: AttemptLogs, stretches: list[Stretch], query: Query) -> Matches:
        """Numbers of the lines of these stretches that match.

        Raises:
            ValueError: the pattern is no regular expression.
            TimeoutError: it took too long.
        """
        by_stream = {each.stream: self._in_stream(logs, each.stream, query) for each in stretches}
        if len(stretches) == 1 and stretches[0].position == stretches[0].first:
            return Matches(by_stream[stretches[0].stream])
        numbers: array[int] = array("Q")
        for each in stretches:
            found = by_stream[each.stream]
            low = bisect_left(found, each.first)
            high = bisect_left(found, each.first + each.count)
            shift = each.position - each.first
            numbers.extend(line + shift for line in found[low:high])
        return Matches(numbers)

    def _in_stream(self, logs: AttemptLogs, stream: str, query: Query) -> array[int]:
        index = self._reader.indexes.of(logs, stream)
        end = index.scanned_bytes
        path = logs.path_of(stream)
        key = (str(path), stream, end, query)
        with self._lock:
            known = self._found.get(key)
            if known is not None:
                self._found.move_to_end(key)
                return known
        patterns = query.patterns()
        parts = index.parts(end)
        if query.text and query.is_regex:
            found = scan_apart(path, parts, patterns, TIME_LIMIT_S)
        else:
            found = scan(str(path), parts, patterns, query.words()) if path.exists() else array("Q")
        with self._lock:
            self._found[key] = found
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return found
