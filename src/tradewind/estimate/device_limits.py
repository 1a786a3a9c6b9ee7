"""What keeps a device from its sheet's rates: the watts it may draw, and how much of the traffic its caches take."""

from __future__ import annotations

from typing import Final

from tradewind.hardware.accelerators import AcceleratorModel

#: Half-precision TFLOP/s that a watt sustains in matrix products, by architecture: an A100 PCIe holds 253 at 250 W, a
#: T4 50-60 % of its 65 at 70 W; A10 and L4 are held by their watts too (believed; the process decides).
_TFLOPS_PER_WATT: Final = {"Turing": 0.5, "Ada": 0.85, "Hopper": 1.4}
_AMPERE_TFLOPS_PER_WATT: Final = {True: 1.0, False: 0.5}
#: Megabytes of the last cache on the device, by architecture (vendors' architecture papers).
_CACHE_MB: Final = {
    "Pascal": 3.0,
    "Volta": 6.0,
    "Turing": 5.5,
    "Hopper": 50.0,
    "CDNA2": 16.0,
    "CDNA3": 256.0,
    "CDNA4": 256.0,
    "RDNA3": 96.0,
}
_AMPERE_CACHE_MB: Final = {True: 40.0, False: 6.0}
_BLACKWELL_CACHE_MB: Final = {True: 126.0, False: 96.0}
#: Ada's cache goes with the size of the chip, which its bandwidth tells: 72 to 96 MB above, 32 to 64 below.
_ADA_LARGE_GB_PER_S: Final = 800.0
_ADA_CACHE_MB: Final = {True: 84.0, False: 48.0}
_USUAL_CACHE_MB: Final = 40.0


def _is_stacked(model: AcceleratorModel) -> bool:
    return model.memory_type.startswith("HBM")


def sustained_tflops(model: AcceleratorModel) -> float | None:
    """What its power lets a device sustain in half precision; None where that is not known to bind."""
    if model.architecture == "Ampere":
        per_watt: float | None = _AMPERE_TFLOPS_PER_WATT[_is_stacked(model)]
    else:
        per_watt = _TFLOPS_PER_WATT.get(model.architecture)
    return per_watt * model.tdp_watts if per_watt and model.tdp_watts else None


def cache_mb(model: AcceleratorModel) -> float:
    """Megabytes of the last cache on the device, near enough for its logarithm."""
    if model.architecture == "Ampere":
        return _AMPERE_CACHE_MB[_is_stacked(model)]
    if model.architecture == "Blackwell":
        return _BLACKWELL_CACHE_MB[_is_stacked(model)]
    if model.architecture == "Ada":
        return _ADA_CACHE_MB[model.memory_bandwidth_gb_per_s >= _ADA_LARGE_GB_PER_S]
    return _CACHE_MB.get(model.architecture, _USUAL_CACHE_MB)
