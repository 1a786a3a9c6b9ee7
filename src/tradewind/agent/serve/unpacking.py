"""`unpack`: a tar stream, in pieces, into the working directory of an attempt that has not begun."""

from __future__ import annotations

import os
import queue
import shutil
import tarfile
import threading

from .places import RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tarfile import TarInfo

_WAITING = 16


class Unpacking:
    """One stream: fed by the connection, written by a thread of its own. Nothing of it can land elsewhere.

    The folder appears under its name when the stream has ended well; a stream that is cut off leaves none.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._partial = os.path.join(directory, ".work.{}.new".format(os.getpid()))
        shutil.rmtree(self._partial, ignore_errors=True)
        os.mkdir(self._partial, 0o700)
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
        work = os.path.join(self._directory, "work")
        shutil.rmtree(work, ignore_errors=True)
        os.replace(self._partial, work)

    def abandon(self) -> None:
        """Throw away what came."""
        self._pieces.put(None)
        self._thread.join()
        shutil.rmtree(self._partial, ignore_errors=True)

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
        with open(path, "wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        os.chmod(path, 0o755 if member.mode & 0o100 else 0o644)
        os.utime(path, (member.mtime, member.mtime))
