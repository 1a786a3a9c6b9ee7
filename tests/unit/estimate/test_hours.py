"""Hours and throughput: properties that hold for any workload, and the layers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.band import Band, Layer
from tradewind.estimate.hours import Probe, Run, estimate_hours, estimate_throughput, scale_hours
from tradewind.estimate.presets import all_presets, preset, workload_of
from tradewind.estimate.workload import Family, Workload
from tradewind.hardware.accelerators import all_models

MODELS = all_models()
ACCELERATORS = st.sampled_from(sorted(MODELS))
PRESETS = st.sampled_from(sorted(all_presets()))
COUNTS = st.sampled_from([0.5, 1.0, 2.0, 4.0, 8.0])


def hours_of(workload: Workload, accelerator: str, count: float = 1.0) -> Band:
    band = estimate_hours(workload, MODELS[accelerator], count)
    assert band is not None
    return band


@given(PRESETS, ACCELERATORS, COUNTS)
@settings(deadline=None, max_examples=60)
def test_every_known_model_has_hours_on_every_accelerator(model: str, accelerator: str, count: float) -> None:
    workload = workload_of(model, samples=1000)
    band = hours_of(workload, accelerator, count)
    assert 0 < band.p10 <= band.p50 <= band.p90 < 1e9
    assert band.layer in (Layer.MEASURED, Layer.ROOFLINE)
    assert band.basis


@given(PRESETS, ACCELERATORS, st.floats(1, 1e6), st.floats(1.01, 100))
@settings(deadline=None, max_examples=40)
def test_more_work_takes_longer(model: str, accelerator: str, samples: float, factor: float) -> None:
    few = hours_of(workload_of(model, samples=samples), accelerator)
    many = hours_of(workload_of(model, samples=samples * factor), accelerator)
    assert many.p50 == pytest.approx(few.p50 * factor)
    assert many.p90 == pytest.approx(few.p90 * factor)


@pytest.mark.parametrize("model", ["llama-3.1-8b", "resnet50", "vit-base", "yolov8m", "bert-large", "sdxl"])
@pytest.mark.parametrize(
    ("slow", "fast"),
    [
        ("T4", "A100-SXM-80GB"),
        ("A10", "A100-PCIe-80GB"),
        ("A100-SXM-80GB", "H100-SXM"),
        ("RTX-3060", "RTX-4090"),
    ],
)
def test_a_clearly_faster_accelerator_is_not_slower(model: str, slow: str, fast: str) -> None:
    workload = workload_of(model, samples=10_000)
    assert hours_of(workload, fast).p50 < hours_of(workload, slow).p50


@pytest.mark.parametrize("model", ["llama-3.1-8b", "resnet50", "bert-large"])
def test_eight_accelerators_beat_one_and_do_not_beat_eightfold_by_much(model: str) -> None:
    workload = workload_of(model, samples=10_000, micro_batch=8)
    one, eight = hours_of(workload, "H100-SXM").p50, hours_of(workload, "H100-SXM", 8).p50
    assert 1 / 10 < eight / one < 1 / 4


def test_published_runs_are_met_within_a_fifth() -> None:
    """ResNet-50, 90 epochs of ImageNet, on eight A100: NVIDIA's documents and MLPerf's results leave 2 to 4 hours
    for PyTorch with ordinary code at about 1,500 images a second each."""
    band = hours_of(
        workload_of("resnet50", samples=1_281_167, epochs=90, precision="fp16"), "A100-SXM-80GB", 8
    )
    assert 1.5 < band.p50 < 4.0


def test_pretraining_a_seven_billion_model_reaches_a_usual_share_of_peak() -> None:
    workload = workload_of("llama-2-7b", tokens=1e9, sequence_length=2048, micro_batch=4)
    band = estimate_throughput(workload, MODELS["A100-SXM-80GB"], 8)
    assert band is not None
    share = band.p50 / 8 * 6 * 6.738e9 / 312e12
    assert 0.3 < share < 0.7


def test_a_job_of_unknown_size_has_no_hours() -> None:
    assert estimate_hours(Workload(family=Family.LLM, units=1e9), MODELS["H100-SXM"]) is None
    known = preset("llama-3.1-8b")
    assert known is not None
    assert estimate_hours(known, MODELS["H100-SXM"]) is None


def test_a_model_nobody_knows_has_wide_hours_by_its_family() -> None:
    band = hours_of(Workload(family=Family.CNN, model="mine", units=1e6), "A10")
    assert band.layer is Layer.FAMILY
    assert band.p90 / band.p10 > 10


def test_few_processors_hold_images_back() -> None:
    workload = workload_of("resnet18", samples=1e6)
    free = estimate_throughput(workload, MODELS["H100-SXM"], 8)
    fed = estimate_throughput(workload, MODELS["H100-SXM"], 8, cpus=4)
    assert free is not None
    assert fed is not None
    assert fed.p50 < free.p50
    assert "vCPU" in fed.basis


def test_history_on_the_same_accelerator_wins() -> None:
    workload = workload_of("resnet50", samples=1e6)
    runs = [Run(hours=each, accelerator_key="L4") for each in (9.8, 10.0, 10.4)]
    band = estimate_hours(workload, MODELS["L4"], history=[*runs, Run(hours=1, accelerator_key="H100-SXM")])
    assert band is not None
    assert (band.layer, band.p50) == (Layer.HISTORY, 10.0)
    assert band.p90 / band.p10 < 1.3


def test_one_run_says_less_than_five() -> None:
    workload = workload_of("resnet50", samples=1e6)

    def width(count: int) -> float:
        history = [Run(hours=10, accelerator_key="L4")] * count
        band = estimate_hours(workload, MODELS["L4"], history=history)
        assert band is not None
        return band.p90 / band.p10

    assert width(5) < width(1)


def test_history_elsewhere_is_carried_over_and_less_sure() -> None:
    workload = Workload(family=Family.LLM)
    there = estimate_hours(
        workload, MODELS["A100-SXM-80GB"], history=[Run(hours=10, accelerator_key="A100-SXM-80GB")]
    )
    here = estimate_hours(
        workload, MODELS["H100-SXM"], history=[Run(hours=10, accelerator_key="A100-SXM-80GB")]
    )
    assert there is not None
    assert here is not None
    assert here.p50 < there.p50
    assert here.p90 / here.p10 > there.p90 / there.p10


def test_a_probe_beats_tables_and_a_longer_one_is_surer() -> None:
    workload = workload_of("resnet50", samples=3.6e6)
    bands = [
        estimate_hours(
            workload,
            MODELS["L4"],
            probe=Probe(units_per_s=500, accelerator_key="L4", seconds=seconds),
        )
        for seconds in (30, 600)
    ]
    assert bands[0] is not None
    assert bands[1] is not None
    assert bands[0].layer is Layer.PROBE
    assert bands[0].p50 == pytest.approx(2.0, rel=0.1)
    assert bands[1].p90 / bands[1].p10 < bands[0].p90 / bands[0].p10


def test_plain_hours_stand_where_they_were_measured() -> None:
    band = scale_hours(10, MODELS["RTX-4090"], MODELS["RTX-4090"])
    assert (band.p10, band.p50, band.p90, band.layer) == (10, 10, 10, Layer.STATED)


@given(st.floats(0.01, 1e4), ACCELERATORS, ACCELERATORS, COUNTS)
@settings(deadline=None)
def test_plain_hours_scale_there_and_back(hours: float, first: str, second: str, count: float) -> None:
    there = scale_hours(hours, MODELS[first], MODELS[second], count=count)
    back = scale_hours(there.p50, MODELS[second], MODELS[first], measured_count=count)
    assert there.p10 <= there.p50 <= there.p90
    assert back.p50 == pytest.approx(hours)


@given(ACCELERATORS)
def test_two_accelerators_are_faster_than_one(name: str) -> None:
    assert scale_hours(10, MODELS[name], MODELS[name], count=2).p50 < 10


@pytest.mark.parametrize("hours", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_hours_are_refused(hours: float) -> None:
    with pytest.raises(InvalidInputError):
        scale_hours(hours, MODELS["T4"], MODELS["A10"])


@pytest.mark.parametrize("count", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_counts_are_refused(count: float) -> None:
    with pytest.raises(InvalidInputError):
        estimate_hours(workload_of("resnet50", samples=10), MODELS["T4"], count)
