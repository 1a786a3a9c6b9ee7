"""Finds what this machine has: processors, memory, accelerators and what they draw."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from tradewind.domain.offers import Accelerator
from tradewind.domain.units import BYTES_PER_GIB
from tradewind.hardware.names import identify

#: Watts per hardware thread, idle and busy: the averages that the Cloud Carbon Footprint methodology gives for the
#: servers of a large cloud (believed, not measured here). Used where no meter can be read.
WATTS_PER_CPU_IDLE: Final = 0.74
WATTS_PER_CPU_BUSY: Final = 3.5
#: Watts per GiB of memory, from the same source.
WATTS_PER_MEMORY_GIB: Final = 0.392
#: Share of its TDP that an idle accelerator draws: 8 x H100 draw about 2.1 of 7 kW at rest (MLPerf power logs).
ACCELERATOR_IDLE_SHARE: Final = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was found."""

    name: str
    cpus: int
    cpu_model: str
    memory_bytes: int
    disk_free_bytes: int
    accelerators: tuple[Accelerator, ...]
    watts_idle: float
    watts_max: float
    power_source: str


def detect(disk: Path) -> Machine:
    """Looks at this machine; `disk` is where attempts will be kept."""
    cpus = usable_cpus()
    memory = usable_memory_bytes()
    accelerators = (*find_nvidia(), *find_amd(), *find_apple(memory))
    base = memory / BYTES_PER_GIB * WATTS_PER_MEMORY_GIB
    tdp = sum(accelerator.tdp_watts or 0.0 for accelerator in accelerators)
    return Machine(
        name=platform.node() or "localhost",
        cpus=cpus,
        cpu_model=cpu_model(),
        memory_bytes=memory,
        disk_free_bytes=shutil.disk_usage(disk).free,
        accelerators=accelerators,
        watts_idle=base + cpus * WATTS_PER_CPU_IDLE + tdp * ACCELERATOR_IDLE_SHARE,
        watts_max=base + cpus * WATTS_PER_CPU_BUSY + tdp,
        power_source="modelled from processor threads, memory and accelerator TDP",
    )


def usable_cpus() -> int:
    """Hardware threads this process may use: its affinity, and a container's quota where there is one."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        if quota != "max":
            count = min(count, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        pass
    return count


def usable_memory_bytes() -> int:
    """Physical memory, or a container's limit where that is lower."""
    total = int(psutil.virtual_memory().total)
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            total = min(total, int(Path(limit).read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return total


def cpu_model() -> str:
    """The processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def find_nvidia() -> tuple[Accelerator, ...]:
    """NVIDIA GPUs through NVML; nothing where there is no driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        found = []
        for index in range(pynvml.nvmlDeviceGetCount()):
            device = pynvml.nvmlDeviceGetHandleByIndex(index)
            try:
                watts = pynvml.nvmlDeviceGetPowerManagementDefaultLimit(device) / 1000
            except pynvml.NVMLError:
                watts = None
            name = _text(pynvml.nvmlDeviceGetName(device))
            memory = int(pynvml.nvmlDeviceGetMemoryInfo(device).total)
            found.append(
                Accelerator(
                    name=name,
                    memory_bytes=memory,
                    index=index,
                    uuid=_text(pynvml.nvmlDeviceGetUUID(device)),
                    tdp_watts=watts or known_tdp_watts(name, memory),
                )
            )
        return tuple(found)
    except pynvml.NVMLError:
        return ()
    finally:
        pynvml.nvmlShutdown()


def known_tdp_watts(name: str, memory_bytes: int) -> float | None:
    """What the data sheet says a device of this name draws at most; None where nobody knows the device."""
    model = identify(name, memory_bytes / BYTES_PER_GIB).model
    return model.tdp_watts if model else None


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def find_amd(root: Path = Path("/sys/class/drm")) -> tuple[Accelerator, ...]:
    """AMD GPUs with compute memory, through the kernel's sysfs."""
    found: list[Accelerator] = []
    for card in sorted(root.glob("card[0-9]*")):
        device = card / "device"
        try:
            if "-" in card.name or (device / "vendor").read_text(encoding="ascii").strip() != "0x1002":
                continue
            memory = int((device / "mem_info_vram_total").read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        name = _read(device / "product_name") or "AMD GPU"
        cap = next(iter(sorted(device.glob("hwmon/hwmon*/power1_cap"))), None)
        watts = _read(cap) if cap is not None else None
        found.append(
            Accelerator(
                name=name,
                memory_bytes=memory,
                index=len(found),
                uuid=_read(device / "unique_id") or f"pci-{device.resolve().name}",
                vendor="amd",
                tdp_watts=int(watts) / 1e6 if watts and watts.isdigit() else known_tdp_watts(name, memory),
            )
        )
    return tuple(found)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None


def find_apple(memory_bytes: int) -> tuple[Accelerator, ...]:
    """The GPU of an Apple chip, which shares the machine's memory."""
    if platform.system() != "Darwin" or platform.machine() != "arm64":
        return ()
    try:
        answer = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    name = f"{answer.stdout.strip()} GPU"
    return (Accelerator(name=name, memory_bytes=memory_bytes, index=0, uuid="apple-gpu-0", vendor="apple"),)
