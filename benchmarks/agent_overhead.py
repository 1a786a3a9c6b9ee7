"""What the supervisor and the agent of a running job use: processor share and memory."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, Peer
from benchmarks.processes import Memory, cpu_seconds_of, memory_of
from benchmarks.script import run_script
from benchmarks.serving import serve, state_folder, submit, wait_until_running, while_held
from benchmarks.sizes import Size
from tradewind.client.endpoint import LocalEndpoint
from tradewind.client.local_server import LocalServer
from tradewind.client.synchronous import Client

DESCRIPTION: Final = "What supervisor and agent use"
_GOAL_CPU_PERCENT: Final = 1.0
_GOAL_MEMORY_MIB: Final = 25.0
_SETTLE_S: Final = 3.0
_READINGS: Final = 6
#: 10,000 lines a second, in a hundred steps; what could not be written in time is not made up for.
_TALKER: Final = """\
import os, sys, time
from pathlib import Path
held, line, step = Path(sys.argv[1]), 0, time.monotonic()
while held.exists():
    rows = [f"step {line + n}/100000000 loss={1 / (line + n + 1):.6f} lr=0.001\\n" for n in range(100)]
    os.write(1, "".join(rows).encode())
    line += 100
    step = max(step + 0.01, time.monotonic() - 0.01)
    time.sleep(max(0.0, step - time.monotonic()))
"""


@dataclass(frozen=True, slots=True)
class Use:
    """What both processes used: of one processor, in percent, and the memory at several moments."""

    cpu_percent: float
    memory: tuple[Memory, ...]
    seconds: float
    lines_per_s: float


def measure(size: Size) -> list[Figure]:
    """Percent of one processor and MiB, at one line a second and at ten thousand."""
    with state_folder() as state, serve(state):
        slow = _watch(state, while_held(state, "echo still here; sleep 1"), size)
    with state_folder() as state, serve(state):
        script = state / "talker.py"
        script.write_text(_TALKER, encoding="utf-8")
        fast = _watch(state, f"{sys.executable} {script} {state / 'bench.hold'}", size)
    empty = _memory_of_empty_python()
    figures = []
    for name, use in (("1 line/s", slow), ("10,000 lines/s", fast)):
        figures += [
            Figure(
                name=f"processor share at {name}",
                unit="%",
                values=(use.cpu_percent,),
                better="lower",
                goal=_GOAL_CPU_PERCENT,
                note=f"of one processor over {use.seconds:.0f} s; the job wrote {use.lines_per_s:,.0f} lines/s",
            ),
            Figure(
                name=f"memory at {name}, PSS",
                unit="MiB",
                values=tuple(each.pss for each in use.memory),
                better="lower",
                goal=_GOAL_MEMORY_MIB,
                peer=Peer(name="an empty Python, PSS", value=empty.pss),
                note=f"both processes; RSS, which counts what they share twice: {_rss(use):.1f} MiB",
            ),
        ]
    return figures


def _rss(use: Use) -> float:
    return statistics.median(each.rss for each in use.memory)


def _watch(state: Path, run: str, size: Size) -> Use:
    with Client(endpoint=LocalEndpoint(LocalServer(state))) as client:
        wait_until_running(client, submit(client, run, name="watched"))
    directory = next((state / "attempts").iterdir())
    pids = [int(json.loads((directory / name).read_bytes())["pid"]) for name in ("begun.json", "agent.json")]
    log = directory / "logs" / "stdout.log"
    time.sleep(min(_SETTLE_S, size.seconds))
    bytes_before = log.stat().st_size
    before_s, began_s = [cpu_seconds_of(pid) for pid in pids], time.perf_counter()
    memory = []
    readings = _READINGS if size.seconds > 1 else 1
    for _ in range(readings):
        time.sleep(size.seconds / readings)
        memory.append(memory_of(pids))
    watched_s = time.perf_counter() - began_s
    used_s = sum(cpu_seconds_of(pid) for pid in pids) - sum(before_s)
    with log.open("rb") as file:
        file.seek(bytes_before)
        lines = file.read().count(b"\n")
    return Use(100 * used_s / watched_s, tuple(memory), watched_s, lines / watched_s)


def _memory_of_empty_python() -> Memory:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        time.sleep(0.3)
        memory = memory_of([process.pid])
        process.communicate(b"\n")
    return memory


if __name__ == "__main__":
    sys.exit(run_script(DESCRIPTION, measure))
