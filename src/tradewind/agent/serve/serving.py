"""The loop of `serve`."""

from __future__ import annotations

import errno
import os
import queue
import signal
import threading

from ..durable import write_all
from .frames import GREETING, read_frame, write_frame
from .operations import Operations
from .places import Places, RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: A connection that broke without a word is noticed by its silence: the other side asks more often than this.
SILENCE_S = 900.0
_CODES = {errno.ENOSPC: "full", errno.EDQUOT: "full", errno.EACCES: "denied", errno.EROFS: "denied",
          errno.EPERM: "denied", errno.ENOENT: "gone", errno.ENOTDIR: "gone", errno.ELOOP: "refused"}  # fmt: skip


def serve(base: str, program: list[str], version: str) -> int:
    """Answer requests until the stream ends. Attempts that were started go on."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    # Nothing that is started may print among the frames.
    source, target = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    try:
        for folder in (base, os.path.join(base, "attempts"), os.path.join(base, "environments")):
            os.makedirs(folder, 0o700, exist_ok=True)
    except OSError as error:
        code = _CODES.get(error.errno or 0, "failed")
        write_all(target, "\0tradewind-error {} {}\n".format(code, _text(error)).encode("utf-8", "replace"))
        return 1
    os.chdir("/")
    _Server(source, target, Operations(Places(base), program, version)).run()
    return 0


class _Server:
    """Reads requests in one thread. Slow ones are done in others, so answers come in any order."""

    def __init__(self, source: int, target: int, operations: Operations) -> None:
        self._source = source
        self._target = target
        self._operations = operations
        self._writing = threading.Lock()
        self._unpacking: queue.Queue[tuple[dict[str, Any], bytes]] = queue.Queue()

    def run(self) -> None:
        write_all(self._target, GREETING)
        threading.Thread(target=self._unpack, daemon=True).start()
        while True:
            frame = read_frame(self._source, SILENCE_S)
            if frame is None:
                break
            request, body = frame
            name = request.get("op")
            if name in ("unpack", "kept"):
                # In the order in which they came.
                self._unpacking.put((request, body))
            elif name in self._operations.slow:
                threading.Thread(target=self._answer, args=(request, body), daemon=True).start()
            else:
                self._answer(request, body)
        self._operations.close()

    def _unpack(self) -> None:
        while True:
            self._answer(*self._unpacking.get())

    def _answer(self, request: dict[str, Any], body: bytes) -> None:
        try:
            header, data = self._operations.run(request, body)
        except RefusedError as error:
            header, data = {"error": str(error), "code": error.code}, b""
        except OSError as error:
            header, data = {"error": _text(error), "code": _CODES.get(error.errno or 0, "failed")}, b""
        except Exception as error:
            header, data = {"error": str(error) or repr(error), "code": "failed"}, b""
        header = dict(header, id=request.get("id"))
        with self._writing:
            try:
                write_frame(self._target, header, data)
            except OSError:
                os._exit(1)


def _text(error: OSError) -> str:
    text = error.strerror or str(error)
    return "{}: {}".format(error.filename, text) if error.filename else text
