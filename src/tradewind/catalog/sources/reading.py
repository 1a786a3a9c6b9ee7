"""Reads a file that a user names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tradewind.domain.errors import InvalidInputError

#: SkyPilot's largest list has four megabytes.
MAX_FILE_BYTES: Final = 64 << 20


def read_text_file(path: Path, filename: str) -> str:
    """The text of a file; `filename` is what errors call it.

    Raises:
        InvalidInputError: it is not there, cannot be read, is larger than 64 MiB, or is no UTF-8 text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise InvalidInputError(
            f"{filename}: cannot be read: {reason}", hint="name a file with prices"
        ) from None
    if len(content) > MAX_FILE_BYTES:
        raise InvalidInputError(f"{filename}: is larger than {MAX_FILE_BYTES >> 20} MiB", hint="split it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidInputError(
            f"{filename}: line {line} is not UTF-8 text", hint="save the file as UTF-8"
        ) from None
