"""Workloads and accelerators as rows of numbers and words that surfaces are fitted over."""

from __future__ import annotations

import math
from typing import Final

from tradewind.estimate.device_limits import cache_mb, sustained_tflops
from tradewind.estimate.surface import Row
from tradewind.estimate.traits import TRAITS, line_of, plan_of, traits_of
from tradewind.estimate.work_kinds import WorkKind, kind_of, network_of
from tradewind.estimate.workload import Family, Sharding, Workload
from tradewind.hardware.accelerators import AcceleratorModel

#: Best measured matrix product over the sheet's peak, by vendor, where nobody has measured the part itself
#: (ml-engineering: A100 0.87, H100 0.80, B200 0.78, MI300X 0.51, MI325X 0.60, Gaudi2 0.97, Gaudi3 0.74).
_ACHIEVED: Final = {"nvidia": 0.8, "amd": 0.55, "intel": 0.85, "google": 0.8, "aws": 0.7}
#: Weights, gradients and AdamW moments of one parameter in mixed precision.
_STATE_BYTES: Final = 16
#: Dense half-precision TFLOP/s per GB/s of a training part of about 2019, for parts without a published rate.
_TFLOPS_PER_BANDWIDTH: Final = 0.13
#: Whose training code a recipe is, where that is not its own: the Lambda suite runs what any user would.
_CODE: Final = {"lambda": "ordinary", "": "ordinary"}
_NODE_DEVICES: Final = 8
#: An A100's matrix rate and bandwidth, as `accelerator_row` counts them.
_LEAST_MEASURED: Final = {"matrix": math.log(253 / 120), "bandwidth": math.log(1555 / 1200)}


def precision_class(precision: str | None) -> str:
    """`single`, `half`, `fp8` or `fp4`: what the rates of hardware distinguish. Not known: `half`, as is usual."""
    text = (precision or "").lower()
    if "fp4" in text:
        return "fp4"
    if "fp8" in text or "int8" in text:
        return "fp8"
    if "32" in text and "16" not in text:
        return "single"
    return "half"


def matrix_tflops(model: AcceleratorModel, kind: str) -> float:
    """What matrix products reach on one device in a class of precision: measured where known, else estimated."""
    peak = model.peak_tflops
    half = max(peak.get("bf16", 0.0), peak.get("fp16", 0.0))
    if half == 0.0:
        half = peak.get("fp32") or model.memory_bandwidth_gb_per_s * _TFLOPS_PER_BANDWIDTH
    share = _ACHIEVED.get(model.vendor, 0.7)
    sustained = sustained_tflops(model)
    if model.achieved_bf16_tflops and half:
        share = min(model.achieved_bf16_tflops / half, 1.0)
    elif sustained is not None:
        share = min(share, sustained / half)
    if kind == "single":
        return max(peak.get("tf32", 0.0), peak.get("fp32", 0.0), half / 16) * share
    if kind == "fp8":
        return max(peak.get("fp8", 0.0), half) * share
    if kind == "fp4":
        return max(peak.get("fp4", 0.0), peak.get("fp8", 0.0), half) * share
    return max(half, peak.get("fp32", 0.0) if not peak.get("fp16") else 0.0) * share


def accelerator_row(model: AcceleratorModel, kind: str) -> dict[str, str | float]:
    """One accelerator, each number a logarithm or a step around a common one."""
    half = matrix_tflops(model, "half")
    vector = model.peak_tflops.get("fp32") or half / 16
    is_switched = (model.link.startswith("NVLink") and "bridge" not in model.link) or model.form in (
        "OAM",
        "NVL72",
        "board",
    )
    return {
        "accelerator": model.key,
        "vendor": model.vendor,
        "architecture": model.architecture,
        "matrix": math.log(matrix_tflops(model, kind) / 120),
        "bandwidth": math.log(model.memory_bandwidth_gb_per_s / 1200),
        "vector": math.log(vector / 30),
        "power": math.log((model.tdp_watts or 250) / half / (400 / 250)),
        "year": (model.year - 2020) / 3,
        "memory": math.log(model.memory_gb / 40),
        "cache": math.log(cache_mb(model) / 40) / 2,
        "switched": 1.0 if is_switched else 0.0,
        "graphics": 1.0 if any(word in model.title for word in ("GeForce", "RTX", "TITAN")) else 0.0,
    }


def run_row(
    workload: Workload, accelerator: AcceleratorModel, count: float, nodes: int, usual_batch: float | None
) -> Row:
    """A whole job: what it is, where it runs and how far it is spread. `usual_batch` is that of the recipe."""
    kind = precision_class(workload.precision)
    row = accelerator_row(accelerator, kind)
    if accelerator.form == "NVL72":
        # Nodes of such a rack speak over the same switched links as the devices of one node elsewhere.
        nodes = math.ceil(count / _NODE_DEVICES)
    per_node = math.log2(max(count / nodes, 1.0)) / 3
    batch = workload.micro_batch or (workload.global_batch or 0.0) / count
    name = f"{workload.recipe or ''}:{workload.model or ''}"
    bound = kind_of(workload)
    # How fast whole runs go, whose arithmetic is not counted, says nothing of others.
    is_odd = bound is WorkKind.ODD
    gflops = max(workload.forward_gflops_per_unit or 1.0, 1e-9)
    is_image = workload.family in (Family.CNN, Family.DETECTION) and not is_odd
    row.update(
        recipe=_CODE.get(workload.recipe or "", workload.recipe or ""),
        task=name,
        odd=name if is_odd else "",
        kind=bound.value,
        network=network_of(workload),
        precision=kind,
        family=workload.family.value if not is_odd else "odd",
        spread=per_node,
        spread_slow=per_node * (1.0 - float(row["switched"])),
        nodes=math.log2(nodes) / 3,
        setting=f"{count:g}/{nodes}",
        release=(workload.software_year or 2023.0) - 2023.0,
        work=math.log(gflops / 30) / 3 if is_image else 0.0,
        batch=max(-2.0, min(2.0, math.log(batch / usual_batch) / 2)) if batch and usual_batch else 0.0,
    )
    return row


def image_row(workload: Workload, accelerator: AcceleratorModel) -> Row:
    """An image model on one device: its arithmetic, its memory traffic, its size and what it is built of."""
    kind = precision_class(workload.precision)
    name = workload.model or ""
    gmacs = max((workload.forward_gflops_per_unit or 8.0) / 2, 0.01)
    activations = workload.activations_m_per_unit or usual_activations(gmacs)
    parameters = (workload.parameters or 25e6) / 1e6
    row = accelerator_row(accelerator, kind)
    row.update(
        task=name,
        recipe=workload.recipe or "",
        plan=plan_of(name),
        line=line_of(name),
        layout={None: "nchw", True: "nhwc", False: "nchw"}[workload.is_channels_last],
        precision=kind,
        arithmetic=math.log(gmacs),
        activations=math.log(activations),
        parameters=math.log(parameters),
        batch=math.log(
            workload.micro_batch or usual_image_batch(activations, parameters, accelerator.memory_gb)
        ),
        image=math.log((workload.image_size or 224) / 224),
        intensity=math.log(gmacs / activations),
        density=math.log(parameters / gmacs),
        depth=math.log((workload.layers or 60) / 60),
        **{f"is_{trait}": 1.0 if trait in traits_of(name) else 0.0 for trait in TRAITS},
    )
    return row


def usual_activations(gmacs: float) -> float:
    """Millions of activations of an image model that is known by its multiplications only.

    The middle of the shipped table of image models: about 6 at 0.4 GMACs, 13 at 4, 30 at 16.
    """
    return float(9.0 * gmacs**0.45)


def usual_image_batch(activations_m: float, parameters_m: float, memory_gb: float) -> float:
    """Images that about fill a device in half precision, never above 512."""
    left_gb = max(memory_gb * 0.9 - 1.0 - parameters_m * 0.016, 0.5)
    return float(
        min(512.0, max(1.0, 2 ** math.floor(math.log2(max(left_gb / (activations_m * 4.5e-3), 1.0)))))
    )


def token_row(workload: Workload, accelerator: AcceleratorModel, count: float) -> Row:
    """Training of a language model."""
    kind = precision_class(workload.precision)
    row = accelerator_row(accelerator, kind)
    # Measurements begin at A100: a share of the peak that fell from there to faster ones does not rise to slower.
    row.update({name: max(float(row[name]), least) for name, least in _LEAST_MEASURED.items()})
    active = workload.active_parameters or workload.parameters or 1e9
    total = workload.parameters or active
    sequence = float(workload.sequence_length or 2048)
    batch = workload.micro_batch or usual_token_batch(active, sequence)
    sharding = workload.sharding
    if (
        workload.recipe is None
        and sharding is Sharding.NONE
        and total * _STATE_BYTES > accelerator.memory_gb * 6e8
    ):
        # What does not fit one device is not kept whole on each, whatever the request leaves unsaid.
        sharding = Sharding.FULL
    spread = workload.tensor_parallel * workload.pipeline_parallel * workload.context_parallel
    accumulation = 1.0
    if workload.global_batch:
        accumulation = max(workload.global_batch / (max(count / spread, 1.0) * batch), 1.0)
    row.update(
        recipe=workload.recipe or "",
        task=workload.model or "",
        precision=kind,
        sharding=sharding.value,
        sparse="experts" if total > active * 1.2 else "dense",
        active=math.log(active / 1e9) / 2,
        sparsity=1 - active / total,
        sequence=math.log(sequence / 2048),
        attention=attention_share(workload),
        step=math.log(batch * sequence / 16384),
        batch=math.log(batch),
        accumulation=1 - 1 / accumulation,
        count=math.log2(max(count, 1.0) / 8),
        # Each way of spreading costs more with every part, but ever less so.
        tensor=1 - 1 / workload.tensor_parallel,
        pipeline=1 - 1 / workload.pipeline_parallel,
        context=1 - 1 / workload.context_parallel,
        experts=1 - 1 / max(workload.expert_parallel, 1),
        recompute=1.0 if workload.is_checkpointing else 0.0,
        compiled=1.0 if workload.is_compiled else 0.0,
        release=(workload.software_year or 2024.0) - 2024.0,
    )
    return row


def usual_token_batch(active: float, sequence: float) -> float:
    """Sequences of a step on one device that is well filled: about 16,000 tokens at 7 B parameters, more below."""
    return float(max(1.0, round(16384 * (7e9 / active) ** 0.3 / sequence)))


def attention_share(workload: Workload) -> float:
    """Logarithm of all arithmetic over that of the parameters alone: grows with the sequence."""
    active = workload.active_parameters or workload.parameters or 1e9
    return math.log(1 + attention_flops(workload) / (6 * active))


def attention_flops(workload: Workload) -> float:
    """FLOPs of attention scores per token, forward and backward: 12 * layers * hidden * sequence."""
    active = workload.active_parameters or workload.parameters or 1e9
    layers = workload.layers or usual_layers(active)
    hidden = workload.hidden or math.sqrt(active / (12 * layers))
    return 12.0 * layers * hidden * (workload.sequence_length or 2048)


def usual_layers(parameters: float) -> float:
    """Layers of a decoder of that size: about 12 at 125 M, 24 at 1.3 B, 32 at 7 B, 80 at 70 B."""
    return float(23.0 * (parameters / 1.3e9) ** 0.29)


def token_flops(workload: Workload) -> float:
    """FLOPs that training on one token takes: 6 per active parameter and the attention scores (a causal mask
    that kernels skip halves them, which is left to what was measured); low-rank methods skip a third.
    """
    active = workload.active_parameters or workload.parameters or 1e9
    if workload.method in ("lora", "qlora", "adapter"):
        parameters = 4 * active + 2 * (workload.trainable_parameters or active * 0.005)
    else:
        parameters = 6 * active
    return parameters + attention_flops(workload)
