"""Which processes an installation has left, told by what only they have in their command line or environment."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Found:
    """A process, as it was when it was seen."""

    pid: int
    command: str


def processes_of(folder: Path) -> list[Found]:
    """Every process that names a path in the folder in its command line or its environment, this one left out."""
    wanted = str(folder).encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if wanted in command or wanted in environment:
            found.append(Found(int(entry.name), command.replace(b"\0", b" ").decode(errors="replace")[:300]))
    return found


def end_all(processes: list[Found]) -> None:
    """Kills what a failed test left, so that it cannot disturb the next."""
    for process in processes:
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def peak_memory_bytes(pid: int) -> int:
    """The most memory a process ever had resident."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def listening_ports(pids: set[int]) -> set[tuple[str, int]]:
    """Addresses (in the kernel's hexadecimal) and ports at which any of these processes listens."""
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = str(descriptor.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[len("socket:[") : -1])
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            is_listening = fields[3] == "0A" or table.startswith("udp")
            if is_listening and fields[9] in inodes:
                address, _, port = fields[1].rpartition(":")
                found.add((address, int(port, 16)))
    return found
