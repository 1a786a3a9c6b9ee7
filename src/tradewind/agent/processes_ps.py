"""Processes as `ps` tells them, where there is no /proc (macOS). One call of `ps` takes some ten milliseconds."""

from __future__ import annotations

import calendar
import os
import subprocess
import time

from .processes import Process

_COLUMNS = "pid=,ppid=,pgid=,stat=,time=,rss=,lstart="


def list_with_ps() -> dict[int, Process]:
    """Every process that can be seen, by pid. Start times have a resolution of one second."""
    return parse_ps(_run(["ps", "-A", "-ww", "-o", _COLUMNS]))


def parse_ps(text: str) -> dict[int, Process]:
    """The processes in the output of `ps -o pid=,ppid=,pgid=,stat=,time=,rss=,lstart=`."""
    found = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 11:
            continue
        try:
            pid, parent, group = int(fields[0]), int(fields[1]), int(fields[2])
            started = calendar.timegm(time.strptime(" ".join(fields[6:11]), "%a %b %d %H:%M:%S %Y"))
            found[pid] = Process(
                pid,
                parent,
                group,
                _session(pid),
                started,
                is_zombie=fields[3].startswith("Z"),
                cpu_s=parse_cpu_time_s(fields[4]),
                memory_bytes=int(fields[5]) * 1024,
            )
        except ValueError:
            continue
    return found


def parse_cpu_time_s(text: str) -> float:
    """Seconds from `12:34.56`, `1:02:03` or `2-01:02:03`."""
    days, _, clock = text.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds + 86400 * int(days or 0)


def marked_with_ps(attempt: str, variable: str) -> set[int]:
    """The pids of every process that was started with the attempt's marker in its environment.

    macOS hides the environment of programs that it protects (those in /bin and /usr/bin among them), so callers
    also look at process groups, sessions and parents.
    """
    entry = " {}={} ".format(variable, attempt)
    found = set()
    for line in _run(["ps", "-A", "-E", "-ww", "-o", "pid=,command="]).splitlines():
        pid, _, rest = line.strip().partition(" ")
        if pid.isdigit() and entry in " {} ".format(rest):
            found.add(int(pid))
    return found


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def _run(arguments: list[str]) -> str:
    done = subprocess.run(
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
    )  # fmt: skip
    return done.stdout.decode("utf-8", "replace")
