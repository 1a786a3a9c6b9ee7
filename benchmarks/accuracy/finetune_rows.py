"""The rows of fine-tuning measurements as workloads: what each public table says of itself, and what it leaves out.

A column that is empty was not published; what stands in for it is the documented default of the training program that
the table belongs to, named here and nowhere else.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tradewind.estimate.workload import Family, Method, Sharding, Workload
from tradewind.hardware.accelerators import AcceleratorModel
from tradewind.hardware.names import identify

#: Tokens of alpaca's longest and of its mean sample with the prompt around it, in Llama-like vocabularies.
ALPACA_LONGEST: Final = 1040.0
ALPACA_MEAN: Final = 110.0
#: The same mean for the two thousand longer samples of `alpaca2k`; not published, the middle of what its rows imply.
ALPACA2K_MEAN: Final = 200.0
GIB_IN_GB: Final = 1.073741824


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneRow:
    """One measurement. `memory_gb` in 10^9 bytes; `step_s` seconds of what `estimate_step` estimates."""

    source: str
    label: str
    accelerator_name: str
    accelerator: AcceleratorModel
    count: int
    nodes: int
    workload: Workload
    memory_gb: float | None
    step_s: float | None
    #: True where the table gives the time of a step; False where it follows from a run's minutes or a rate.
    is_step_stated: bool


def read_rows(path: Path) -> list[FinetuneRow]:
    """Every row of a file, in order."""
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in map(_read, csv.DictReader(file)) if row is not None]


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _read(row: Mapping[str, str]) -> FinetuneRow | None:
    name = row["gpu"] or "A100-SXM-80GB"
    model = identify(name).model
    parameters = _number(row["params_b"])
    if model is None or parameters is None:
        return None
    count = int(_number(row["n_gpu"]) or 1)
    workload = _usual_workload(row, parameters * 1e9)
    nodes = 1
    source = row["source"]
    if source.startswith("litgpt/resource"):
        workload = _litgpt(workload, count, is_pure="mixed" not in row["precision"])
    elif source.startswith("litgpt"):
        workload = _litgpt(
            replace(workload, model=_config_model(row)), count, is_pure="mixed" not in row["precision"]
        )
        workload = replace(workload, mean_sequence_length=ALPACA2K_MEAN)
        if workload.method is Method.FULL and count == 1:
            # The recipes of full fine-tuning on one device keep the optimizer's state in pageable memory.
            workload = replace(workload, optimizer="paged_adamw")
    elif source.startswith("Qwen"):
        workload = _qwen(workload, row, count, model)
        if "multinode" in row["method"]:
            count, nodes = max(1, count // 2), 2
    elif source.startswith("torchtune"):
        workload = _torchtune(workload, row, count)
    step, is_stated = _step(row, workload, count * nodes)
    memory = _number(row["peak_mem_gb_per_gpu"])
    return FinetuneRow(
        source=source,
        label=f"{row['model']} {row['method']}",
        accelerator_name=model.key,
        accelerator=model,
        count=count,
        nodes=nodes,
        workload=workload,
        memory_gb=memory * GIB_IN_GB if memory and row["notes"].startswith("GiB") else memory,
        step_s=step,
        is_step_stated=is_stated,
    )


def _usual_workload(row: Mapping[str, str], parameters: float) -> Workload:
    kind = row["method"].split()[0]
    return Workload(
        family=Family.LLM,
        method=Method(kind) if kind in set(Method) else Method.FULL,
        model=row["model"],
        parameters=parameters,
        trainable_parameters=_number(row["trainable_params"]),
        unit="token",
        sequence_length=int(_number(row["seq_len_max"]) or ALPACA_LONGEST),
        micro_batch=_number(row["micro_batch"]) or 1.0,
        precision=_precision(row["precision"]),
        quantization=row["quant"] or None,
        has_flash_attention=True,
    )


def _precision(text: str) -> str:
    """The type of matrix products; bf16 where the table leaves it open."""
    if "32" in text:
        return "fp32"
    return "fp16" if "16" in text and "bf" not in text else "bf16"


def _litgpt(workload: Workload, count: int, *, is_pure: bool) -> Workload:
    """`-true`: everything in the one precision. Several devices: fully sharded, with checkpointed blocks."""
    return replace(
        workload,
        framework="litgpt",
        is_pure_precision=is_pure,
        mean_sequence_length=ALPACA_MEAN,
        sharding=Sharding.FULL if count > 1 else Sharding.NONE,
        is_checkpointing=count > 1,
        lora_rank=8,
    )


def _config_model(row: Mapping[str, str]) -> str:
    """The recipe's folder is the model; one folder is spelled without its generation."""
    folder = re.match(r"([\w.\-]+)/", row["notes"])
    name = folder.group(1) if folder else row["model"]
    return "gemma-2-2b" if name == "gemma2b" else name


def _qwen(workload: Workload, row: Mapping[str, str], count: int, accelerator: AcceleratorModel) -> Workload:
    """The published script: checkpointing, adapters of rank 64 on every matrix; several devices: DeepSpeed."""
    is_full = workload.method is Method.FULL
    is_notebook = "notebook" in row["source"]
    # A base that no single device holds can only have been cut over all of them.
    has_room = 2 * (workload.parameters or 0.0) < 0.9e9 * accelerator.memory_gb
    return replace(
        workload,
        framework="transformers",
        is_checkpointing=True,
        is_pure_precision=count == 1 and (is_notebook or not is_full),
        sharding=Sharding.NONE
        if is_notebook or (count == 1 and not is_full)
        else (Sharding.FULL if is_full or not has_room else Sharding.GRADIENTS),
        lora_rank=64,
        is_lora_everywhere=True,
        is_embedding_trained="emb" in row["method"],
        sequence_length=int(_number(row["seq_len_max"]) or 512),
        global_batch=(_number(row["grad_accum"]) or 1.0) * (workload.micro_batch or 1.0) * count,
    )


def _torchtune(workload: Workload, row: Mapping[str, str], count: int) -> Workload:
    """Half precision throughout, compiled and packed where the table says so; switches are added one by one."""
    notes = row["notes"]
    steps = ("baseline", "+packed", "+compile", "+chunked", "+opt in bwd", "+act offload", "LoRA all")
    reached = next((number for number, step in enumerate(steps) if step in notes), None)
    is_tutorial = "tutorial" in row["source"]
    level = reached if reached is not None else (0 if is_tutorial else 3)
    is_full = workload.method is Method.FULL
    is_low_memory = is_full and reached is None and count == 1
    return replace(
        workload,
        framework="torchtune",
        is_pure_precision=True,
        optimizer="adamw8bit" if is_low_memory else "adamw",
        lora_rank=8,
        is_packed=level >= 1,
        mean_sequence_length=ALPACA_MEAN if level == 0 else None,
        sequence_length=int(ALPACA_LONGEST) if level == 0 else workload.sequence_length,
        is_compiled=level >= 2,
        has_chunked_loss=level >= 3,
        has_fused_backward=is_full and (level >= 4 or is_low_memory),
        is_checkpointing=level >= 4 or is_low_memory or is_tutorial or count > 1,
        is_activation_offloaded=level >= 5,
        is_offloaded="offload" in row["method"],
        sharding=Sharding.FULL if count > 1 else Sharding.NONE,
    )


def _step(row: Mapping[str, str], workload: Workload, devices: int) -> tuple[float | None, bool]:
    stated = _number(row["sec_per_iter"])
    if stated:
        return stated, True
    minutes, epochs, samples = (_number(row[key]) for key in ("total_minutes", "epochs", "dataset_rows"))
    micro = workload.micro_batch or 1.0
    if minutes and epochs and samples:
        return minutes * 60 / (epochs * samples / (micro * devices)), False
    rate = _number(row["tokens_per_s_total"])
    if rate:
        length = workload.mean_sequence_length or workload.sequence_length or 0
        return micro * length * devices / rate, False
    return None, False
