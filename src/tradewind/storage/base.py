"""What a place for bytes must do, so that disk and object stores are the same to those who keep things in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class ChangedWhileReadError(Exception):
    """The source changed while it was copied: what was kept so far was thrown away. Try again later."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One file of something that was kept: relative path, size in bytes and SHA-256."""

    path: str
    size_bytes: int
    sha256: str


class Storage(Protocol):
    """Keeps trees of files under keys. A key is a relative path of plain names. Everything here blocks."""

    def put(self, key: str, source: Path) -> list[KeptFile]:
        """Keeps a file or folder under the key, whole or not at all.

        Raises ChangedWhileReadError, and OSError when there is no room.
        """
        ...

    def fetch(self, key: str, target: Path) -> None:
        """Copies what is kept under the key to the target path. Raises FileNotFoundError."""
        ...

    def read(self, key: str, file: str, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        """The bytes of one kept file. Raises FileNotFoundError."""
        ...

    def delete(self, key: str) -> None:
        """Forgets what is kept under the key; nothing there is no error."""
        ...
