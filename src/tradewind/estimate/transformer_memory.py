"""What a device holds while it trains a language model, item by item.

Formulas (per parameter, and per token and layer) follow `Reducing Activation Recomputation in Large Transformer
Models` (Korthikanti et al. 2022) and `ZeRO` (Rajbhandari et al. 2020), with the terms of the frozen, gated, grouped
and quantised cases worked out the same way; `calibration` multiplies each by what measurements say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tradewind.estimate.architecture import Architecture
from tradewind.estimate.frameworks import framework_named
from tradewind.estimate.memory_calibration import Calibration
from tradewind.estimate.training_state import (
    USUAL_SEQUENCE_LENGTH,
    is_accumulating,
    is_frozen,
    number_bytes,
    prompt_parameters,
    quantised_bytes,
    share_of_state,
    state_bytes,
    tokens_per_micro_batch,
    trainable_parameters,
)
from tradewind.estimate.workload import Method, Sharding, Workload

GB: Final = 1e9
#: Bytes per logit at the height of the loss: half-sized logits, their fp32 copy and its gradient.
LOGIT_BYTES: Final = 10.0
#: The same when the loss goes through the vocabulary's rows in eight pieces.
CHUNKED_LOGIT_BYTES: Final = 3.0
#: Of activations, what is left when the layers are compiled (element-wise steps fused, norms not kept in fp32).
COMPILED_SHARE: Final = 0.75
#: Of activations, what selective checkpointing keeps.
SELECTIVE_SHARE: Final = 0.5
#: Of activations, what is on the device at a time when they wait in the host's memory (assumed).
OFFLOADED_REST: Final = 0.3
#: Libraries' workspaces and what is too small to list, GB.
RUNTIME_GB: Final = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryItem:
    """One line of the ledger, in GB (10^9 bytes) on one device."""

    name: str
    gb: float
    note: str


def activation_bytes(workload: Workload, architecture: Architecture) -> float:
    """Bytes that one token leaves in one layer for the backward pass, nothing recomputed."""
    hidden, inner = architecture.hidden, architecture.intermediate
    keys = hidden * architecture.key_value_share
    kept = float(architecture.norms * hidden)  # What the norms read.
    if architecture.is_gated:
        kept += 2 * architecture.norms * hidden  # RMS norms run in fp32 and keep their input in it.
    kept += (
        3 * hidden + 2 * keys
    )  # What queries, keys and values come from; queries, attention's output; keys, values.
    kept += hidden + (4 if architecture.is_gated else 2) * inner  # The feed-forward part and what it reads.
    if is_frozen(workload):
        kept -= inner + hidden  # A frozen matrix does not need its input again.
        kept += 1.5 * hidden  # The adapters' dropout does: a copy and a mask.
    if workload.method is Method.ADAPTER:
        kept += _adapter_extra(workload, architecture)
    size = number_bytes(workload)
    bytes_per_layer = kept * size
    if not workload.has_flash_attention or architecture.has_soft_caps:
        sequence = workload.sequence_length or USUAL_SEQUENCE_LENGTH
        bytes_per_layer += 2.5 * size * architecture.heads * sequence
    return bytes_per_layer


def _adapter_extra(workload: Workload, architecture: Architecture) -> float:
    """Prompts alone need no dropout; scales on every matrix (adapter v2) keep each matrix's output again."""
    hidden, inner = architecture.hidden, architecture.intermediate
    count = workload.trainable_parameters
    if count is not None and count > 2 * prompt_parameters(architecture):
        keys = hidden * architecture.key_value_share
        return 2 * hidden + 2 * keys + hidden + (2 if architecture.is_gated else 1) * inner
    return -2.5 * hidden


def transformer_items(
    workload: Workload, architecture: Architecture, devices: int, calibration: Calibration
) -> tuple[MemoryItem, ...]:
    """What the training program has allocated on one device at the worst moment of a step.

    That moment is the end of the forward pass, when activations are there, or the optimizer's step, when gradients
    and its temporary copies are: whichever is more.
    """
    framework = framework_named(workload.framework)

    def multiplier(item: str) -> float:
        return calibration.multiplier(framework.name, item)

    size = number_bytes(workload)
    spread = share_of_state(workload.sharding, devices)
    trainable = trainable_parameters(workload, architecture)
    weight, gradient, optimizer = state_bytes(workload)
    head = architecture.embedding_parameters
    parameters = architecture.parameters + (head if architecture.is_tied and framework.unties_head else 0.0)
    per_quantised = quantised_bytes(workload)
    if per_quantised is None:
        base = parameters * size
        note = f"{parameters / 1e9:.2f} billion parameters of {size} bytes"
    else:
        quantised = architecture.layer_parameters + (head if framework.quantises_head else 0.0)
        per_quantised *= multiplier("quantised")
        base = quantised * per_quantised + (parameters - quantised) * size
        note = f"{quantised / 1e9:.2f} billion parameters of {per_quantised:.2f} bytes, the rest of {size}"
    is_host_weights = workload.is_offloaded and workload.sharding is Sharding.FULL
    weights = 0.0 if is_host_weights else base / spread.weights
    adapters = trainable * weight / spread.weights if is_frozen(workload) else 0.0
    state = multiplier("state")
    is_paged = workload.optimizer.lower().startswith("paged_")
    held_optimizer = (
        0.0 if workload.is_offloaded or is_paged else trainable * optimizer * state / spread.optimizer
    )
    gradients = trainable * gradient * state / spread.gradients
    if is_host_weights:
        gradients = 0.0  # They follow the weights there.
    elif workload.has_fused_backward:
        gradients = max(head, architecture.hidden * architecture.intermediate) * gradient / spread.weights
    step = (
        0.0
        if workload.has_fused_backward or workload.is_offloaded or is_paged
        else _step_bytes(trainable / spread.optimizer, size, framework.parameters_per_step_group, workload)
    )
    gathered = 0.0
    if workload.sharding is Sharding.FULL and devices > 1:
        gathered = multiplier("gathered") * _gathered_bytes(
            base,
            architecture,
            size,
            is_whole=framework.gathers_whole_model,
            has_gradients=not is_frozen(workload),
        )
    elif devices > 1 and workload.sharding is not Sharding.TENSOR:
        gathered = trainable * gradient / spread.gradients  # The buckets of the all-reduce.
    activations, logits = _token_bytes(workload, architecture, multiplier)
    activations, logits = activations / spread.tensor, logits / spread.tensor
    dequantised = 0.0
    if per_quantised is not None:
        largest = head if framework.quantises_head else float(architecture.hidden * architecture.intermediate)
        dequantised = largest * size * multiplier("dequantised")
    kept = is_accumulating(workload, devices)
    forward = activations + logits + dequantised + (gradients if kept else 0.0)
    if forward < gradients + step:
        activations = logits = dequantised = 0.0
    else:
        step = 0.0
        gradients = gradients if kept else 0.0
    lines = (
        ("weights", weights, note if not is_host_weights else "in the host's memory"),
        ("adapters", adapters, f"{trainable / 1e6:.1f} million parameters are trained"),
        (
            "gradients",
            gradients,
            "kept over the micro-batches of a step" if kept else "at the optimizer's step",
        ),
        (
            "optimizer",
            held_optimizer,
            "in the host's memory" if workload.is_offloaded else workload.optimizer,
        ),
        (
            "activations",
            activations,
            "inputs of the layers" if workload.is_checkpointing else "all that the backward pass reads",
        ),
        ("logits", logits, "logits and the loss over the vocabulary"),
        ("buffers", gathered + dequantised + step, "gathered or unpacked weights, copies at the step"),
        ("runtime", RUNTIME_GB * GB * multiplier("runtime"), "workspaces of the libraries"),
    )
    return tuple(MemoryItem(name=name, gb=amount / GB, note=why) for name, amount, why in lines)


def _token_bytes(
    workload: Workload, architecture: Architecture, multiplier: Callable[[str], float]
) -> tuple[float, float]:
    """Activations and logits of one micro-batch, bytes.

    With checkpointing the one layer that is computed again and the logits are never there together.
    """
    tokens = tokens_per_micro_batch(workload)
    size = number_bytes(workload)
    logit = CHUNKED_LOGIT_BYTES if workload.has_chunked_loss else LOGIT_BYTES * multiplier("logits")
    if quantised_bytes(workload) is not None:
        logit *= multiplier("logits_quantised")
    logits = tokens * architecture.vocabulary * logit
    per_layer = tokens * activation_bytes(workload, architecture) * multiplier("activations")
    if workload.is_compiled:
        per_layer *= COMPILED_SHARE * multiplier("compiled")
    if not workload.is_checkpointing:
        share = OFFLOADED_REST if workload.is_activation_offloaded else 1.0
        share *= SELECTIVE_SHARE if workload.is_checkpointing_selective else 1.0
        return per_layer * max(1.0, architecture.layers * share), logits
    inputs = (
        0.0 if workload.is_activation_offloaded else tokens * architecture.layers * architecture.hidden * size
    )
    return (inputs, logits) if logits > per_layer else (inputs + per_layer, 0.0)


def _gathered_bytes(
    base: float, architecture: Architecture, size: int, *, is_whole: bool, has_gradients: bool
) -> float:
    """Weights that are whole on a device while fully sharded layers run, and their gradients before they are cut.

    Usually the layer at work and the next one, or the embedding or the head where that is more.
    """
    if is_whole:
        return base * (2 if has_gradients else 1)
    table = architecture.embedding_parameters * size
    layer = architecture.layer_parameters / architecture.layers * base / architecture.parameters
    weights = min(base, max(2 * layer, table))
    return weights + (max(layer, table) if has_gradients else 0.0)


def _step_bytes(trainable: float, size: int, group: float, workload: Workload) -> float:
    """Temporary copies while the optimizer steps: of everything at once, or of a group in fp32."""
    if group and not workload.is_pure_precision and workload.sharding is Sharding.FULL:
        return 8.0 * min(trainable, group)
    return trainable * size
