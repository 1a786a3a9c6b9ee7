"""Lines of logs as they travel: by number, from 0, in one stream or in all of them by their times."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from tradewind.domain.schemas import Answer

LogStream = Literal["all", "setup", "stdout", "stderr"]


class LogLine(Answer):
    """One line, without control characters; of a progress bar its last state."""

    number: int
    stream: Literal["setup", "stdout", "stderr"]
    number_in_stream: int
    at: datetime | None = None
    text: str
    #: It sounds like one.
    level: Literal["error", "warning"] | None = None
    #: It is longer than what is shown; a download has all of it.
    is_cut: bool = False
    #: It was thrown away when the log cap was reached; the text is empty.
    is_dropped: bool = False


class LogStreamView(Answer):
    """One of the streams that can be asked for."""

    id: LogStream
    label: str
    lines: int
    size_bytes: int


class LogLines(Answer):
    """Lines from `start` on. `total` grows while the attempt runs; numbers stay what they are."""

    job: str
    #: 0: no attempt has begun.
    attempt: int
    rank: int = 0
    stream: LogStream
    start: int
    total: int
    lines: list[LogLine]
    streams: list[LogStreamView]
    #: Nothing will be added.
    is_complete: bool
    #: What became of the logs: they come in, they are kept, some were dropped.
    note: str


class LogMatches(Answer):
    """Lines that match, in their order."""

    job: str
    attempt: int
    stream: LogStream
    #: Of how many lines.
    total: int
    matched: int
    #: How many matches come before the first one here.
    skipped: int
    lines: list[LogLine]
    #: `3 of 1,204 lines match`.
    text: str
