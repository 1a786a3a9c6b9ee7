"""The accuracy benchmark on small folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.accuracy.results import Outcome
from benchmarks.accuracy.spreads import conformal_ends
from benchmarks.estimator_accuracy import METRICS, main, metrics_of

TORCHVISION = "gpu,n_gpu,precision,model,batch_per_gpu,ms_per_step,images_per_s\n"
LLM = (
    "source,gpu,n_gpu,model,params_b,active_params_b,seq,micro_batch,global_batch,precision,sharding,act_ckpt,"
    "tokens_per_s_per_gpu,mem_gib,reported_mfu_pct,reported_tflops\n"
)


def run(folder: Path, *more: str) -> dict[str, float | None]:
    out = folder / "figures.json"
    assert main(["--data", str(folder), "--json", str(out), *more]) == 0
    metrics: dict[str, float | None] = json.loads(out.read_text(encoding="utf-8"))["metrics"]
    return metrics


def test_an_empty_folder_has_every_metric_absent(tmp_path: Path) -> None:
    assert run(tmp_path) == dict.fromkeys(METRICS)


def test_rows_are_judged_and_unknown_accelerators_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (
        "RTX-3070,1,fp16 pure,vgg16,12,80,150\nZX-9,1,fp16 pure,vgg16,12,80,150\nRTX-3070,1,fp32,vgg16,12,,\n"
    )
    (tmp_path / "torchvision_train_new.csv").write_text(TORCHVISION + rows, encoding="utf-8")
    metrics = run(tmp_path)
    assert metrics["cnn_mdape"] is not None
    assert metrics["hours_unseen_workload_mdape"] == metrics["cnn_mdape"]
    assert metrics["llm_tokens_mdape"] is None
    told = capsys.readouterr().out
    assert "1 rows not estimated: accelerator not known" in told


def test_language_models_are_judged(tmp_path: Path) -> None:
    row = "mosaicml/llm-foundry,H200-SXM,8,MPT-30b,29.9,29.9,2048,4,512,bf16,FULL_SHARD,True,2000,,,\n"
    (tmp_path / "llm_pretrain_throughput_new.csv").write_text(LLM + row, encoding="utf-8")
    error = run(tmp_path)["llm_tokens_mdape"]
    assert error is not None
    assert error < 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gpu,n_gpu\n",
        TORCHVISION,
        TORCHVISION + ",,,,,,\n",
        TORCHVISION + "T4,x,fp16,resnet18,-1,nan,inf\n",
    ],
)
def test_broken_files_are_no_failure(tmp_path: Path, text: str) -> None:
    for name in (
        "torchvision_train_a.csv",
        "mlperf_training_a.csv",
        "lambda_throughput_a.csv",
        "timm_train_a.csv",
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert run(tmp_path)["cnn_mdape"] is None


def test_folds_leave_out_accelerators_and_workloads(tmp_path: Path) -> None:
    rows = "".join(
        f"{gpu},1,fp16 pure,{model},12,{12000 / rate},{rate}\n"
        for gpu, speed in (("RTX-2080-Ti", 1.0), ("TITAN-RTX", 1.1), ("A100-SXM-40GB", 2.0))
        for model, base in (("resnet18", 600), ("resnet50", 200), ("vgg16", 120))
        for rate in (base * speed,)
    )
    (tmp_path / "torchvision_train_a.csv").write_text(TORCHVISION + rows, encoding="utf-8")
    metrics = run(tmp_path, "--cross-validate")
    for name in ("hours_unseen_gpu_mdape", "hours_unseen_workload_mdape"):
        error = metrics[name]
        assert error is not None
        assert error < 1.0


def outcome(actual: float, p50: float, **more: object) -> Outcome:
    given: dict[str, object] = {
        "file": "mlperf_training_a.csv",
        "quantity": "hours",
        "accelerator": "X",
        "workload": "w",
        "p10": p50 * 0.9,
        "p90": p50 * 1.1,
        "layer": "measured",
        "is_accelerator_seen": False,
        "is_workload_seen": True,
        **more,
    }
    return Outcome(actual=actual, p50=p50, **given)  # type: ignore[arg-type]


def test_metrics_by_hand() -> None:
    found = metrics_of(
        [
            outcome(1.0, 1.05),
            outcome(1.0, 1.2),
            outcome(1.0, 1.5),
            outcome(
                10.0,
                9.0,
                quantity="memory",
                verdict="fits",
                capacity_gb=8.0,
                file="finetune_memory_speed_a.csv",
            ),
            outcome(
                10.0, 12.0, quantity="memory", verdict="does_not_fit", capacity_gb=8.0, file="finetune_m.csv"
            ),
        ]
    )
    assert found["hours_unseen_gpu_mdape"] == pytest.approx(0.2)
    assert found["hours_unseen_workload_mdape"] is None
    assert found["band80_coverage"] == pytest.approx(1 / 3)
    assert found["vram_false_fits"] == 0.5
    assert found["vram_mdape"] == pytest.approx(0.15)


def test_ends_hold_eight_of_ten() -> None:
    groups = [[each / 100 for each in range(-50, 51)]] * 100
    low, high = conformal_ends(groups)
    inside = sum(low <= each <= high for each in groups[0]) / len(groups[0])
    assert 0.78 <= inside <= 0.84


def test_few_groups_say_less_of_the_next() -> None:
    values = [each / 100 for each in range(-50, 51)]
    few, many = conformal_ends([values] * 3), conformal_ends([values] * 30)
    assert few[1] - few[0] > many[1] - many[0]
