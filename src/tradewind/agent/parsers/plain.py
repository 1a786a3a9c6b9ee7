"""Lines that people print themselves: `epoch 3/20 step 10/50 loss=0.12 acc: 0.9`."""

from __future__ import annotations

import re

from .reading import Reading, fraction_of_epochs, pairs

_COUNTER = re.compile(
    r"(?i)(?<![\w-])(epochs?|steps?|iters?|iterations?|batch|global_step|ep)"
    r"\s{0,3}[:=#]?\s{0,3}[\[(]?\s{0,3}(\d{1,12})(?:\s{0,2}(?:/|of)\s{0,2}(\d{1,12}))?(?![\w.])"
)
_METRIC_NAME = re.compile(
    r"(?i)loss|acc|perplexity|ppl|reward|(?:^|[_/.-])(?:lr|f1|auc|mae|mse|rmse|bleu|wer|cer|iou|map|psnr|ssim|nll|elbo)(?:$|[_/.@-])"
)
_COUNTERS = frozenset(
    (
        "epoch",
        "epochs",
        "step",
        "steps",
        "iter",
        "iters",
        "iteration",
        "iterations",
        "batch",
        "global_step",
        "ep",
    )
)


def read_plain(text: str) -> Reading | None:
    """Counters named epoch, step, iteration or batch, and the metrics beside them.

    On a line without a counter only well-known names are metrics: `port: 8080` is none.
    """
    progress: dict[str, float] = {}
    for word, number, total in _COUNTER.findall(text):
        kind = "epoch" if word.lower().startswith("ep") else "step"
        if kind in progress:
            continue
        progress[kind] = int(number)
        if total:
            progress["total_" + kind + "s"] = int(total)
    values = {
        name: value
        for name, value in pairs(text).items()
        if name.lower() not in _COUNTERS and (progress or _METRIC_NAME.search(name))
    }
    if not progress and not values:
        return None
    fraction = _fraction(progress)
    if fraction is not None:
        progress["fraction"] = fraction
    return Reading(progress, values, _step(progress))


def _step(progress: dict[str, float]) -> int | None:
    if "step" not in progress:
        return None if "epoch" not in progress else int(progress["epoch"])
    step = int(progress["step"])
    if "epoch" in progress and "total_steps" in progress:
        step += int(progress["total_steps"] * (progress["epoch"] - 1))
    return step


def _fraction(progress: dict[str, float]) -> float | None:
    step, total_steps = progress.get("step"), progress.get("total_steps", 0)
    part = None if step is None or not total_steps else min(1.0, step / total_steps)
    if "total_epochs" in progress:
        # A line without steps is mostly printed when its epoch is done; one with steps, in the middle of it.
        return fraction_of_epochs(progress["epoch"], progress["total_epochs"], 1.0 if part is None else part)
    return part if "epoch" not in progress else None
