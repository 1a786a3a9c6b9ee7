"""What Amazon's machine types are: facts that do not change while a server runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.aws.calling import Aws, AwsRefusalError
from tradewind.providers.normalising import GIB
from tradewind.providers.sizes import find_size

_MIB: Final = 1 << 20
_GB: Final = 10**9
#: Families that may have GPUs. What has none is left out by what Amazon says of it.
FAMILIES: Final = ("g*", "p*")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineType:
    """One machine type. `gpu_maker` is empty where it has no GPU."""

    name: str
    architecture: str
    gpu_maker: str = ""
    gpu_label: str = ""
    gpu_count: float = 0.0
    gpu_memory_gb: float | None = None
    cpus: float = 0.0
    memory_bytes: int = 0


class MachineTypes:
    """Machine types as Amazon describes them, asked for once."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._known: dict[str, MachineType] = {}
        self._listed: dict[str, list[str]] = {}

    async def with_gpus(self, region: str) -> dict[str, MachineType]:
        """All types of a region that have GPUs, by name."""
        if region not in self._listed:
            rows = await self._aws.pages(
                region,
                "describe_instance_types",
                "InstanceTypes",
                Filters=[{"Name": "instance-type", "Values": list(FAMILIES)}],
            )
            read = [_read(each) for each in rows]
            self._known.update({each.name: each for each in read})
            self._listed[region] = sorted(each.name for each in read if each.gpu_maker)
        return {name: self._known[name] for name in self._listed[region]}

    async def get(self, region: str, name: str) -> MachineType:
        """One type. Raises ProviderError where Amazon has none of this name."""
        if name not in self._known:
            try:
                rows = await self._aws.pages(
                    region, "describe_instance_types", "InstanceTypes", InstanceTypes=[name]
                )
            except AwsRefusalError as error:
                if error.fault is not ProviderFault.INVALID:
                    raise
                rows = []
            if not rows:
                raise ProviderError(ProviderFault.INVALID, f"Amazon has no instance type {name} in {region}")
            self._known[name] = _read(rows[0])
        return self._known[name]


def _read(row: dict[str, Any]) -> MachineType:
    name = str(row["InstanceType"])
    gpus = (row.get("GpuInfo") or {}).get("Gpus") or []
    first = gpus[0] if gpus else {}
    size = find_size("aws", name)
    memory_mib = (first.get("MemoryInfo") or {}).get("SizeInMiB")
    architectures = (row.get("ProcessorInfo") or {}).get("SupportedArchitectures") or ["x86_64"]
    return MachineType(
        name=name,
        architecture="x86_64" if "x86_64" in architectures else str(architectures[0]),
        gpu_maker=str(first.get("Manufacturer") or ""),
        gpu_label=str(first.get("Name") or ""),
        # A slice of a GPU is counted as one by Amazon, and as what it is by the table of sizes.
        gpu_count=size.count if size and gpus else float(sum(int(each.get("Count") or 0) for each in gpus)),
        gpu_memory_gb=size.accelerator_memory_gb if size else memory_mib * _MIB / _GB if memory_mib else None,
        cpus=float((row.get("VCpuInfo") or {}).get("DefaultVCpus") or 0),
        memory_bytes=int((row.get("MemoryInfo") or {}).get("SizeInMiB") or 0) * (GIB >> 10),
    )
