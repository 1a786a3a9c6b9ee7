"""What a machine says it has, in the words that the machine at hand is described in."""

from __future__ import annotations

from typing import Any

from tradewind.domain.offers import Accelerator
from tradewind.domain.units import BYTES_PER_GIB
from tradewind.hardware.local import (
    ACCELERATOR_IDLE_SHARE,
    WATTS_PER_CPU_BUSY,
    WATTS_PER_CPU_IDLE,
    WATTS_PER_MEMORY_GIB,
    known_tdp_watts,
)
from tradewind.providers.base import DeviceUser, Inventory


def inventory_of(machine: dict[str, Any]) -> Inventory:
    """The answer to `hello` as an inventory."""
    cpus, memory = int(machine["cpus"]), int(machine["memory_bytes"])
    accelerators = tuple(_accelerator(each) for each in machine.get("gpus") or [])
    base = memory / BYTES_PER_GIB * WATTS_PER_MEMORY_GIB
    tdp = sum(each.tdp_watts or 0.0 for each in accelerators)
    return Inventory(
        name=str(machine["hostname"])[:128],
        cpus=cpus,
        cpu_model=str(machine["cpu_model"]),
        memory_bytes=memory,
        disk_free_bytes=int(machine["disk_free_bytes"]),
        accelerators=accelerators,
        watts_idle=base + cpus * WATTS_PER_CPU_IDLE + tdp * ACCELERATOR_IDLE_SHARE,
        watts_max=base + cpus * WATTS_PER_CPU_BUSY + tdp,
        power_source="modelled from processor threads, memory and accelerator TDP",
    )


def device_user_of(said: dict[str, Any]) -> DeviceUser:
    """One of the answer to `gpu_users`. What a machine says is shown to people: it is kept short."""
    user, memory, attempt = said.get("user"), said.get("memory_bytes"), said.get("attempt")
    return DeviceUser(
        uuid=str(said["uuid"]),
        pid=int(said["pid"]),
        user=None if user is None else _word(user),
        command=_word(said.get("command") or ""),
        memory_bytes=None if memory is None else int(memory),
        attempt=None if attempt is None else _word(attempt),
    )


def _word(text: object) -> str:
    return "".join(each if each.isprintable() else "?" for each in str(text))[:128]


def _accelerator(found: dict[str, Any]) -> Accelerator:
    name, memory = str(found["name"]), int(found["memory_bytes"])
    watts = found.get("tdp_watts")
    return Accelerator(
        name=name,
        memory_bytes=memory,
        index=int(found["index"]),
        uuid=str(found["uuid"]),
        vendor=str(found["vendor"]),
        tdp_watts=known_tdp_watts(name, memory) if watts is None else float(watts),
    )
