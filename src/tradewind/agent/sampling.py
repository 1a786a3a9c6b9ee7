"""One look at what the attempt uses: processors, memory, accelerators and energy."""

from __future__ import annotations

import os

from .clocks import steady_s, wall_s
from .gpus import open_gpus
from .kernel_log import KernelLog
from .processes import HAS_PROC, Process, below, list_processes, read_small
from .rapl import Rapl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .gpus import GpuReading
    from .memory import Memory
    from .spec import Spec
    from .voice import Voice

_SHORTEST_S = 0.2
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Sampler:
    """Takes samples. Energy is added up from one to the next and goes on across deaths of the agent.

    Watts of the host, where the processors do not meter themselves:
    `idle_watts x share + (max_watts - idle_watts) x utilisation`, with `share` the part of the machine's processors
    that the attempt asked for and `utilisation` the part of them that it kept busy.
    """

    def __init__(self, spec: Spec, supervisor: int, voice: Voice, memory: Memory) -> None:
        self._supervisor = supervisor
        self._voice = voice
        self._memory = memory
        self._gpus = open_gpus(spec.accelerators)
        self._expected_gpus = len(spec.accelerators)
        self._kernel_log = KernelLog(
            {at: uuid for gpus in self._gpus for at, uuid in gpus.addresses().items()}, voice
        )
        self._workdir = spec.workdir
        self._rapl = Rapl()
        self._machine_cpus = os.cpu_count() or 1
        self._share = min(1.0, (spec.cpus or self._machine_cpus) / self._machine_cpus)
        power = spec.power or {}
        self._idle_watts = float(power.get("idle_watts") or 0)
        self._max_watts = max(self._idle_watts, float(power.get("max_watts") or 0))
        self._last_s: float | None = None
        self._machine_busy_s = _machine_busy_s()
        self._gpu_energy_j: dict[str, float] = {}
        self._cpu_s = 0.0
        self._cpu_percent = 0.0
        self._watts = 0.0
        #: The processes of the attempt at the last look, by pid and start time.
        self.known: set[tuple[int, int]] = set()

    def tree(self) -> list[Process]:
        """The processes of the attempt now; the supervisor and the agent are none of them."""
        table = list_processes()
        pids = below(table, [self._supervisor], [os.getpid()])
        everything = [table[pid] for pid in pids]
        found = [process for process in everything if not process.is_zombie]
        self.known = {(process.pid, process.start_time) for process in found}
        # What ended processes used is in their parents' accounts, and at last in the supervisor's.
        self._cpu_s = sum(one.cpu_s + one.child_cpu_s for one in everything)
        self._cpu_s += table[self._supervisor].child_cpu_s if self._supervisor in table else 0.0
        return found

    def sample(self, quiet_s: float | None = None) -> None:
        """Take a sample and say it. `quiet_s` is how long nothing was written."""
        processes = self.tree()
        now_s = steady_s()
        cpu_s = max(self._cpu_s, self._memory.cpu_s)
        used_s, elapsed_s = cpu_s - self._memory.cpu_s, self._elapsed_s(now_s)
        readings = [reading for gpus in self._gpus for reading in gpus.read()]
        host_j, is_host_metered = self._host_joules(used_s, elapsed_s)
        gpu_j, are_gpus_metered = self._gpu_joules(readings, elapsed_s)
        self._last_s = now_s
        if elapsed_s >= _SHORTEST_S:
            # Processor time is counted in hundredths of a second: over a shorter time it says nothing about a rate.
            self._cpu_percent = min(100 * used_s / elapsed_s, 100.0 * self._machine_cpus)
            self._watts = (host_j + gpu_j) / elapsed_s
        self._kernel_log.look()
        more: dict[str, Any] = {} if quiet_s is None else {"quiet_s": round(quiet_s, 1)}
        free_bytes = _free_bytes(self._workdir)
        if free_bytes is not None:
            more["disk_free_bytes"] = free_bytes
        self._voice.say(
            "sample",
            cpu_percent=round(self._cpu_percent, 1),
            memory_bytes=sum(one.memory_bytes for one in processes),
            processes=len(processes),
            gpus=[reading.as_record() for reading in readings],
            watts=round(self._watts, 2),
            energy_j=round(self._memory.energy_j + host_j + gpu_j, 3),
            basis="metered" if is_host_metered and are_gpus_metered else "modelled",
            cpu_s=round(cpu_s, 3),
            **more,
        )

    def _elapsed_s(self, now_s: float) -> float:
        if self._last_s is not None:
            return now_s - self._last_s
        # An earlier agent took the last sample, if there is one; only the wall clock tells how long ago.
        since = self._memory.begun_at if self._memory.sampled_at is None else self._memory.sampled_at
        return max(0.0, wall_s() - since)

    def _host_joules(self, used_s: float, elapsed_s: float) -> tuple[float, bool]:
        package_j = self._rapl.joules_since_last()
        busy_s = _machine_busy_s()
        machine_used_s, self._machine_busy_s = busy_s - self._machine_busy_s, busy_s
        if package_j is None:
            busy = used_s / self._machine_cpus
            return self._idle_watts * self._share * elapsed_s + (
                self._max_watts - self._idle_watts
            ) * busy, False
        part = min(1.0, used_s / machine_used_s) if machine_used_s > 0 else 0.0
        return package_j * part, True

    def _gpu_joules(self, readings: list[GpuReading], elapsed_s: float) -> tuple[float, bool]:
        joules = 0.0
        metered = 0
        for reading in readings:
            before_j = self._gpu_energy_j.get(reading.uuid)
            if reading.energy_j is not None:
                self._gpu_energy_j[reading.uuid] = reading.energy_j
            if reading.energy_j is not None and before_j is not None and reading.energy_j >= before_j:
                joules += reading.energy_j - before_j
            elif reading.watts is not None:
                joules += reading.watts * elapsed_s
            metered += reading.watts is not None or reading.energy_j is not None
        return joules, metered == self._expected_gpus


def _free_bytes(path: str) -> int | None:
    """What a user without privileges can still write there."""
    try:
        found = os.statvfs(path)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def shared_once_bytes(processes: list[Process]) -> int:
    """Resident memory in which what several processes share counts once. Slow: the kernel walks their page tables."""
    total = 0
    for process in processes:
        bytes_of_one = process.memory_bytes
        if HAS_PROC:
            for line in read_small("/proc/{}/smaps_rollup".format(process.pid)).splitlines():
                if line.startswith(b"Pss:"):
                    bytes_of_one = int(line.split()[1]) * 1024
        total += bytes_of_one
    return total


def _machine_busy_s() -> float:
    """Processor seconds that the whole machine was not idle, since boot; 0 where nobody tells."""
    fields: list[Any] = read_small("/proc/stat").split(b"\n", 1)[0].split()
    if len(fields) < 9:
        return 0.0
    user, nice, system, _idle, _iowait, interrupts, soft_interrupts, stolen = (
        int(one) for one in fields[1:9]
    )
    return (user + nice + system + interrupts + soft_interrupts + stolen) / _TICKS_PER_S
