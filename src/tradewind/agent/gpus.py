"""The accelerators of an attempt: how busy, how full, how hot they are and what they draw."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Gpus(Protocol):
        """Reads some accelerators."""

        def read(self) -> list[GpuReading]:
            """One reading for each."""

        def addresses(self) -> dict[tuple[int, int, int], str]:
            """The UUID of each by its domain, bus and device on PCI; empty where that is not known."""


class GpuReading:
    """One accelerator at one moment; None is what it does not tell."""

    __slots__ = ("energy_j", "health", "memory_bytes", "temperature_c", "util_percent", "uuid", "watts")

    def __init__(
        self,
        uuid: str,
        *,
        util_percent: float | None = None,
        memory_bytes: int | None = None,
        watts: float | None = None,
        temperature_c: float | None = None,
        energy_j: float | None = None,
        health: dict[str, Any] | None = None,
    ) -> None:
        self.uuid = uuid
        self.util_percent = util_percent
        self.memory_bytes = memory_bytes
        self.watts = watts
        self.temperature_c = temperature_c
        #: Counted by the device since its driver was loaded.
        self.energy_j = energy_j
        #: Further fields of its record: errors of its memory, whether it is lost or too hot. Only what it tells.
        self.health = health or {}

    def as_record(self) -> dict[str, Any]:
        """The fields of a `sample` record."""
        record = {
            "uuid": self.uuid,
            "util_percent": self.util_percent,
            "memory_bytes": self.memory_bytes,
            "watts": self.watts,
            "temperature_c": self.temperature_c,
        }
        record.update(self.health)
        return record


def open_gpus(accelerators: list[dict[str, Any]]) -> list[Gpus]:
    """A reader for each vendor whose accelerators the attempt holds and whose interface is here."""
    readers: list[Gpus] = []
    nvidia = [one for one in accelerators if one.get("vendor") == "nvidia"]
    amd = [one for one in accelerators if one.get("vendor") == "amd"]
    if nvidia:
        from .gpus_nvidia import open_nvidia

        found = open_nvidia(nvidia)
        if found is not None:
            readers.append(found)
    if amd:
        from .gpus_amd import AmdGpus

        readers.append(AmdGpus(amd))
    return readers


def find_gpus() -> list[dict[str, Any]]:
    """Every accelerator of the machine: `vendor`, `index`, `uuid`, `name`, `memory_bytes`, `tdp_watts`."""
    from .gpus_amd import list_amd
    from .gpus_nvidia import list_nvidia

    return list_nvidia() + list_amd()
