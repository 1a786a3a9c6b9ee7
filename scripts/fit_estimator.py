"""Fits the estimator to a folder of calibration data and writes what ships.

Run as `python scripts/fit_estimator.py --data DIR --dated DAY`.

Needs numpy alone. The date of the data is given, not read from a clock: the same data gives the same files.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.accuracy.evaluation import cross_validate
from benchmarks.accuracy.files import read_samples
from benchmarks.accuracy.spreads import exponents_of, spreads_of
from benchmarks.estimator_accuracy import metrics_of, render
from tradewind.estimate.calibration import calibration_record


def main() -> int:
    """Writes the surfaces, the calibration and the exponents."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of calibration files")
    parser.add_argument(
        "--dated", required=True, help="the day the data was gathered, for example 2026-11-21"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).resolve().parents[1] / "src/tradewind/estimate/data"
    )
    chosen = parser.parse_args()
    samples = read_samples(chosen.data)
    evaluated, whole = cross_validate(samples, report=lambda line: print(line, flush=True))
    origin = {"dated": chosen.dated, "rows": dict(Counter(sample.file for sample in samples))}
    print(render(evaluated.outcomes, evaluated.left_out))
    for name, value in metrics_of(evaluated.outcomes).items():
        print(f"{name:32} {value}", flush=True)
    record = {
        **origin,
        **calibration_record(whole),
        "spreads": spreads_of(samples, evaluated.outcomes, whole),
    }
    _write(chosen.out / "calibration.json", record)
    for name, surface in whole.surfaces.items():
        _write(chosen.out / f"surface_{name}.json", {**origin, **surface.as_record()})
    _write(chosen.out / "exponents.json", {**origin, "families": exponents_of(samples)})
    return 0


def _write(path: Path, record: object) -> None:
    path.write_text(json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    raise SystemExit(main())
