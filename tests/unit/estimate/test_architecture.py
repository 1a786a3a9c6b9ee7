"""The shapes of language models: found by name, told apart by size, assumed where nothing is known."""

from __future__ import annotations

import pytest

from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.architecture import architecture_of, find_architecture
from tradewind.estimate.workload import Family, Workload


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("llama-3.1-8b", "llama-3.1-8b"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "llama-3.1-8b"),
        ("Llama-2-7b-chat-hf", "llama-2-7b"),
        ("microsoft/Phi-3-mini-4k-instruct", "phi-3-mini"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen2.5-7b"),
        ("google/gemma-2-2b-it", "gemma-2-2b"),
        ("gemma-2b", "gemma-2b"),
        ("mistralai/Mistral-7B-v0.1", "mistral-7b"),
    ],
)
def test_every_usual_spelling_finds_its_model(spelling: str, name: str) -> None:
    found = find_architecture(spelling)
    assert found is not None
    assert found.name == name


def test_a_name_without_a_size_is_told_by_the_parameters() -> None:
    found = find_architecture("Llama 2", 13e9)
    assert found is not None
    assert found.name == "llama-2-13b"
    assert find_architecture("Llama 2") is None


def test_a_name_whose_size_disagrees_is_another_model() -> None:
    shape = architecture_of(Workload(family=Family.LLM, model="llama-2-7b", parameters=30e9))
    assert not shape.is_known
    assert shape.parameters == 30e9


def test_the_parts_of_a_shape_add_up_to_its_parameters() -> None:
    shape = find_architecture("llama-2-7b")
    assert shape is not None
    matrices = 4 * 4096**2 + 3 * 4096 * 11008
    assert shape.layer_parameters == pytest.approx(32 * matrices, rel=0.01)
    assert shape.embedding_parameters == 32000 * 4096


@pytest.mark.parametrize("parameters", [1e8, 1e9, 7e9, 70e9, 400e9])
def test_an_assumed_shape_holds_about_the_parameters_stated(parameters: float) -> None:
    shape = architecture_of(Workload(family=Family.LLM, parameters=parameters))
    built = 12 * shape.layers * shape.hidden**2
    assert 0.7 < built / parameters < 1.4


def test_what_a_workload_states_wins_over_the_table() -> None:
    shape = architecture_of(Workload(family=Family.LLM, model="llama-2-7b", layers=16, vocabulary=1000))
    assert (shape.layers, shape.vocabulary, shape.hidden) == (16, 1000, 4096)


@pytest.mark.parametrize("parameters", [None, 0.0, -1.0, float("nan")])
def test_without_a_size_there_is_no_shape(parameters: float | None) -> None:
    with pytest.raises(InvalidInputError, match="not known"):
        architecture_of(Workload(family=Family.LLM, model="nobody/knows-this", parameters=parameters))
