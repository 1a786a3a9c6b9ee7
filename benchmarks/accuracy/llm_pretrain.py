"""Tokens per second and accelerator of language model pre-training."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.accuracy.samples import Sample, accelerator_of, number, rows_of
from tradewind.estimate.presets import preset
from tradewind.estimate.workload import Family, Method, Sharding, Workload

PREFIX: Final = "llm_pretrain_throughput_"
_SHARDING: Final = {"FULL_SHARD": Sharding.FULL, "SHARD_GRAD_OP": Sharding.GRADIENTS, "fsdp": Sharding.FULL}
_NODE: Final = 8


def read(path: Path) -> list[Sample]:
    """One sample a row; rows without a rate or a size are left out."""
    found = []
    for row in rows_of(path):
        rate, count, size = number(row, "tokens_per_s_per_gpu"), number(row, "n_gpu"), number(row, "params_b")
        if rate is None or count is None or size is None:
            continue
        key, accelerator = accelerator_of(row["gpu"])
        found.append(
            Sample(
                file=path.name,
                workload=workload_from(row, size),
                accelerator_key=key,
                accelerator=accelerator,
                count=count,
                nodes=max(1, round(count / _NODE)),
                rate=rate * count,
                quantity="throughput",
                actual=rate,
                group=f"llm:{row['model']}",
            )
        )
    return found


def workload_from(row: dict[str, str], size_b: float) -> Workload:
    """The row's model and settings. The source names the recipe, its ending the settings of that run."""
    name, source = row["model"], row.get("source", "")
    known = preset(name.replace("_", "-")) or Workload(family=Family.LLM)
    sharding = row.get("sharding", "")
    ways = {key: int(value) for key, value in re.findall(r"(tp|pp|cp|ep|fsdp)(\d+)", sharding)}
    settings = source.partition(" ")[2].lower()
    for key, value in re.findall(r"(tp|cp)(\d+)", settings):
        ways.setdefault(key, int(value))
    active = number(row, "active_params_b") or size_b
    kind = Sharding.TENSOR if ways.get("tp", 1) * ways.get("pp", 1) > 1 else Sharding.NONE
    if ways.get("fsdp", 0) > 1:
        kind = Sharding.FULL
    sequence = number(row, "seq")
    return replace(
        known,
        family=Family.LLM,
        model=name,
        method=Method.PRETRAIN,
        recipe=source.split(" ")[0].rpartition("/")[2].lower() or None,
        unit="token",
        parameters=size_b * 1e9,
        active_parameters=active * 1e9,
        sequence_length=int(sequence) if sequence else known.sequence_length,
        micro_batch=number(row, "micro_batch"),
        global_batch=number(row, "global_batch"),
        precision=row.get("precision") or None,
        sharding=_SHARDING.get(sharding, kind),
        is_checkpointing=row.get("act_ckpt") == "True" or "full-ac" in settings,
        is_compiled="compile" in settings,
        tensor_parallel=ways.get("tp", 1),
        pipeline_parallel=ways.get("pp", 1),
        context_parallel=ways.get("cp", 1),
        expert_parallel=max(1, ways.get("ep", 1)),
        software_year=_year(settings),
    )


def _year(settings: str) -> float | None:
    match = re.search(r"\b(?:20)?(\d\d)[.-](\d\d)\b", settings)
    return 2000 + int(match[1]) + (int(match[2]) - 1) / 12 if match else None
