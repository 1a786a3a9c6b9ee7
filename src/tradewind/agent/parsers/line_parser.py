"""One stream's lines, through every parser in turn."""

from __future__ import annotations

import re

from .bars import read_bar
from .dictionaries import read_dictionary
from .keras import Keras
from .plain import read_plain
from .reading import Reading
from .ultralytics import Ultralytics

_LONGEST_CHARACTERS = 2000
# Most lines of most programs have none of these: they cost one search.
_WORTH_A_LOOK = re.compile(r"\d")
_MARKS = re.compile(r"(?i)epoch|step|iter|batch|loss|acc|it/s|s/it|[|=:━{]|\bep\b|\d/\d")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]|\x08")


class LineParser:
    """Reads lines of one stream; remembers what later lines do not repeat (an epoch's heading, a table's columns)."""

    def __init__(self) -> None:
        self._keras = Keras()
        self._ultralytics = Ultralytics()
        self._parsers = (self._ultralytics.read, self._keras.read, read_bar, read_dictionary, read_plain)

    def read(self, line: str) -> Reading | None:
        """What the line says, or None. Never raises, and takes a time that is bounded by the line's length."""
        text = line[:_LONGEST_CHARACTERS]
        if "\x1b" in text or "\x08" in text:
            text = _ESCAPES.sub("", text)
        if not _MARKS.search(text) or not (_WORTH_A_LOOK.search(text) or "GPU_mem" in text):
            return None
        for parse in self._parsers:
            reading = parse(text)
            if reading is not None:
                return None if reading.is_empty else reading
        return None
