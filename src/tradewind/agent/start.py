"""`start`: take the start of an attempt, once, and leave a supervisor behind."""

from __future__ import annotations

import os
import sys

from .devices import hold_devices
from .exit_record import has_ended, reserve, write_exit
from .lock import take_lock
from .spec import Spec, SpecError, read_spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
_READY = b"ready"


class StartError(Exception):
    """Why nothing was started, in words for a person."""


def start(directory: str, program: list[str]) -> dict[str, Any]:
    """Start the attempt unless that has been done before. Returns what the verb prints.

    Raises StartError or SpecError when nothing was started and the same start may be tried again.
    """
    # Whoever calls may have left descriptors open; the supervisor would keep them open for days.
    os.closerange(3, 1024)
    spec = read_spec(directory)
    if not os.path.isdir(spec.workdir):
        raise SpecError("the working directory {} does not exist".format(spec.workdir))
    lock = take_lock(directory)
    if lock is None:
        return {"started": False, "reason": "already_running"}
    if has_ended(directory):
        return {"started": False, "reason": "already_ended"}
    if os.path.exists(os.path.join(directory, "begun.json")):
        return {"started": False, "reason": "already_begun"}
    _prepare_directory(directory, program)
    # Held by the supervisor, which is forked with them.
    hold_devices(spec.device_locks, spec.accelerators)
    ready_read, ready_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(ready_read)
            _supervise(spec, directory, program, ready_write)
        finally:
            os._exit(1)
    os.close(ready_write)
    os.close(lock)
    answer = os.read(ready_read, 4096)
    if answer != _READY:
        raise StartError(
            "the supervisor did not start: {}".format(answer.decode("utf-8", "replace") or "it was killed")
        )
    return {"started": True, "supervisor": {"pid": pid}}


def _prepare_directory(directory: str, program: list[str]) -> None:
    try:
        os.makedirs(os.path.join(directory, "logs"), mode=0o700, exist_ok=True)
        reserve(directory)
        _unpack_shim(program[-1], os.path.join(directory, "shim", "tradewind"))
    except OSError as error:
        raise StartError("{}: {}".format(error.filename or directory, error.strerror)) from error


def _unpack_shim(bundle: str, target: str) -> None:
    """Put `tradewind.report` where the command's Python finds it."""
    loader = globals()["__loader__"]
    os.makedirs(target, mode=0o700, exist_ok=True)
    for name in ("__init__.py", "reporting.py"):
        with open(os.path.join(target, name), "wb") as file:
            file.write(loader.get_data(os.path.join(bundle, "shim", "tradewind", name)))


def _supervise(spec: Spec, directory: str, program: list[str], ready: int) -> None:
    """What the supervisor process does from its first to its last instruction."""
    try:
        os.setsid()
        from .supervisor import Supervisor

        _adopt_orphans()
        _let_go_of_terminal(directory)
        os.chdir("/")
        supervisor = Supervisor(spec, directory, program)
        supervisor.begin()
    except BaseException as error:
        os.write(ready, repr(error).encode()[:4000])
        return
    os.write(ready, _READY)
    os.close(ready)
    try:
        supervisor.run()
    except BaseException as error:
        sys.excepthook(*sys.exc_info())
        _end_badly(spec, directory, error)
        return
    os._exit(0)


def _end_badly(spec: Spec, directory: str, error: BaseException) -> None:
    """The supervisor itself failed: leave nothing running and say so."""
    from .ending import Survivors, of_supervisor

    survivors = Survivors(lambda: of_supervisor(spec.attempt, None, None))
    survivors.end(0)
    if not has_ended(directory):
        write_exit(
            directory, "start_failed", "the supervisor failed: {!r}".format(error), strays=survivors.count
        )


def _adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends (Linux only)."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot become a subreaper")


def _let_go_of_terminal(directory: str) -> None:
    """Close the caller's streams: who waits for the end of our output must not wait for the job."""
    nothing = os.open(os.devnull, os.O_RDWR)
    log = os.open(os.path.join(directory, "agent.log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for source, target in ((nothing, 0), (nothing, 1), (log, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(log)
