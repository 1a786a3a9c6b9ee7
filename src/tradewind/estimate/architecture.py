"""The shape of a language model: what its memory and its arithmetic follow from.

Sizes come from the workload or its model's preset; whether the feed-forward part is gated and the head tied, from which
of the four ways adds up to the number of parameters; `data/architectures.csv` holds what neither tells. A model that
nobody knows gets the shape that is usual for its number of parameters, and says so.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from math import inf, log
from typing import Final

from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.presets import all_presets, preset
from tradewind.estimate.workload import Workload

#: Where a model's vocabulary is not known: a middle between 32,000 (Llama 2) and 150,000 (Qwen).
USUAL_VOCABULARY: Final = 64_000
#: Hidden size over layers that decoders from 1 to 70 billion parameters keep close to.
USUAL_WIDTH_PER_LAYER: Final = 120
#: How far two counts of one model's parameters may lie apart (a rounded name, a head counted or not): 40 %.
SAME_MODEL_LOG: Final = 0.34


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A decoder's shape. `parameters` counts every weight once; a tied head shares the embedding's."""

    name: str
    parameters: float
    active_parameters: float
    layers: int
    hidden: int
    heads: int
    key_value_heads: int
    intermediate: int
    vocabulary: int
    is_gated: bool  #: three matrices in the feed-forward part (SwiGLU and its kin), and RMS norms
    is_tied: bool
    norms: int = 2  #: per layer
    #: Attention scores are capped, which no fused attention kernel of the usual libraries does.
    has_soft_caps: bool = False
    #: False where the shape was only inferred from the number of parameters.
    is_known: bool = True

    @property
    def embedding_parameters(self) -> float:
        """Of one embedding table; the head has as many again unless it is tied."""
        return float(self.vocabulary) * self.hidden

    @property
    def layer_parameters(self) -> float:
        """Everything between the embedding and the head."""
        tables = 1 if self.is_tied else 2
        return max(self.parameters - tables * self.embedding_parameters, 0.05 * self.parameters)

    @property
    def multiplied_parameters(self) -> float:
        """Weights that every token is multiplied with: the active layers and the head."""
        idle = self.parameters - self.active_parameters
        return self.layer_parameters - idle + self.embedding_parameters

    @property
    def key_value_share(self) -> float:
        """Width of the keys over the hidden size; below one with grouped queries."""
        return self.key_value_heads / self.heads

    def adapter_width(self, *, is_everywhere: bool) -> float:
        """Inputs and outputs of one layer's matrices that adapters sit on: queries and values, or all of them."""
        keys = self.hidden * self.key_value_share
        if not is_everywhere:
            return 3 * self.hidden + keys
        attention = 2 * self.hidden + 2 * (self.hidden + keys) + 2 * self.hidden
        return attention + (3 if self.is_gated else 2) * (self.hidden + self.intermediate)

    def adapter_parameters(self, rank: int, *, is_everywhere: bool) -> float:
        """Parameters of low-rank adapters in all layers."""
        return float(rank) * self.adapter_width(is_everywhere=is_everywhere) * self.layers


@lru_cache(maxsize=4096)
def architecture_of(workload: Workload) -> Architecture:
    """The shape of a workload's model: what the workload states, else the preset's, else what is usual.

    Raises:
        InvalidInputError: neither the model nor its number of parameters is known.
    """
    known = find_architecture(workload.model, workload.parameters) if workload.model else None
    parameters = workload.parameters or (known.parameters if known else None)
    if parameters is None or not parameters > 0:
        raise InvalidInputError(
            f"the size of the model {workload.model or '(none given)'!r} is not known",
            hint="state its number of parameters, for example parameters: 8e9",
        )
    base = known or _usual(workload.model or "", parameters)
    if not (workload.layers and workload.hidden and workload.intermediate) or known is not None:
        stated = base
    else:
        stated = _with_parts(
            replace(base, is_known=True, layers=workload.layers, hidden=workload.hidden),
            workload.intermediate,
            workload.vocabulary or base.vocabulary,
        )
    heads = workload.heads or stated.heads
    return replace(
        stated,
        active_parameters=workload.active_parameters or stated.active_parameters,
        layers=workload.layers or stated.layers,
        hidden=workload.hidden or stated.hidden,
        heads=heads,
        key_value_heads=workload.key_value_heads or (heads if workload.heads else stated.key_value_heads),
        intermediate=workload.intermediate or stated.intermediate,
        vocabulary=workload.vocabulary or stated.vocabulary,
    )


def find_architecture(name: str, parameters: float | None = None) -> Architecture | None:
    """The shape of a published model by its name, spelled in any of the usual ways.

    A name that leaves the size open (`Llama 2`) is told by the number of parameters, which must agree within a
    factor that rounding and tied heads explain.
    """
    exact = preset(name)
    if exact is not None and (parameters is None or _distance(exact, parameters) < SAME_MODEL_LOG):
        return _shape(exact)
    wanted = _plain(name)
    if parameters is None or not wanted:
        return None
    named = [each for each in all_presets().values() if _plain(each.model or "").startswith(wanted)]
    nearest = min(named, key=lambda each: _distance(each, parameters), default=None)
    is_same = nearest is not None and _distance(nearest, parameters) < SAME_MODEL_LOG
    return _shape(nearest) if nearest is not None and is_same else None


def _distance(known: Workload, parameters: float) -> float:
    """How far two counts of parameters lie apart, as a logarithm; infinite where one is not a count."""
    if not known.parameters or not parameters > 0:
        return inf
    return abs(log(known.parameters / parameters))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.]", "", name.rsplit("/", 1)[-1].lower().replace("-base", ""))


@cache
def _traits() -> Mapping[str, Mapping[str, str]]:
    """Rows of the models that differ from the usual, by name."""
    text = files("tradewind.estimate").joinpath("data", "architectures.csv").read_text(encoding="utf-8")
    return {row["model"]: row for row in csv.DictReader(text.splitlines())}


def _shape(known: Workload) -> Architecture | None:
    """A preset's shape; None for a preset without layers."""
    if not (known.parameters and known.layers and known.hidden):
        return None
    usual = _usual(known.model or "", known.parameters)
    traits = _traits().get(known.model or "", {})
    heads = known.heads or usual.heads
    shape = replace(
        usual,
        active_parameters=known.active_parameters or known.parameters,
        layers=known.layers,
        hidden=known.hidden,
        heads=heads,
        key_value_heads=known.key_value_heads or heads,
        norms=int(traits.get("norms") or usual.norms),
        has_soft_caps=traits.get("has_soft_caps") == "1",
        is_known=True,
    )
    whole = _with_parts(shape, known.intermediate or 4 * known.hidden, known.vocabulary or USUAL_VOCABULARY)
    if traits.get("is_gated"):
        whole = replace(whole, is_gated=traits["is_gated"] == "1", is_tied=traits["is_tied"] == "1")
    return whole


def _with_parts(shape: Architecture, intermediate: int, vocabulary: int) -> Architecture:
    """The shape, gated and tied in whichever way comes nearest to its parameters; experts say nothing of either."""
    whole = replace(shape, intermediate=intermediate, vocabulary=vocabulary)
    if shape.active_parameters != shape.parameters:
        return replace(whole, is_gated=True, is_tied=False)
    attention = (2 + 2 * shape.key_value_share) * shape.hidden**2

    def built(is_gated: bool, is_tied: bool) -> float:
        layer = attention + (3 if is_gated else 2) * shape.hidden * intermediate
        return shape.layers * layer + (1 if is_tied else 2) * vocabulary * shape.hidden

    ways = [(is_gated, is_tied) for is_gated in (True, False) for is_tied in (True, False)]
    is_gated, is_tied = min(ways, key=lambda way: abs(log(built(*way) / shape.parameters)))
    return replace(whole, is_gated=is_gated, is_tied=is_tied)


def _usual(name: str, parameters: float) -> Architecture:
    """Twelve times layers times hidden squared, at the usual width per layer."""
    hidden = max(64, round((parameters * USUAL_WIDTH_PER_LAYER / 12) ** (1 / 3) / 64) * 64)
    layers = max(1, round(hidden / USUAL_WIDTH_PER_LAYER))
    heads = max(1, hidden // 128)
    return Architecture(
        name=name,
        parameters=parameters,
        active_parameters=parameters,
        layers=layers,
        hidden=hidden,
        heads=heads,
        key_value_heads=heads,
        intermediate=round(2.7 * hidden),
        vocabulary=USUAL_VOCABULARY,
        is_gated=True,
        is_tied=False,
        is_known=False,
    )
