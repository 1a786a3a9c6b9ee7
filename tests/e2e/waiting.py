"""Waiting for a condition, never for time to pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_BETWEEN_LOOKS_S = 0.03


def eventually(what: str, look: Callable[[], T], *, timeout_s: float = 30.0) -> T:
    """The first true answer of `look`. Fails, saying what was awaited and last seen, when the deadline passes."""
    deadline = time.monotonic() + timeout_s
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what} (last seen: {seen!r})")
        time.sleep(_BETWEEN_LOOKS_S)
