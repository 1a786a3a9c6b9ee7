"""Jobs that are admitted, run and finished per second: HTTP, store, queue and controllers, on a place that only waits.

The jobs are those of Kueue's two published load tests. What is compared is not the same work: Kueue admits workloads to
queues with quotas, through an API server and etcd; here its units are processors of one place, and its queues are one
queue in order of age. Jobs are sent in bulk, as fast as the server takes them.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.control_check import Overheads, check_run
from benchmarks.control_loads import LARGE, SMALL, Load
from benchmarks.control_place import CPUS_VARIABLE
from benchmarks.figures import Figure, Peer, render_table
from benchmarks.machine import describe_machine
from benchmarks.processes import cpu_seconds_of, memory_of, peak_memory_of
from benchmarks.script import end_cleanly, make_parser, size_of, write_json
from benchmarks.serving import BenchServer, serve, state_folder
from benchmarks.sizes import Size

DESCRIPTION: Final = "Jobs through the control plane"
_PER_REQUEST: Final = 500
_LOOK_EVERY_S: Final = 0.5
_SILENT_FOR_S: Final = 120.0
_GOAL_MEMORY_MIB: Final = 400.0 * 1e6 / (1 << 20)
_OTHER_WORK: Final = "other work: with an API server, etcd, quotas and borrowing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run of a load took."""

    jobs: int
    submitted_s: float
    wall_s: float
    server_cpu_s: float
    peak_rss_mib: float
    pss_mib: float
    overheads: Overheads


def run_load(load: Load, check: Callable[[Path, list[str]], Overheads] = check_run) -> Outcome:
    """Runs a load on a fresh server to its end and checks that every job succeeded exactly once."""
    with state_folder() as state:
        with serve(state, "benchmarks.control_place", {CPUS_VARIABLE: str(load.units)}) as server:
            began_s, cpu_before_s = time.perf_counter(), cpu_seconds_of(server.pid)
            ids = _submit(server, [{"spec": spec} for spec in load.specs()])
            submitted_s = time.perf_counter() - began_s
            _wait_until_ended(server)
            wall_s, cpu_s = time.perf_counter() - began_s, cpu_seconds_of(server.pid) - cpu_before_s
            rss, pss = peak_memory_of(server.pid), memory_of([server.pid]).pss
        overheads = check(state, ids)
    return Outcome(
        jobs=load.jobs,
        submitted_s=submitted_s,
        wall_s=wall_s,
        server_cpu_s=cpu_s,
        peak_rss_mib=rss,
        pss_mib=pss,
        overheads=overheads,
    )


def _submit(server: BenchServer, jobs: list[dict[str, Any]]) -> list[str]:
    ids: list[str] = []
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    try:
        for first in range(0, len(jobs), _PER_REQUEST):
            body = json.dumps({"jobs": jobs[first : first + _PER_REQUEST]}).encode()
            ids += _ask(connection, server.token, "POST", "/api/v1/jobs/batch", body)["ids"]
    finally:
        connection.close()
    return ids


def _wait_until_ended(server: BenchServer) -> None:
    """Returns once no job is active. Raises RuntimeError when one and the same waits for minutes."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    used_s, moved_s = 0.0, time.perf_counter()
    try:
        while _ask(connection, server.token, "GET", "/api/v1/jobs?active=true&limit=1")["items"]:
            now_s, now_used_s = time.perf_counter(), cpu_seconds_of(server.pid)
            if now_used_s - used_s > 1.0:
                used_s, moved_s = now_used_s, now_s
            if now_s - moved_s > _SILENT_FOR_S:
                raise RuntimeError("jobs are active, but the server has done nothing for minutes")
            time.sleep(_LOOK_EVERY_S)
    finally:
        connection.close()


def _ask(
    connection: http.client.HTTPConnection, token: str, method: str, path: str, body: bytes | None = None
) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    content = response.read()
    if response.status >= 300:
        raise RuntimeError(f"HTTP {response.status}: {content[:200].decode(errors='replace')}")
    return json.loads(content)


def figures_of(
    name: str, load: Load, outcomes: list[Outcome], *, goal_s: float | None, peer_s: float | None
) -> list[Figure]:
    """What a load's runs come to."""
    last = outcomes[-1]
    per_job_ms = 1000 * last.server_cpu_s / last.jobs
    note = (
        f"{last.jobs:,} jobs, {load.units:,} units as processors of one simulated place, one queue in order of age;"
        f" the work alone takes {load.work_s:.0f} s;"
        f" sent in bulk ({_PER_REQUEST} a request) within {last.submitted_s:.1f} s;"
        f" the server used {last.server_cpu_s:.1f} s of processor time ({per_job_ms:.2f} ms a job);"
        f" a job held its units longer than it ran by {1000 * last.overheads.p50:.0f} ms (p50),"
        f" {1000 * last.overheads.p95:.0f} ms (p95)"
    )
    memory = f"{last.pss_mib:.0f} MiB PSS at the end"
    peer = None if peer_s is None else Peer(name=f"Kueue, as published ({_OTHER_WORK})", value=peer_s)
    return [
        Figure(
            name=f"{name}: first request to last job finished",
            unit="s",
            values=tuple(each.wall_s for each in outcomes),
            better="lower",
            goal=goal_s,
            peer=peer,
            note=note,
        ),
        Figure(
            name=f"{name}: jobs finished a second",
            unit="jobs/s",
            values=tuple(each.jobs / each.wall_s for each in outcomes),
            better="higher",
            peer=None if peer_s is None else Peer(name="Kueue", value=load.jobs / peer_s),
        ),
        Figure(
            name=f"{name}: most memory of the server",
            unit="MiB",
            values=tuple(each.peak_rss_mib for each in outcomes),
            better="lower",
            goal=_GOAL_MEMORY_MIB,
            note=memory,
        ),
    ]


def measure(size: Size) -> list[Figure]:
    """Both load tests and, for memory, the second one twice over; all of it small when it only has to run."""
    if size.runs == 1:
        tiny = SMALL.reduced(queues=2, share=25)
        return figures_of("tiny", tiny, [run_load(tiny)], goal_s=None, peer_s=None)
    twice = LARGE.with_queues(10, 200)
    return [
        *figures_of("15,000 jobs", SMALL, [run_load(SMALL)], goal_s=90.0, peer_s=351.0),
        *figures_of("50,000 jobs", LARGE, [run_load(LARGE)], goal_s=120.0, peer_s=1179.0),
        *figures_of("100,000 jobs", twice, [run_load(twice)], goal_s=None, peer_s=None),
    ]


def main(arguments: list[str] | None = None) -> int:
    """All of it, or one load of so many queues."""
    parser = make_parser(DESCRIPTION)
    parser.add_argument("--load", choices=("small", "large"), help="only this one, without goals")
    parser.add_argument("--queues", type=int, help="with --load: so many queues in each cohort")
    parsed = parser.parse_args(arguments)
    end_cleanly()
    if parsed.load is None:
        figures = measure(size_of(parsed))
    else:
        load = {"small": SMALL, "large": LARGE}[parsed.load]
        load = load.with_queues(load.cohorts, parsed.queues or load.queues)
        figures = figures_of(f"{load.jobs:,} jobs", load, [run_load(load)], goal_s=None, peer_s=None)
    print(render_table(figures))
    if parsed.json is not None:
        write_json(parsed.json, describe_machine(), {DESCRIPTION: figures})
    return 0


if __name__ == "__main__":
    sys.exit(main())
