"""From the submission to the first log line at the client, on a server that is warm."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Final

from benchmarks.figures import Figure, Peer
from benchmarks.script import run_script
from benchmarks.serving import serve, state_folder
from benchmarks.sizes import Size
from tradewind.client.synchronous import Client
from tradewind.domain.schemas import JobSubmission
from tradewind.domain.schemas_records import LogChunk

DESCRIPTION: Final = "From submission to the first log line"
_GOAL_MS: Final = 250.0


def measure(size: Size) -> list[Figure]:
    """Milliseconds, one job after the other: each has ended before the next is submitted."""
    with state_folder() as state, serve(state) as server, server.connect() as client:
        _time_first_line(client)
        values = tuple(1000 * _time_first_line(client) for _ in range(size.first_lines))
    bare = sorted(_time_bare_command() for _ in range(size.first_lines))
    slowest = sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]
    return [
        Figure(
            name="submit to first log line",
            unit="ms",
            values=values,
            better="lower",
            goal=_GOAL_MS,
            peer=Peer(name="bash -c 'echo ready' from Python", value=1000 * bare[len(bare) // 2]),
            note=f"POST /jobs, then the log stream, through the Python client; 95th percentile {slowest:.0f} ms",
        )
    ]


def _time_first_line(client: Client) -> float:
    submission = JobSubmission(
        spec={"version": 1, "name": "first-line", "run": "echo ready"}, search_path=os.environ.get("PATH")
    )
    began_s = time.perf_counter()
    job = client.submit(submission)
    for item in client.logs(job.id, follow_on=True):
        if isinstance(item, LogChunk) and "ready" in item.text:
            break
    else:
        raise RuntimeError("the job ended without its line")
    took_s = time.perf_counter() - began_s
    client.wait(job.id, timeout_s=60)
    return took_s


def _time_bare_command() -> float:
    began_s = time.perf_counter()
    subprocess.run(["bash", "-c", "echo ready"], capture_output=True, check=True)
    return time.perf_counter() - began_s


if __name__ == "__main__":
    sys.exit(run_script(DESCRIPTION, measure))
