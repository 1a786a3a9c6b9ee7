"""Reads text that a user names: what is wrong with the file is said in a sentence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tradewind.domain.errors import InvalidInputError

#: Of a table that is read whole. The largest known list of prices has four megabytes.
MAX_TABLE_BYTES: Final = 64 << 20


def read_text(path: Path, most_bytes: int, called: str | None = None) -> str:
    """The text of a file, which errors call by this name where it is not that of the path.

    Raises:
        InvalidInputError: it is not there, cannot be read, is larger than `most_bytes`, or is no UTF-8 text.
    """
    name = called or str(path)
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise InvalidInputError(
            f"{name}: cannot be read: {reason}", hint="name a file that is there"
        ) from None
    if len(content) > most_bytes:
        raise InvalidInputError(f"{name}: is larger than {most_bytes >> 20} MiB", hint="cut it down")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidInputError(f"{name}: line {line} is not UTF-8 text", hint="save it as UTF-8") from None
