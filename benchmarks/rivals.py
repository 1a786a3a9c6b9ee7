"""What others of the trade cost here, where they install: packages, help, their server at rest."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.figures import Figure
from benchmarks.packages import install_into
from benchmarks.processes import children_of, memory_of, run_command
from benchmarks.script import run_script
from benchmarks.sizes import Size

DESCRIPTION: Final = "Rivals"
_HELP_RUNS: Final = 5
_READY_WITHIN_S: Final = 120.0
_SETTLE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Rival:
    """One of them. `server` is run with the port in place of `{port}`."""

    name: str
    requirement: str
    program: str
    server: tuple[str, ...]


RIVALS: Final = (
    Rival(
        "SkyPilot",
        "skypilot==0.14.1",
        "sky",
        ("python", "-m", "sky.server.server", "--host", "127.0.0.1", "--port", "{port}"),
    ),
    Rival(
        "dstack",
        "dstack[server]==0.22.5",
        "dstack",
        ("dstack", "server", "--port", "{port}", "--host", "127.0.0.1"),
    ),
)


def measure(_size: Size) -> list[Figure]:
    """Their figures; for one that does not install or start, what it said instead."""
    figures: list[Figure] = []
    for rival in RIVALS:
        with TemporaryDirectory(prefix="tradewind-bench-", ignore_cleanup_errors=True) as folder:
            try:
                figures += _measure(rival, Path(folder))
            except subprocess.CalledProcessError as error:
                said = (error.stderr or error.stdout or "").strip().splitlines()[-3:]
                print(f"{rival.name}: {rival.requirement} could not be measured: {' / '.join(said)}")
            except RuntimeError as error:
                print(f"{rival.name}: {error}")
    return figures


def _measure(rival: Rival, folder: Path) -> Iterator[Figure]:
    names = install_into(folder / "venv", [rival.requirement])
    programs = folder / "venv" / "bin"
    home = folder / "home"
    home.mkdir()
    environment = {
        **os.environ,
        "HOME": str(home),
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    environment.pop("PYTHONPATH", None)
    help_runs = [
        run_command([str(programs / rival.program), "--help"], environment) for _ in range(_HELP_RUNS + 1)
    ][1:]
    yield Figure(name=f"{rival.name}, packages", unit="packages", values=(float(len(names)),), better="lower")
    yield Figure(
        name=f"{rival.name} --help, CPU",
        unit="ms",
        values=tuple(1000 * run.cpu_s for run in help_runs),
        better="lower",
    )
    yield from _measure_server(rival, programs, environment, folder)


def _measure_server(
    rival: Rival, programs: Path, environment: dict[str, str], folder: Path
) -> Iterator[Figure]:
    memory = []
    # The first start makes the database; the second is the one on an existing database.
    for turn in range(2):
        with _run(rival, programs, environment, folder) as (pid, ready_s):
            if turn:
                time.sleep(_SETTLE_S)
                family = _family(pid)
                memory = [memory_of(family)]
        readiness = ready_s
    yield Figure(
        name=f"{rival.name} server, listening on an existing database",
        unit="s",
        values=(readiness,),
        better="lower",
    )
    yield Figure(
        name=f"{rival.name} server, memory at rest (PSS)",
        unit="MiB",
        values=tuple(each.pss for each in memory),
        better="lower",
        note=f"all {len(family)} processes; RSS {statistics.median(each.rss for each in memory):.0f} MiB",
    )


@contextlib.contextmanager
def _run(
    rival: Rival, programs: Path, environment: dict[str, str], folder: Path
) -> Iterator[tuple[int, float]]:
    port = _free_port()
    arguments = [part.format(port=port) for part in rival.server]
    with (folder / "server.log").open("ab") as log:
        began_s = time.perf_counter()
        process = subprocess.Popen(
            [str(programs / arguments[0]), *arguments[1:]],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_until_listening(process, port, folder / "server.log", began_s)
        yield process.pid, time.perf_counter() - began_s
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path, began_s: float) -> None:
    while time.perf_counter() - began_s < _READY_WITHIN_S:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    tail: Sequence[str] = log.read_text(encoding="utf-8", errors="replace").splitlines()[-2:]
    raise RuntimeError(f"its server did not start: {' / '.join(tail)}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _family(pid: int) -> list[int]:
    found = [pid]
    for child in children_of(pid):
        with contextlib.suppress(OSError):
            found += _family(child)
    return found


if __name__ == "__main__":
    sys.exit(run_script(DESCRIPTION, measure))
