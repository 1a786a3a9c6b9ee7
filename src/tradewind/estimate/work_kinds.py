"""What bounds a workload's speed, and which public workloads train the same network."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

from tradewind.estimate.workload import Family, Method, Workload


class WorkKind(StrEnum):
    """Kinds of arithmetic that make like use of a device."""

    PRODUCTS = "products"  #: large matrix products: transformers
    MAPS = "maps"  #: convolutions over feature maps: as much memory traffic as arithmetic
    STEPS = "steps"  #: recurrent layers, one small product after another
    LOOKUPS = "lookups"  #: embedding tables: little arithmetic beside memory and network
    ODD = "odd"  #: its arithmetic is not counted


_KINDS: Final = {
    Family.LLM: WorkKind.PRODUCTS,
    Family.ENCODER: WorkKind.PRODUCTS,
    Family.DIFFUSION: WorkKind.PRODUCTS,
    Family.VIT: WorkKind.PRODUCTS,
    Family.SPEECH: WorkKind.PRODUCTS,
    Family.CNN: WorkKind.MAPS,
    Family.DETECTION: WorkKind.MAPS,
    Family.RECOMMENDER: WorkKind.LOOKUPS,
}
#: FLOPs of training per FLOP of a forward pass: two more for the gradients of inputs and weights; frozen weights
#: take none.
TRAIN_OVER_FORWARD: Final = 3.0
_FROZEN_OVER_FORWARD: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    kind: WorkKind
    network: str
    passes: float


@cache
def _facts() -> Mapping[tuple[str, str], _Fact]:
    text = files("tradewind.estimate").joinpath("data", "recipes.csv").read_text(encoding="utf-8")
    return {
        (row["recipe"], row["model"]): _Fact(
            kind=WorkKind(row["kind"] or "odd"), network=row["network"], passes=float(row["passes"])
        )
        for row in csv.DictReader(text.splitlines())
    }


def kind_of(workload: Workload) -> WorkKind:
    """What bounds it: told of public recipes, else as is usual of its family."""
    fact = _facts().get((workload.recipe or "", workload.model or ""))
    if fact is not None:
        return fact.kind
    return WorkKind.ODD if workload.unit == "run" else _KINDS.get(workload.family, WorkKind.ODD)


def network_of(workload: Workload) -> str:
    """The network by one name, whoever's recipe trains it."""
    fact = _facts().get((workload.recipe or "", workload.model or ""))
    return fact.network if fact is not None and fact.network else workload.model or ""


def train_over_forward(workload: Workload) -> float:
    """FLOPs of training per FLOP of a forward pass."""
    fact = _facts().get((workload.recipe or "", workload.model or ""))
    if fact is not None:
        return fact.passes
    is_frozen = workload.method in (Method.LORA, Method.QLORA, Method.ADAPTER)
    return _FROZEN_OVER_FORWARD if is_frozen else TRAIN_OVER_FORWARD
