"""The energy counters of the processor packages (Linux powercap), where they may be read."""

from __future__ import annotations

import glob
import os

from .processes import read_small

_POWERCAP = "/sys/class/powercap"


class Rapl:
    """Adds up the packages. Their counters run over every few minutes at full load."""

    def __init__(self, powercap: str = _POWERCAP) -> None:
        self._packages: list[tuple[str, int]] = []
        self._last: dict[str, int] = {}
        for path in sorted(glob.glob(os.path.join(powercap, "*-rapl:*"))):
            # Packages are named intel-rapl:0; what has a second colon is a part of one and would count twice.
            if os.path.basename(path).count(":") != 1 or not read_small(
                os.path.join(path, "name")
            ).startswith(b"package"):
                continue
            counter = os.path.join(path, "energy_uj")
            if self._read(counter) is not None:
                self._packages.append(
                    (counter, self._read(os.path.join(path, "max_energy_range_uj")) or 1 << 32)
                )

    @property
    def is_available(self) -> bool:
        """True if there is a counter that may be read (often only root may)."""
        return bool(self._packages)

    def joules_since_last(self) -> float | None:
        """What all packages used since the last call; None at the first one or if a counter cannot be read now."""
        total_uj = 0
        is_known = bool(self._packages)
        for counter, wraps_at_uj in self._packages:
            now_uj = self._read(counter)
            if now_uj is None:
                return None
            before_uj = self._last.get(counter)
            self._last[counter] = now_uj
            if before_uj is None:
                is_known = False
            else:
                total_uj += now_uj - before_uj if now_uj >= before_uj else now_uj - before_uj + wraps_at_uj
        return total_uj / 1e6 if is_known else None

    @staticmethod
    def _read(path: str) -> int | None:
        text = read_small(path).strip()
        return int(text) if text.isdigit() else None
