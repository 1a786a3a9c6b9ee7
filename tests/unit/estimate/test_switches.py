"""What makes a run fit: every switch offered does what it says, and the best comes first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.estimate.memory import Verdict, estimate_memory
from tradewind.estimate.switches import Switch, find_switches
from tradewind.estimate.workload import Family, Method, Sharding, Workload
from tradewind.hardware.accelerators import all_models

MODELS = all_models()
TUNING = Workload(
    family=Family.LLM,
    method=Method.LORA,
    model="llama-3.1-8b",
    precision="bf16",
    sequence_length=1024,
    micro_batch=1,
)
IMAGES = Workload(
    family=Family.CNN,
    parameters=25.6e6,
    activations_m_per_unit=11.1,
    precision="fp32",
    optimizer="momentum",
    micro_batch=256,
    unit="image",
)


def named(switches: tuple[Switch, ...], name: str) -> Switch:
    return next(each for each in switches if each.name == name)


def test_a_run_that_fits_needs_no_switch() -> None:
    assert find_switches(TUNING, MODELS["H200-SXM"]) == ()


def test_the_first_switch_makes_it_fit_on_the_same_device() -> None:
    first = find_switches(IMAGES, MODELS["T4"])[0]
    assert first.makes_it_fit
    assert first.accelerator.key == "T4"
    assert first.count == 1
    assert not first.changes_result


def test_a_smaller_batch_keeps_the_batch_the_optimizer_sees() -> None:
    smaller = named(find_switches(IMAGES, MODELS["T4"]), "smallest_batch")
    assert smaller.workload.micro_batch == 1
    assert smaller.workload.global_batch == 256
    assert smaller.time_factor > 1


def test_checkpointing_costs_about_a_third_and_saves_activations() -> None:
    long = replace(TUNING, sequence_length=8192)
    switches = find_switches(long, MODELS["A100-SXM-40GB"])
    assert 1.15 < named(switches, "checkpointing").time_factor < 1.6


def test_four_bits_cost_time() -> None:
    switches = find_switches(TUNING, MODELS["RTX-4080"])
    four_bits = next(each for each in switches if each.name.startswith("qlora"))
    assert four_bits.changes_result
    assert four_bits.makes_it_fit
    assert four_bits.time_factor > 1


def test_full_training_that_is_far_too_large_is_offered_adapters_and_shards() -> None:
    full = replace(TUNING, method=Method.FULL, micro_batch=4, global_batch=64)
    switches = find_switches(full, MODELS["A100-SXM-80GB"])
    names = {part for each in switches for part in each.name.split("+")}
    assert {"lora", "shard", "larger_accelerator", "adam_8bit", "checkpointing", "offload"} <= names
    assert any(each.makes_it_fit for each in switches)


def test_a_base_that_no_device_holds_is_cut_over_those_at_hand_first() -> None:
    large = replace(TUNING, model="llama-3.1-70b")
    shard = next(each for each in find_switches(large, MODELS["H100-SXM"], 8) if "shard" in each.name)
    assert (shard.count, shard.nodes) == (8, 1)
    assert shard.workload.sharding is Sharding.FULL
    assert shard.makes_it_fit


runs = st.builds(
    Workload,
    family=st.just(Family.LLM),
    method=st.sampled_from([Method.FULL, Method.LORA, Method.QLORA]),
    model=st.sampled_from(["llama-3.1-8b", "qwen-1.8b", "gemma-2b", "llama-2-13b"]),
    precision=st.just("bf16"),
    sequence_length=st.sampled_from([512, 4096]),
    micro_batch=st.sampled_from([1.0, 4.0]),
    global_batch=st.sampled_from([None, 64.0]),
    framework=st.sampled_from([None, "litgpt", "transformers"]),
    is_pure_precision=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(run=runs, key=st.sampled_from(["T4", "RTX-4090", "A100-SXM-40GB"]), count=st.sampled_from([1, 4]))
def test_every_switch_holds_what_it_promises(run: Workload, key: str, count: int) -> None:
    before = estimate_memory(run, MODELS[key], count)
    switches = find_switches(run, MODELS[key], count)
    assert bool(switches) == (before.verdict is not Verdict.FITS)
    for switch in switches:
        again = estimate_memory(switch.workload, switch.accelerator, switch.count, nodes=switch.nodes)
        assert again == switch.after
        assert switch.makes_it_fit == (again.verdict is Verdict.FITS)
        assert switch.makes_it_fit or again.total.p50 < before.total.p50
        assert switch.time_factor > 0
    fitting = [each.makes_it_fit for each in switches]
    assert fitting == sorted(fitting, reverse=True)
    plain = [each for each in switches if each.makes_it_fit and not each.changes_result]
    plain = [each for each in plain if not each.changes_hardware]
    assert [each.time_factor for each in plain] == pytest.approx(
        sorted(each.time_factor for each in plain), abs=1e-3
    )
    if plain:
        assert switches[0] is plain[0]
