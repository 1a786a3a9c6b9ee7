"""Memory and step time of fine-tuning: estimates beside what public tables measured.

Quantities: `memory` is the peak that the training program reports, GB; `step` the seconds per iteration that a table
states; `step_from_run` seconds that follow from a run's minutes or tokens per second, with evaluation and start-up in
them; `fit` is the measured need (peak and context) set against devices of every usual size, for false "fits".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from benchmarks.accuracy.finetune_fit import MEMORY, STEP, calibrate, model_of, rows_for
from benchmarks.accuracy.finetune_rows import FinetuneRow, read_rows
from benchmarks.accuracy.results import Outcome
from tradewind.estimate.finetune import estimate_step
from tradewind.estimate.memory import CONTEXT_GB, estimate_memory
from tradewind.estimate.memory_calibration import Calibration, shipped_calibration
from tradewind.hardware.accelerators import all_models

PREFIX: Final = "finetune_memory_speed"
#: Devices of the sizes that are rented: would the run fit there, and what do we say?
LADDER: Final = ("RTX-3060", "T4", "A10G", "A100-SXM-40GB", "RTX-A6000", "A100-SXM-80GB", "H200-SXM")


def evaluate(path: Path) -> list[Outcome]:
    """Every row by the estimator as it ships."""
    memory, step = shipped_calibration("memory"), shipped_calibration("step")
    return [outcome for row in read_rows(path) for outcome in _outcomes(path, row, memory, step, fold="")]


def cross_validate(path: Path) -> list[Outcome]:
    """Every row by an estimator that was fitted without its accelerator, and by one without its model."""
    rows = read_rows(path)
    found: list[Outcome] = []
    folds: tuple[tuple[str, Callable[[FinetuneRow], str]], ...] = (
        ("accelerator", lambda row: row.accelerator_name),
        ("workload", model_of),
    )
    for name, key in folds:
        found += leave_out(path, rows, name, key)
    return found


def leave_out(
    path: Path, rows: Sequence[FinetuneRow], name: str, key: Callable[[FinetuneRow], str]
) -> list[Outcome]:
    """Every row by an estimator that was fitted without the rows of the same key."""
    found: list[Outcome] = []
    for left_out in sorted({key(row) for row in rows}):
        rest = [row for row in rows if key(row) != left_out]
        if not rest:
            continue
        memory = calibrate(MEMORY, rows_for(MEMORY, rest))
        step = calibrate(STEP, rows_for(STEP, rest))
        for row in rows:
            if key(row) == left_out:
                found += _outcomes(path, row, memory, step, fold=name)
    return found


@cache
def _seen() -> frozenset[str]:
    """Models and accelerators whose rows the shipped calibration was fitted on."""
    text = files("tradewind.estimate").joinpath("data", "finetune_seen.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


def _outcomes(
    path: Path, row: FinetuneRow, memory: Calibration, step: Calibration, *, fold: str
) -> list[Outcome]:
    found: list[Outcome] = []
    is_accelerator_seen = row.accelerator_name in _seen() if not fold else fold != "accelerator"
    is_workload_seen = model_of(row) in _seen() if not fold else fold != "workload"

    def outcome(quantity: str, actual: float, p10: float, p50: float, p90: float, layer: str) -> Outcome:
        return Outcome(
            file=path.name,
            quantity=quantity,
            accelerator=row.accelerator_name,
            workload=f"{row.source}: {row.label}",
            actual=actual,
            p10=p10,
            p50=p50,
            p90=p90,
            layer=layer,
            is_accelerator_seen=is_accelerator_seen,
            is_workload_seen=is_workload_seen,
            fold=fold,
        )

    if row.memory_gb:
        found += _memory_outcomes(row, memory, outcome)
    if row.step_s:
        band = estimate_step(row.workload, row.accelerator, row.count, nodes=row.nodes, calibration=step)
        if band is not None:
            quantity = "step" if row.is_step_stated else "step_from_run"
            found.append(outcome(quantity, row.step_s, band.p10, band.p50, band.p90, band.layer.value))
    return found


def _memory_outcomes(
    row: FinetuneRow, calibration: Calibration, outcome: Callable[..., Outcome]
) -> list[Outcome]:
    found: list[Outcome] = []
    assert row.memory_gb is not None
    for key in ("", *LADDER):
        device = all_models()[key] if key else row.accelerator
        estimate = estimate_memory(row.workload, device, row.count, nodes=row.nodes, calibration=calibration)
        band = estimate.total if key else estimate.allocated
        plain = outcome(
            "fit" if key else "memory",
            row.memory_gb + (CONTEXT_GB if key else 0.0),
            band.p10,
            band.p50,
            band.p90,
            band.layer.value,
        )
        found.append(replace(plain, verdict=estimate.verdict.value, capacity_gb=estimate.usable_gb))
    return found
