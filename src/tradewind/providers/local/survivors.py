"""What still runs of an attempt whose directory is gone: found by its marker, because nothing else is left."""

from __future__ import annotations

import psutil

MARKER = "TRADEWIND_ATTEMPT"


def end_marked(attempt_id: str) -> int:
    """Kills every process of the attempt, parents before children. How many there were; 0: it is really gone."""
    found = sorted(
        (process for process in psutil.process_iter() if _is_of(process, attempt_id)),
        key=lambda process: (process.create_time(), process.pid),
    )
    for process in found:
        try:
            process.kill()
        except psutil.Error:
            continue
    return len(found)


def _is_of(process: psutil.Process, attempt_id: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.environ().get(MARKER) == attempt_id
    except psutil.Error:
        return False
