"""AMD's accelerators through the files of their kernel driver."""

from __future__ import annotations

import glob
import os

from .gpus import GpuReading
from .processes import read_small

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DRM = "/sys/class/drm"
_VENDOR = b"0x1002"


class AmdGpus:
    """Reads the accelerators by their place among the AMD cards of the machine."""

    def __init__(self, accelerators: list[dict[str, Any]], drm: str = _DRM) -> None:
        cards = _cards(drm)
        self._cards = []
        for one in accelerators:
            index = int(one.get("index") or 0)
            if 0 <= index < len(cards):
                self._cards.append((str(one.get("uuid") or "index:{}".format(index)), cards[index]))

    def read(self) -> list[GpuReading]:
        """One reading for each."""
        readings = []
        for uuid, path in self._cards:
            # Newer drivers say the power of this instant in power1_input and have no average.
            microwatts = _first_number(path, "hwmon/hwmon*/power1_average", "hwmon/hwmon*/power1_input")
            millidegrees = _first_number(path, "hwmon/hwmon*/temp1_input")
            readings.append(
                GpuReading(
                    uuid,
                    util_percent=_first_number(path, "gpu_busy_percent"),
                    memory_bytes=_first_number(path, "mem_info_vram_used"),
                    watts=None if microwatts is None else microwatts / 1e6,
                    temperature_c=None if millidegrees is None else millidegrees / 1000,
                )
            )
        return readings

    def addresses(self) -> dict[tuple[int, int, int], str]:
        """None: errors of AMD's driver are not told apart by number."""
        return {}


def _cards(drm: str) -> list[str]:
    return [
        path
        for path in sorted(glob.glob(os.path.join(drm, "card*", "device")), key=_card_number)
        if read_small(os.path.join(path, "vendor")).strip() == _VENDOR
    ]


def list_amd(drm: str = _DRM) -> list[dict[str, Any]]:
    """Every AMD accelerator of the machine that says how much memory it has."""
    found: list[dict[str, Any]] = []
    for index, path in enumerate(_cards(drm)):
        memory = _first_number(path, "mem_info_vram_total")
        if memory is None:
            continue
        name = read_small(os.path.join(path, "product_name")).strip().decode("utf-8", "replace")
        unique = read_small(os.path.join(path, "unique_id")).strip().decode("utf-8", "replace")
        microwatts = _first_number(path, "hwmon/hwmon*/power1_cap")
        found.append(
            {
                "vendor": "amd",
                "index": index,
                "uuid": unique or "pci-" + os.path.basename(os.path.realpath(path)),
                "name": name or "AMD GPU",
                "memory_bytes": memory,
                "tdp_watts": None if microwatts is None else microwatts / 1e6,
                "render_minor": _render_minor(path),
            }
        )
    return found


def _render_minor(path: str) -> int | None:
    """The number that the compute driver knows the device by."""
    for name in glob.glob(os.path.join(path, "drm", "renderD*")):
        digits = os.path.basename(name)[len("renderD") :]
        if digits.isdigit():
            return int(digits)
    return None


def _card_number(path: str) -> int:
    digits = os.path.basename(os.path.dirname(path))[len("card") :]
    return int(digits) if digits.isdigit() else 1 << 30


def _first_number(path: str, *patterns: str) -> int | None:
    for pattern in patterns:
        for name in glob.glob(os.path.join(path, pattern)):
            text = read_small(name).strip()
            if text.lstrip(b"-").isdigit():
                return int(text)
    return None
