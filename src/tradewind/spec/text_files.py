"""Reads text that a user names: what is wrong with the file is said in a sentence."""

from __future__ import annotations

import os
from pathlib import Path

from tradewind.domain.errors import InvalidInputError


def read_text(path: Path, most_bytes: int) -> str:
    """The text of a file.

    Raises:
        InvalidInputError: it is not there, cannot be read, is larger than `most_bytes`, or is no UTF-8 text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise InvalidInputError(
            f"{path}: cannot be read: {reason}", hint="name a file that is there"
        ) from None
    if len(content) > most_bytes:
        raise InvalidInputError(f"{path}: is larger than {most_bytes >> 20} MiB", hint="cut it down")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidInputError(f"{path}: line {line} is not UTF-8 text", hint="save it as UTF-8") from None
