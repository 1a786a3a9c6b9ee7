"""A workload from the `config.json` that a published language model comes with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.workload import Family, Workload

#: The names that different model types give to the same number.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "hidden": ("hidden_size", "n_embd", "d_model", "dim"),
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "heads": ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    "key_value_heads": ("num_key_value_heads", "multi_query_group_num", "num_kv_heads"),
    "intermediate": ("intermediate_size", "ffn_hidden_size", "n_inner", "d_ff", "ffn_dim"),
    "vocabulary": ("vocab_size", "padded_vocab_size"),
    "sequence": ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length"),
}
_ENCODERS: Final = frozenset(
    {
        "bert",
        "roberta",
        "distilbert",
        "deberta",
        "deberta-v2",
        "electra",
        "albert",
        "modernbert",
        "xlm-roberta",
    }
)
#: Model types whose feed-forward block has no gate, and so two matrices instead of three.
_UNGATED: Final = frozenset(
    {"gpt2", "gpt_neox", "gpt_neo", "gptj", "opt", "mpt", "falcon", "bloom", "phi", "gpt_bigcode", *_ENCODERS}
)
_LONGEST_BY_DEFAULT: Final = 8192


def workload_from_config(text: str) -> Workload:
    """The architecture in a `config.json`: parameters are counted from the shapes it states (embeddings, attention,
    feed-forward; norms and biases are too small to matter).

    Raises:
        InvalidInputError: not JSON, or without the shapes of a transformer.
    """
    try:
        config = json.loads(text)
    except ValueError as error:
        raise InvalidInputError(
            f"the model's config is not JSON: {error}", hint="give its config.json"
        ) from None
    if not isinstance(config, dict):
        raise InvalidInputError("the model's config is not a JSON object", hint="give its config.json")
    inner = config.get("text_config")
    shapes = {**config, **inner} if isinstance(inner, dict) else config
    hidden, layers = _number(shapes, "hidden"), _number(shapes, "layers")
    heads, vocabulary = _number(shapes, "heads"), _number(shapes, "vocabulary")
    if hidden is None or layers is None or heads is None or vocabulary is None:
        raise InvalidInputError(
            "the model's config lacks hidden size, layers, heads or vocabulary",
            hint="give the config.json of a transformer, or name a known model",
        )
    kind = str(shapes.get("model_type", "")).lower()
    intermediate = _number(shapes, "intermediate") or 4 * hidden
    key_values = _number(shapes, "key_value_heads") or heads
    total, active = _parameters(shapes, kind, hidden, layers, heads, key_values, intermediate, vocabulary)
    is_encoder = kind in _ENCODERS
    length = min(_number(shapes, "sequence") or 2048, 512 if is_encoder else _LONGEST_BY_DEFAULT)
    return Workload(
        family=Family.ENCODER if is_encoder else Family.LLM,
        model=str(config.get("_name_or_path") or kind or "transformer").rpartition("/")[2] or None,
        parameters=float(total),
        active_parameters=float(active) if active < total else None,
        layers=layers,
        hidden=hidden,
        heads=heads,
        key_value_heads=key_values,
        intermediate=intermediate,
        vocabulary=vocabulary,
        unit="sequence" if is_encoder else "token",
        sequence_length=length,
        forward_gflops_per_unit=2e-9 * active * length if is_encoder else None,
    )


def _parameters(
    shapes: Mapping[str, Any],
    kind: str,
    hidden: int,
    layers: int,
    heads: int,
    key_values: int,
    intermediate: int,
    vocabulary: int,
) -> tuple[int, int]:
    """All parameters, and those one token passes through."""
    head = _whole(shapes.get("head_dim")) or hidden // heads
    attention = 2 * hidden * head * heads + 2 * hidden * head * key_values
    matrices = 2 if kind in _UNGATED else 3
    experts = _first(shapes, "num_local_experts", "num_experts", "n_routed_experts")
    if experts:
        width = _whole(shapes.get("moe_intermediate_size")) or intermediate
        chosen = _first(shapes, "num_experts_per_tok", "experts_per_token") or 1
        shared = _whole(shapes.get("n_shared_experts")) or 0
        dense = min(_whole(shapes.get("first_k_dense_replace")) or 0, layers)
        one = matrices * hidden * width
        feed = (layers - dense) * (experts + shared) * one + dense * matrices * hidden * intermediate
        active = (layers - dense) * (chosen + shared) * one + dense * matrices * hidden * intermediate
    else:
        feed = active = layers * matrices * hidden * intermediate
    tables = 1 if shapes.get("tie_word_embeddings", kind in _UNGATED) else 2
    rest = layers * attention + tables * vocabulary * hidden
    return rest + feed, rest + active


def _number(shapes: Mapping[str, Any], name: str) -> int | None:
    return _first(shapes, *_NAMES[name])


def _first(shapes: Mapping[str, Any], *names: str) -> int | None:
    return next((found for name in names if (found := _whole(shapes.get(name))) is not None), None)


def _whole(value: Any) -> int | None:
    """A positive whole number, or None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
