"""The server at rest: how soon it is ready, what it holds in memory, what it uses while nothing happens."""

from __future__ import annotations

import sys
import time
from typing import Final

from benchmarks.figures import Figure, Peer
from benchmarks.processes import cpu_seconds_of, memory_of, run_command
from benchmarks.script import run_script
from benchmarks.serving import environment_for, serve, state_folder, submit
from benchmarks.sizes import Size

DESCRIPTION: Final = "The server at rest"
_GOAL_READY_S: Final = 1.0
_GOAL_MEMORY_MIB: Final = 100.0
_GOAL_CPU_PERCENT: Final = 0.5
_JOBS_IN_DATABASE: Final = 20
#: What any server made of these libraries has to load.
_LIBRARIES: Final = "import fastapi, uvicorn, sqlalchemy, pydantic, structlog, psutil"
_SETTLE_S: Final = 2.0


def measure(size: Size) -> list[Figure]:
    """Seconds, megabytes and processor share of a server on a database that has jobs in it."""
    with state_folder() as state:
        with serve(state) as server, server.connect() as client:
            for _ in range(_JOBS_IN_DATABASE if size.runs > 1 else 1):
                client.wait(submit(client, "echo done"), timeout_s=60)
        ready, stopped, memory = [], [], []
        for _ in range(size.repeats):
            with serve(state) as server:
                ready.append(server.ready_s)
                memory.append(memory_of([server.pid]))
                began_s = time.perf_counter()
            stopped.append(time.perf_counter() - began_s)
        with serve(state) as server:
            time.sleep(min(_SETTLE_S, size.seconds))
            before_s, began_s = cpu_seconds_of(server.pid), time.perf_counter()
            time.sleep(size.seconds)
            used_s, watched_s = cpu_seconds_of(server.pid) - before_s, time.perf_counter() - began_s
            rested = memory_of([server.pid])
        libraries = run_command([sys.executable, "-c", _LIBRARIES], environment_for(state))
    return [
        Figure(
            name="ready on an existing database",
            unit="s",
            values=tuple(ready),
            better="lower",
            goal=_GOAL_READY_S,
            peer=Peer(name="importing its libraries", value=libraries.wall_s),
            note="from making the process to the file that says that it answers",
        ),
        Figure(name="stop", unit="s", values=tuple(stopped), better="lower", note="SIGTERM to the end"),
        Figure(
            name="resident memory, idle",
            unit="MiB",
            values=(*(each.rss for each in memory), rested.rss),
            better="lower",
            goal=_GOAL_MEMORY_MIB,
            note=f"{rested.rss:.0f} MiB RSS, {rested.pss:.0f} MiB PSS after {watched_s:.0f} s of rest",
        ),
        Figure(
            name="processor share, idle",
            unit="%",
            values=(100 * used_s / watched_s,),
            better="lower",
            goal=_GOAL_CPU_PERCENT,
            note=f"of one processor, over {watched_s:.0f} s",
        ),
    ]


if __name__ == "__main__":
    sys.exit(run_script(DESCRIPTION, measure))
