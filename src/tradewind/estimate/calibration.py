"""What was learned from published measurements, and how it answers for a workload on an accelerator."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Final

from tradewind.estimate.band import Layer
from tradewind.estimate.features import image_row, precision_class, run_row, token_flops, token_row
from tradewind.estimate.features import matrix_tflops as _matrix_tflops
from tradewind.estimate.surface import Row, Surface, surface_from
from tradewind.estimate.work_kinds import train_over_forward
from tradewind.estimate.workload import Family, Method, Workload
from tradewind.hardware.accelerators import AcceleratorModel, all_models

#: The surfaces by what their rows are: whole benchmark runs, image models on one device at full batches, image
#: models at small steps, language models.
RUNS: Final = "runs"
IMAGES: Final = "images"
STEPS: Final = "steps"
TOKENS: Final = "tokens"
#: The recipes whose measurements each surface holds.
RUN_RECIPES: Final = frozenset({"mlperf", "lambda", "nvidia"})
#: A unit that is a whole run: nothing tells how much work an unknown one is.
WHOLE_RUN: Final = "run"
STEP_RECIPE: Final = "torchvision"
#: The device that image models were measured on, and the runs that carry them over to other devices: convolutions go
#: with memory traffic as much as with arithmetic, transformers with arithmetic. Work of one unit in GFLOPs.
IMAGE_REFERENCE: Final = "RTX-3090"
_CARRIERS: Final = {
    Family.CNN: ("resnet50", 8.2),
    Family.VIT: ("bert_base_squad", 71.0),
}
#: No training of a language model makes better use of a device's best matrix product than this.
_MOST_USE: Final = 0.9
#: Low and high end of actual over predicted time, for what no measurement told: a factor of 2.5 either way.
_UNKNOWN_SPREAD: Final = (-0.9, 0.9)
#: And where only the family is known: a factor of six.
_FAMILY_SPREAD: Final = (-1.8, 1.8)
#: GFLOPs of a forward pass of one unit of the middling model of a family, where the model itself is not known.
_FAMILY_GFLOPS: Final = {
    Family.CNN: 8.0,
    Family.VIT: 20.0,
    Family.DETECTION: 100.0,
    Family.ENCODER: 150.0,
    Family.DIFFUSION: 1500.0,
    Family.SPEECH: 150.0,
}
#: GFLOPs of a forward pass at 224 pixels per million parameters of image models: 0.15 for EfficientNet-B0, 0.32 for
#: ResNet-50, 0.41 for ViT-B.
_GFLOPS_PER_MILLION: Final = 0.33


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What the runs of one recipe have in common: the units of a whole run, and units per device and step."""

    units: float | None = None
    batch: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Units per second of the whole job, and what that rests on."""

    units_per_s: float
    surface: str
    cohort: str
    layer: Layer
    is_accelerator_seen: bool
    is_workload_seen: bool
    basis: str

    @property
    def kind(self) -> str:
        """The kind of case that spreads are learned for."""
        return spread_key(self.cohort, self.is_accelerator_seen, self.is_workload_seen)


def cohort_of(workload: Workload, surface: str) -> str:
    """What spreads are shared within: a surface, and for whole runs the recipe too."""
    return f"{surface}:{workload.recipe or ''}" if surface == RUNS else surface


def spread_key(cohort: str, is_accelerator_seen: bool, is_workload_seen: bool) -> str:
    """The name of a kind of case."""
    accelerator = "seen" if is_accelerator_seen else "unseen"
    workload = "seen" if is_workload_seen else "unseen"
    return f"{cohort}/{accelerator}/{workload}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The surfaces, and what goes with them. `spreads`: 10th and 90th percentile of log(actual over predicted
    time) on rows that a fit had not seen, by kind of case."""

    surfaces: Mapping[str, Surface]
    usual: Mapping[str, Usual]
    spreads: Mapping[str, tuple[float, float]]
    accelerators: frozenset[str]
    workloads: frozenset[str]

    def predict(
        self, workload: Workload, accelerator: AcceleratorModel, count: float, nodes: int
    ) -> Prediction | None:
        """Units per second of the job; None where nothing tells the work of one unit."""
        is_guessed = workload.forward_gflops_per_unit is None and workload.family in _FAMILY_GFLOPS
        if is_guessed:
            workload = replace(workload, forward_gflops_per_unit=_usual_gflops(workload))
        row, surface = self.row_of(workload, accelerator, count, nodes)
        if row is None or surface not in self.surfaces:
            return None
        is_seen = (task_of(workload, surface) in self.workloads) and self._knows(workload, surface)
        if workload.unit == WHOLE_RUN and not is_seen:
            return None
        value = self.surfaces[surface].predict([row])[0]
        offset = work_scale(workload, accelerator, surface)
        if surface == TOKENS:
            value = min(value, math.log(_MOST_USE))
        per_device = math.exp(value - offset)
        if surface == IMAGES:
            per_device *= self._carried(workload, accelerator, count, nodes)
        elif surface == STEPS and count > 1 and RUNS in self.surfaces:
            per_device *= self._carried(workload, accelerator, count, nodes) / self._carried(
                workload, accelerator, 1.0, 1
            )
        if count < 1:
            count = count**0.95
        return Prediction(
            units_per_s=per_device * count,
            surface=surface,
            cohort=cohort_of(workload, surface),
            layer=Layer.FAMILY if is_guessed else Layer.MEASURED if is_seen else Layer.ROOFLINE,
            is_accelerator_seen=accelerator.key in self.accelerators,
            is_workload_seen=is_seen,
            basis=f"the usual arithmetic of {workload.family.value} models"
            if is_guessed
            else _basis(workload, accelerator, surface, is_seen, accelerator.key in self.accelerators),
        )

    def _knows(self, workload: Workload, surface: str) -> bool:
        return self.surfaces[surface].has("task", _task_word(workload, surface))

    def row_of(
        self, workload: Workload, accelerator: AcceleratorModel, count: float, nodes: int
    ) -> tuple[Row | None, str]:
        """The row to ask a surface for, and the surface's name. No row where nothing is known of the work."""
        surface = surface_for(workload)
        if surface == TOKENS:
            if not (workload.parameters or workload.active_parameters):
                return None, surface
            return token_row(workload, accelerator, count), surface
        if surface == STEPS:
            return image_row(workload, accelerator), surface
        if surface == IMAGES:
            if not workload.forward_gflops_per_unit:
                return None, surface
            return image_row(workload, _reference()), surface
        usual = self.usual.get(task_of(workload, surface), Usual())
        if not workload.forward_gflops_per_unit:
            return None, surface
        return run_row(workload, accelerator, count, nodes, usual.batch), surface

    def _carried(self, workload: Workload, accelerator: AcceleratorModel, count: float, nodes: int) -> float:
        """How many times faster one device among `count` is than the reference alone, for image models."""
        if RUNS not in self.surfaces or (accelerator.key == IMAGE_REFERENCE and count == 1):
            return 1.0
        model, gflops = _CARRIERS.get(workload.family, _CARRIERS[Family.CNN])
        like = Workload(
            family=workload.family,
            model=model,
            recipe="lambda",
            precision=workload.precision,
            forward_gflops_per_unit=gflops,
        )
        rows = [
            run_row(like, accelerator, count, nodes, None),
            run_row(like, _reference(), 1.0, 1, None),
        ]
        here, there = self.surfaces[RUNS].predict(rows)
        return math.exp(here - there)

    def spread(self, prediction: Prediction) -> tuple[float, float]:
        """Low and high end of log(actual over predicted time): eight of ten lie between."""
        if prediction.layer is Layer.FAMILY:
            return _FAMILY_SPREAD
        found = self.spreads.get(prediction.kind)
        if found is None:
            # No such case was held out: the middle of like cases of other recipes, then of the surface as a whole.
            ending = prediction.kind.partition("/")[2]
            of_surface = {k: e for k, e in self.spreads.items() if k.startswith(prediction.surface)}
            alike = [ends for kind, ends in of_surface.items() if kind.partition("/")[2] == ending]
            near = alike or [ends for kind, ends in of_surface.items() if "unseen" in kind]
            if not near:
                return _UNKNOWN_SPREAD
            found = (statistics.median(e[0] for e in near), statistics.median(e[1] for e in near))
        return found


def surface_for(workload: Workload) -> str:
    """The surface that answers for a workload."""
    if workload.recipe in RUN_RECIPES:
        return RUNS
    if workload.recipe == STEP_RECIPE:
        return STEPS
    if workload.family is Family.LLM:
        return TOKENS
    if workload.family in (Family.CNN, Family.VIT):
        return IMAGES
    return RUNS


def _task_word(workload: Workload, surface: str) -> str:
    return f"{workload.recipe or ''}:{workload.model or ''}" if surface == RUNS else workload.model or ""


def task_of(workload: Workload, surface: str) -> str:
    """The name under which a workload counts as seen."""
    return f"{surface}:{_task_word(workload, surface)}"


def work_scale(workload: Workload, accelerator: AcceleratorModel, surface: str) -> float:
    """What is added to log(units per second and device) to give the value that a surface holds: the logarithm of
    the work of one unit, for language models over what the device can do."""
    if surface == RUNS:
        return math.log(max(workload.forward_gflops_per_unit or 1.0, 1e-9) * train_over_forward(workload))
    if surface == TOKENS:
        rate = _matrix_tflops(accelerator, precision_class(workload.precision))
        return math.log(token_flops(workload) / 1e12 / rate)
    return 0.0


def _usual_gflops(workload: Workload) -> float:
    if workload.family in (Family.CNN, Family.VIT) and workload.parameters:
        growth = ((workload.image_size or 224) / 224) ** 2
        return workload.parameters / 1e6 * _GFLOPS_PER_MILLION * growth
    return _FAMILY_GFLOPS[workload.family]


@cache
def _reference() -> AcceleratorModel:
    return all_models()[IMAGE_REFERENCE]


def _basis(
    workload: Workload, accelerator: AcceleratorModel, surface: str, is_seen: bool, is_accelerator_seen: bool
) -> str:
    what = workload.model or f"this {workload.family.value} model"
    if is_seen and is_accelerator_seen:
        return f"published measurements of {what}, accelerators of this kind among them"
    if is_seen:
        return f"published measurements of {what} on other accelerators, carried over to {accelerator.key}"
    named = {TOKENS: "language models", IMAGES: "image models", STEPS: "image models", RUNS: "training runs"}
    if workload.method in (Method.LORA, Method.QLORA):
        return f"arithmetic of {what}, at the efficiency measured for pre-training {named[surface]}"
    return f"arithmetic and memory traffic of {what}, at the efficiency measured for other {named[surface]}"


def calibration_from(record: Mapping[str, Any], surfaces: Mapping[str, Surface]) -> Calibration:
    """The calibration that a JSON record describes."""
    return Calibration(
        surfaces=surfaces,
        usual={name: Usual(**each) for name, each in record["usual"].items()},
        spreads={name: (float(low), float(high)) for name, (low, high) in record["spreads"].items()},
        accelerators=frozenset(record["accelerators"]),
        workloads=frozenset(record["workloads"]),
    )


def calibration_record(calibration: Calibration) -> dict[str, Any]:
    """What `calibration_from` reads."""
    usual = {
        name: {
            key: value for key, value in (("units", each.units), ("batch", each.batch)) if value is not None
        }
        for name, each in sorted(calibration.usual.items())
    }
    return {
        "usual": usual,
        "spreads": {name: [round(e, 4) for e in ends] for name, ends in sorted(calibration.spreads.items())},
        "surfaces": sorted(calibration.surfaces),
        "accelerators": sorted(calibration.accelerators),
        "workloads": sorted(calibration.workloads),
    }


@cache
def shipped() -> Calibration:
    """The calibration that came with this version, read once."""
    folder = files("tradewind.estimate").joinpath("data")
    record = json.loads(folder.joinpath("calibration.json").read_text(encoding="utf-8"))
    surfaces = {
        name: surface_from(json.loads(folder.joinpath(f"surface_{name}.json").read_text(encoding="utf-8")))
        for name in record["surfaces"]
    }
    return calibration_from(record, surfaces)
