"""Sustained submissions over HTTP into SQLite, one by one and in bulk, while another job holds the machine."""

from __future__ import annotations

import http.client
import json
import os
import sqlite3
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure, Peer
from benchmarks.processes import cpu_seconds_of
from benchmarks.script import run_script
from benchmarks.serving import BenchServer, serve, state_folder, submit, wait_until_running, while_held
from benchmarks.sizes import Size
from tradewind.hardware.local import usable_cpus

DESCRIPTION: Final = "Submissions a second"
_GOAL_SINGLE: Final = 200.0
_GOAL_BULK: Final = 2000.0
_CONNECTIONS: Final = 8
_SPEC: Final = {"version": 1, "name": "queued", "run": "python train.py", "tags": {"paper": "bench"}}


def measure(size: Size) -> list[Figure]:
    """Jobs a second that were on disk when they were answered."""
    with state_folder() as state, serve(state) as server:
        with server.connect() as client:
            holder = submit(client, while_held(state, "sleep 0.2"), name="holder", cpus=usable_cpus())
            wait_until_running(client, holder)
        submit_one_by_one(server, connections=1, jobs=size.repeats)
        cpu_before_s = cpu_seconds_of(server.pid)
        alone = [submit_one_by_one(server, connections=1, jobs=size.jobs) for _ in range(size.repeats)]
        several = [
            submit_one_by_one(server, connections=_CONNECTIONS, jobs=size.jobs) for _ in range(size.repeats)
        ]
        singles = (len(alone) + len(several)) * size.jobs
        cpu_ms = 1000 * (cpu_seconds_of(server.pid) - cpu_before_s) / singles
        bulk = [submit_in_bulk(server, size.bulk_jobs) for _ in range(size.repeats)]
        limit = statistics.median(commit_bare_rows(state, 1, size.jobs) for _ in range(size.repeats))
        bulk_limit = statistics.median(
            commit_bare_rows(state, size.bulk_jobs, size.bulk_jobs) for _ in range(size.repeats)
        )
    return [
        Figure(
            name=f"one by one, {_CONNECTIONS} connections",
            unit="jobs/s",
            values=tuple(several),
            better="higher",
            goal=_GOAL_SINGLE,
            peer=Peer(name="bare SQLite, one durable commit a job", value=limit),
            note=f"{size.jobs} jobs a run, no keys; {cpu_ms:.2f} ms of the server's processor time a job",
        ),
        Figure(
            name="one by one, 1 connection",
            unit="jobs/s",
            values=tuple(alone),
            better="higher",
            peer=Peer(name="bare SQLite, one durable commit a job", value=limit),
        ),
        Figure(
            name="in bulk",
            unit="jobs/s",
            values=tuple(bulk),
            better="higher",
            goal=_GOAL_BULK,
            peer=Peer(name="bare SQLite, one commit for all", value=bulk_limit),
            note=f"{size.bulk_jobs} jobs in one request a run",
        ),
    ]


def submit_one_by_one(server: BenchServer, *, connections: int, jobs: int) -> float:
    """Jobs a second over so many kept connections at once, each waiting for its answers."""
    body = json.dumps({"spec": _SPEC}).encode()
    failures: list[str] = []

    def send(count: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        try:
            for _ in range(count):
                _post(connection, server.token, "/api/v1/jobs", body)
        except Exception as error:
            failures.append(repr(error))
        finally:
            connection.close()

    parts = [jobs // connections + (index < jobs % connections) for index in range(connections)]
    threads = [threading.Thread(target=send, args=(part,)) for part in parts]
    began_s = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = time.perf_counter() - began_s
    if failures:
        raise RuntimeError(f"submitting failed: {failures[0]}")
    return jobs / took_s


def submit_in_bulk(server: BenchServer, jobs: int) -> float:
    """Jobs a second of one request that carries them all."""
    body = json.dumps(
        {"jobs": [{"spec": _SPEC | {"name": f"bulk-{index}"}} for index in range(jobs)]}
    ).encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    began_s = time.perf_counter()
    answer = _post(connection, server.token, "/api/v1/jobs/batch", body)
    took_s = time.perf_counter() - began_s
    connection.close()
    if len(set(answer["ids"])) != jobs:
        raise RuntimeError(f"{jobs} jobs were sent and {len(answer['ids'])} ids came back")
    return jobs / took_s


def _post(connection: http.client.HTTPConnection, token: str, path: str, body: bytes) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", path, body, headers)
    response = connection.getresponse()
    content = response.read()
    if response.status != 201:
        raise RuntimeError(f"HTTP {response.status}: {content[:200].decode(errors='replace')}")
    return json.loads(content)


def commit_bare_rows(folder: Path, rows_a_commit: int, rows: int) -> float:
    """Rows a second into a table of the same disk, each commit on disk before the next begins."""
    path = folder / f"bare-{rows_a_commit}-{os.urandom(4).hex()}.db"
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE jobs (id TEXT PRIMARY KEY, spec TEXT)")
        text = json.dumps(_SPEC)
        began_s = time.perf_counter()
        for first in range(0, rows, rows_a_commit):
            connection.execute("BEGIN IMMEDIATE")
            values = [(f"job_{index:020}", text) for index in range(first, min(rows, first + rows_a_commit))]
            connection.executemany("INSERT INTO jobs VALUES (?, ?)", values)
            connection.execute("COMMIT")
        return rows / (time.perf_counter() - began_s)
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(run_script(DESCRIPTION, measure))
