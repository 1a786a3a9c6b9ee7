"""The numbers that a training run keeps per parameter, and over how many devices they are cut.

Bytes per parameter by precision and optimizer follow `ZeRO` (Rajbhandari et al. 2020); those of quantised weights,
the formats' own definitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tradewind.estimate.architecture import Architecture
from tradewind.estimate.workload import Method, Sharding, Workload

#: Assumed where a workload does not say.
USUAL_SEQUENCE_LENGTH: Final = 2048
USUAL_LORA_RANK: Final = 16
#: Bytes per weight of a quantised base: four bits and a scale per 64 weights (bitsandbytes), the scales quantised
#: once more (-dq), GPTQ's groups of 128, or eight bits.
QUANTISED_BYTES: Final[Mapping[str, float]] = {
    "nf4": 0.5625,
    "fp4": 0.5625,
    "nf4-dq": 0.516,
    "fp4-dq": 0.516,
    "int4": 0.52,
    "gptq": 0.52,
    "int8": 1.02,
}
#: States per parameter, and whether they are kept in one byte each.
OPTIMIZER_STATES: Final[Mapping[str, tuple[int, bool]]] = {
    "adamw": (2, False),
    "adam": (2, False),
    "lamb": (2, False),
    "adamw8bit": (2, True),
    "adam8bit": (2, True),
    "sgd": (0, False),
    "momentum": (1, False),
    "lion": (1, False),
    "adafactor": (0, False),
}


def number_bytes(workload: Workload) -> int:
    """Bytes of one weight in the type that matrix products run in."""
    return 4 if workload.precision in ("fp32", "tf32") else 2


def is_frozen(workload: Workload) -> bool:
    """True where the base is not trained."""
    return workload.method in (Method.LORA, Method.QLORA, Method.ADAPTER)


def quantised_bytes(workload: Workload) -> float | None:
    """Bytes per weight of a quantised base; None where it is not quantised."""
    if workload.method is not Method.QLORA and not (is_frozen(workload) and workload.quantization):
        return None
    kind = (workload.quantization or "nf4").lower().removeprefix("bnb.")
    return QUANTISED_BYTES.get(kind, QUANTISED_BYTES["nf4"])


def trainable_parameters(workload: Workload, architecture: Architecture) -> float:
    """How many parameters are trained."""
    if not is_frozen(workload):
        return architecture.parameters
    count = workload.trainable_parameters
    if count is None and workload.method is Method.ADAPTER:
        count = prompt_parameters(architecture)
    if count is None:
        rank = workload.lora_rank or USUAL_LORA_RANK
        count = architecture.adapter_parameters(rank, is_everywhere=workload.is_lora_everywhere)
    if workload.is_embedding_trained:
        count += 2 * architecture.embedding_parameters
    return count


def tokens_per_micro_batch(workload: Workload) -> float:
    """Tokens of the longest micro-batch, padding included."""
    return (workload.micro_batch or 1.0) * (workload.sequence_length or USUAL_SEQUENCE_LENGTH)


def prompt_parameters(architecture: Architecture) -> float:
    """LLaMA-Adapter: ten learned vectors and a gate per head in each layer."""
    return architecture.layers * (10.0 * architecture.hidden + architecture.heads)


def is_accumulating(workload: Workload, devices: int) -> bool:
    """True where gradients are kept from one micro-batch to the next."""
    one = (workload.micro_batch or 1.0) * devices
    return workload.global_batch is not None and workload.global_batch > 1.01 * one


def state_bytes(workload: Workload) -> tuple[float, float, float]:
    """Bytes per trainable parameter: weights, gradients, optimizer state with its master copy."""
    size = number_bytes(workload)
    is_mixed = size == 2 and not workload.is_pure_precision
    gradient, optimizer = optimizer_bytes(workload, is_half=size == 2 and workload.is_pure_precision)
    if not is_mixed:
        return float(size), gradient, optimizer
    if is_frozen(workload):
        return 4.0, gradient, optimizer  # Adapters are kept in fp32 themselves.
    return 2.0, 2.0, optimizer + 4.0


def optimizer_bytes(workload: Workload, *, is_half: bool) -> tuple[float, float]:
    """Bytes per trainable parameter of a gradient and of the optimizer's states, in fp32 or in half precision."""
    states, is_byte_sized = OPTIMIZER_STATES.get(
        workload.optimizer.lower().removeprefix("paged_"), (2, False)
    )
    size = 2.0 if is_half else 4.0
    return size, states * (1.0 if is_byte_sized else size)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateShare:
    """Over how many devices each kind of state is cut."""

    weights: int
    gradients: int
    optimizer: int
    tensor: int


def share_of_state(sharding: Sharding, devices: int) -> StateShare:
    """What a way of sharding cuts into as many parts as there are devices."""
    return StateShare(
        weights=devices if sharding in (Sharding.FULL, Sharding.TENSOR) else 1,
        gradients=devices if sharding in (Sharding.FULL, Sharding.GRADIENTS, Sharding.TENSOR) else 1,
        optimizer=1 if sharding is Sharding.NONE else devices,
        tensor=devices if sharding is Sharding.TENSOR else 1,
    )
