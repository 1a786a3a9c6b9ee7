"""One fault in a job file, and the error that lists all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from tradewind.domain.errors import InvalidInputError, NotSupportedError

#: Keys and list positions that lead to a value.
KeyPath: TypeAlias = tuple[str | int, ...]
#: Line and column, both from 1.
Position: TypeAlias = tuple[int, int]
#: Gives the position of a value, or of the key in front of it; of what is around it where it is not in the file.
Locate: TypeAlias = Callable[[KeyPath, bool], Position | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something wrong at one place of a job file."""

    path: KeyPath = ()
    message: str
    hint: str | None = None
    #: The key itself is wrong, not its value.
    is_key: bool = False
    is_unsupported: bool = False
    #: Known for faults of the YAML itself; otherwise found through the path.
    position: Position | None = None


def format_path(path: KeyPath) -> str:
    """`resources.accelerators[1]`; keys that could not be printed safely are escaped and cut."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (shorten(part) or '""')
    return text


def shorten(text: str, limit: int = 80) -> str:
    """Text that fits into a message: no control characters, no more than so many."""
    if len(text) > limit:
        text = f"{text[: limit - 1]}…"
    return text if text.isprintable() else repr(text)[1:-1]


def make_error(faults: Iterable[Fault], filename: str, locate: Locate | None = None) -> InvalidInputError:
    """One error for all faults, in the order of the file.

    It is a NotSupportedError when everything that is wrong is only not supported yet.
    """
    placed = [
        (fault.position or (locate(fault.path, fault.is_key) if locate else None), fault) for fault in faults
    ]
    placed.sort(key=lambda item: item[0] or (0, 0))
    details: list[dict[str, str | int | None]] = [
        {
            "where": format_path(fault.path),
            "line": position[0] if position else None,
            "column": position[1] if position else None,
            "message": fault.message,
            "hint": fault.hint,
        }
        for position, fault in placed
    ]
    kind = NotSupportedError if all(fault.is_unsupported for _, fault in placed) else InvalidInputError
    count = len(details)
    return kind(f"{filename}: {count} problem{'s' if count != 1 else ''}", details=details)
