"""How long one step of training a language model takes on an accelerator, from what the step has to do.

Four things take the time: arithmetic, traffic of weights and activations to memory, the host's launching of kernels
(which decides at a hundred tokens per micro-batch), and what travels between devices. The host runs ahead of the
device, so the slower of the two counts; `estimate/data/finetune_calibration.csv` says how large each is in practice.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log2
from typing import Final

from tradewind.estimate.architecture import Architecture, architecture_of
from tradewind.estimate.band import Band, Layer
from tradewind.estimate.frameworks import framework_named
from tradewind.estimate.memory_calibration import Calibration, shipped_calibration
from tradewind.estimate.training_state import (
    USUAL_SEQUENCE_LENGTH,
    is_frozen,
    number_bytes,
    quantised_bytes,
    state_bytes,
    trainable_parameters,
)
from tradewind.estimate.transformer_memory import activation_bytes
from tradewind.estimate.workload import Family, Method, Sharding, Workload
from tradewind.hardware.accelerators import AcceleratorModel

#: Of the sheet's dense rate, what matrix products reach where nobody has measured it (median of those measured).
USUAL_ACHIEVED_SHARE: Final = 0.75
#: Of the rate of large matrix products, what a transformer's layers reach, before calibration.
LAYER_EFFICIENCY: Final = 0.75
#: Seconds that the host needs to launch one layer's kernels, forward and backward, before calibration.
LAUNCH_S: Final = 0.002
#: The same for the adapters of one layer on queries and values; for adapters everywhere; for unpacking 4-bit weights;
#: for the bookkeeping of a sharded layer.
LAUNCH_ADAPTERS_S: Final = 0.0012
LAUNCH_ADAPTERS_EVERYWHERE_S: Final = 0.003
LAUNCH_QUANTISED_S: Final = 0.0005
LAUNCH_SHARDED_S: Final = 0.002
#: Of a forward pass, what selective checkpointing computes again (attention and element-wise steps; assumed).
SELECTIVE_RECOMPUTED: Final = 0.15
#: Of the launches, what is left when layers are compiled.
COMPILED_LAUNCH_SHARE: Final = 0.4
#: Times that kept activations pass through memory in a step, written and read by several kernels.
ACTIVATION_PASSES: Final = 3.0
#: Bytes per input and output of an adapter's matrix and pass: dropout, casts, and the sum with the frozen path.
ADAPTER_TRAFFIC_BYTES: Final = 10.0
#: Bytes per logit that pass through memory in the loss: casts, softmax, gradient.
LOSS_TRAFFIC_BYTES: Final = 40.0
#: 4-bit weights unpacked in a second, for an accelerator with 1 TFLOP/s in fp32 and 1 TB/s: the kernel is bound by
#: neither alone, and published pairs of LoRA and QLoRA runs on two accelerators follow the mean of both.
UNPACKED_PER_S: Final = 16e9
#: Longest of several short sequences over their mean, per doubling of their number (alpaca-like lengths).
PADDING_PER_DOUBLING: Final = 0.3
#: One-way GB/s between devices without a link of their own, between nodes, and to the host's memory.
PCIE_GB_PER_S: Final = 12.0
NETWORK_GB_PER_S: Final = 10.0
HOST_GB_PER_S: Final = 12.0
#: How sharply the slower of two overlapping parts hides the other; infinite would be their maximum.
OVERLAP_POWER: Final = 4.0


def estimate_step(
    workload: Workload,
    accelerator: AcceleratorModel,
    count: int = 1,
    *,
    nodes: int = 1,
    calibration: Calibration | None = None,
) -> Band | None:
    """Seconds of one optimizer step, or of one micro-batch where the workload has no global batch.

    None for anything but language models, and where the accelerator's rate or the model's size is not known.

    Raises:
        InvalidInputError: neither the model nor its number of parameters is known.
    """
    rate = achieved_flops(accelerator, workload.precision)
    if workload.family is not Family.LLM or rate is None:
        return None
    calibration = calibration or shipped_calibration("step")
    architecture = architecture_of(workload)
    seconds = step_seconds(workload, architecture, accelerator, rate, count, nodes, calibration)
    low, high = calibration.spread(framework_named(workload.framework).name)
    return Band(
        p10=seconds * min(low, 1.0),
        p50=seconds,
        p90=seconds * max(high, 1.0),
        layer=Layer.ROOFLINE,
        basis=_basis(workload, architecture),
    )


def estimate_token_rate(
    workload: Workload, accelerator: AcceleratorModel, count: int = 1, *, nodes: int = 1
) -> Band | None:
    """Tokens per second of all `count` x `nodes` accelerators, padding not counted; None where there is no step.

    Raises:
        InvalidInputError: neither the model nor its number of parameters is known.
    """
    step = estimate_step(workload, accelerator, count, nodes=nodes)
    if step is None:
        return None
    devices = count * nodes
    full = workload.sequence_length or USUAL_SEQUENCE_LENGTH
    mean = full if workload.is_packed else min(workload.mean_sequence_length or full, full)
    sequences = (workload.micro_batch or 1.0) * devices * micro_batches_per_step(workload, devices)
    tokens = mean * sequences
    return Band(
        p10=tokens / step.p90,
        p50=tokens / step.p50,
        p90=tokens / step.p10,
        layer=step.layer,
        basis=step.basis,
    )


def achieved_flops(accelerator: AcceleratorModel, precision: str | None) -> float | None:
    """FLOP/s that large matrix products reach in a precision; None where the device has no such rate."""
    kind = precision or "bf16"
    peak = accelerator.peak_tflops.get(kind)
    if peak is None and kind in ("bf16", "fp16"):
        peak = accelerator.peak_tflops.get("fp16") or accelerator.peak_tflops.get("fp32")
    if peak is None:
        return None
    bf16 = accelerator.peak_tflops.get("bf16")
    share = USUAL_ACHIEVED_SHARE
    if accelerator.achieved_bf16_tflops is not None and bf16:
        share = accelerator.achieved_bf16_tflops / bf16
    return peak * share * 1e12


def tokens_in_micro_batch(workload: Workload) -> float:
    """Tokens that one device works on in one micro-batch, on average, padding included."""
    full = workload.sequence_length or USUAL_SEQUENCE_LENGTH
    sequences = workload.micro_batch or 1.0
    mean = workload.mean_sequence_length
    if mean is None or workload.is_packed:
        return sequences * full
    padding = 1 + PADDING_PER_DOUBLING * log2(max(1.0, sequences))
    return sequences * min(mean * padding, full)


def micro_batches_per_step(workload: Workload, devices: int) -> float:
    """How many micro-batches a device works through before the optimizer steps."""
    if workload.global_batch is None:
        return 1.0
    return max(1.0, workload.global_batch / ((workload.micro_batch or 1.0) * devices))


def step_seconds(
    workload: Workload,
    architecture: Architecture,
    accelerator: AcceleratorModel,
    rate: float,
    count: int,
    nodes: int,
    calibration: Calibration,
) -> float:
    """The middle estimate, seconds."""
    framework = framework_named(workload.framework).name
    devices = count * nodes

    def multiplier(item: str) -> float:
        return calibration.multiplier(framework, item)

    launch = _launch_seconds(workload, architecture, multiplier)
    device = _device_seconds(workload, architecture, accelerator, rate, devices, multiplier)
    travel, travel_per_step = _travel_seconds(workload, architecture, accelerator, devices, nodes, multiplier)
    repeats = micro_batches_per_step(workload, devices)
    per_micro_batch = slower_of(launch, device) + travel
    step = 0.0
    if repeats > 1 or not is_frozen(workload):
        step = _optimizer_seconds(workload, architecture, accelerator, devices, multiplier)
    seconds = repeats * per_micro_batch + travel_per_step + step
    return seconds * (multiplier("machines") if nodes > 1 else 1.0)


def slower_of(first: float, second: float) -> float:
    """The time of two parts that overlap: a little more than the slower one when they are close."""
    larger, smaller = max(first, second), min(first, second)
    if larger == 0:
        return 0.0
    return float(larger * (1 + (smaller / larger) ** OVERLAP_POWER) ** (1 / OVERLAP_POWER))


def _recomputed_share(workload: Workload) -> float:
    """How much of a forward pass the backward pass does again."""
    if workload.is_checkpointing:
        return 1.0
    return SELECTIVE_RECOMPUTED if workload.is_checkpointing_selective else 0.0


def _launch_seconds(
    workload: Workload, architecture: Architecture, multiplier: Callable[[str], float]
) -> float:
    per_layer = LAUNCH_S * multiplier("launch")
    if is_frozen(workload):
        adapters = LAUNCH_ADAPTERS_EVERYWHERE_S if workload.is_lora_everywhere else LAUNCH_ADAPTERS_S
        share = 0.3 if workload.method is Method.ADAPTER else 1.0
        per_layer += adapters * share * multiplier("launch_adapters")
    if quantised_bytes(workload) is not None:
        per_layer += LAUNCH_QUANTISED_S * multiplier("launch_quantised")
    if workload.is_compiled:
        per_layer *= COMPILED_LAUNCH_SHARE
    per_layer *= 1 + _recomputed_share(workload) / 3
    if workload.sharding is Sharding.FULL:
        per_layer += LAUNCH_SHARDED_S * multiplier("launch_sharded")
    return per_layer * architecture.layers


def _device_seconds(
    workload: Workload,
    architecture: Architecture,
    accelerator: AcceleratorModel,
    rate: float,
    devices: int,
    multiplier: Callable[[str], float],
) -> float:
    """Arithmetic and memory traffic of one micro-batch on one device."""
    tokens = tokens_in_micro_batch(workload)
    length = min(workload.mean_sequence_length or 1e12, workload.sequence_length or USUAL_SEQUENCE_LENGTH)
    passes = 2.0 if is_frozen(workload) else 3.0
    recomputed = _recomputed_share(workload)
    split = devices if workload.sharding is Sharding.TENSOR else 1
    flops = 2 * (passes + recomputed) * architecture.multiplied_parameters
    if is_frozen(workload):
        flops += 6 * trainable_parameters(workload, architecture)
    # Causal attention: half of 4 x length x hidden forward, twice that backward.
    flops += (3 + recomputed) * 2 * architecture.layers * architecture.hidden * length
    compute = tokens * flops / (rate * LAYER_EFFICIENCY) * multiplier("compute")
    bandwidth = accelerator.memory_bandwidth_gb_per_s * 1e9
    stored = quantised_bytes(workload)
    weight_bytes = architecture.active_parameters * (number_bytes(workload) if stored is None else stored)
    weights = weight_bytes * (passes + recomputed) / bandwidth
    kept = architecture.layers * activation_bytes(workload, architecture)
    traffic = tokens * kept * ACTIVATION_PASSES / bandwidth * multiplier("traffic")
    loss = tokens * architecture.vocabulary * LOSS_TRAFFIC_BYTES / bandwidth * multiplier("loss_traffic")
    if workload.has_chunked_loss:
        loss /= 2
    adapters = 0.0
    if is_frozen(workload) and workload.method is not Method.ADAPTER:
        width = architecture.adapter_width(is_everywhere=workload.is_lora_everywhere) * architecture.layers
        moved = tokens * width * ADAPTER_TRAFFIC_BYTES * (passes + recomputed)
        adapters = moved / bandwidth * multiplier("adapter_traffic")
    unpack = 0.0
    if stored is not None:
        speed = (
            accelerator.peak_tflops.get("fp32", 10.0) * accelerator.memory_bandwidth_gb_per_s / 1e3
        ) ** 0.5
        unpacked = architecture.layer_parameters * (passes + recomputed)
        unpack = unpacked / (UNPACKED_PER_S * speed) * multiplier("unpack")
    return (slower_of(compute, weights) + traffic + loss + adapters + unpack) / split


def _travel_seconds(
    workload: Workload,
    architecture: Architecture,
    accelerator: AcceleratorModel,
    devices: int,
    nodes: int,
    multiplier: Callable[[str], float],
) -> tuple[float, float]:
    """What travels between devices in every micro-batch, and once in a step."""
    if devices == 1:
        return 0.0, 0.0
    link = (accelerator.link_gb_per_s / 2 or PCIE_GB_PER_S) if nodes == 1 else NETWORK_GB_PER_S
    share = (devices - 1) / devices / (link * 1e9) * multiplier("travel")
    size = number_bytes(workload)
    stored = quantised_bytes(workload) or size
    if workload.sharding is Sharding.FULL:
        gathered = architecture.parameters * stored * (3 if workload.is_checkpointing else 2)
        cut = 0.0 if is_frozen(workload) else architecture.parameters * size
        return (gathered + cut) * share, 0.0
    if workload.sharding is Sharding.TENSOR:
        exchanged = 8 * tokens_in_micro_batch(workload) * architecture.hidden * size * architecture.layers
        return exchanged * share, 0.0
    gradient = state_bytes(workload)[1]
    return 0.0, 2 * trainable_parameters(workload, architecture) * gradient * share


def _optimizer_seconds(
    workload: Workload,
    architecture: Architecture,
    accelerator: AcceleratorModel,
    devices: int,
    multiplier: Callable[[str], float],
) -> float:
    """Reading and writing weights, gradients and state once; over the host's bus where they wait there."""
    trainable = trainable_parameters(workload, architecture)
    share = 1 if workload.sharding is Sharding.NONE else devices
    moved = trainable / share * 2 * sum(state_bytes(workload))
    if workload.is_offloaded:
        return moved / (HOST_GB_PER_S * 1e9) * multiplier("offload")
    return moved / (accelerator.memory_bandwidth_gb_per_s * 1e9) * multiplier("optimizer")


def _basis(workload: Workload, architecture: Architecture) -> str:
    shape = "" if architecture.is_known else " (its shape is assumed from its size)"
    return (
        f"{tokens_in_micro_batch(workload):,.0f} tokens per micro-batch through {architecture.parameters / 1e9:.2f} "
        f"billion parameters{shape}, corrected by measured fine-tunings"
    )
