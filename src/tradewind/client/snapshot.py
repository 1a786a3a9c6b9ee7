"""Packs a workdir into one archive whose name is its content."""

from __future__ import annotations

import gzip
import hashlib
import os
import posixpath
import stat
import tarfile
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, cast

from tradewind.client.ignore import Entry, walk_workdir
from tradewind.domain.errors import InvalidInputError, TooLargeError
from tradewind.domain.units import format_bytes, parse_size_bytes

LIMIT_VARIABLE: Final = "TRADEWIND_WORKDIR_LIMIT"
DEFAULT_LIMIT_BYTES: Final = 500 << 20
_COMPRESSION_LEVEL: Final = 1
_PIECE_BYTES: Final = 1 << 20
_LARGEST_SHOWN: Final = 5
_LINKS_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A packed workdir: a temporary `tar.gz` and its SHA-256. `content_bytes` is what it unpacks to."""

    path: Path
    sha256: str
    size_bytes: int
    content_bytes: int
    file_count: int

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.delete()

    def delete(self) -> None:
        """Removes the temporary archive."""
        self.path.unlink(missing_ok=True)

    async def read_pieces(self, on_progress: Callable[[int], None] | None = None) -> AsyncIterator[bytes]:
        """The archive from its start; `on_progress` gets the bytes read so far."""
        done = 0
        with self.path.open("rb") as archive:
            while piece := archive.read(_PIECE_BYTES):
                yield piece
                done += len(piece)
                if on_progress is not None:
                    on_progress(done)


def read_limit_bytes() -> int:
    """How much a workdir may hold: `TRADEWIND_WORKDIR_LIMIT`, else 500 MB."""
    wanted = os.environ.get(LIMIT_VARIABLE)
    if not wanted:
        return DEFAULT_LIMIT_BYTES
    try:
        return parse_size_bytes(wanted)
    except ValueError as error:
        raise InvalidInputError(f"{LIMIT_VARIABLE}: {error}") from None


def pack_workdir(
    root: Path,
    limit_bytes: int | None = None,
    ignore: Iterable[str] = (),
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> Snapshot:
    """Packs a folder. The same files give the same archive, whoever packs them and whenever.

    `on_progress` gets the content bytes packed so far and in all.

    Raises:
        TooLargeError: there is more than `limit_bytes` of content; the largest entries are in `causes`.
        InvalidInputError: something cannot be read, or a link leads out of the folder.
    """
    if not root.is_dir():
        raise InvalidInputError(f"the workdir {root} is not a folder")
    limit = read_limit_bytes() if limit_bytes is None else limit_bytes
    base = os.path.realpath(root)
    entries = list(walk_workdir(base, ignore))
    sizes = {entry.path: entry.status.st_size for entry in entries if stat.S_ISREG(entry.status.st_mode)}
    total = sum(sizes.values())
    if total > limit:
        raise _too_large(root, sizes, total, limit)
    targets = _resolve_links(base, root, entries)
    descriptor, name = tempfile.mkstemp(prefix="tradewind-workdir-", suffix=".tar.gz")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            digest = _write_archive(file, base, entries, targets, total, on_progress)
        return Snapshot(path, digest, path.stat().st_size, total, len(sizes) + len(targets))
    except BaseException:
        path.unlink(missing_ok=True)
        raise


class _HashingFile:
    """Hashes what is written through it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _write_archive(
    file: IO[bytes],
    base: str,
    entries: list[Entry],
    targets: dict[str, str],
    total: int,
    on_progress: Callable[[int, int], None] | None,
) -> str:
    hashing = _HashingFile(file)
    packed = 0
    with (
        gzip.GzipFile("", "wb", _COMPRESSION_LEVEL, cast(IO[bytes], hashing), mtime=0) as compressed,
        tarfile.open(mode="w|", fileobj=compressed, format=tarfile.PAX_FORMAT) as archive,
    ):
        for entry in entries:
            member = tarfile.TarInfo(entry.path)
            if stat.S_ISDIR(entry.status.st_mode):
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)
            elif entry.path in targets:
                member.type, member.mode, member.linkname = tarfile.SYMTYPE, 0o777, targets[entry.path]
                archive.addfile(member)
            else:
                member.mode = 0o755 if entry.status.st_mode & stat.S_IXUSR else 0o644
                member.size = entry.status.st_size
                _add_file(archive, member, Path(base, entry.path))
                packed += member.size
                if on_progress is not None:
                    on_progress(packed, total)
    return hashing.digest.hexdigest()


def _add_file(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    try:
        with path.open("rb") as content:
            archive.addfile(member, content)
    except OSError as error:
        if error.errno is None:
            # What tarfile says when a file gives fewer bytes than it had a moment ago.
            raise InvalidInputError(
                f"{path} became shorter while it was packed",
                hint="wait until nothing writes to the workdir, or name the file in .tradewindignore",
            ) from None
        raise InvalidInputError(
            f"{path} cannot be packed",
            causes=(str(error.strerror),),
            hint="make it readable, or name it in .tradewindignore",
        ) from None


def _resolve_links(base: str, root: Path, entries: list[Entry]) -> dict[str, str]:
    """Target of each link, relative to the link. Raises InvalidInputError for links that lead outside."""
    targets: dict[str, str] = {}
    outside: list[str] = []
    for entry in entries:
        if not stat.S_ISLNK(entry.status.st_mode):
            continue
        full = Path(base, entry.path)
        written = os.readlink(full)  # noqa: PTH115  (the text itself is wanted)
        real = os.path.realpath(full)
        if real != base and not real.startswith(base + os.sep):
            outside.append(f"{root / entry.path} -> {written}")
            continue
        folder = posixpath.dirname(entry.path)
        plain = posixpath.normpath(posixpath.join(folder, written))
        stays_inside = not posixpath.isabs(written) and plain != ".." and not plain.startswith("../")
        # An absolute target, or one that goes out and comes back in, would point elsewhere once unpacked.
        targets[entry.path] = (
            written if stays_inside else os.path.relpath(real, os.path.realpath(Path(base, folder)))
        )
    if outside:
        more = len(outside) - _LINKS_SHOWN
        raise InvalidInputError(
            f"the workdir {root} has {'a link' if len(outside) == 1 else f'{len(outside)} links'} to outside it",
            causes=(*outside[:_LINKS_SHOWN], *([f"and {more} more"] if more > 0 else [])),
            hint="put the files inside the workdir, or name the links in .tradewindignore",
        )
    return targets


def _too_large(root: Path, sizes: dict[str, int], total: int, limit: int) -> TooLargeError:
    groups: Counter[str] = Counter()
    for path, size in sizes.items():
        top, slash, _ = path.partition("/")
        groups[top + slash] += size
    largest = groups.most_common(_LARGEST_SHOWN)
    return TooLargeError(
        f"the workdir {root} holds {format_bytes(total)} in {len(sizes):,} files;"
        f" the limit is {format_bytes(limit)}",
        causes=tuple(f"{format_bytes(size):>8}  {name}" for name, size in largest),
        hint=f"keep data out with a line such as `/{largest[0][0]}` in .tradewindignore,"
        f" or raise the limit with {LIMIT_VARIABLE}={_next_size(total)}",
    )


def _next_size(total: int) -> str:
    gigabytes = -(-total // (1 << 30))
    return f"{gigabytes}GB"
