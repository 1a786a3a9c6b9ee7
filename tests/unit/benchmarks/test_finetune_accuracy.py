"""The accuracy benchmark of fine-tuning: rows are read as their tables mean them, fits find what was put in."""

from __future__ import annotations

import os
from dataclasses import replace
from math import exp, log
from pathlib import Path

import pytest

from benchmarks.accuracy.finetune import PREFIX, evaluate, leave_out
from benchmarks.accuracy.finetune_fit import MEMORY, PENALTY, STEP, model_of, predict_memory, rows_for
from benchmarks.accuracy.finetune_fitting import Penalty, fit, spread
from benchmarks.accuracy.finetune_rows import FinetuneRow, read_rows
from tradewind.estimate.memory_calibration import Calibration
from tradewind.estimate.workload import Method, Sharding

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("TRADEWIND_SHARED", ROOT.parent / "shared"))
CALIBRATION = SHARED / "data" / "finetune_memory_speed_calibration.csv"
needs_shared = pytest.mark.skipif(
    not CALIBRATION.exists(), reason=f"{CALIBRATION} is absent; set TRADEWIND_SHARED"
)

HEADER = (
    "source,gpu,n_gpu,model,params_b,method,quant,precision,seq_len_max,seq_note,micro_batch,global_batch,"
    "trainable_params,peak_mem_gb_per_gpu,sec_per_iter,iter_def,notes,epochs,total_minutes,dataset_rows,grad_accum,"
    "tokens_per_s_total"
)
LINES = (
    "litgpt/resource-tables,A100-SXM-40GB,2,phi-1.5,1.3,lora,,bf16-true,1044,,2,128,1572864,5.0,0.2,,,,,,,",
    "litgpt/config_hub,A10G,1,gemma-2b,2.51,qlora,bnb.nf4,bf16-true,512,,2,,,13.5,,,gemma2b/qlora.yaml,2,10,2000,,",
    "QwenLM/Qwen README,A100-SXM-80GB,1,Qwen-7B,7.72,lora emb,,bf16,256,,1,,,33.7,1.4,,,,,,8,",
    "torchtune README ablation,A100-SXM-80GB,1,Llama-3.2-3B,3.21,full,,bf16,4096,,2,,,60,,,GiB; +packed ,,,,,8192",
    "somebody,H100,1,Mistral 7B,7.2,lora,,bf16,1024,,1,,,20,0.5,,,,,,,",
    "somebody,Nobody-Knows-9000,1,Mistral 7B,7.2,lora,,bf16,1024,,1,,,20,0.5,,,,,,,",
    "somebody,A10G,1,Mistral 7B,,lora,,bf16,not a number,,1,,,,,,,,,,,",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / f"{PREFIX}_other.csv"
    file.write_text("\n".join((HEADER, *LINES)) + "\n", encoding="utf-8")
    return file


def row_of(path: Path, source: str) -> FinetuneRow:
    return next(row for row in read_rows(path) if row.source.startswith(source))


def test_several_devices_of_one_program_share_everything(path: Path) -> None:
    row = row_of(path, "litgpt/resource")
    assert row.workload.sharding is Sharding.FULL
    assert row.workload.is_checkpointing
    assert row.is_step_stated
    assert row.step_s == 0.2


def test_minutes_of_a_run_become_seconds_of_a_micro_batch(path: Path) -> None:
    row = row_of(path, "litgpt/config")
    assert row.workload.model == "gemma-2-2b"
    assert row.workload.method is Method.QLORA
    assert row.step_s == pytest.approx(10 * 60 / (2 * 2000 / 2))
    assert not row.is_step_stated


def test_adapters_of_the_published_script_sit_everywhere(path: Path) -> None:
    row = row_of(path, "QwenLM")
    assert row.workload.is_embedding_trained
    assert row.workload.global_batch == 8
    assert row.workload.is_lora_everywhere


def test_gibibytes_and_token_rates_are_converted(path: Path) -> None:
    row = row_of(path, "torchtune")
    assert row.memory_gb == pytest.approx(60 * 1.0737, rel=1e-3)
    assert row.step_s == pytest.approx(1.0)
    assert row.workload.is_packed
    assert not row.workload.is_compiled


def test_rows_of_unknown_accelerators_or_sizes_are_left_out(path: Path) -> None:
    assert all(row.accelerator_name != "Nobody-Knows-9000" for row in read_rows(path))


def test_every_row_gets_an_outcome_and_every_size_a_verdict(path: Path) -> None:
    outcomes = evaluate(path)
    rows = read_rows(path)
    assert sum(each.quantity == "memory" for each in outcomes) == len(rows_for(MEMORY, rows))
    assert sum(each.quantity.startswith("step") for each in outcomes) == len(rows_for(STEP, rows))
    assert all(each.verdict and each.capacity_gb for each in outcomes if each.quantity in ("memory", "fit"))


def test_leaving_out_never_predicts_a_row_from_itself(path: Path) -> None:
    rows = read_rows(path)
    strange = [replace(row, memory_gb=1000.0) if row.source.startswith("Qwen") else row for row in rows]
    found = {
        each.p50
        for outcomes in (
            leave_out(path, rows, "source", lambda row: row.source),
            leave_out(path, strange, "source", lambda row: row.source),
        )
        for each in outcomes
        if each.quantity == "memory" and each.workload.startswith("Qwen")
    }
    assert len(found) == 1


@needs_shared
def test_a_fit_finds_the_multipliers_that_made_the_measurements() -> None:
    rows = rows_for(MEMORY, read_rows(CALIBRATION))
    truth = Calibration(log_multipliers={("", "activations"): log(1.5), ("", "logits"): log(0.7)})
    made = [replace(row, memory_gb=predict_memory(row, truth)) for row in rows]
    found = fit(MEMORY, made, Penalty(shared=1e-5, own=1e-3))
    assert found.multiplier(None, "activations") == pytest.approx(1.5, rel=0.05)
    assert found.multiplier(None, "logits") == pytest.approx(0.7, rel=0.05)


@needs_shared
def test_a_fit_is_nearer_than_the_formula_on_models_it_has_not_seen() -> None:
    rows = rows_for(STEP, read_rows(CALIBRATION))
    rest = [row for row in rows if model_of(row) != "qwen-7b"]
    fitted = fit(STEP, rest, PENALTY)
    unseen = [row for row in rows if model_of(row) == "qwen-7b"]
    errors = [abs(STEP.error(row, fitted)) for row in unseen]
    plain = [abs(STEP.error(row, Calibration())) for row in unseen]
    assert sorted(errors)[len(errors) // 2] < sorted(plain)[len(plain) // 2]


@needs_shared
def test_the_shipped_estimator_reaches_its_goals_on_what_it_was_fitted_on() -> None:
    outcomes = evaluate(CALIBRATION)
    memory = sorted(each.error for each in outcomes if each.quantity == "memory")
    steps = sorted(each.error for each in outcomes if each.quantity == "step")
    assert memory[len(memory) // 2] < 0.10
    assert steps[len(steps) // 2] < 0.12
    said = [each for each in outcomes if each.verdict == "fits" and each.capacity_gb is not None]
    wrong = [each for each in said if each.capacity_gb is not None and each.actual > each.capacity_gb]
    assert len(wrong) < 0.01 * len(said)


def test_a_spread_covers_four_in_five() -> None:
    errors = [number / 100 for number in range(-100, 101)]
    low, high = spread(errors)
    covered = sum(low <= exp(error) <= high for error in errors)
    assert 0.78 < covered / len(errors) < 0.84
