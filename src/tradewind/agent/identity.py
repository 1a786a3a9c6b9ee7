"""Which process is meant, in words that no other process ever fits."""

from __future__ import annotations

from .processes import HAS_PROC, read_process, read_small

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def boot_id() -> str:
    """What names this run of the machine since it was switched on."""
    if HAS_PROC:
        return read_small("/proc/sys/kernel/random/boot_id").decode().strip()
    import subprocess

    # macOS: a new one at every boot.
    done = subprocess.run(
        ["sysctl", "-n", "kern.bootsessionuuid"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.stdout.decode("utf-8", "replace").strip()


def identify(pid: int, marker: str) -> dict[str, Any]:
    """The identity of a process: boot id, pid, start time and marker."""
    process = read_process(pid)
    return {
        "boot_id": boot_id(),
        "pid": pid,
        "start_time": None if process is None else process.start_time,
        "marker": marker,
    }
