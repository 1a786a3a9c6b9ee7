"""Log bytes a second from a process to a client, with every byte compared by its hash."""

from __future__ import annotations

import hashlib
import http.client
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, Peer
from benchmarks.script import run_script
from benchmarks.serving import BenchServer, serve, state_folder, submit
from benchmarks.sizes import Size
from tradewind.client.synchronous import Client
from tradewind.domain.schemas_records import LogChunk

DESCRIPTION: Final = "Log bytes a second"
_GOAL_MB_PER_S: Final = 50.0
_MEGABYTE: Final = 1_000_000
#: A megabyte of lines as trainings print them.
_PRODUCER: Final = """\
import sys
lines = "".join(
    f"epoch {n % 90:3d} step {n:7d}/2000000 loss={1 / (n + 1):.6f} accuracy={n % 1000 / 1000:.3f} lr=0.0010\\n"
    for n in range(16000)
).encode()[: 1_000_000 - 1] + b"\\n"
for _ in range(int(sys.argv[1])):
    sys.stdout.buffer.write(lines)
sys.stdout.buffer.flush()
"""


def measure(size: Size) -> list[Figure]:
    """Megabytes (10^6 bytes) a second: live while the process writes, and afterwards, as events and as raw bytes."""
    with state_folder() as state, serve(state) as server, server.connect() as client:
        script = state / "producer.py"
        script.write_text(_PRODUCER, encoding="utf-8")
        written = size.log_megabytes * _MEGABYTE
        produce = [sys.executable, str(script), str(size.log_megabytes)]
        truth = hashlib.sha256(subprocess.run(produce, stdout=subprocess.PIPE, check=True).stdout).hexdigest()
        live, events, raw = [], [], []
        for _ in range(size.repeats):
            began_s = time.perf_counter()
            job = submit(client, " ".join(produce), name="producer")
            live.append(_follow(client, job, truth, written, began_s))
            events.append(_follow(client, job, truth, written, time.perf_counter()))
            raw.append(_read_raw(server, job, truth, written))
        log = next((state / "attempts").glob("*/logs/stdout.log"))
        peer = Peer(name="the file from Python's http.server", value=_serve_plainly(log, written))
    note = "hashes of what was written and what arrived were equal in every run"
    return [
        Figure(
            name="followed live, server-sent events",
            unit="MB/s",
            values=tuple(live),
            better="higher",
            goal=_GOAL_MB_PER_S,
            peer=peer,
            note=f"{size.log_megabytes} MB; from submission to the last byte at the Python client; {note}",
        ),
        Figure(
            name="read afterwards, server-sent events",
            unit="MB/s",
            values=tuple(events),
            better="higher",
            goal=_GOAL_MB_PER_S,
            peer=peer,
        ),
        Figure(
            name="read afterwards, raw endpoint",
            unit="MB/s",
            values=tuple(raw),
            better="higher",
            goal=_GOAL_MB_PER_S,
            peer=peer,
        ),
    ]


def _follow(client: Client, job: str, truth: str, written: int, began_s: float) -> float:
    digest, received = hashlib.sha256(), 0
    last_s = began_s
    for item in client.logs(job, follow_on=True, stream="stdout"):
        if isinstance(item, LogChunk):
            data = item.text.encode()
            digest.update(data)
            received += len(data)
            last_s = time.perf_counter()
    _compare("the event stream", digest.hexdigest(), received, truth, written)
    return written / _MEGABYTE / (last_s - began_s)


def _read_raw(server: BenchServer, job: str, truth: str, written: int) -> float:
    digest, received = hashlib.sha256(), 0
    began_s = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Authorization": f"Bearer {server.token}"}
    connection.request("GET", f"/api/v1/jobs/{job}/logs/raw?stream=stdout", headers=headers)
    response = connection.getresponse()
    while piece := response.read(1 << 20):
        digest.update(piece)
        received += len(piece)
    took_s = time.perf_counter() - began_s
    connection.close()
    _compare("the raw endpoint", digest.hexdigest(), received, truth, written)
    return written / _MEGABYTE / took_s


def _compare(where: str, digest: str, received: int, truth: str, written: int) -> None:
    if digest != truth or received != written:
        raise RuntimeError(f"{where} gave {received:,} of {written:,} bytes, or others than were written")


def _serve_plainly(file: Path, written: int) -> float:
    with _plain_server(file.parent) as port:
        began_s = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", f"/{file.name}")
        response = connection.getresponse()
        digest = hashlib.sha256()
        while piece := response.read(1 << 20):
            digest.update(piece)
        connection.close()
        return written / _MEGABYTE / (time.perf_counter() - began_s)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *values: object) -> None:  # noqa: A002 (the name that it inherits)
        """Says nothing."""


@contextmanager
def _plain_server(folder: Path) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=os.fspath(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    sys.exit(run_script(DESCRIPTION, measure))
