"""Workdir archives by content hash, and their safe unpacking."""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from pathlib import Path, PurePosixPath
from typing import Final

from tradewind.domain.errors import InvalidInputError, TooLargeError
from tradewind.domain.units import format_bytes

_SHA256: Final = re.compile(r"^[0-9a-f]{64}$")
#: A job's files may unpack to this much at most: an archive of zeros must not fill the disk.
UNPACKED_LIMIT_BYTES: Final = 20 << 30
ARCHIVE_LIMIT_BYTES: Final = 2 << 30
FILE_LIMIT: Final = 500_000


class Workdirs:
    """Archives (`.tar.gz`) below `root`, each named by the SHA-256 of its bytes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Uploads that a killed server was receiving; a state folder has one server at a time.
        for partial in root.glob(".*.tar.gz.*"):
            partial.unlink(missing_ok=True)

    def path_of(self, sha256: str) -> Path:
        """Where the archive lies, whether it is there or not."""
        if _SHA256.match(sha256) is None:
            raise InvalidInputError(f"{sha256!r} is not a SHA-256 in hexadecimal")
        return self._root / f"{sha256}.tar.gz"

    def has(self, sha256: str) -> bool:
        """True if the archive is kept here."""
        return self.path_of(sha256).is_file()

    def receive(self, sha256: str) -> Upload:
        """Begins an upload of this archive."""
        return Upload(self.path_of(sha256), sha256)


class Upload:
    """An archive on its way in: fed in pieces, kept only when its hash is right."""

    def __init__(self, target: Path, sha256: str) -> None:
        self._target = target
        self._expected = sha256
        self._partial = target.with_name(f".{target.name}.{os.getpid()}.{id(self):x}")
        self._file = self._partial.open("wb")
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    def feed(self, data: bytes) -> None:
        """Takes the next piece. Raises TooLargeError."""
        self.size_bytes += len(data)
        if self.size_bytes > ARCHIVE_LIMIT_BYTES:
            raise TooLargeError(
                f"the workdir archive is over {format_bytes(ARCHIVE_LIMIT_BYTES)}",
                hint="put data elsewhere, or list what is not needed in .tradewindignore",
            )
        self._digest.update(data)
        self._file.write(data)

    def finish(self) -> None:
        """Keeps the archive. Raises InvalidInputError when its bytes are not the announced ones."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if self._digest.hexdigest() != self._expected:
            self._partial.unlink(missing_ok=True)
            raise InvalidInputError(
                "the archive that arrived does not have the announced SHA-256", hint="send it again"
            )
        self._partial.replace(self._target)

    def abandon(self) -> None:
        """Throws away what came so far."""
        self._file.close()
        self._partial.unlink(missing_ok=True)


def unpack(archive: Path, target: Path) -> None:
    """Unpacks a workdir archive below `target`. Nothing in it can land, or point, anywhere else.

    Raises:
        InvalidInputError: the archive is damaged, or holds something other than files, folders and inner links.
        TooLargeError: it unpacks to too much.
    """
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    total = 0
    links: list[Path] = []
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for count, member in enumerate(tar):
                total += max(member.size, 0)
                if total > UNPACKED_LIMIT_BYTES or count > FILE_LIMIT:
                    raise TooLargeError(
                        f"the workdir unpacks to more than {format_bytes(UNPACKED_LIMIT_BYTES)} or {FILE_LIMIT} files"
                    )
                _extract(tar, member, target)
                if member.issym():
                    links.append(target / member.name)
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InvalidInputError("the workdir archive is damaged", causes=(str(error),)) from None
    _check_links(links, target)


def _check_links(links: list[Path], target: Path) -> None:
    # Where a link leads depends on the links on its way, which may have come after it: known only at the end.
    root = os.path.realpath(target)
    for link in links:
        end = os.path.realpath(link)
        if os.path.commonpath([root, end]) != root:
            raise InvalidInputError(
                f"the workdir archive holds a link that leads outside: {str(link.relative_to(target))!r}"
            )


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise InvalidInputError(f"the workdir archive holds an unsafe path: {member.name!r}")
    destination = target / path
    # A link made by an earlier member must not lead a later one outside.
    if not destination.parent.resolve().is_relative_to(target.resolve()):
        raise InvalidInputError(f"the workdir archive holds an unsafe path: {member.name!r}")
    if member.isdir():
        destination.mkdir(parents=True, exist_ok=True)
    elif member.issym():
        link = PurePosixPath(os.path.normpath(path.parent / member.linkname))
        if PurePosixPath(member.linkname).is_absolute() or ".." in link.parts:
            raise InvalidInputError(f"the workdir archive holds a link that leads outside: {member.name!r}")
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.unlink(missing_ok=True)
        destination.symlink_to(member.linkname)
    elif member.isreg():
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.unlink(missing_ok=True)
        source = tar.extractfile(member)
        if source is None:
            raise InvalidInputError(f"the workdir archive is damaged at {member.name!r}")
        with source, destination.open("wb") as file:
            while chunk := source.read(1 << 20):
                file.write(chunk)
        destination.chmod(0o755 if member.mode & 0o100 else 0o644)
    else:
        raise InvalidInputError(f"the workdir archive holds something that is not a file: {member.name!r}")
