"""`hello`: what the machine is and has."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys

from .. import PROTOCOLS
from ..identity import boot_id
from ..processes import read_small

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LOGIN_PATIENCE_S = 5


def describe(base: str, version: str) -> dict[str, Any]:
    """Everything that whoever runs attempts here needs to know."""
    from ..gpus import find_gpus

    return {
        "version": version,
        "protocols": list(PROTOCOLS),
        "python": sys.executable,
        "python_version": platform.python_version(),
        "boot_id": boot_id(),
        "uid": os.getuid(),
        "hostname": platform.node(),
        "cpus": _cpus(),
        "cpu_model": _cpu_model(),
        "memory_bytes": _memory_bytes(),
        "disk_free_bytes": shutil.disk_usage(base).free,
        "gpus": find_gpus(),
        "base": base,
        "variables": sorted(os.environ),
        "search_path": _search_path(),
    }


def _search_path() -> str:
    """Where programs are found after a login: a command over SSH gets less, and images put their Python there."""
    own = os.environ.get("PATH") or os.defpath
    try:
        done = subprocess.run(
            [shutil.which("bash") or "sh", "-lc", 'printf "\\0%s" "$PATH"'],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=_LOGIN_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return own
    login = done.stdout.decode("utf-8", "replace").rpartition("\0")[2] if b"\0" in done.stdout else ""
    parts = dict.fromkeys([*login.split(os.pathsep), *own.split(os.pathsep)])
    return os.pathsep.join(part for part in parts if os.path.isabs(part))


def _cpus() -> int:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = read_small("/sys/fs/cgroup/cpu.max").split()
    if len(quota) == 2 and quota[0].isdigit():
        return min(count, max(1, int(quota[0]) // int(quota[1])))
    return count


def _memory_bytes() -> int:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        limit = read_small(path).strip()
        if limit.isdigit():
            total = min(total, int(limit))
    return total


def _cpu_model() -> str:
    for line in read_small("/proc/cpuinfo").splitlines():
        if line.startswith(b"model name"):
            return line.partition(b":")[2].strip().decode("utf-8", "replace")
    return platform.processor() or platform.machine()
