"""A folder as a tar stream that is made as it is read: nothing of it is laid down a second time."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PIECE_BYTES: Final = 1 << 18
_BLOCK_BYTES: Final = tarfile.BLOCKSIZE


def tar_pieces(folder: Path) -> Iterator[bytes]:
    """The stream in pieces of about `PIECE_BYTES`: files, folders and links, and nothing else that may lie there."""
    waiting = bytearray()
    for part in _parts(folder):
        waiting += part
        if len(waiting) >= PIECE_BYTES:
            yield bytes(waiting)
            waiting.clear()
    waiting += bytes(2 * _BLOCK_BYTES)
    yield bytes(waiting)


def _parts(folder: Path) -> Iterator[bytes]:
    for current, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(folders + names):
            path = Path(current) / name
            info = tarfile.TarInfo(path.relative_to(folder).as_posix())
            status = path.lstat()
            info.mtime = status.st_mtime
            info.mode = status.st_mode & 0o777
            if path.is_symlink():
                info.type, info.linkname = tarfile.SYMTYPE, str(path.readlink())
            elif path.is_dir():
                info.type = tarfile.DIRTYPE
            elif not path.is_file():
                continue
            else:
                yield from _file(path, info)
                continue
            yield _header(info)


def _file(path: Path, info: tarfile.TarInfo) -> Iterator[bytes]:
    with path.open("rb") as file:
        info.size = os.fstat(file.fileno()).st_size
        yield _header(info)
        left = info.size
        while left:
            data = file.read(min(left, PIECE_BYTES))
            if not data:
                raise OSError(f"{path.name} became shorter while it was sent")
            left -= len(data)
            yield data
    yield bytes(-info.size % _BLOCK_BYTES)


def _header(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
