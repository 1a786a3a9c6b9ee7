"""Starting a program, without the memory that `subprocess` would cost a supervisor for days."""

from __future__ import annotations

import os
import resource
import signal

_RESET = tuple(
    getattr(signal, name)
    for name in (
        "SIGHUP",
        "SIGINT",
        "SIGTERM",
        "SIGPIPE",
        "SIGXFSZ",
        "SIGXFZ",
        "SIGCHLD",
        "SIGQUIT",
        "SIGUSR1",
        "SIGUSR2",
    )
    if hasattr(signal, name)
)


class SpawnError(Exception):
    """Why a program could not be started, in words for a person."""


def find_program(name: str, search_path: str) -> str | None:
    """Where a program is on a search path, or None."""
    for directory in search_path.split(os.pathsep):
        path = os.path.join(directory or ".", name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def spawn(
    arguments: list[str],
    environment: dict[str, str],
    *,
    workdir: str,
    stdin: int | str = os.devnull,
    stdout: int | str,
    stderr: int | str,
) -> int:
    """Start a program in a session of its own and return its pid once it has been executed. Raises SpawnError.

    A stream is an open descriptor or the path of a file, which the new process opens itself (output: for appending).
    """
    failure_read, failure_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        step = arguments[0]
        try:
            os.setsid()
            _reset_signals()
            _set_limits()
            step = "its log files"
            for number, stream in enumerate((stdin, stdout, stderr)):
                fd = stream if isinstance(stream, int) else _open(stream, for_reading=number == 0)
                os.dup2(fd, number)
            step = workdir
            os.chdir(workdir)
            step = arguments[0]
            os.execve(arguments[0], arguments, environment)  # noqa: S606
        except BaseException as error:
            text = getattr(error, "strerror", None) or repr(error)
            os.write(failure_write, "{}: {}".format(step, text).encode())
        finally:
            os._exit(127)
    os.close(failure_write)
    try:
        failure = _read_to_end(failure_read)
    finally:
        os.close(failure_read)
    if failure:
        os.waitpid(pid, 0)
        raise SpawnError(failure.decode("utf-8", "replace"))
    return pid


def _open(path: str, *, for_reading: bool) -> int:
    flags = os.O_RDONLY if for_reading else os.O_WRONLY | os.O_APPEND | os.O_CREAT
    return os.open(path, flags | os.O_NOCTTY | os.O_CLOEXEC, 0o600)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _set_limits() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        pass  # macOS says "unlimited" and then refuses it; the soft limit stays.


def _read_to_end(fd: int) -> bytes:
    parts: list[bytes] = []
    while True:
        part = os.read(fd, 4096)
        if not part:
            return b"".join(parts)
        parts.append(part)
