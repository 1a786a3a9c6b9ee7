"""Workdir archives from the outside: making a small one, and seeing what one holds without unpacking it to disk."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from tradewind.domain.errors import InvalidInputError
from tradewind.storage.workdirs import FILE_LIMIT, UNPACKED_LIMIT_BYTES

#: More than this is not looked through: it takes long, and nobody reads such a list.
LOOKED_THROUGH_BYTES: Final = 2 << 30
_FILES_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What an archive holds. `is_cut`: there is more, which was not looked at."""

    file_count: int
    content_bytes: int
    #: The first files by name.
    files: tuple[str, ...]
    #: Names at the top.
    top: frozenset[str] = field(default_factory=frozenset)
    has_file_at_top: bool = False
    is_cut: bool = False


def pack_files(files: Mapping[str, bytes]) -> bytes:
    """A workdir archive of these files; the same files give the same bytes."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", 9, buffer, mtime=0) as compressed,
        tarfile.open(mode="w|", fileobj=compressed, format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o644
            archive.addfile(member, io.BytesIO(files[name]))
    return buffer.getvalue()


def look_into(archive: Path) -> Contents:
    """What a workdir archive (`.tar.gz`) holds.

    Raises:
        InvalidInputError: it is no such archive, or a job could not unpack it.
    """
    names: list[str] = []
    top: set[str] = set()
    size, has_file_at_top, is_cut = 0, False, False
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for count, member in enumerate(tar):
                path = PurePosixPath(member.name)
                if path.is_absolute() or ".." in path.parts:
                    raise InvalidInputError(f"the archive holds an unsafe path: {member.name!r}")
                size += max(member.size, 0)
                if size > UNPACKED_LIMIT_BYTES or count >= FILE_LIMIT:
                    raise InvalidInputError("the archive unpacks to more than a workdir can hold")
                if path.parts:
                    top.add(path.parts[0])
                if not member.isdir():
                    names.append(str(path))
                    has_file_at_top = has_file_at_top or len(path.parts) == 1
                if size > LOOKED_THROUGH_BYTES:
                    is_cut = True
                    break
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InvalidInputError(
            "that is not a .tar.gz archive, or it is damaged",
            hint="make one with: tar czf files.tar.gz -C FOLDER .",
        ) from None
    return Contents(
        file_count=len(names),
        content_bytes=size,
        files=tuple(sorted(names)[:_FILES_SHOWN]),
        top=frozenset(top),
        has_file_at_top=has_file_at_top,
        is_cut=is_cut,
    )
