"""One name for each accelerator, whatever a provider, a driver or a user calls it."""

from __future__ import annotations

from dataclasses import dataclass

from tradewind.hardware.accelerators import AcceleratorModel, all_models


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
    """The model behind a name, told apart by memory where the name alone does not."""
    model = all_models().get(name.strip())
    if model is not None and memory_gb is not None and model.memory_gb != memory_gb:
        model = None
    return Identified(key=model.key if model else name.strip(), model=model)
