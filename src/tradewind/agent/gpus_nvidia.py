"""NVIDIA's accelerators through NVML, the library that every driver brings."""

from __future__ import annotations

import ctypes

from .gpus import GpuReading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Values of NVML's own header, nvml.h.
_TEMPERATURE_OF_GPU = 0
_UNCORRECTED = 1
_SINCE_DRIVER_LOADED = 0
_GPU_IS_LOST = 15
#: NVML_DEVICE_NAME_V2_BUFFER_SIZE and NVML_DEVICE_UUID_V2_BUFFER_SIZE.
_TEXT_BYTES = 96
#: nvmlClocksThrottleReasonSwThermalSlowdown and nvmlClocksThrottleReasonHwThermalSlowdown.
_TOO_HOT = 0x20 | 0x40


class _Utilization(ctypes.Structure):
    _fields_ = [("gpu", ctypes.c_uint), ("memory", ctypes.c_uint)]


class _Memory(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in ("total", "free", "used")]


class _Pci(ctypes.Structure):
    _fields_ = [
        ("busIdLegacy", ctypes.c_char * 16),
        ("domain", ctypes.c_uint),
        ("bus", ctypes.c_uint),
        ("device", ctypes.c_uint),
        ("pciDeviceId", ctypes.c_uint),
        ("pciSubSystemId", ctypes.c_uint),
        ("busId", ctypes.c_char * 32),
    ]


class NvidiaGpus:
    """Reads the accelerators that could be found by UUID, or else by index."""

    def __init__(self, library: Any, accelerators: list[dict[str, Any]]) -> None:
        self._library = library
        self._devices = []
        for one in accelerators:
            device = ctypes.c_void_p()
            uuid = str(one.get("uuid") or "")
            found = uuid and library.nvmlDeviceGetHandleByUUID(uuid.encode(), ctypes.byref(device)) == 0
            if not found:
                index = ctypes.c_uint(int(one.get("index") or 0))
                found = library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)) == 0
            if found:
                self._devices.append((uuid or "index:{}".format(one.get("index")), device))

    def addresses(self) -> dict[tuple[int, int, int], str]:
        """The UUID of each by its domain, bus and device on PCI, as the kernel log names it."""
        found = {}
        for uuid, device in self._devices:
            pci = _Pci()
            if self._ask("nvmlDeviceGetPciInfo_v3", device, pci):
                found[pci.domain, pci.bus, pci.device] = uuid
        return found

    def read(self) -> list[GpuReading]:
        """One reading for each."""
        return [self._read_one(uuid, device) for uuid, device in self._devices]

    def describe_all(self) -> list[dict[str, Any]]:
        """Every device that the driver knows, whether it is among those that are read or not."""
        count = ctypes.c_uint()
        if self._library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
            return []
        found = []
        for index in range(count.value):
            device = ctypes.c_void_p()
            if self._library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(device)) != 0:
                continue
            memory = _Memory()
            has_memory = self._ask("nvmlDeviceGetMemoryInfo", device, memory)
            milliwatts = self._number("nvmlDeviceGetPowerManagementDefaultLimit", device, ctypes.c_uint())
            found.append(
                {
                    "vendor": "nvidia",
                    "index": index,
                    "uuid": self._text("nvmlDeviceGetUUID", device),
                    "name": self._text("nvmlDeviceGetName", device),
                    "memory_bytes": memory.total if has_memory else 0,
                    "tdp_watts": None if milliwatts is None else milliwatts / 1000,
                }
            )
        return found

    def _text(self, name: str, device: Any) -> str:
        buffer = ctypes.create_string_buffer(_TEXT_BYTES)
        ask = getattr(self._library, name, None)
        if ask is None or ask(device, buffer, ctypes.c_uint(_TEXT_BYTES)) != 0:
            return ""
        return buffer.value.decode("utf-8", "replace")

    def _read_one(self, uuid: str, device: Any) -> GpuReading:
        utilization, memory = _Utilization(), _Memory()
        has_utilization = self._ask("nvmlDeviceGetUtilizationRates", device, utilization)
        has_memory = self._ask("nvmlDeviceGetMemoryInfo", device, memory)
        milliwatts = self._number("nvmlDeviceGetPowerUsage", device, ctypes.c_uint())
        millijoules = self._number("nvmlDeviceGetTotalEnergyConsumption", device, ctypes.c_ulonglong())
        temperature = ctypes.c_uint()
        ask = getattr(self._library, "nvmlDeviceGetTemperature", None)
        has_temperature = (
            ask is not None
            and ask(device, ctypes.c_uint(_TEMPERATURE_OF_GPU), ctypes.byref(temperature)) == 0
        )
        return GpuReading(
            uuid,
            util_percent=utilization.gpu if has_utilization else None,
            memory_bytes=memory.used if has_memory else None,
            watts=None if milliwatts is None else milliwatts / 1000,
            temperature_c=temperature.value if has_temperature else None,
            energy_j=None if millijoules is None else millijoules / 1000,
            health=self._health(device),
        )

    def _health(self, device: Any) -> dict[str, Any]:
        health: dict[str, Any] = {}
        errors = ctypes.c_ulonglong()
        ask = getattr(self._library, "nvmlDeviceGetTotalEccErrors", None)
        if ask is not None:
            kinds = ctypes.c_uint(_UNCORRECTED), ctypes.c_uint(_SINCE_DRIVER_LOADED)
            answer = ask(device, *kinds, ctypes.byref(errors))
            if answer == 0:
                health["ecc_uncorrected"] = errors.value
            elif answer == _GPU_IS_LOST:
                health["is_lost"] = True
        reasons = self._number("nvmlDeviceGetCurrentClocksThrottleReasons", device, ctypes.c_ulonglong())
        if reasons is not None and reasons & _TOO_HOT:
            health["is_hot"] = True
        ask = getattr(self._library, "nvmlDeviceGetRemappedRows", None)
        if ask is not None:
            corrected, uncorrected, pending, failed = (ctypes.c_uint() for _ in range(4))
            outs = [ctypes.byref(each) for each in (corrected, uncorrected, pending, failed)]
            if ask(device, *outs) == 0 and failed.value:
                health["remap_failed"] = True
        return health

    def _number(self, name: str, device: Any, into: Any) -> int | None:
        return into.value if self._ask(name, device, into) else None

    def _ask(self, name: str, device: Any, into: Any) -> bool:
        # Older drivers lack the newer functions.
        ask = getattr(self._library, name, None)
        return ask is not None and ask(device, ctypes.byref(into)) == 0


def open_nvidia(accelerators: list[dict[str, Any]]) -> NvidiaGpus | None:
    """A reader, or None where there is no driver."""
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
        if library.nvmlInit_v2() != 0:
            return None
    except (OSError, AttributeError):
        return None
    return NvidiaGpus(library, accelerators)


def list_nvidia() -> list[dict[str, Any]]:
    """Every NVIDIA accelerator of the machine; by its own tool where the library is not where it is looked for."""
    reader = open_nvidia([])
    return _list_by_tool() if reader is None else reader.describe_all()


def _list_by_tool() -> list[dict[str, Any]]:
    from .gpu_users import smi

    found = []
    for row in smi("--query-gpu=index,uuid,name,memory.total,power.default_limit"):
        if len(row) == 5 and row[0].isdigit() and row[3].isdigit():
            found.append(
                {
                    "vendor": "nvidia",
                    "index": int(row[0]),
                    "uuid": row[1],
                    "name": row[2],
                    "memory_bytes": int(row[3]) << 20,
                    "tdp_watts": _watts(row[4]),
                }
            )
    return found


def _watts(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
