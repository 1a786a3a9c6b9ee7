"""Models whose architecture is known by name, and workloads made of them.

`data/models.csv` holds architecture facts: from the models' own configuration files and papers, as remembered;
`confidence` says how surely. Multiplications and additions count as two operations in `forward_gflops`.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from importlib.resources import files
from typing import Any, Final

from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.workload import Family, Method, Workload

_UNITS: Final = {
    Family.LLM: "token",
    Family.ENCODER: "sequence",
    Family.CNN: "image",
    Family.VIT: "image",
    Family.DETECTION: "image",
    Family.DIFFUSION: "image",
}
#: Endings of published names that change nothing about the arithmetic.
_ENDINGS: Final = re.compile(r"(-(hf|it|chat|instruct|base|uncased|cased|v\d(\.\d)?|bf16|fp16))+$")
#: Share of parameters that a low-rank adapter of rank 8 to 16 trains.
_LORA_SHARE: Final = 0.005


def preset(name: str) -> Workload | None:
    """The model's architecture as a workload with no amount of work yet; None for a name nobody knows.

    Forgiving: `meta-llama/Llama-3.1-8B`, `llama3.1-8b` and `Llama 3.1 8B Instruct` are the same.
    """
    known = _by_spelling()
    for spelling in _spellings(name):
        if spelling in known:
            return known[spelling]
    return None


def near_names(name: str) -> list[str]:
    """Up to five known names that look like this one, for a hint."""
    spelling = _plain(name.rpartition("/")[2])
    close = difflib.get_close_matches(spelling, _by_spelling(), n=8, cutoff=0.5)
    found: list[str] = []
    for each in close:
        model = _by_spelling()[each].model or ""
        if model not in found:
            found.append(model)
    return found[:5]


def all_presets() -> Mapping[str, Workload]:
    """Every known model by its own name."""
    return {workload.model or "": workload for workload in _by_spelling().values()}


def recipe_workload(recipe: str, model: str) -> Workload | None:
    """A public benchmark's workload, with the work of one unit; None where it is not known."""
    return _recipes().get((recipe, model))


def workload_of(
    model: str,
    *,
    method: Method | str | None = None,
    tokens: float | None = None,
    samples: float | None = None,
    epochs: float | None = None,
    sequence_length: int | None = None,
    image_size: int | None = None,
    micro_batch: float | None = None,
    global_batch: float | None = None,
    precision: str | None = None,
) -> Workload:
    """A workload from what a user would say. Language models count `tokens`, or `samples` of a whole sequence each;
    others count `samples`. `epochs` multiplies either (default 1).

    Raises:
        InvalidInputError: the model or the method is not known, or an amount is not positive.
    """
    known = preset(model)
    if known is None:
        near = near_names(model)
        hint = f"did you mean {', '.join(near)}?" if near else "name a known model, or give hours and on"
        raise InvalidInputError(f"{model!r} is not a known model", hint=hint)
    try:
        way = Method(method) if method is not None else _usual_method(known.family)
    except ValueError:
        allowed = ", ".join(each.value for each in Method)
        raise InvalidInputError(f"{method!r} is not a method of training", hint=f"one of {allowed}") from None
    amounts = (tokens, samples, epochs, sequence_length, image_size, micro_batch, global_batch)
    if any(each is not None and not 0 < each < float("inf") for each in amounts):
        raise InvalidInputError("an amount of work is not positive", hint="give numbers above 0")
    length = sequence_length or known.sequence_length
    units = tokens if tokens is not None else samples
    if known.family is Family.LLM and tokens is None and samples is not None:
        units = samples * (length or 2048)
    elif known.family is not Family.LLM and samples is None and tokens is not None:
        units = tokens / (length or 512)
    made = replace(
        known,
        method=way,
        units=units * (epochs or 1) if units is not None else None,
        sequence_length=length,
        micro_batch=micro_batch,
        global_batch=global_batch,
        precision=precision or "bf16",
        quantization="nf4" if way is Method.QLORA else None,
    )
    if way in (Method.LORA, Method.QLORA, Method.ADAPTER) and known.parameters:
        made = replace(made, trainable_parameters=known.parameters * _LORA_SHARE)
    return _at_size(made, known, image_size)


def completed(workload: Workload) -> Workload:
    """The workload with what is absent filled in from its recipe or its model's preset."""
    known = None
    if workload.recipe and workload.model:
        known = recipe_workload(workload.recipe, workload.model)
    if known is None and workload.model:
        known = preset(workload.model)
    if known is None or known.family is not workload.family:
        return workload
    filled: dict[str, Any] = {}
    for each in fields(Workload):
        if getattr(workload, each.name) is None and getattr(known, each.name) is not None:
            filled[each.name] = getattr(known, each.name)
    whole = replace(workload, **filled) if filled else workload
    if "forward_gflops_per_unit" in filled and workload.image_size:
        return _at_size(whole, known, workload.image_size)
    return whole


def _at_size(workload: Workload, known: Workload, image_size: int | None) -> Workload:
    """Arithmetic and activations of image models grow with the pixels."""
    if image_size is None or known.image_size is None or image_size == known.image_size:
        return replace(workload, image_size=image_size or known.image_size)
    growth = (image_size / known.image_size) ** 2
    return replace(
        workload,
        image_size=image_size,
        forward_gflops_per_unit=_times(known.forward_gflops_per_unit, growth),
        activations_m_per_unit=_times(known.activations_m_per_unit, growth),
    )


def _times(value: float | None, factor: float) -> float | None:
    return value * factor if value is not None else None


def _usual_method(family: Family) -> Method:
    return Method.FULL if family is Family.LLM else Method.PRETRAIN


def _spellings(name: str) -> list[str]:
    """The ways to look a name up, the most literal first."""
    last = name.strip().rpartition("/")[2]
    lower = last.lower().replace(" ", "-")
    bare = _ENDINGS.sub("", lower)
    return [_plain(lower), _plain(bare), _plain(re.sub(r"^meta-", "", bare))]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.]", "", name.lower())


def _table(name: str) -> list[dict[str, str]]:
    text = files("tradewind.estimate").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def _by_spelling() -> Mapping[str, Workload]:
    found: dict[str, Workload] = {}
    rows = _table("models.csv")
    for row in rows:
        found[_plain(row["model"])] = _workload(row)
    for row in rows:
        for alias in row["aliases"].split(";"):
            if alias:
                found.setdefault(_plain(alias), found[_plain(row["model"])])
    return found


@cache
def _recipes() -> Mapping[tuple[str, str], Workload]:
    return {
        (row["recipe"], row["model"]): replace(
            _workload({**row, "active_parameters_m": ""}), recipe=row["recipe"], unit=row["unit"]
        )
        for row in _table("recipes.csv")
    }


def _workload(row: Mapping[str, str]) -> Workload:
    family = Family(row["family"])

    def number(column: str, scale: float = 1.0) -> float | None:
        return float(row[column]) * scale if row.get(column) else None

    def whole(column: str) -> int | None:
        return int(row[column]) if row.get(column) else None

    return Workload(
        family=family,
        model=row["model"],
        parameters=number("parameters_m", 1e6),
        active_parameters=number("active_parameters_m", 1e6),
        layers=whole("layers"),
        hidden=whole("hidden"),
        heads=whole("heads"),
        key_value_heads=whole("key_value_heads"),
        intermediate=whole("intermediate"),
        vocabulary=whole("vocabulary"),
        unit=_UNITS.get(family, "sample"),
        forward_gflops_per_unit=number("forward_gflops"),
        activations_m_per_unit=number("activations_m"),
        sequence_length=whole("sequence"),
        image_size=whole("image_size"),
    )
