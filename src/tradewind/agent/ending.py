"""Ending processes: which of them are still there, and the signals they get."""

from __future__ import annotations

import os
import signal
import time

from .clocks import steady_s
from .processes import HAS_PROC, Process, below, has_children_besides, list_processes, marked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_POLL_S = 0.03
FINAL_GRACE_S = 10.0


class Survivors:
    """The processes of an attempt that outlived its command, and what has been done about them."""

    def __init__(self, find: Callable[[], list[Process]]) -> None:
        self._find = find
        self._seen: set[tuple[int, int]] = set()
        self._asked: set[tuple[int, int]] = set()

    @property
    def count(self) -> int:
        """How many different ones were met."""
        return len(self._seen)

    def ask_to_end(self) -> bool:
        """Send SIGTERM to each that has not had it. True if any is left."""
        found = self._find()
        for process in found:
            key = (process.pid, process.start_time)
            self._seen.add(key)
            if key not in self._asked:
                self._asked.add(key)
                send(process.pid, signal.SIGTERM)
        return bool(found)

    def kill(self) -> bool:
        """Send SIGKILL to each. True if any is left."""
        found = self._find()
        for process in found:
            self._seen.add((process.pid, process.start_time))
            send(process.pid, signal.SIGKILL)
        return bool(found)

    def note_asked(self, processes: list[Process]) -> None:
        """Remember that these have had their SIGTERM: a second one makes many programs give up tidying."""
        self._asked.update((process.pid, process.start_time) for process in processes)

    def end(self, grace_s: float) -> None:
        """Return when none is left: SIGTERM, the grace, SIGKILL as often as it takes."""
        deadline_s = steady_s() + grace_s
        looks_without_any = 0
        # Twice: for an instant while a program is being executed, its environment cannot be read and hides the marker.
        while looks_without_any < 2:
            is_any_left = self.ask_to_end() if steady_s() < deadline_s else self.kill()
            looks_without_any = 0 if is_any_left else looks_without_any + 1
            time.sleep(_POLL_S)


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may be gone."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def of_supervisor(attempt: str, command: int | None, agent: int | None) -> list[Process]:
    """What runs of the attempt, seen by the supervisor itself: all its descendants except the agent.

    A subreaper inherits whatever detaches below it, so on Linux that is everything. Elsewhere the command's process
    group and session and the environment marker stand in for it.
    """
    own = os.getpid()
    if HAS_PROC and not has_children_besides(own, agent):
        return []
    return _select(attempt, {own}, command, {own} | ({agent} if agent else set()), scan_markers=not HAS_PROC)


def of_orphaned(attempt: str, command: int | None, known: set[tuple[int, int]]) -> list[Process]:
    """What runs of the attempt when its supervisor is gone: by marker, session, group, parent, or known before."""
    return _select(attempt, set(), command, {os.getpid()}, scan_markers=True, known=known)


def _select(
    attempt: str,
    roots: set[int],
    command: int | None,
    excluded: set[int],
    *,
    scan_markers: bool,
    known: set[tuple[int, int]] = frozenset(),  # type: ignore[assignment]
) -> list[Process]:
    table = list_processes()
    found = below(table, roots, excluded)
    if scan_markers:
        found |= marked(table, attempt)
        found |= {process.pid for process in table.values() if (process.pid, process.start_time) in known}
    if command is not None and scan_markers:
        found |= {process.pid for process in table.values() if command in (process.session, process.group)}
    found |= below(table, found, excluded)
    left = [table[pid] for pid in found - excluded if pid in table and not table[pid].is_zombie]
    # Parents before their children: a shell or a set-up whose child has just died must not go on as if all were well.
    return sorted(left, key=lambda process: (process.start_time, process.pid))
