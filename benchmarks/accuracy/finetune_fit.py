"""How the memory and the step time of fine-tuning are calibrated, on all rows or on some.

Multipliers come from all rows given. Spreads come from rows that were left out: for a known training program from
leaving out models (five folds of models), for an unknown one from leaving out each program in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from benchmarks.accuracy.finetune_fitting import Penalty, Problem, fit, spread, spreads_of
from benchmarks.accuracy.finetune_rows import FinetuneRow
from tradewind.estimate.architecture import architecture_of
from tradewind.estimate.finetune import achieved_flops, step_seconds
from tradewind.estimate.memory_calibration import SHARED, Calibration
from tradewind.estimate.transformer_memory import transformer_items

#: A unit of log multiplier costs a tenth of a squared log error, shared or own: enough that an item few rows speak of
#: stays near its formula. Of five pairs of penalties this is the middle one; results differ little between them.
PENALTY: Final = Penalty(shared=0.1, own=0.1)
INNER_FOLDS: Final = 5


def predict_memory(row: FinetuneRow, calibration: Calibration) -> float:
    """GB that the training program reports as its peak on each device."""
    devices = row.count * row.nodes
    return sum(
        item.gb
        for item in transformer_items(row.workload, architecture_of(row.workload), devices, calibration)
    )


def predict_step(row: FinetuneRow, calibration: Calibration) -> float:
    """Seconds of a step."""
    rate = achieved_flops(row.accelerator, row.workload.precision)
    assert rate is not None, f"{row.accelerator_name} has no rate for {row.workload.precision}"
    architecture = architecture_of(row.workload)
    return step_seconds(row.workload, architecture, row.accelerator, rate, row.count, row.nodes, calibration)


def framework_of(row: FinetuneRow) -> str:
    """The training program of a row."""
    return row.workload.framework or SHARED


def model_of(row: FinetuneRow) -> str:
    """The model of a row, by the table's name where it has one."""
    return architecture_of(row.workload).name


MEMORY: Final[Problem[FinetuneRow]] = Problem(
    predict=predict_memory,
    actual=lambda row: row.memory_gb or 0.0,
    framework=framework_of,
    items=(
        "state",
        "quantised",
        "dequantised",
        "gathered",
        "activations",
        "logits",
        "logits_quantised",
        "compiled",
        "runtime",
    ),
    habits=frozenset({"state", "quantised", "dequantised", "gathered", "logits_quantised", "runtime"}),
)
STEP: Final[Problem[FinetuneRow]] = Problem(
    predict=predict_step,
    actual=lambda row: row.step_s or 0.0,
    framework=framework_of,
    items=(
        "launch",
        "launch_adapters",
        "launch_quantised",
        "launch_sharded",
        "compute",
        "traffic",
        "adapter_traffic",
        "loss_traffic",
        "unpack",
        "travel",
        "optimizer",
        "offload",
        "machines",
    ),
    habits=frozenset({"launch_sharded", "machines"}),
)


def rows_for(problem: Problem[FinetuneRow], rows: Sequence[FinetuneRow]) -> list[FinetuneRow]:
    """The rows that have a measurement of the problem's quantity."""
    return [row for row in rows if problem.actual(row) > 0]


def calibrate(problem: Problem[FinetuneRow], rows: Sequence[FinetuneRow]) -> Calibration:
    """Multipliers from all rows, spreads from rows left out."""
    models = {
        model: number % INNER_FOLDS for number, model in enumerate(sorted({model_of(row) for row in rows}))
    }
    by_model = left_out_errors(problem, rows, lambda row: str(models[model_of(row)]))
    by_framework = left_out_errors(problem, rows, framework_of)
    spreads = spreads_of([framework_of(row) for row in rows], by_model)
    spreads[SHARED] = spread(by_framework)
    return replace(fit(problem, rows, PENALTY), spreads=spreads)


def left_out_errors(
    problem: Problem[FinetuneRow], rows: Sequence[FinetuneRow], fold: Callable[[FinetuneRow], str]
) -> list[float]:
    """Logarithms of measured over predicted, each row predicted without its fold; in the order of the rows."""
    errors = [0.0] * len(rows)
    for left_out in sorted({fold(row) for row in rows}):
        rest = [row for row in rows if fold(row) != left_out]
        calibration = fit(problem, rest, PENALTY) if rest else Calibration()
        for number, row in enumerate(rows):
            if fold(row) == left_out:
                errors[number] = problem.error(row, calibration)
    return errors
