"""Which processes there are, and which of them belong to an attempt."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

HAS_PROC = os.path.exists("/proc/self/stat")
MARKER = "TRADEWIND_ATTEMPT"
AGENT_MARKER = "TRADEWIND_AGENT_OF"
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Process:
    """One process at one moment."""

    __slots__ = (
        "child_cpu_s",
        "cpu_s",
        "group",
        "is_zombie",
        "memory_bytes",
        "parent",
        "pid",
        "session",
        "start_time",
    )

    def __init__(
        self,
        pid: int,
        parent: int,
        group: int,
        session: int,
        start_time: int,
        *,
        is_zombie: bool = False,
        cpu_s: float = 0.0,
        child_cpu_s: float = 0.0,
        memory_bytes: int = 0,
    ) -> None:
        self.pid = pid
        self.parent = parent
        self.group = group
        self.session = session
        self.start_time = start_time
        self.is_zombie = is_zombie
        self.cpu_s = cpu_s
        #: What its ended children used, and theirs: nothing that a tree used is lost when a process ends.
        self.child_cpu_s = child_cpu_s
        self.memory_bytes = memory_bytes


def read_small(path: str) -> bytes:
    """Up to 64 KiB of a file of the kernel's; empty if it is gone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, 65536)
    except OSError:
        return b""
    finally:
        os.close(fd)


def read_process(pid: int) -> Process | None:
    """The process with this pid, or None."""
    if not HAS_PROC:
        from .processes_ps import list_with_ps

        return list_with_ps().get(pid)
    text = read_small("/proc/{}/stat".format(pid))
    # The name stands in brackets and may itself hold brackets and spaces; fields are counted from its end.
    end = text.rfind(b")")
    if end < 0:
        return None
    fields = text[end + 2 :].split()
    if len(fields) < 22:
        return None
    return Process(
        pid,
        int(fields[1]),
        int(fields[2]),
        int(fields[3]),
        int(fields[19]),
        is_zombie=fields[0] in (b"Z", b"X"),
        cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS_PER_S,
        child_cpu_s=(int(fields[13]) + int(fields[14])) / _TICKS_PER_S,
        memory_bytes=int(fields[21]) * _PAGE_BYTES,
    )


def list_processes() -> dict[int, Process]:
    """Every process that can be seen, by pid."""
    if not HAS_PROC:
        from .processes_ps import list_with_ps

        return list_with_ps()
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            process = read_process(int(name))
            if process is not None:
                found[process.pid] = process
    return found


def below(table: dict[int, Process], roots: Iterable[int], without: Iterable[int] = ()) -> set[int]:
    """The pids of everything that descends from the roots, the roots left out, and `without` with all below it."""
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process.pid)
    excluded = set(without)
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        for pid in children.get(waiting.pop(), ()):
            if pid not in found and pid not in excluded:
                found.add(pid)
                waiting.append(pid)
    return found


def has_children_besides(pid: int, excluded: int | None) -> bool:
    """False only if the process surely has no child but the one excluded. Much cheaper than `list_processes`."""
    path = "/proc/{0}/task/{0}/children".format(pid)
    if not os.path.exists(path):
        return True
    return any(int(child) != excluded for child in read_small(path).split())


def marked(table: dict[int, Process], attempt: str, variable: str = MARKER) -> set[int]:
    """The pids of every process that was started with the attempt's marker in its environment."""
    if not HAS_PROC:
        from .processes_ps import marked_with_ps

        return marked_with_ps(attempt, variable)
    entry = "{}={}".format(variable, attempt).encode()
    return {pid for pid in table if _environment_has(pid, entry)}


def _environment_has(pid: int, entry: bytes) -> bool:
    try:
        with open("/proc/{}/environ".format(pid), "rb") as file:
            return entry in file.read().split(b"\0")
    except OSError:
        return False  # Gone, or somebody else's: not ours to end either way.
