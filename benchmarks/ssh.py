"""Machines over SSH, each a real sshd on loopback: what Tradewind adds to plain `ssh`, and what many machines cost."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import psutil

from benchmarks.figures import Figure, Peer
from benchmarks.script import run_script
from benchmarks.sizes import Size
from tests.agent.attempts import wait_until
from tests.ssh_machines import Fleet, Watch
from tests.sshd_for_tests import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

DESCRIPTION: Final = "Machines over SSH"
_CONNECT_WITHIN: Final = 8
_MOST_HOSTS: Final = 50
_EVERY_S: Final = (1.0, 5.0)


def measure(size: Size) -> list[Figure]:
    """Everything against machines on this machine: both sides share its processors."""
    # Before anything else, so that memory that was used for other things is not used again.
    with _fleet() as fleet:
        machines = [fleet.machine(f"m{number}") for number in range(_hosts(size))]
        many = asyncio.run(_many_machines(fleet, machines, size))
    with _fleet() as fleet:
        machine = fleet.machine()
        return [*asyncio.run(_one_machine(fleet, machine, size)), *many]


def _hosts(size: Size) -> int:
    return min(_MOST_HOSTS, max(2, size.first_lines))


@contextmanager
def _fleet() -> Iterator[Fleet]:
    with TemporaryDirectory(prefix="tradewind-bench-") as folder:
        fleet = Fleet(Path(folder))
        try:
            yield fleet
        finally:
            fleet.end()


def _plain(fleet: Fleet, machine: Sshd, command: str) -> float:
    """Seconds that `ssh host command` takes until its last byte."""
    key = fleet.root / "login"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(fleet.access.login.private.reveal())
        known = fleet.key_of(machine.folder.name).public
        (fleet.root / "known").write_text(f"[{machine.host}]:{machine.port} {known}\n")
    options = [
        "IdentitiesOnly=yes",
        f"UserKnownHostsFile={fleet.root}/known",
        "BatchMode=yes",
        "LogLevel=ERROR",
    ]
    call = ["ssh", "-F", "none", "-i", str(key), "-p", str(machine.port)]
    call += [part for option in options for part in ("-o", option)]
    began_s = time.perf_counter()
    subprocess.run([*call, f"{machine.user}@{machine.host}", command], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began_s


async def _one_machine(fleet: Fleet, machine: Sshd, size: Size) -> list[Figure]:
    plain = sorted([await asyncio.to_thread(_plain, fleet, machine, "echo ready") for _ in range(size.runs)])
    peer = Peer(name="ssh host 'echo ready'", value=1000 * plain[len(plain) // 2])
    await fleet.host(machine).greet()
    cold, warm = [], []
    for number in range(size.runs):
        fleet.hosts[-1].close()
        fleet.server()
        cold.append(1000 * await _first_line(fleet, machine, f"cold{number}"))
        warm.append(1000 * await _first_line(fleet, machine, f"warm{number}"))
    looks = await _looks(fleet, machine, size)
    return [
        Figure(
            name="start to first log line, new connection", unit="ms", values=tuple(cold), better="lower", peer=peer,
            note="connect, check the agent, hello, working directory, start, first look with the line",
        ),
        Figure(
            name="start to first log line, kept connection", unit="ms", values=tuple(warm), better="lower", peer=peer
        ),
        Figure(name="one look at an attempt with no news", unit="ms", values=looks, better="lower"),
        await _throughput(fleet, machine, size),
    ]  # fmt: skip


async def _first_line(fleet: Fleet, machine: Sshd, name: str) -> float:
    request = fleet.request(name, "echo ready")
    began_s = time.perf_counter()
    host = fleet.host(machine)
    watch = Watch(host, await host.submit(request, f"k/{request.attempt_id}"))
    while b"ready" not in fleet.log(name):
        await watch.poll()
    took_s = time.perf_counter() - began_s
    await watch.until_gone()
    return took_s


async def _looks(fleet: Fleet, machine: Sshd, size: Size) -> tuple[float, ...]:
    host = fleet.host(machine)
    watch = Watch(
        host, await host.submit(fleet.request("quiet", "exec sleep 3600"), f"k/{fleet.id('quiet')}")
    )
    await watch.until(lambda _seen: watch.of_type("phase"), "its start")
    values = []
    for _ in range(20 * size.runs):
        began_s = time.perf_counter()
        await watch.poll()
        values.append(1000 * (time.perf_counter() - began_s))
    await host.stop(watch.handle, "stopped_by_user", 0.0)
    await watch.until_gone()
    return tuple(values)


async def _throughput(fleet: Fleet, machine: Sshd, size: Size) -> Figure:
    count = size.log_megabytes * 1_000_000
    host = fleet.host(machine)
    program = (
        "import os; b = (chr(120) * 99 + chr(10)).encode() * 10000; "
        f"[os.write(1, b) for _ in range({count} // len(b))]"
    )
    watch = Watch(
        host,
        await host.submit(
            fleet.request("log", f"exec {sys.executable} -c '{program}'"), f"k/{fleet.id('log')}"
        ),
    )
    directory = machine.home / f".tradewind/attempts/{fleet.id('log')}"
    await asyncio.to_thread(wait_until, (directory / "exit.json").exists, "the end of the log", 300.0)
    log = directory / "logs/stdout.log"
    length = log.stat().st_size
    values = []
    ours = fleet.root / f"attempts/{fleet.id('log')}/logs/stdout.log"
    for _ in range(size.repeats):
        ours.unlink(missing_ok=True)
        began_s = time.perf_counter()
        await watch.until_gone()
        values.append(length / 1e6 / (time.perf_counter() - began_s))
        if ours.stat().st_size != length:
            raise RuntimeError("the log did not arrive whole")
    bare = [await asyncio.to_thread(_plain, fleet, machine, f"cat {log}") for _ in range(size.repeats)]
    return Figure(
        name="log over SSH, fetched afterwards", unit="MB/s", values=tuple(values), better="higher",
        peer=Peer(name="ssh host cat", value=length / 1e6 / sorted(bare)[len(bare) // 2]),
        note="into the attempt's directory here, by polls",
    )  # fmt: skip


async def _many_machines(fleet: Fleet, machines: list[Sshd], size: Size) -> list[Figure]:
    fleet.server()
    me = psutil.Process(os.getpid())
    before = me.memory_info().rss
    gate = asyncio.Semaphore(_CONNECT_WITHIN)

    async def begin(number: int, machine: Sshd) -> Watch:
        async with gate:
            host = fleet.host(machine)
            request = fleet.request(f"m{number}", "while true; do date; sleep 1; done")
            return Watch(host, await host.submit(request, f"k/{request.attempt_id}"))

    watches = await asyncio.gather(*(begin(*each) for each in enumerate(machines)))
    figures = []
    for every_s in _EVERY_S:
        cpu_s = time.process_time()
        began_s = time.perf_counter()

        async def follow(watch: Watch, every_s: float = every_s, began_s: float = began_s) -> int:
            polls = 0
            while time.perf_counter() - began_s < size.seconds:
                await watch.poll()
                polls += 1
                await asyncio.sleep(every_s)
            return polls

        polls = sum(await asyncio.gather(*map(follow, watches)))
        took_s = time.perf_counter() - began_s
        used_s = time.process_time() - cpu_s
        figures.append(
            Figure(
                name=f"{len(machines)} machines, each looked at every {every_s:.0f} s, CPU", unit="%",
                values=(100 * used_s / took_s,), better="lower",
                note=f"{polls / took_s:.0f} looks a second over {took_s:.0f} s; this process, without the database",
            )
        )  # fmt: skip
    grown = (me.memory_info().rss - before) / 2**20
    figures.append(
        Figure(
            name=f"{len(machines)} machines, memory for their connections", unit="MiB", values=(grown,), better="lower",
            note="growth of RSS",
        )
    )  # fmt: skip
    return figures


if __name__ == "__main__":
    sys.exit(run_script(DESCRIPTION, measure))
