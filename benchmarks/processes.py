"""What commands and running processes use of the machine."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command: processor seconds of it and its children, and seconds on the wall clock."""

    cpu_s: float
    wall_s: float


def run_command(arguments: Sequence[str], environment: dict[str, str]) -> Run:
    """Runs a command to its end, its output thrown away. Raises CalledProcessError if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began_s = time.perf_counter()
    subprocess.run(
        arguments, env=environment, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    wall_s = time.perf_counter() - began_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(cpu_s, wall_s)


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident megabytes (MiB): `rss` counts shared pages in full, `pss` each process's part of them."""

    rss: float
    pss: float


def memory_of(pids: Iterable[int]) -> Memory:
    """Memory of processes, added up."""
    rss = pss = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            name, _, rest = line.partition(":")
            if name == "Rss":
                rss += int(rest.split()[0]) * 1024
            elif name == "Pss":
                pss += int(rest.split()[0]) * 1024
    return Memory(rss / _MIB, pss / _MIB)


def peak_memory_of(pid: int) -> float:
    """The most resident megabytes (MiB) that a process ever had."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / _MIB
    raise ValueError(f"process {pid} has no memory of its own")


def cpu_seconds_of(pid: int, *, with_ended_children: bool = False) -> float:
    """Processor seconds a process has used so far.

    The scheduler's own account is used where there is one: clock ticks are too coarse for a process that sleeps.
    """
    fields = (
        Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(") ")[2].split()
    )
    children_s = (int(fields[13]) + int(fields[14])) / _TICKS_PER_S if with_ended_children else 0.0
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        own_s = sum(int((task / "schedstat").read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9
    except OSError:
        own_s = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
    return own_s + children_s


def children_of(pid: int) -> list[int]:
    """Pids of a process's children."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text(encoding="ascii").split())
    return found
