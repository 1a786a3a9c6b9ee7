"""`unpack`: a tar stream, in pieces, into the working directory of an attempt that has not begun.

What came of a stream that was cut off is kept. `kept` says what that is, by length and hash of each file, and the next
stream brings only the rest of them.
"""

from __future__ import annotations

import glob
import hashlib
import os
import queue
import shutil
import tarfile
import threading

from .places import RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tarfile import TarInfo
    from typing import Any

_WAITING = 16
#: In the header of a file of which only the rest comes: how much is here already.
OFFSET = "TRADEWIND.offset"
#: What one answer of `kept` names at most; what else came is thrown away.
_MOST_FILES = 20000
_MOST_PATH_BYTES = 4 << 20


def partials(directory: str) -> list[str]:
    """The folders of streams into this attempt that have not ended."""
    return sorted(glob.glob(os.path.join(glob.escape(directory), ".work.*.new")))


def take_over(directory: str) -> dict[str, list[Any]]:
    """Make what came of an earlier stream this process's own: by its path, the length and the hash of each file."""
    own = _partial(directory)
    for each in partials(directory):
        if each != own and not os.path.exists(own):
            os.rename(each, own)
        elif each != own:
            shutil.rmtree(each, ignore_errors=True)
    found: dict[str, list[Any]] = {}
    path_bytes = 0
    for folder, folders, names in os.walk(own):
        for name in [*folders, *names]:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                # Links come last and anew: until then there is none that could lead a file elsewhere.
                os.unlink(path)
            elif name in names:
                relative = os.path.relpath(path, own)
                path_bytes += len(os.fsencode(relative))
                if len(found) < _MOST_FILES and path_bytes <= _MOST_PATH_BYTES:
                    found[relative] = [os.path.getsize(path), _sha256(path)]
    return found


def _partial(directory: str) -> str:
    return os.path.join(directory, ".work.{}.new".format(os.getpid()))


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            data = file.read(1 << 20)
            if not data:
                return digest.hexdigest()
            digest.update(data)


class Unpacking:
    """One stream: fed by the connection, written by a thread of its own. Nothing of it can land elsewhere.

    The folder appears under its name when the stream has ended well. `resume`: it goes on with what `take_over` found.
    """

    def __init__(self, directory: str, *, resume: bool = False) -> None:
        self._directory = directory
        self._partial = _partial(directory)
        if not resume:
            for each in {*partials(directory), self._partial}:
                shutil.rmtree(each, ignore_errors=True)
            os.mkdir(self._partial, 0o700)
        self._is_resumed = resume
        #: Whatever else is there belongs to no stream any more.
        self._came: set[str] = set()
        self._pieces: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._rest = b""
        self._at_end = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def feed(self, data: bytes) -> None:
        """Take the next piece. Raises what went wrong so far."""
        self._raise()
        if data:
            self._pieces.put(data)

    def finish(self) -> None:
        """Put the folder in its place. Raises what went wrong."""
        self._pieces.put(None)
        self._thread.join()
        self._raise()
        if os.path.exists(os.path.join(self._directory, "begun.json")):
            raise RefusedError("begun", "the attempt has begun already")
        if self._is_resumed:
            self._remove_others()
        work = os.path.join(self._directory, "work")
        shutil.rmtree(work, ignore_errors=True)
        os.replace(self._partial, work)

    def suspend(self) -> None:
        """Stop; what came stays."""
        self._pieces.put(None)
        self._thread.join()

    def abandon(self) -> None:
        """Throw away what came."""
        self.suspend()
        shutil.rmtree(self._partial, ignore_errors=True)

    def _remove_others(self) -> None:
        # By inode: some file systems give names back in another form than they were given.
        came = {os.lstat(path).st_ino for path in self._came}
        for folder, folders, names in os.walk(self._partial, topdown=False):
            for name in [*names, *folders]:
                path = os.path.join(folder, name)
                if os.lstat(path).st_ino in came:
                    continue
                if name in names:
                    os.unlink(path)
                elif not os.listdir(path):
                    os.rmdir(path)

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._extract()
        except BaseException as error:
            self._error = error
        # Whatever else comes is taken, so that nobody waits for room that never is.
        while not self._at_end:
            self._at_end = self._pieces.get() is None

    def read(self, size: int) -> bytes:
        """What `tarfile` reads from."""
        parts = []
        while size:
            if not self._rest:
                piece = None if self._at_end else self._pieces.get()
                if piece is None:
                    self._at_end = True
                    break
                self._rest = piece
            parts.append(self._rest[:size])
            self._rest = self._rest[size:]
            size -= len(parts[-1])
        return b"".join(parts)

    def _extract(self) -> None:
        links = []
        with tarfile.open(mode="r|", fileobj=self, bufsize=1 << 18) as tar:  # type: ignore[call-overload]
            for member in tar:
                path = self._safe(member.name)
                self._came.add(path)
                if member.isdir():
                    os.makedirs(path, 0o755, exist_ok=True)
                elif member.issym():
                    links.append((path, member.linkname))
                elif member.isreg():
                    self._write(tar, member, path)
                else:
                    raise RefusedError("refused", "{!r} is neither a file nor a folder".format(member.name))
        # Made last: while files are written there is no link that could lead one of them elsewhere.
        for path, target in links:
            end = os.path.normpath(os.path.join(os.path.dirname(path), target))
            if os.path.isabs(target) or not (end + os.sep).startswith(self._partial + os.sep):
                raise RefusedError("refused", "{!r} is a link that leads outside".format(target))
            os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
            os.symlink(target, path)

    def _safe(self, name: str) -> str:
        path = os.path.normpath(os.path.join(self._partial, name))
        if os.path.isabs(name) or not (path + os.sep).startswith(self._partial + os.sep):
            raise RefusedError("refused", "{!r} leads out of the working directory".format(name))
        return path

    @staticmethod
    def _write(tar: tarfile.TarFile, member: TarInfo, path: str) -> None:
        source = tar.extractfile(member)
        assert source is not None
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        offset = int(member.pax_headers.get(OFFSET, "0"))
        with open(path, "r+b" if offset else "wb") as file:
            if file.seek(0, os.SEEK_END) != offset:
                raise RefusedError("changed", "{!r} is not what it was when it was kept".format(member.name))
            shutil.copyfileobj(source, file, 1 << 20)
        os.chmod(path, 0o755 if member.mode & 0o100 else 0o644)
        os.utime(path, (member.mtime, member.mtime))
