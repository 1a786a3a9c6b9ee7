"""Accelerator memory: the published rules of thumb, the directions that cannot be wrong, and the verdicts."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.memory import MemoryEstimate, Verdict, estimate_memory, usable_gb
from tradewind.estimate.workload import Family, Method, Sharding, Workload
from tradewind.hardware.accelerators import all_models

A100 = all_models()["A100-SXM-80GB"]
LLAMA = Workload(
    family=Family.LLM,
    method=Method.FULL,
    model="llama-2-7b",
    precision="bf16",
    sequence_length=512,
    micro_batch=1,
    global_batch=8,
    is_checkpointing=True,
)


def gb(estimate: MemoryEstimate, item: str) -> float:
    return next(each.gb for each in estimate.items if each.name == item)


@pytest.mark.parametrize(
    ("changes", "published_gb"),
    [
        ({}, 120.0),
        ({"is_pure_precision": True}, 60.0),
        ({"method": Method.LORA}, 16.0),
        ({"method": Method.QLORA, "quantization": "int8"}, 10.0),
        ({"method": Method.QLORA, "quantization": "nf4"}, 6.0),
    ],
)
def test_a_model_of_seven_billion_needs_what_the_published_table_says(
    changes: dict[str, object], published_gb: float
) -> None:
    estimate = estimate_memory(replace(LLAMA, **changes), A100)  # type: ignore[arg-type]
    assert estimate.total.p10 * 0.9 <= published_gb <= estimate.total.p90


@pytest.mark.parametrize(
    ("devices", "is_compiled", "measured_gb"),
    [(8, False, 88.5), (8, True, 82.7), (128, False, 71.9), (128, True, 66.6)],
)
def test_sharded_pretraining_that_nothing_was_fitted_on(
    devices: int, is_compiled: bool, measured_gb: float
) -> None:
    """Peaks that torchtitan published for 8 billion parameters, 2 x 8192 tokens, selective checkpointing."""
    run = Workload(
        family=Family.LLM,
        model="llama-3.1-8b",
        sequence_length=8192,
        micro_batch=2,
        precision="bf16",
        sharding=Sharding.FULL,
        is_checkpointing_selective=True,
        is_compiled=is_compiled,
    )
    estimate = estimate_memory(run, A100, devices)
    assert estimate.total.p50 == pytest.approx(measured_gb, rel=0.25)


def test_the_items_add_up_to_the_middle() -> None:
    estimate = estimate_memory(LLAMA, A100)
    assert sum(item.gb for item in estimate.items) == pytest.approx(estimate.total.p50)
    assert estimate.allocated.p50 < estimate.total.p50


def test_state_is_sixteen_bytes_per_parameter_in_mixed_precision() -> None:
    estimate = estimate_memory(LLAMA, A100)
    state = gb(estimate, "weights") + gb(estimate, "gradients") + gb(estimate, "optimizer")
    assert state == pytest.approx(16 * 6.738, rel=0.12)


def test_a_fused_backward_pass_keeps_no_gradients() -> None:
    plain = estimate_memory(replace(LLAMA, is_pure_precision=True), A100)
    fused = estimate_memory(replace(LLAMA, is_pure_precision=True, has_fused_backward=True), A100)
    assert gb(fused, "gradients") < 0.1 * gb(plain, "gradients")


def test_soft_caps_cost_the_square_of_the_sequence() -> None:
    capped = replace(LLAMA, model="gemma-2-2b", is_checkpointing=False)
    short, long = (
        gb(estimate_memory(replace(capped, sequence_length=length), A100), "activations")
        for length in (1024, 4096)
    )
    assert long > 5 * short


workloads = st.builds(
    Workload,
    family=st.just(Family.LLM),
    method=st.sampled_from([Method.FULL, Method.LORA, Method.QLORA]),
    model=st.sampled_from(["llama-3.1-8b", "qwen-1.8b", "gemma-2b", "phi-2", "falcon-7b"]),
    precision=st.sampled_from(["bf16", "fp16", "fp32"]),
    sequence_length=st.sampled_from([128, 512, 2048, 8192]),
    micro_batch=st.sampled_from([1.0, 2.0, 8.0]),
    global_batch=st.sampled_from([None, 64.0]),
    optimizer=st.sampled_from(["adamw", "adamw8bit", "sgd", "adafactor", "paged_adamw"]),
    sharding=st.sampled_from(list(Sharding)),
    framework=st.sampled_from([None, "litgpt", "transformers", "torchtune"]),
    is_checkpointing=st.booleans(),
    is_checkpointing_selective=st.booleans(),
    has_flash_attention=st.booleans(),
    is_compiled=st.booleans(),
    has_chunked_loss=st.booleans(),
    is_offloaded=st.booleans(),
    is_pure_precision=st.booleans(),
    is_lora_everywhere=st.booleans(),
    is_embedding_trained=st.booleans(),
    has_fused_backward=st.booleans(),
    is_activation_offloaded=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(workload=workloads, devices=st.sampled_from([1, 2, 8]))
def test_more_work_never_needs_less_memory(workload: Workload, devices: int) -> None:
    def total(changed: Workload) -> float:
        return estimate_memory(changed, A100, devices).total.p50 + 1e-9

    assert workload.micro_batch is not None
    assert workload.sequence_length is not None
    base = estimate_memory(workload, A100, devices).total.p50
    bigger_global = workload.global_batch and workload.global_batch * 2
    assert total(replace(workload, micro_batch=workload.micro_batch * 2, global_batch=bigger_global)) >= base
    assert total(replace(workload, sequence_length=workload.sequence_length * 2)) >= base


@settings(max_examples=150, deadline=None)
@given(workload=workloads, devices=st.sampled_from([1, 2, 8]))
def test_what_saves_memory_never_costs_any(workload: Workload, devices: int) -> None:
    plain = replace(workload, is_checkpointing=False, is_checkpointing_selective=False)
    plain = replace(plain, has_chunked_loss=False, has_flash_attention=False)
    base = estimate_memory(plain, A100, devices)
    kept = estimate_memory(replace(plain, is_checkpointing=True), A100, devices)
    assert kept.total.p50 <= base.total.p50 + 1e-9
    selective = replace(plain, is_checkpointing_selective=True)
    for saving in (
        selective,
        replace(plain, has_chunked_loss=True),
        replace(plain, has_flash_attention=True),
    ):
        assert estimate_memory(saving, A100, devices).total.p50 <= base.total.p50 + 1e-9


@settings(max_examples=100, deadline=None)
@given(workload=workloads)
def test_a_frozen_base_never_needs_more_than_a_trained_one(workload: Workload) -> None:
    common = replace(workload, is_embedding_trained=False, optimizer="adamw", is_offloaded=False)
    common = replace(common, has_fused_backward=False, framework=None, sharding=Sharding.NONE)
    full, lora, qlora = (
        estimate_memory(replace(common, method=method), A100).total.p50
        for method in (Method.FULL, Method.LORA, Method.QLORA)
    )
    assert qlora <= lora <= full


@settings(max_examples=100, deadline=None)
@given(workload=workloads, sharding=st.sampled_from([Sharding.OPTIMIZER, Sharding.GRADIENTS, Sharding.FULL]))
def test_cutting_state_into_more_parts_never_needs_more(workload: Workload, sharding: Sharding) -> None:
    sharded = replace(workload, sharding=sharding, global_batch=None)
    needs = [estimate_memory(sharded, A100, devices).total.p50 for devices in (2, 4, 8, 16)]
    assert all(more <= fewer + 1e-9 for fewer, more in pairwise(needs))


@settings(max_examples=60, deadline=None)
@given(workload=workloads, key=st.sampled_from(["T4", "A10G", "A100-SXM-40GB", "H100-SXM", "B200"]))
def test_the_verdict_says_where_the_band_lies(workload: Workload, key: str) -> None:
    estimate = estimate_memory(workload, all_models()[key])
    assert (estimate.verdict is Verdict.FITS) == (estimate.total.p90 <= estimate.usable_gb)
    assert (estimate.verdict is Verdict.DOES_NOT_FIT) == (estimate.total.p10 > estimate.usable_gb)
    assert all(item.gb >= 0 for item in estimate.items)


@pytest.mark.parametrize(
    ("key", "published_gib"), [("A10G", 22.5), ("A100-SXM-80GB", 79.2), ("RTX-4090", 23.6), ("T4", 14.75)]
)
def test_usable_memory_is_near_what_a_driver_shows(key: str, published_gib: float) -> None:
    assert usable_gb(all_models()[key]) == pytest.approx(published_gib * 1.0737, rel=0.02)


def test_images_need_memory_by_their_activations() -> None:
    resnet = Workload(
        family=Family.CNN,
        parameters=25.6e6,
        activations_m_per_unit=11.1,
        precision="fp32",
        optimizer="momentum",
        micro_batch=256,
    )
    estimate = estimate_memory(resnet, A100)
    assert estimate.total.p10 < 23 < estimate.total.p90  # Near what is seen in fp32.
    larger = estimate_memory(replace(resnet, micro_batch=512), A100)
    assert gb(larger, "activations") == pytest.approx(2 * gb(estimate, "activations"))
    by_flops = replace(resnet, activations_m_per_unit=None, forward_gflops_per_unit=8.2)
    assert estimate_memory(by_flops, A100).total.p50 == pytest.approx(estimate.total.p50, rel=0.05)


@pytest.mark.parametrize(
    "workload",
    [
        Workload(family=Family.CNN),
        Workload(family=Family.CNN, parameters=25e6),
        Workload(family=Family.LLM, model="unheard-of"),
        replace(LLAMA, micro_batch=0),
        replace(LLAMA, micro_batch=-3),
    ],
)
def test_what_cannot_be_estimated_is_said(workload: Workload) -> None:
    with pytest.raises(InvalidInputError):
        estimate_memory(workload, A100)


def test_a_run_on_no_device_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="at least one"):
        estimate_memory(LLAMA, A100, 0)
