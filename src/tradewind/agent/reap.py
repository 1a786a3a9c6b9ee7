"""Ending an attempt whose supervisor is gone, and saying so."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from .durable import read_json
from .ending import FINAL_GRACE_S, Survivors, of_orphaned, send
from .exit_record import has_ended, write_exit
from .identity import boot_id
from .lock import take_lock
from .processes import AGENT_MARKER, list_processes, marked, read_process
from .spec import read_spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .spec import Spec

_TAIL_BYTES = 65536
_LOOKS_AT_AGENT = 20
_BETWEEN_LOOKS_S = 0.05


def reap(directory: str) -> dict[str, Any]:
    """End what is left of the attempt and return its exit record; leave it alone if a supervisor holds the lock."""
    spec = read_spec(directory)
    lock = take_lock(directory)
    patience = _LOOKS_AT_AGENT
    while lock is not None and patience and _agents(spec.attempt):
        # An agent that has just lost its supervisor does this itself, and knows more.
        os.close(lock)
        time.sleep(_BETWEEN_LOOKS_S)
        patience -= 1
        lock = take_lock(directory)
    if lock is None:
        return {"state": "running"}
    try:
        for agent in _agents(spec.attempt):
            send(agent, signal.SIGKILL)
        return end_orphaned(spec, directory, set(), before_writing=lambda: _say_the_rest(directory))
    finally:
        os.close(lock)


def _agents(attempt: str) -> list[int]:
    """The agents of the attempt that live, one that was just started and has not said so included."""
    table = list_processes()
    return [pid for pid in marked(table, attempt, AGENT_MARKER) if pid in table and not table[pid].is_zombie]


def _say_the_rest(directory: str) -> None:
    """What the last agent had no time to say: the ends of the logs, metrics, checkpoints."""
    if has_ended(directory) or not os.path.exists(os.path.join(directory, "begun.json")):
        return
    from .watch import Agent

    try:
        Agent(directory, messages_fd=None).finish(was_killed=True, is_late=True)
    except Exception:
        # Whatever is wrong with the records, the end must be written.
        sys.excepthook(*sys.exc_info())


def end_orphaned(
    spec: Spec,
    directory: str,
    known: set[tuple[int, int]],
    before_writing: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """End every process of the attempt, then write how it ended if nobody has. The caller holds the lock."""
    begun = read_json(os.path.join(directory, "begun.json"))
    process = read_json(os.path.join(directory, "process.json"))
    command = None
    if process is not None and process.get("boot_id") == boot_id() and not _is_somebody_else(process):
        command = process["pid"]
    survivors = Survivors(lambda: of_orphaned(spec.attempt, command, known))
    survivors.end(min(spec.grace_s, FINAL_GRACE_S))
    if before_writing is not None:
        before_writing()
    if has_ended(directory):
        record = read_json(os.path.join(directory, "exit.json"))
    elif begun is None:
        record = write_exit(directory, "start_failed", "it was ended before it began")
    else:
        reason, message = (
            "supervisor_lost",
            "the supervisor was killed, so the command's exit status is unknown",
        )
        if begun.get("boot_id") != boot_id():
            reason, message = "machine_restarted", "the machine restarted while the command ran"
        record = write_exit(
            directory,
            reason,
            message,
            started_at=begun.get("time"),
            energy_j=last_energy_j(directory),
            strays=survivors.count,
        )
    return {"state": "ended", "ended_processes": survivors.count, "exit": record}


def _is_somebody_else(process: dict[str, Any]) -> bool:
    """True if the command's pid belongs to another process now, so that its session is another one too."""
    current = read_process(process["pid"])
    return current is not None and current.start_time != process.get("start_time")


def last_energy_j(directory: str) -> float:
    """The energy in the newest sample, 0 if there is none."""
    try:
        with open(os.path.join(directory, "records.jsonl"), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            lines = file.read(_TAIL_BYTES).split(b"\n")
    except OSError:
        return 0.0
    for line in reversed(lines):
        if b'"energy_j"' in line:
            try:
                return float(json.loads(line)["energy_j"])
            except (ValueError, KeyError, TypeError):
                continue
    return 0.0
