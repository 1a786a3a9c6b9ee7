"""Finds a model by name, and the accelerators that its training fits on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tradewind.control.estimating import cheapest_offer, memory_view
from tradewind.control.money_views import money_view
from tradewind.control.own_estimate import band_view
from tradewind.domain.schemas_estimate import (
    MemoryAnswer,
    MemoryFit,
    MemoryRequest,
    ModelPage,
    ModelView,
)
from tradewind.domain.schemas_shown import BadgeView
from tradewind.estimate.memory import MemoryEstimate, Verdict, estimate_memory
from tradewind.estimate.presets import all_presets, near_names, preset, workload_of
from tradewind.estimate.workload import Family, Method, Workload
from tradewind.hardware.accelerators import AcceleratorModel, all_models
from tradewind.hardware.names import short_name

if TYPE_CHECKING:
    from tradewind.domain.offer_table import OfferTable

#: Accelerators that one machine usually has.
_COUNTS: Final = (1, 2, 4, 8)
_KINDS: Final = {
    Family.LLM: "language model",
    Family.ENCODER: "text encoder",
    Family.CNN: "image classification, convolutional",
    Family.VIT: "image classification, transformer",
    Family.DETECTION: "detection and segmentation",
    Family.DIFFUSION: "image generation",
    Family.SPEECH: "speech",
}
_IMAGES: Final = frozenset({Family.CNN, Family.VIT, Family.DETECTION, Family.DIFFUSION})
_BADGES: Final = {
    Verdict.FITS: BadgeView(label="Fits", tone="good", icon="check"),
    Verdict.TIGHT: BadgeView(
        label="Tight",
        tone="warning",
        icon="alert",
        explanation="It may run out of memory: one run in ten needs more.",
    ),
}


def find_models(query: str, limit: int) -> ModelPage:
    """Known models whose name has all words of the query; without words, all by name."""
    words = [word for word in re.split(r"[^a-z0-9.]+", query.lower()) if word]
    everything = all_presets()
    found = [name for name in everything if all(word in name.lower() for word in words)]
    found.sort(key=lambda name: (bool(words) and not name.lower().startswith(words[0]), name.lower()))
    if not found and words:
        known = preset(query)
        near = [known.model or ""] if known is not None else near_names(query)
        found = [name for name in near if name in everything]
    return ModelPage(
        items=[model_view(everything[name]) for name in found[:limit]],
        matching=len(found),
        known=len(everything),
    )


def model_view(known: Workload) -> ModelView:
    """A model as it travels."""
    is_image = known.family in _IMAGES
    is_llm = known.family is Family.LLM
    asks_for = ["method", "tokens" if is_llm else "samples", *([] if is_llm else ["epochs"]), "batch"]
    asks_for += ["image_size"] if is_image else ["sequence_length"] if known.sequence_length or is_llm else []
    return ModelView(
        name=known.model or "",
        kind=_KINDS.get(known.family, "model"),
        parameters=known.parameters,
        size=_size(known),
        unit=known.unit,
        asks_for=[*asks_for, "precision"],
        methods=[each.value for each in Method],
        usual_method=(Method.FULL if is_llm else Method.PRETRAIN).value,
        sequence_length=known.sequence_length,
        image_size=known.image_size,
    )


def find_memory(request: MemoryRequest, table: OfferTable) -> MemoryAnswer:
    """The fewest of each accelerator on offer that the training fits on, the cheapest first.

    Raises:
        InvalidInputError: nobody knows the model or the method, or its memory cannot be worked out.
    """
    workload = workload_of(
        request.model,
        method=request.method,
        # Memory does not depend on how long it trains.
        samples=1,
        sequence_length=request.sequence_length,
        image_size=request.image_size,
        global_batch=request.batch,
        precision=request.precision,
    )
    known = preset(request.model)
    assert known is not None
    models = all_models()
    offered = [models[word] for word in table.words["accelerator"] if word in models] or list(models.values())
    fits: list[tuple[AcceleratorModel, MemoryFit]] = []
    too_small = []
    for model in offered:
        fit = _fewest(workload, model, table)
        if fit is None:
            too_small.append(short_name(model.key))
        else:
            fits.append((model, fit))
    fits.sort(key=lambda each: _order(each[1]))
    memory = None
    if fits:
        model, first = fits[0]
        memory = memory_view(workload, model, first.count, first.accelerator)
    return MemoryAnswer(
        model=model_view(known),
        workload=_in_words(workload),
        fits=[fit for _, fit in fits],
        too_small=sorted(too_small),
        memory=memory,
        notes=[] if fits else ["it fits on no accelerator on offer, not even on eight of one machine"],
    )


def _fewest(workload: Workload, model: AcceleratorModel, table: OfferTable) -> MemoryFit | None:
    for count in _COUNTS:
        memory = estimate_memory(workload, model, count)
        if memory.verdict is not Verdict.DOES_NOT_FIT:
            return _fit(model, count, memory, table)
    return None


def _fit(model: AcceleratorModel, count: int, memory: MemoryEstimate, table: OfferTable) -> MemoryFit:
    offer = cheapest_offer(table, model.key, count)
    name = short_name(model.key)
    fit = MemoryFit(
        request=f"{name}:{count}",
        accelerator=name,
        title=model.title,
        count=count,
        memory_gb=band_view(memory.total),
        usable_gb=memory.usable_gb,
        verdict=memory.verdict.value,
        badge=_BADGES[memory.verdict],
    )
    if offer is None:
        return fit
    return fit.model_copy(
        update={
            "provider": offer.provider,
            "region": offer.region,
            "price_per_hour": money_view(offer.rate.micro_per_unit, offer.rate.currency),
        }
    )


def _order(fit: MemoryFit) -> tuple[bool, float, str]:
    price = fit.price_per_hour
    return price is None, 0.0 if price is None else float(price.micro), fit.accelerator


def _size(known: Workload) -> str:
    if not known.parameters:
        return "size not known"
    for unit, divisor in (("billion", 1e9), ("million", 1e6)):
        if known.parameters >= divisor:
            return f"{known.parameters / divisor:.3g} {unit} parameters"
    return f"{known.parameters:,.0f} parameters"


def _in_words(workload: Workload) -> str:
    parts = [workload.model or "", workload.method.value]
    if workload.sequence_length and workload.family is Family.LLM:
        parts.append(f"sequences of {workload.sequence_length:,} tokens")
    if workload.image_size:
        parts.append(f"images of {workload.image_size} pixels")
    if workload.global_batch:
        parts.append(f"batch {workload.global_batch:g}")
    return ", ".join([*parts, workload.precision or "mixed precision"])
