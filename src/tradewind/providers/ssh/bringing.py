"""Brings files of an attempt's working directory here: in pieces, going on where it stopped, noticing changes.

What has come of a file lies in the attempt's `incoming` folder under a name made of its path, size, time and inode;
a whole one is put in its place in `work` with the time that it has there. So both what is whole and how far the rest
has come can be seen from the disk alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from tradewind.domain.clock import Clock
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.base import Brought, Offload
from tradewind.providers.ssh.connection import Link

_PIECE_BYTES: Final = 2 << 20
#: Files that are brought at once: what small files cost is the way there and back.
_AT_ONCE: Final = 6


@dataclass(frozen=True, slots=True)
class FarFile:
    """A file as it is over there."""

    path: str
    size: int
    mtime_ns: int
    inode: int


class _ChangedError(Exception):
    """The file is not what it was when it was begun."""


async def list_files(link: Link, attempt: str, path: str = ".") -> tuple[list[FarFile], bool]:
    """The files at or below a path, and whether it is a folder. Raises ProviderError (`NOT_FOUND`: there is none)."""
    found: list[FarFile] = []
    while True:
        after = found[-1].path if found else ""
        answer, _ = await link.ask("list", attempt=attempt, path=path, after=after, patience_s=120.0)
        for each in answer.get("files") or []:
            name, size, mtime_ns, inode = each
            if is_inner(name):
                found.append(FarFile(name, int(size), int(mtime_ns), int(inode)))
        if not answer.get("more"):
            return found, bool(answer.get("is_folder"))


def is_inner(path: object) -> bool:
    """True for a path that stays below where it is put: what a machine says is not believed blindly."""
    if not isinstance(path, str) or not path or "\0" in path:
        return False
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and bool(pure.parts)


class Bringer:
    """Brings what belongs to one attempt. `directory` is the attempt's folder here."""

    def __init__(self, link: Link, attempt: str, directory: Path, clock: Clock, offload: Offload) -> None:
        self._link = link
        self._attempt = attempt
        self._work = directory / "work"
        self._incoming = directory / "incoming"
        self._clock = clock
        self._offload = offload

    async def bring(self, path: str, within_s: float) -> Brought:
        """One path, for about so long. Raises ProviderError."""
        if not is_inner(path):
            raise ProviderError(ProviderFault.INVALID, f"{path!r} does not lie in the working directory")
        deadline = self._clock.monotonic() + within_s
        try:
            first, data = await self._read(path, 0, _PIECE_BYTES)
            if not first.get("is_folder"):
                return await self._bring_file(_far(path, first), deadline, (first, data))
            return await self._bring_folder(path, deadline)
        except _ChangedError:
            return await self._forget(path)
        except ProviderError as error:
            if error.fault is ProviderFault.NOT_FOUND:
                return await self._forget(path)
            raise

    async def _forget(self, path: str) -> Brought:
        # What lies here is no longer what is there.
        await self._offload(_remove, self._work / path)
        return Brought.CHANGED

    async def _bring_folder(self, path: str, deadline: float) -> Brought:
        files, _ = await list_files(self._link, self._attempt, path)
        here = await self._offload(self._whole, files)
        missing = [each for each in files if each.path not in here]
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(file: FarFile) -> Brought:
            async with gate:
                if self._clock.monotonic() >= deadline:
                    return Brought.PART
                return await self._bring_file(file, deadline, None)

        if Brought.PART in await _all(one(each) for each in missing):
            return Brought.PART
        again, _ = await list_files(self._link, self._attempt, path)
        if again != files:
            raise _ChangedError
        await self._offload(self._remove_others, path, {each.path for each in files})
        return Brought.WHOLE

    async def _bring_file(
        self, file: FarFile, deadline: float, first: tuple[dict[str, Any], bytes] | None
    ) -> Brought:
        if await self._offload(self._whole, [file]):
            return Brought.WHOLE
        partial = self._incoming / _partial_name(file)
        offset = await self._offload(_begin, partial)
        if first is None or offset:
            first = await self._read(file.path, offset, _PIECE_BYTES)
        answer, data = first
        while True:
            if _far(file.path, answer) != file:
                await self._offload(_remove, partial)
                raise _ChangedError
            end = offset + len(data)
            if not data and end < file.size:
                raise _ChangedError
            # The next piece is on its way while this one is written.
            ahead = (
                asyncio.ensure_future(self._read(file.path, end, _PIECE_BYTES))
                if end < file.size and self._clock.monotonic() < deadline
                else None
            )
            try:
                await self._offload(_append, partial, offset, data)
            except BaseException:
                if ahead is not None:
                    ahead.cancel()
                raise
            offset = end
            if ahead is None:
                break
            answer, data = await ahead
        if offset < file.size:
            return Brought.PART
        await self._offload(
            _put, partial, self._work / file.path, file, bool(answer.get("executable")), self._work
        )
        return Brought.WHOLE

    async def _read(self, path: str, offset: int, length: int) -> tuple[dict[str, Any], bytes]:
        return await self._link.ask(
            "read", attempt=self._attempt, path=path, offset=offset, length=length, patience_s=120.0
        )

    def _whole(self, files: list[FarFile]) -> set[str]:
        found = set()
        for each in files:
            with contextlib.suppress(OSError):
                status = (self._work / each.path).lstat()
                if (status.st_size, status.st_mtime_ns) == (each.size, each.mtime_ns):
                    found.add(each.path)
        return found

    def _remove_others(self, path: str, wanted: set[str]) -> None:
        for folder, _folders, names in os.walk(self._work / path):
            for name in names:
                file = Path(folder) / name
                if file.relative_to(self._work).as_posix() not in wanted:
                    file.unlink(missing_ok=True)


async def _all(waits: Any) -> list[Brought]:
    """The outcomes; when one fails the others are ended first, so that nothing goes on behind the caller's back."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _far(path: str, answer: dict[str, Any]) -> FarFile:
    return FarFile(
        path, int(answer.get("size", -1)), int(answer.get("mtime_ns", -1)), int(answer.get("inode", -1))
    )


def _partial_name(file: FarFile) -> str:
    digest = hashlib.sha256(file.path.encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return f"{digest}-{file.size}-{file.mtime_ns}-{file.inode}"


def _begin(partial: Path) -> int:
    """How much has come. What came of the same file as it was before is thrown away."""
    partial.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for other in partial.parent.glob(f"{partial.name.partition('-')[0]}-*"):
        if other != partial:
            other.unlink(missing_ok=True)
    try:
        return partial.stat().st_size
    except OSError:
        return 0


def _append(partial: Path, offset: int, data: bytes) -> None:
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        written = 0
        while written < len(data):
            written += os.pwrite(descriptor, data[written:], offset + written)
    finally:
        os.close(descriptor)


def _put(partial: Path, target: Path, file: FarFile, executable: bool, work: Path) -> None:
    parent = target.parent
    while parent not in (work, work.parent):
        if parent.is_symlink() or parent.is_file():
            parent.unlink()
        parent = parent.parent
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    partial.chmod(0o700 if executable else 0o600)
    os.utime(partial, ns=(file.mtime_ns, file.mtime_ns))
    partial.replace(target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
