"""Fits the memory and step-time calibration of fine-tuning and writes it to the estimator's data.

    PYTHONPATH=src:. python scripts/fit_memory.py ../shared/data/finetune_memory_speed_calibration.csv

Run from the repository's root. `--report` prints the errors of rows left out by model, accelerator and source instead.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from statistics import median

from benchmarks.accuracy.finetune import evaluate, leave_out
from benchmarks.accuracy.finetune_fit import MEMORY, STEP, calibrate, model_of, rows_for
from benchmarks.accuracy.finetune_rows import read_rows
from benchmarks.accuracy.results import Outcome

DATA = Path(__file__).resolve().parents[1] / "src" / "tradewind" / "estimate" / "data"


def main() -> None:
    """Reads the arguments and does one or the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--report", action="store_true")
    arguments = parser.parse_args()
    if arguments.report:
        report(arguments.path)
    else:
        write(arguments.path)


def write(path: Path) -> None:
    """The calibration file, and the list of what it has seen."""
    rows = read_rows(path)
    lines = ["quantity,framework,item,value"]
    for quantity, problem in (("memory", MEMORY), ("step", STEP)):
        calibration = calibrate(problem, rows_for(problem, rows))
        for (framework, item), value in sorted(calibration.log_multipliers.items()):
            if abs(value) >= 0.0005:
                lines.append(f"{quantity},{framework},{item},{value:.3f}")
        for framework, (low, high) in sorted(calibration.spreads.items()):
            lines += [f"{quantity},{framework},p10,{low:.3f}", f"{quantity},{framework},p90,{high:.3f}"]
    (DATA / "finetune_calibration.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    seen = {name for row in rows for name in (model_of(row), row.accelerator_name)}
    (DATA / "finetune_seen.txt").write_text("\n".join(sorted(seen)) + "\n", encoding="utf-8")


def report(path: Path) -> None:
    """Errors of the shipped estimator and of rows left out, by quantity, source and method."""
    rows = read_rows(path)
    show("shipped", evaluate(path))
    show("leave one model out", leave_out(path, rows, "workload", model_of))
    show("leave one accelerator out", leave_out(path, rows, "accelerator", lambda row: row.accelerator_name))
    show("leave one source out", leave_out(path, rows, "source", lambda row: row.source))


def source_and_method(outcome: Outcome) -> str:
    """`torchtune README: Llama-3.1-8B lora` without the model."""
    source, label = outcome.workload.split(": ", 1)
    method = next(word for word in ("qlora", "lora emb", "lora", "adapter", "full", "") if word in label)
    return f"{source}, {method}"


def show(title: str, outcomes: list[Outcome]) -> None:
    """A table of errors, coverage and false fits."""
    print(f"\n{title}")
    for quantity in ("memory", "step", "step_from_run"):
        chosen = [each for each in outcomes if each.quantity == quantity]
        groups: dict[str, list[Outcome]] = defaultdict(list)
        for each in chosen:
            source, label = each.workload.split(": ")
            groups[f"{source}, {label.split(' ', label.count(' '))[-1] if ' ' in label else label}"].append(
                each
            )
        for name, group in [("all", chosen), *sorted(groups.items())]:
            errors = sorted(each.error for each in group)
            covered = sum(each.p10 <= each.actual <= each.p90 for each in group) / len(group)
            middle, p90 = median(errors), errors[int(0.9 * (len(errors) - 1))]
            figures = f"mdape {middle:.3f} p90 {p90:.3f} in band {covered:.2f}"
            print(f"  {quantity:14} {name:44} {len(group):4} {figures}")
    for quantity in ("memory", "fit"):
        said = [each for each in outcomes if each.quantity == quantity and each.verdict == "fits"]
        wrong = [each for each in said if each.capacity_gb is not None and each.actual > each.capacity_gb]
        print(f"  false fits ({quantity}): {len(wrong)} of {len(said)} said to fit")


if __name__ == "__main__":
    main()
