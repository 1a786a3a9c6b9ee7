"""How far the estimator is from what was measured: `python benchmarks/estimator_accuracy.py --data DIR [--json FILE]`.

DIR holds CSV files of the forms in `benchmarks/accuracy/`, known by how their names begin. Seen means: some row of
that accelerator or workload was there when the estimator that ships was fitted. With `--cross-validate` the estimator
is fitted anew to DIR without each accelerator and each workload in turn.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import pkgutil
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import accuracy
from benchmarks.accuracy.evaluation import ACCELERATOR, WORKLOAD, cross_validate, evaluate
from benchmarks.accuracy.files import read_samples
from benchmarks.accuracy.results import Outcome

METRICS: Final = (
    "hours_unseen_gpu_mdape",
    "hours_unseen_workload_mdape",
    "llm_tokens_mdape",
    "cnn_mdape",
    "finetune_step_mdape",
    "vram_mdape",
    "vram_false_fits",
    "band80_coverage",
    "node_power_mdape",
)
_HOURS_FILES: Final = ("mlperf_", "lambda_", "torchvision_", "timm_", "detection_", "nvidia_recipes_")
_LLM: Final = "llm_pretrain_"
_CNN: Final = ("timm_", "torchvision_")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the tables and writes the metrics."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of calibration files")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the metrics to this file")
    parser.add_argument("--cross-validate", action="store_true", help="fit anew by folds of DIR")
    chosen = parser.parse_args(arguments)
    if not chosen.data.is_dir():
        parser.error(f"{chosen.data} is not a folder")
    outcomes, left_out = collect(chosen.data, chosen.cross_validate)
    print(render(outcomes, left_out))
    metrics = metrics_of(outcomes)
    print()
    for name in METRICS:
        value = metrics[name]
        print(f"{name:32} {'-' if value is None else f'{value:.4f}'}")
    if chosen.json is not None:
        chosen.json.write_text(json.dumps({"metrics": metrics}, indent=2) + "\n", encoding="utf-8")
    return 0


def collect(folder: Path, is_cross_validated: bool) -> tuple[list[Outcome], dict[tuple[str, str], int]]:
    """Every outcome of the folder, and how many rows could not be estimated, by file and reason."""
    from tradewind.estimate.calibration import shipped

    samples = read_samples(folder)
    if is_cross_validated:
        found, _ = cross_validate(samples, lambda line: print(line, file=sys.stderr))
    else:
        found = evaluate(samples, shipped())
    outcomes, left_out = found.outcomes, dict(found.left_out)
    for module in _other_modules():
        judge = module.cross_validate if is_cross_validated else module.evaluate
        for path in sorted(folder.glob(f"{module.PREFIX}*.csv")):
            outcomes += _judged(judge, path, left_out)
    return outcomes, left_out


def _judged(
    judge: Callable[[Path], list[Outcome]], path: Path, left_out: dict[tuple[str, str], int]
) -> list[Outcome]:
    try:
        return judge(path)
    except (KeyError, ValueError) as error:
        left_out[path.name, f"could not be read: {error}"] = 1
        return []


class _Module:
    """What a module of its own brings (see `benchmarks/accuracy/results.py`)."""

    PREFIX: str
    evaluate: Callable[[Path], list[Outcome]]
    cross_validate: Callable[[Path], list[Outcome]]


def _other_modules() -> list[_Module]:
    """Modules that judge their own files: memory, steps of fine-tuning, power."""
    found = []
    for info in pkgutil.iter_modules(accuracy.__path__):
        module = importlib.import_module(f"benchmarks.accuracy.{info.name}")
        if all(hasattr(module, name) for name in ("PREFIX", "evaluate", "cross_validate")):
            found.append(module)
    return found  # type: ignore[return-value]


def metrics_of(outcomes: Sequence[Outcome]) -> dict[str, float | None]:
    """The nine figures as fractions; None where no row bears on one."""
    speed = [each for each in outcomes if each.quantity in ("hours", "throughput", "step")]
    hours = [each for each in speed if each.file.startswith(_HOURS_FILES)]
    memory = [each for each in outcomes if each.quantity == "memory"]
    judged = [each for each in memory if each.capacity_gb and each.verdict]
    false_fits = [
        each for each in judged if each.verdict == "fits" and each.actual > (each.capacity_gb or 0.0)
    ]
    return {
        "hours_unseen_gpu_mdape": _median_error(h for h in hours if _is_for(h, ACCELERATOR)),
        "hours_unseen_workload_mdape": _median_error(h for h in hours if _is_for(h, WORKLOAD)),
        "llm_tokens_mdape": _median_error(each for each in speed if each.file.startswith(_LLM)),
        "cnn_mdape": _median_error(each for each in speed if each.file.startswith(_CNN)),
        "finetune_step_mdape": _median_error(each for each in outcomes if each.quantity == "step"),
        "vram_mdape": _median_error(memory),
        "vram_false_fits": len(false_fits) / len(judged) if judged else None,
        "band80_coverage": _coverage(speed),
        "node_power_mdape": _median_error(each for each in outcomes if each.quantity == "watts"),
    }


def _is_for(outcome: Outcome, side: str) -> bool:
    """Whether a row counts for unseen accelerators or workloads: by its fold where it was left out on purpose."""
    if outcome.fold:
        return outcome.fold == side
    return not (outcome.is_accelerator_seen if side == ACCELERATOR else outcome.is_workload_seen)


def _median_error(outcomes: Iterable[Outcome]) -> float | None:
    return _quantile([each.error for each in outcomes], 0.5)


def _coverage(outcomes: Sequence[Outcome]) -> float | None:
    if not outcomes:
        return None
    return sum(each.p10 <= each.actual <= each.p90 for each in outcomes) / len(outcomes)


def _quantile(values: list[float], share: float) -> float | None:
    if not values:
        return None
    ranked = sorted(values)
    place = share * (len(ranked) - 1)
    low, high = math.floor(place), math.ceil(place)
    return ranked[low] + (ranked[high] - ranked[low]) * (place - low)


def render(outcomes: Sequence[Outcome], left_out: dict[tuple[str, str], int]) -> str:
    """The table by file, quantity and split."""
    groups: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
    for each in outcomes:
        if each.fold:
            split = f"without its {each.fold}"
        else:
            sides = (
                "seen" if each.is_accelerator_seen else "unseen",
                "seen" if each.is_workload_seen else "unseen",
            )
            split = f"GPU {sides[0]}, workload {sides[1]}"
        groups[each.file, each.quantity, split].append(each)
        groups[each.file, each.quantity, "all"].append(each)
    lines = [
        f"{'file':44} {'quantity':10} {'split':32} {'rows':>5} {'median':>8} {'P90':>8} {'in band':>8} false fits"
    ]
    for (file, quantity, split), rows in sorted(groups.items()):
        errors = [each.error for each in rows]
        wrong = sum(each.verdict == "fits" and each.actual > (each.capacity_gb or math.inf) for each in rows)
        fits = f"{wrong}" if quantity == "memory" else ""
        lines.append(
            f"{file:44} {quantity:10} {split:32} {len(rows):5} {_quantile(errors, 0.5):8.1%} "
            f"{_quantile(errors, 0.9):8.1%} {_coverage(rows):8.1%} {fits}"
        )
    lines += [f"{file}: {rows} rows not estimated: {why}" for (file, why), rows in sorted(left_out.items())]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
