"""A folder as a tar stream that is made as it is read: nothing of it is laid down a second time.

Of a file whose beginning the other side has already, only the rest is in it.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from tradewind.agent.serve.unpacking import OFFSET

PIECE_BYTES: Final = 1 << 18
_BLOCK_BYTES: Final = tarfile.BLOCKSIZE


def tar_pieces(folder: Path, kept: Mapping[str, tuple[int, str]] | None = None) -> Iterator[bytes]:
    """The stream in pieces of about `PIECE_BYTES`: files, folders and links, and nothing else that may lie there.

    `kept` is what the other side has, by path: how much of the file, and its SHA-256.
    """
    waiting = bytearray()
    for part in _parts(folder, kept or {}):
        waiting += part
        if len(waiting) >= PIECE_BYTES:
            yield bytes(waiting)
            waiting.clear()
    waiting += bytes(2 * _BLOCK_BYTES)
    yield bytes(waiting)


def _parts(folder: Path, kept: Mapping[str, tuple[int, str]]) -> Iterator[bytes]:
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
                yield from _file(path, info, kept.get(info.name))
                continue
            yield _header(info)


def _file(path: Path, info: tarfile.TarInfo, kept: tuple[int, str] | None) -> Iterator[bytes]:
    with path.open("rb") as file:
        info.size = os.fstat(file.fileno()).st_size
        if kept is not None and _begins_with(file, info.size, *kept):
            info.size -= kept[0]
            info.pax_headers = {OFFSET: str(kept[0])}
        else:
            file.seek(0)
        yield _header(info)
        left = info.size
        while left:
            data = file.read(min(left, PIECE_BYTES))
            if not data:
                raise OSError(f"{path.name} became shorter while it was sent")
            left -= len(data)
            yield data
    yield bytes(-info.size % _BLOCK_BYTES)


def _begins_with(file: BinaryIO, size: int, length: int, sha256: str) -> bool:
    """True if the file's beginning is what the other side has; it is read up to there then."""
    if not 0 < length <= size:
        return False
    digest = hashlib.sha256()
    left = length
    while left:
        data = file.read(min(left, 1 << 20))
        if not data:
            return False
        digest.update(data)
        left -= len(data)
    return digest.hexdigest() == sha256


def _header(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
