"""What a device holds while it trains anything that is no language model: weights, state, and one item per activation.

Activations of one forward pass are what model tables publish; training keeps about 2.2 times as many (inputs of
normalisations and of non-linearities beside the outputs), which is general knowledge and not yet measured here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.training_state import is_frozen, optimizer_bytes, share_of_state
from tradewind.estimate.transformer_memory import GB, RUNTIME_GB, MemoryItem
from tradewind.estimate.workload import Family, Workload

#: Numbers kept for the backward pass per published activation.
KEPT_PER_ACTIVATION: Final = 2.2
#: Millions of activations per forward GFLOP, where a workload gives none: ResNet-50 has 11.1 at 8.2 GFLOP, ViT-B/16
#: 23.9 at 35; the others are assumed to lie between.
ACTIVATIONS_M_PER_GFLOP: Final[Mapping[Family, float]] = {
    Family.CNN: 1.35,
    Family.VIT: 0.68,
    Family.DETECTION: 1.2,
    Family.DIFFUSION: 0.7,
}
USUAL_ACTIVATIONS_M_PER_GFLOP: Final = 1.0
#: Of activations, what checkpointing leaves in networks whose stages differ in size.
CHECKPOINTED_SHARE: Final = 0.4
#: Workspaces that convolution libraries take to be fast, GB.
CONVOLUTION_GB: Final = 0.5


def layer_items(workload: Workload, devices: int) -> tuple[MemoryItem, ...]:
    """The ledger of one device.

    Raises:
        InvalidInputError: the workload states neither parameters nor what activations follow from.
    """
    parameters = workload.parameters
    if parameters is None or not parameters > 0:
        raise InvalidInputError(
            f"the size of the model {workload.model or '(none given)'!r} is not known",
            hint="state its number of parameters, for example parameters: 25.6e6",
        )
    millions = activations_m(workload)
    half = workload.precision in ("fp16", "bf16", "fp8")
    weight = 2.0 if half and (is_frozen(workload) or workload.is_pure_precision) else 4.0
    trainable = workload.trainable_parameters or (0.01 * parameters if is_frozen(workload) else parameters)
    gradient, optimizer = optimizer_bytes(workload, is_half=half and workload.is_pure_precision)
    share = share_of_state(workload.sharding, devices)
    kept = millions * 1e6 * (workload.micro_batch or 1.0) * KEPT_PER_ACTIVATION * (2 if half else 4)
    kept *= CHECKPOINTED_SHARE if workload.is_checkpointing else 1.0
    held = 0.0 if workload.is_offloaded else trainable * optimizer / share.optimizer
    buckets = trainable * gradient / share.gradients if devices > 1 else 0.0
    is_convolution = workload.family in (Family.CNN, Family.DETECTION, Family.DIFFUSION)
    lines = (
        (
            "weights",
            parameters * weight / share.weights,
            f"{parameters / 1e6:.1f} million of {weight:.0f} bytes",
        ),
        ("gradients", trainable * gradient / share.gradients, f"{trainable / 1e6:.1f} million are trained"),
        ("optimizer", held, "in the host's memory" if workload.is_offloaded else workload.optimizer),
        (
            "activations",
            kept / share.tensor,
            f"{millions:.1f} million per {workload.unit} of one forward pass",
        ),
        (
            "buffers",
            buckets + (CONVOLUTION_GB * GB if is_convolution else 0.0),
            "workspaces, gradients that travel",
        ),
        ("runtime", RUNTIME_GB * GB, "workspaces of the libraries"),
    )
    return tuple(MemoryItem(name=name, gb=amount / GB, note=note) for name, amount, note in lines)


def activations_m(workload: Workload) -> float:
    """Millions of activations that one forward pass of one unit makes.

    Raises:
        InvalidInputError: the workload gives neither them nor its FLOPs.
    """
    if workload.activations_m_per_unit is not None:
        return workload.activations_m_per_unit
    if workload.forward_gflops_per_unit is None:
        raise InvalidInputError(
            f"the activations of {workload.model or 'this model'!r} are not known",
            hint="state activations_m_per_unit or forward_gflops_per_unit, or name a model with a preset",
        )
    per_gflop = ACTIVATIONS_M_PER_GFLOP.get(workload.family, USUAL_ACTIVATIONS_M_PER_GFLOP)
    return workload.forward_gflops_per_unit * per_gflop
