"""One name for each accelerator, whatever a provider, a driver or a user calls it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tradewind.hardware.accelerators import AcceleratorModel, all_models
from tradewind.hardware.spelling import LONGEST_NAME, Reading, compact, read

#: The names that the provider comparison promises; a model that fulfils one is shown by it.
CLOUD_GPU_NAMES: Final = ("RTX 4090", "RTX 3090", "A100 40GB", "A100 80GB", "H100", "A10", "V100", "T4")
#: By how much a memory size that was told may differ from the data sheet's (as a logarithm): GB or GiB, with or
#: without what the driver keeps for itself.
_MEMORY_TOLERANCE: Final = 0.15
#: A row of several accelerators may carry the memory of all of them; then it is held to be closer.
_MOST_IN_ONE_MACHINE: Final = 16
_SHARE_TOLERANCE: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """What a name means. A name that nobody knows is kept: `key` is the name itself and `model` is absent."""

    key: str
    model: AcceleratorModel | None
    #: How many, where the name says so (`H100:8`, `gpu_8x_h100_sxm5`, `a3-highgpu-8g`).
    count: float | None = None
    #: True where the name leaves a choice (`H100` may be PCIe, NVL or SXM) and the likeliest was taken.
    is_guess: bool = False


def identify(name: str, memory_gb: float | None = None) -> Identified:
    """The model behind a driver's, a vendor's or a provider's name, or behind a machine type.

    `memory_gb` is that of one accelerator; it decides where the name does not (`A100`). Sizes in GB and in GiB are
    both understood, and so is that of all accelerators of a machine together. A size that fits no model of that
    name is passed over, and the answer marked as a guess.
    """
    name = name.strip()
    if len(name) > LONGEST_NAME:
        return Identified(key=name, model=None)
    return _identify(name, memory_gb)


@lru_cache(maxsize=16384)
def _identify(name: str, memory_gb: float | None) -> Identified:
    said = read(name)
    if not said.keys:
        return Identified(key=said.rest, model=None, count=said.count)
    keys, is_odd = said.keys, False
    if memory_gb is not None and said.memory_gb is None:
        keys, is_odd = _with_memory(said, memory_gb)
    if said.rest in keys:
        # Our own key leaves no choice, even where the same words from elsewhere would (`GH200`).
        keys = (said.rest,)
    return Identified(
        key=keys[0], model=all_models().get(keys[0]), count=said.count, is_guess=is_odd or len(keys) > 1
    )


def fulfils(request_name: str, model_key_or_name: str, memory_gb: float | None = None) -> bool:
    """True if an accelerator is what a job file asks for.

    A request may leave the form and the memory open: `A100` takes any A100, `A100-80GB` both of that size, `H100`
    PCIe, NVL and SXM, `H100-SXM` SXM only. A name that nobody knows is fulfilled by the same name only.
    """
    wanted, have = read(request_name), identify(model_key_or_name, memory_gb)
    if have.key in wanted.keys:
        return True
    if have.model is not None:
        return False
    there = read(have.key)
    if wanted.family is not None and wanted.family == there.family:
        sizes_agree = wanted.memory_gb in {None, there.memory_gb}
        return sizes_agree and wanted.form in {None, there.form}
    return not wanted.keys and compact(wanted.rest) == compact(have.key)


def short_name(key: str) -> str:
    """What tables show for a key: `H100 SXM`, `A100 80GB PCIe`, `RTX 4090`. A name that nobody knows stays as it is."""
    if key not in all_models():
        return key
    return re.sub(r" (SXM\d?|PCIe) (\d+GB)$", r" \2 \1", key.replace("-", " "))


def cloud_gpu_name(key: str) -> str:
    """The name under `/api/cloud`: the eight promised names for their models, the short name for all others."""
    return next((name for name in CLOUD_GPU_NAMES if fulfils(name, key)), short_name(key))


def _with_memory(said: Reading, memory_gb: float) -> tuple[tuple[str, ...], bool]:
    """The models with this memory; all of them, and True, where none has it."""
    models = all_models()
    sizes = {key: models[key].memory_gb for key in said.keys if key in models}
    if not sizes or not 0 < memory_gb < math.inf:
        return said.keys, False
    if said.is_memory_total and said.count:
        memory_gb /= said.count
    keys, _ = _nearest(sizes, memory_gb, _MEMORY_TOLERANCE)
    if not keys and said.count:
        keys, _ = _nearest(sizes, memory_gb / said.count, _MEMORY_TOLERANCE)
    if not keys:
        shares = (
            _nearest(sizes, memory_gb / many, _SHARE_TOLERANCE) for many in range(2, _MOST_IN_ONE_MACHINE + 1)
        )
        keys, _ = min(shares, key=lambda each: each[1])
    return keys or said.keys, not keys


def _nearest(sizes: dict[str, float], memory_gb: float, tolerance: float) -> tuple[tuple[str, ...], float]:
    """The models whose size is nearest, and how far off it is; none where all are further off than the tolerance."""
    distances = {key: abs(math.log(size / memory_gb)) for key, size in sizes.items()}
    least = min(distances.values())
    if least > tolerance:
        return (), math.inf
    return tuple(key for key, distance in distances.items() if distance <= least), least
