"""The form of each surface: along which features measurements are believed to be alike.

The forms are reasoned (what could matter to speed); how much each part matters is learned from the rows by evidence,
never from the error on rows held out.
"""

from __future__ import annotations

from typing import Final

from tradewind.estimate.calibration import IMAGES, RUNS, STEPS, TOKENS
from tradewind.estimate.surface import Part
from tradewind.estimate.traits import TRAITS

_DEVICE: Final = ("matrix", "bandwidth", "vector", "power", "year", "graphics")


def _slopes(names: tuple[str, ...], variance: float, *same: str) -> tuple[Part, ...]:
    return tuple(Part(variance=variance, same=same, shape="slope", over=(name,)) for name in names)


def _runs() -> tuple[Part, ...]:
    task = ("task", "precision")
    linear = ("matrix", "bandwidth", "vector", "power", "year", "graphics", "cache")
    return (
        Part(variance=1.0, is_fixed=True),
        Part(variance=4.0, same=("odd",), is_fixed=True),
        # Like arithmetic makes like use of a device; so does the code of one author.
        Part(variance=0.3, same=("kind",)),
        Part(variance=0.1, same=("kind", "precision")),
        Part(variance=0.1, same=("recipe",)),
        Part(variance=0.05, same=("recipe", "kind")),
        Part(variance=0.05, same=("family",)),
        Part(variance=0.05, same=("network",)),
        Part(variance=0.05, same=("task",)),
        Part(variance=0.02, same=task),
        Part(variance=0.05, same=("recipe", "family")),
        *_slopes(("work",), 0.1),
        *_slopes(("work",), 0.1, "recipe"),
        *_slopes(linear, 0.05),
        *_slopes(linear, 0.05, "kind"),
        *_slopes(("matrix", "bandwidth", "year"), 0.05, "recipe", "kind"),
        *_slopes((*linear, "memory"), 0.02, "recipe"),
        *_slopes(linear, 0.01, *task),
        Part(variance=0.02, shape="near", over=_DEVICE, reach=2.0),
        Part(variance=0.02, same=("kind",), shape="near", over=_DEVICE, reach=2.0),
        Part(variance=0.02, same=task, shape="near", over=_DEVICE, reach=2.0),
        Part(variance=0.01, shape="near", over=_DEVICE, reach=0.7),
        Part(variance=0.003, same=("accelerator",)),
        Part(variance=0.003, same=("accelerator", "kind")),
        Part(variance=0.02, same=("vendor",)),
        Part(variance=0.003, same=("architecture",)),
        Part(variance=0.003, same=("architecture", "precision")),
        Part(variance=0.003, same=("architecture", "kind")),
        Part(variance=0.003, same=("architecture", *task)),
        Part(variance=0.003, same=("accelerator", "task")),
        Part(variance=0.003, same=("accelerator", *task)),
        Part(variance=0.003, same=("accelerator", "recipe")),
        *_slopes(("spread", "spread_slow", "nodes", "release"), 0.01),
        *_slopes(("spread", "spread_slow", "nodes", "release"), 0.01, "kind"),
        *_slopes(("spread", "spread_slow", "nodes", "release", "batch"), 0.01, "task"),
        *_slopes(("spread",), 0.005, "accelerator"),
        *_slopes(("spread",), 0.005, "accelerator", "task"),
        Part(variance=0.01, same=("kind",), shape="near", over=("release",), reach=0.7),
        Part(variance=0.01, same=("task",), shape="near", over=("release",), reach=0.7),
        Part(variance=0.01, same=("architecture", "task"), shape="near", over=("release",), reach=0.7),
        Part(variance=0.005, same=("task",), shape="near", over=("spread", "nodes"), reach=0.3),
        Part(variance=0.005, same=("accelerator", "task", "setting")),
    )


def _images() -> tuple[Part, ...]:
    size = ("arithmetic", "activations", "parameters", "batch")
    traits = tuple(f"is_{trait}" for trait in TRAITS)
    return (
        Part(variance=1.0, is_fixed=True),
        *_slopes((*size, "image"), 0.2),
        Part(variance=0.01, same=("layout",)),
        *(
            Part(variance=0.02, same=same, shape="near", over=size, reach=reach)
            for same in ((), ("layout",), ("plan", "layout"), ("line",))
            for reach in (1.0, 2.5)
        ),
        Part(variance=0.02, shape="near", over=("intensity", "density"), reach=0.5),
        Part(variance=0.02, same=("plan",), shape="near", over=("intensity", "density"), reach=0.5),
        *(
            Part(variance=0.03, same=same, shape="near", over=over, reach=reach)
            for same in ((), ("layout",))
            for over, reach in ((traits, 1.0), ((*traits, *size), 2.0))
        ),
        *_slopes(traits, 0.01),
        *_slopes(traits, 0.01, "layout"),
        Part(variance=0.03, same=("plan",)),
        Part(variance=0.01, same=("plan", "layout")),
        Part(variance=0.03, same=("line",)),
        Part(variance=0.01, same=("line", "layout")),
        Part(variance=0.01, same=("task",)),
        *_slopes(("arithmetic", "activations", "parameters"), 0.01, "line"),
    )


def _steps() -> tuple[Part, ...]:
    size = ("arithmetic", "activations", "parameters", "depth")
    linear = ("matrix", "bandwidth", "vector", "year")
    return (
        Part(variance=1.0, is_fixed=True),
        *_slopes(size, 0.2),
        *_slopes(size, 0.05, "precision"),
        *_slopes(size, 0.05, "accelerator"),
        *_slopes(linear, 0.1),
        *_slopes(linear, 0.05, "precision"),
        *_slopes(linear, 0.05, "task"),
        *_slopes(linear, 0.05, "plan"),
        *(Part(variance=0.02, shape="slope", over=(a, b)) for a in size for b in ("matrix", "bandwidth")),
        Part(variance=0.05, shape="near", over=size, reach=1.5),
        Part(variance=0.05, shape="near", over=(*size, *linear), reach=2.0),
        Part(variance=0.05, same=("precision",), shape="near", over=(*size, *linear), reach=2.0),
        Part(variance=0.02, same=("accelerator", "precision"), shape="near", over=size, reach=1.5),
        Part(variance=0.02, same=("plan",)),
        Part(variance=0.02, same=("plan", "precision")),
        Part(variance=0.02, same=("plan", "accelerator")),
        Part(variance=0.02, same=("line",)),
        Part(variance=0.02, same=("line", "precision")),
        Part(variance=0.02, same=("task",)),
        Part(variance=0.01, same=("task", "precision")),
        Part(variance=0.02, same=("accelerator",)),
        Part(variance=0.02, same=("accelerator", "precision")),
        *_slopes(tuple(f"is_{trait}" for trait in ("depthwise", "grouped", "dense", "split", "plain")), 0.02),
        *_slopes(
            tuple(f"is_{trait}" for trait in ("depthwise", "grouped", "dense", "split", "plain")),
            0.02,
            "accelerator",
            "precision",
        ),
    )


def _tokens() -> tuple[Part, ...]:
    size = ("active", "attention", "step")
    return (
        Part(variance=1.0, is_fixed=True),
        *_slopes(("active", "sparsity", "attention", "sequence", "step", "recompute", "compiled"), 0.05),
        *_slopes(("matrix", "bandwidth"), 0.05),
        *_slopes(("count", "tensor", "pipeline", "context", "experts", "accumulation", "release"), 0.01),
        *_slopes(("active", "sequence", "step"), 0.02, "accelerator"),
        *_slopes(("count", "release"), 0.01, "task"),
        Part(variance=0.1, shape="near", over=size, reach=1.5),
        Part(variance=0.05, shape="near", over=("active", "sequence"), reach=1.0),
        Part(variance=0.02, same=("architecture",), shape="near", over=size, reach=1.5),
        Part(variance=0.02, same=("accelerator",), shape="near", over=size, reach=1.5),
        Part(variance=0.05, same=("recipe",)),
        Part(variance=0.05, same=("precision",)),
        Part(variance=0.02, same=("precision", "architecture")),
        Part(variance=0.02, same=("precision", "task")),
        Part(variance=0.05, same=("sparse",)),
        Part(variance=0.02, same=("sharding",)),
        Part(variance=0.02, same=("architecture",)),
        Part(variance=0.02, same=("accelerator",)),
        Part(variance=0.05, same=("task",)),
        Part(variance=0.02, same=("task", "accelerator")),
        Part(variance=0.02, same=("task",), shape="near", over=("sequence", "step"), reach=1.0),
        Part(variance=0.02, same=("task", "accelerator"), shape="near", over=("batch", "count"), reach=0.7),
    )


FORMS: Final = {RUNS: _runs(), IMAGES: _images(), STEPS: _steps(), TOKENS: _tokens()}
#: What is known of speed before any measurement: across accelerators of one maker the geometric mean of matrix rate
#: and bandwidth is within about a tenth.
SLOPES: Final = {
    RUNS: {"matrix": 0.45, "bandwidth": 0.45},
    IMAGES: {},
    STEPS: {"matrix": 0.25, "bandwidth": 0.25, "arithmetic": -0.4, "activations": -0.2},
    TOKENS: {},
}
#: Noise that rows start with, as a variance of the logarithm.
NOISE: Final = {RUNS: 0.003, IMAGES: 0.005, STEPS: 0.005, TOKENS: 0.002}
ROUNDS: Final = {RUNS: 30, IMAGES: 24, STEPS: 60, TOKENS: 60}
