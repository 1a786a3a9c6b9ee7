"""Models by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.presets import all_presets, completed, near_names, preset, workload_of
from tradewind.estimate.workload import Family, Method, Workload


def test_there_are_sixty_models_of_every_common_kind() -> None:
    families = {workload.family for workload in all_presets().values()}
    assert len(all_presets()) >= 60
    assert families >= {
        Family.LLM,
        Family.ENCODER,
        Family.CNN,
        Family.VIT,
        Family.DETECTION,
        Family.DIFFUSION,
        Family.SPEECH,
    }


@pytest.mark.parametrize(
    "name",
    ["llama-3.1-8b", "meta-llama/Llama-3.1-8B", "llama3.1-8b", "Llama 3.1 8B Instruct", "LLAMA_3.1_8B"],
)
def test_spellings_of_one_model(name: str) -> None:
    found = preset(name)
    assert found is not None
    assert found.model == "llama-3.1-8b"


DENSE = sorted(
    name for name, each in all_presets().items() if each.family is Family.LLM and not each.active_parameters
)


@pytest.mark.parametrize("name", DENSE)
def test_parameters_agree_with_the_shapes(name: str) -> None:
    """Embeddings, attention and gated feed-forward of a dense decoder come to its parameters."""
    each = all_presets()[name]
    layers, hidden, heads = each.layers, each.hidden, each.heads
    assert layers
    assert hidden
    assert heads
    assert each.intermediate
    assert each.vocabulary
    assert each.parameters
    share = (each.key_value_heads or heads) / heads
    attention = hidden * hidden * (2 + 2 * share)
    low = layers * (0.5 * attention + 2 * hidden * each.intermediate) + each.vocabulary * hidden
    high = layers * (2.2 * attention + 3 * hidden * each.intermediate) + 2 * each.vocabulary * hidden
    assert low * 0.9 < each.parameters < high * 1.1


@given(st.text(max_size=30))
def test_any_name_is_looked_up_without_failing(name: str) -> None:
    preset(name)
    assert len(near_names(name)) <= 5


def test_a_near_miss_is_hinted_at() -> None:
    assert "llama-3.1-8b" in near_names("lama-3.1-8b")
    with pytest.raises(InvalidInputError) as caught:
        workload_of("resnet5")
    assert "resnet50" in (caught.value.hint or "")


def test_tokens_samples_and_epochs() -> None:
    assert workload_of("gpt2", samples=10, epochs=3, sequence_length=512).units == 10 * 3 * 512
    assert workload_of("gpt2", tokens=1e6, epochs=2).units == 2e6
    assert workload_of("resnet50", samples=100, epochs=2).units == 200
    assert workload_of("bert-base", tokens=5120, sequence_length=512).units == 10


def test_low_rank_training_has_few_trainable_parameters() -> None:
    made = workload_of("llama-3.1-8b", method="qlora", tokens=1e6)
    assert made.method is Method.QLORA
    assert made.quantization == "nf4"
    assert made.trainable_parameters is not None
    assert made.parameters is not None
    assert made.trainable_parameters < made.parameters / 50


@pytest.mark.parametrize("method", ["lorax", "", "FULL"])
def test_unknown_methods_are_refused(method: str) -> None:
    with pytest.raises(InvalidInputError):
        workload_of("gpt2", method=method, tokens=1)


@pytest.mark.parametrize("amount", [0.0, -5.0, float("nan"), float("inf")])
def test_impossible_amounts_are_refused(amount: float) -> None:
    with pytest.raises(InvalidInputError):
        workload_of("gpt2", tokens=amount)


def test_arithmetic_grows_with_the_pixels() -> None:
    small, large = workload_of("resnet50", samples=1), workload_of("resnet50", samples=1, image_size=448)
    assert small.forward_gflops_per_unit is not None
    assert large.forward_gflops_per_unit == pytest.approx(4 * small.forward_gflops_per_unit)


def test_what_the_user_says_stands() -> None:
    made = completed(Workload(family=Family.LLM, model="gpt2", layers=3))
    assert (made.layers, made.hidden) == (3, 768)
    assert completed(Workload(family=Family.CNN, model="gpt2")) == Workload(family=Family.CNN, model="gpt2")
