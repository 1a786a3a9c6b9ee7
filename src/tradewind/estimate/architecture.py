"""The shape of a language model: what its memory and its arithmetic follow from.

`data/architectures.csv` holds the shapes that the models' own published configurations state. A model that is not
there gets the shape that is usual for its number of parameters, and says so.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import log
from typing import Final

from tradewind.domain.errors import InvalidInputError
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


def architecture_of(workload: Workload) -> Architecture:
    """The shape of a workload's model: what the workload states, else the table, else what is usual.

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
    return Architecture(
        name=base.name,
        parameters=base.parameters if known else parameters,
        active_parameters=workload.active_parameters or base.active_parameters,
        layers=workload.layers or base.layers,
        hidden=workload.hidden or base.hidden,
        heads=workload.heads or base.heads,
        key_value_heads=workload.key_value_heads
        or (workload.heads if workload.heads else base.key_value_heads),
        intermediate=workload.intermediate or base.intermediate,
        vocabulary=workload.vocabulary or base.vocabulary,
        is_gated=base.is_gated,
        is_tied=base.is_tied,
        norms=base.norms,
        has_soft_caps=base.has_soft_caps,
        is_known=base.is_known or bool(workload.layers and workload.hidden),
    )


def find_architecture(name: str, parameters: float | None = None) -> Architecture | None:
    """The shape of a published model by its name, spelled in any of the usual ways.

    A name that leaves the size open (`Llama 2`) is told by the number of parameters, which must agree within a
    factor that rounding and tied heads explain.
    """
    wanted = _plain(name)
    if not wanted:
        return None
    exact = _table().get(wanted)
    if exact is not None and (parameters is None or _distance(exact, parameters) < SAME_MODEL_LOG):
        return exact
    if parameters is None:
        return None
    named = [each for plain, each in _table().items() if plain.startswith(wanted)]
    nearest = min(named, key=lambda each: _distance(each, parameters), default=None)
    return nearest if nearest is not None and _distance(nearest, parameters) < SAME_MODEL_LOG else None


def _distance(architecture: Architecture, parameters: float) -> float:
    return abs(log(architecture.parameters / parameters))


def _plain(name: str) -> str:
    """`meta-llama/Llama-3.1-8B-Instruct`, `Llama 3.1 8B` and `llama-3.1-8b-instruct` are one model."""
    last = name.rsplit("/", 1)[-1].lower().replace("meta-", "").replace("-base", "")
    plain = re.sub(r"[^a-z0-9.]", "", last)
    return re.sub(r"(\d+k|v0\.\d|instruct|chat|hf|it)+$", "", plain)


@cache
def _table() -> Mapping[str, Architecture]:
    text = files("tradewind.estimate").joinpath("data", "architectures.csv").read_text(encoding="utf-8")
    return {_plain(row["name"]): _read(row) for row in csv.DictReader(text.splitlines())}


def _read(row: Mapping[str, str]) -> Architecture:
    return Architecture(
        name=row["name"],
        parameters=float(row["parameters"]),
        active_parameters=float(row["active_parameters"] or row["parameters"]),
        layers=int(row["layers"]),
        hidden=int(row["hidden"]),
        heads=int(row["heads"]),
        key_value_heads=int(row["key_value_heads"]),
        intermediate=int(row["intermediate"]),
        vocabulary=int(row["vocabulary"]),
        is_gated=row["is_gated"] == "1",
        is_tied=row["is_tied"] == "1",
        norms=int(row["norms"]),
        has_soft_caps=row["has_soft_caps"] == "1",
    )


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
