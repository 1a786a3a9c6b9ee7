"""The benchmark reads any folder of the form, in whole or in part, and writes the metrics that goals are set for."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.spot.runs import UNIFORM_PROGRESS, Grid, run_all, total_ratio
from benchmarks.spot.traces import h100_gangs, read_h100, read_multinode, read_one_zone
from benchmarks.spot_deadline import main

ROOT = Path(__file__).resolve().parents[4]
SHARED = Path(os.environ.get("TRADEWIND_SHARED", ROOT.parent / "shared"))
TRACES = SHARED / "traces"
needs_shared = pytest.mark.skipif(
    not (TRACES / "spot_v100_9zones").is_dir(), reason=f"{TRACES} is absent; set TRADEWIND_SHARED"
)
METRICS = (
    "single_zone_ratio",
    "single_zone_p95",
    "missed_deadlines",
    "uniform_progress_ratio",
    "gang16_ratio",
)


def write_series(path: Path, data: list[int], tick_s: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"metadata": {"gap_seconds": tick_s}, "data": data}), encoding="utf-8")


def write_h100(folder: Path, rounds: int) -> None:
    part = folder / "spot_h100_gcp"
    part.mkdir(parents=True)
    first = datetime(2025, 10, 3, tzinfo=UTC)
    lines = ["scheduled_at,us-east4-a,us-east5-a,nowhere-a"]
    for look in range(rounds):
        at = first + timedelta(minutes=10 * look)
        lines.append(f"{at.isoformat()},{16 if look % 30 < 20 else 3},{16 if look % 50 < 45 else 0},16")
    (part / "h100_16_instances_created.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (part / "price_per_machine_hour.csv").write_text(
        "region,machine_type,gpus,spot_usd_per_h,on_demand_usd_per_h,fetched\n"
        "us-east4,a3-highgpu-8g,8,16,80,2025-10-23\nus-east5,a3-highgpu-8g,8,24,88,2025-10-23\n",
        encoding="utf-8",
    )


def metrics_of(folder: Path, tmp_path: Path) -> dict[str, float | None]:
    file = tmp_path / "found.json"
    assert main(["--traces", str(folder), "--json", str(file)]) == 0
    content = json.loads(file.read_text(encoding="utf-8"))
    metrics: dict[str, float | None] = content["metrics"]
    return metrics


def test_a_small_folder_gives_every_metric(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "traces"
    # Just longer than the shortest deadline: the longer ones do not fit and are left out.
    write_series(folder / "spot_v100_9zones" / "mars-1a.json", [1, 1, 1, 0] * 16, 3600)
    write_h100(folder, 110 * 6 + 4)
    metrics = metrics_of(folder, tmp_path)
    assert tuple(metrics) == METRICS
    assert metrics["missed_deadlines"] == 0
    for name in METRICS[:2] + METRICS[3:]:
        value = metrics[name]
        assert value is not None
        assert 1.0 <= value < 4.0
    shown = capsys.readouterr().out
    assert "one zone" in shown
    assert "gang of 16 over 2 zones" in shown


def test_what_a_folder_lacks_is_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "traces"
    folder.mkdir()
    assert metrics_of(folder, tmp_path) == dict.fromkeys(METRICS)
    assert "no spot traces" in capsys.readouterr().out
    write_series(folder / "spot_k80_v100_2022" / "moon-2a_k80_1.json", [1, 0] * 160, 600 * 2)
    metrics = metrics_of(folder, tmp_path)
    assert metrics["gang16_ratio"] is None
    assert metrics["single_zone_ratio"] is not None


def test_gangs_need_every_machine(tmp_path: Path) -> None:
    write_series(tmp_path / "spot_v100_multinode" / "4node_mars-1a.json", [4, 3, 0, 4], 300)
    [(machines, series)] = read_multinode(tmp_path)
    assert machines == 4
    assert series.up[:, 0].tolist() == [True, False, False, True]
    write_h100(tmp_path, 60)
    found = read_h100(tmp_path, 16)
    assert found is not None
    assert found.zones == ("us-east4-a", "us-east5-a")
    assert found.spot_prices == (32.0, 48.0)
    assert (found.tick_s, found.up[:, 0].sum()) == (600.0, 40)
    assert max(h100_gangs()) == 16


def test_starts_leave_the_history_before_them(tmp_path: Path) -> None:
    write_series(tmp_path / "spot_v100_9zones" / "mars-1a.json", [1, 0, 1] * 40, 3600)
    [series] = read_one_zone(tmp_path, "spot_v100_9zones")
    grid = Grid(work_h=4, deadlines_h=(6, 8), changeovers_s=(600,), starts=3, history_h=48)
    runs = list(run_all(series, grid))
    assert [run.deadline_h for run in runs] == [6, 8] * 3
    assert all(run.ratio(policy) >= 1 - 1e-9 for run in runs for policy in run.replays)


@needs_shared
@pytest.mark.slow
def test_uniform_progress_is_what_was_measured_elsewhere() -> None:
    """Reference programs measured on-demand 2.05, Uniform Progress 1.12 on these series, with starts of their own."""
    grid = Grid(work_h=48, deadlines_h=(52, 70), changeovers_s=(720,), starts=3, history_h=72)
    runs = [run for series in read_one_zone(TRACES, "spot_k80_v100_2022") for run in run_all(series, grid)]
    uniform_progress = total_ratio(runs, UNIFORM_PROGRESS)
    ours = total_ratio(runs, "ours")
    assert uniform_progress is not None
    assert ours is not None
    assert 1.05 < uniform_progress < 1.30
    assert ours < uniform_progress
