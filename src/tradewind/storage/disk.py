"""Storage on a local disk."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from tradewind.storage.base import ChangedWhileReadError, KeptFile

_CHUNK_BYTES: Final = 1 << 20
#: A kept file is stored under this name inside its key's folder; a kept folder's files lie beside each other.
_SINGLE: Final = "content"


class DiskStorage:
    """Keeps each key as a folder below `root`. A copy becomes visible by one rename."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, source: Path) -> list[KeptFile]:
        target = self._path(key)
        partial = target.with_name(f".{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True, mode=0o700)
        try:
            kept = [self._copy(file, partial / name, name) for name, file in self._files(source)]
        except FileNotFoundError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise ChangedWhileReadError(str(error.filename)) from None
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        shutil.rmtree(target, ignore_errors=True)
        partial.replace(target)
        return kept

    @staticmethod
    def _files(source: Path) -> list[tuple[str, Path]]:
        if not source.is_dir():
            return [(_SINGLE, source)]
        found = []
        for folder, folders, names in os.walk(source):
            folders.sort()
            for name in sorted(names):
                path = Path(folder) / name
                if path.is_file():
                    found.append((path.relative_to(source).as_posix(), path))
        return found

    @staticmethod
    def _copy(source: Path, target: Path, name: str) -> KeptFile:
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with source.open("rb") as reader, target.open("wb") as writer:
            before = os.fstat(reader.fileno())
            while chunk := reader.read(_CHUNK_BYTES):
                digest.update(chunk)
                writer.write(chunk)
            writer.flush()
            os.fsync(writer.fileno())
            after = source.stat()
        same = (before.st_ino, before.st_size, before.st_mtime_ns) == (
            after.st_ino,
            after.st_size,
            after.st_mtime_ns,
        )
        if not same:
            raise ChangedWhileReadError(str(source))
        os.utime(target, ns=(after.st_atime_ns, after.st_mtime_ns))
        return KeptFile(name, after.st_size, digest.hexdigest())

    def fetch(self, key: str, target: Path) -> None:
        source = self._path(key)
        if not source.is_dir():
            raise FileNotFoundError(key)
        single = source / _SINGLE
        target.parent.mkdir(parents=True, exist_ok=True)
        if single.is_file() and len(list(source.iterdir())) == 1:
            shutil.copy2(single, target)
        else:
            shutil.copytree(source, target, dirs_exist_ok=True)

    def read(self, key: str, file: str, chunk_bytes: int = _CHUNK_BYTES) -> Iterator[bytes]:
        with (self._path(key) / self._safe(file)).open("rb") as reader:
            while chunk := reader.read(chunk_bytes):
                yield chunk

    def delete(self, key: str) -> None:
        shutil.rmtree(self._path(key), ignore_errors=True)

    def _path(self, key: str) -> Path:
        return self._root / self._safe(key)

    @staticmethod
    def _safe(name: str) -> PurePosixPath:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(f"not a key: {name!r}")
        return path
