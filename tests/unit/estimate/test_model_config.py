"""Reading a published model's config.json."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.model_config import workload_from_config
from tradewind.estimate.presets import preset
from tradewind.estimate.workload import Family

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
}


def test_a_dense_decoder_is_counted_within_one_percent() -> None:
    known = preset("llama-3.1-8b")
    read = workload_from_config(json.dumps(LLAMA))
    assert known is not None
    assert known.parameters is not None
    assert read.family is Family.LLM
    assert read.parameters == pytest.approx(known.parameters, rel=0.01)
    assert read.active_parameters is None


def test_a_mixture_of_experts_has_fewer_active_parameters() -> None:
    config = {
        **LLAMA,
        "model_type": "mixtral",
        "vocab_size": 32000,
        "num_local_experts": 8,
        "num_experts_per_tok": 2,
    }
    read = workload_from_config(json.dumps(config))
    assert read.parameters == pytest.approx(46.7e9, rel=0.01)
    assert read.active_parameters == pytest.approx(12.9e9, rel=0.01)


def test_an_ungated_model_with_tied_embeddings() -> None:
    config = {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}
    assert workload_from_config(json.dumps(config)).parameters == pytest.approx(124e6, rel=0.02)


def test_an_encoder_counts_sequences() -> None:
    config = {**LLAMA, "model_type": "bert", "max_position_embeddings": 512}
    read = workload_from_config(json.dumps(config))
    assert (read.family, read.unit, read.sequence_length) == (Family.ENCODER, "sequence", 512)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"hidden_size": "big"}', '{"hidden_size": -3}'])
def test_what_is_no_config_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        workload_from_config(text)
    assert caught.value.hint


@given(st.dictionaries(st.sampled_from(sorted(LLAMA)), st.none() | st.integers() | st.text(max_size=5)))
def test_odd_values_never_crash(odd: dict[str, Any]) -> None:
    try:
        read = workload_from_config(json.dumps({**LLAMA, **odd}))
    except InvalidInputError:
        return
    assert read.parameters is not None
    assert read.parameters > 0
