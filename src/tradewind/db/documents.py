"""What columns of JSON are written and read with: the same values, in less than half of the time that `json` takes."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json


def dump_document(value: Any) -> str:
    """JSON in ASCII, escaped as `json` does: searches look for words in it. So are halves of surrogate pairs."""
    try:
        written = to_json(value, inf_nan_mode="constants", ensure_ascii=True).decode()
        # The one sign that the two do not escape alike.
        return written.replace("\x7f", "\\u007f")
    except (PydanticSerializationError, UnicodeError):
        return json.dumps(value)


def load_document(text: str | bytes) -> Any:
    """What was dumped."""
    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)
