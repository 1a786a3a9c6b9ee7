"""The step time of fine-tuning: directions that cannot be wrong, and orders of magnitude that are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.estimate.finetune import achieved_flops, estimate_step, slower_of, tokens_in_micro_batch
from tradewind.estimate.hours import estimate_hours
from tradewind.estimate.memory_calibration import Calibration
from tradewind.estimate.workload import Family, Method, Sharding, Workload
from tradewind.hardware.accelerators import all_models

MODELS = all_models()
LORA = Workload(
    family=Family.LLM,
    method=Method.LORA,
    model="llama-3.1-8b",
    precision="bf16",
    sequence_length=2048,
    micro_batch=2,
    is_packed=True,
)


def seconds(workload: Workload, key: str = "A100-SXM-80GB", count: int = 1, nodes: int = 1) -> float:
    band = estimate_step(workload, MODELS[key], count, nodes=nodes)
    assert band is not None
    assert 0 < band.p10 <= band.p50 <= band.p90
    return band.p50


def test_a_step_is_slower_than_its_arithmetic_and_not_by_much() -> None:
    """4,096 tokens at four FLOPs per parameter and token, on a device that reaches 271 TFLOP/s."""
    bound = 4096 * 4 * 8e9 / 271e12
    assert bound < seconds(LORA) < 4 * bound


def test_four_bit_weights_cost_most_at_short_inputs() -> None:
    def cost(length: int) -> float:
        short = replace(LORA, micro_batch=1, sequence_length=length)
        return seconds(replace(short, method=Method.QLORA, quantization="nf4")) / seconds(short)

    assert 1.3 < cost(256) < 3.5
    assert cost(8192) < 1.25


def test_short_samples_are_bound_by_launches_not_by_the_device() -> None:
    short = replace(LORA, is_packed=False, mean_sequence_length=50, micro_batch=1)
    assert seconds(short, "H100-SXM") > 0.6 * seconds(short, "A100-SXM-80GB")


def test_packing_does_more_tokens_per_second() -> None:
    unpacked = replace(LORA, is_packed=False, mean_sequence_length=110)
    per_token = seconds(unpacked) / tokens_in_micro_batch(unpacked)
    assert per_token > 1.5 * seconds(LORA) / tokens_in_micro_batch(LORA)


def test_recomputing_costs_up_to_half_again() -> None:
    factor = seconds(replace(LORA, is_checkpointing=True)) / seconds(LORA)
    assert 1.2 < factor < 1.55


def test_a_step_of_eight_micro_batches_takes_eight_times_one() -> None:
    assert seconds(replace(LORA, global_batch=16)) == pytest.approx(8 * seconds(LORA), rel=0.02)


def test_offloaded_state_crosses_the_bus_in_every_step() -> None:
    full = replace(LORA, method=Method.FULL, is_offloaded=True)
    assert seconds(full) > seconds(replace(full, is_offloaded=False)) + 0.5


def test_sharding_over_a_slow_link_costs_more_than_over_a_fast_one() -> None:
    sharded = replace(LORA, sharding=Sharding.FULL)
    slow = seconds(sharded, "RTX-4090", 4) / seconds(LORA, "RTX-4090")
    fast = seconds(sharded, "H100-SXM", 4) / seconds(LORA, "H100-SXM")
    assert slow > fast > 1


def test_more_machines_cost_travel() -> None:
    sharded = replace(LORA, sharding=Sharding.FULL)
    assert seconds(sharded, "H100-SXM", 8, 2) > seconds(sharded, "H100-SXM", 8)


@settings(max_examples=100, deadline=None)
@given(
    method=st.sampled_from([Method.FULL, Method.LORA, Method.QLORA, Method.ADAPTER]),
    key=st.sampled_from(["T4", "A10G", "RTX-4090", "A100-PCIe-40GB", "H100-SXM", "MI300X"]),
    length=st.sampled_from([64, 1024, 8192]),
    is_checkpointing=st.booleans(),
)
def test_more_tokens_never_take_less_time(
    method: Method, key: str, length: int, is_checkpointing: bool
) -> None:
    run = replace(LORA, method=method, sequence_length=length, is_checkpointing=is_checkpointing)
    assert seconds(replace(run, sequence_length=2 * length), key) > seconds(run, key)
    assert seconds(replace(run, micro_batch=4), key) > seconds(run, key)


def test_other_families_and_devices_without_a_rate_have_no_step() -> None:
    assert estimate_step(replace(LORA, family=Family.CNN), MODELS["A100-SXM-80GB"]) is None
    assert estimate_step(LORA, MODELS["Gaudi1"]) is None


def test_half_precision_without_tensor_cores_runs_at_the_rate_of_fp32() -> None:
    assert achieved_flops(MODELS["GTX-1080-Ti"], "bf16") == achieved_flops(MODELS["GTX-1080-Ti"], "fp32")


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_two_overlapping_parts_take_between_their_maximum_and_their_sum(first: float, second: float) -> None:
    together = slower_of(first, second)
    assert max(first, second) <= together * (1 + 1e-12)
    assert together <= (first + second) * (1 + 1e-12)


def test_a_multiplier_of_a_program_adds_to_the_one_all_share() -> None:
    shared = Calibration(log_multipliers={("", "compute"): 0.1, ("litgpt", "compute"): 0.2})
    assert shared.multiplier("litgpt", "compute") == pytest.approx(2.718281828**0.3)
    assert shared.multiplier("unheard-of", "compute") == pytest.approx(2.718281828**0.1)
    assert shared.multiplier("litgpt", "launch") == 1


def test_hours_of_a_fine_tune_follow_its_steps() -> None:
    run = replace(LORA, units=4096.0 * 1000)
    hours = estimate_hours(run, MODELS["A100-SXM-80GB"])
    assert hours is not None
    assert hours.p50 == pytest.approx(1000 * seconds(LORA) / 3600)
    assert hours.p10 <= hours.p50 <= hours.p90
    shared = estimate_hours(run, MODELS["A100-SXM-80GB"], 8)
    assert shared is not None
    assert hours.p50 / 8 <= shared.p50 < hours.p50 / 6


def test_short_samples_take_hours_by_their_real_tokens() -> None:
    packed = replace(LORA, units=1e6)
    unpacked = replace(packed, is_packed=False, mean_sequence_length=110)
    first, second = (estimate_hours(run, MODELS["A100-SXM-80GB"]) for run in (packed, unpacked))
    assert first is not None
    assert second is not None
    assert second.p50 > 1.5 * first.p50
