"""Lines that are one dictionary: the Hugging Face Trainer's, and JSON logs."""

from __future__ import annotations

import re

from .reading import NUMBER, Reading, to_number

_ENTRY = re.compile(
    r"""["']([A-Za-z_][\w./@ -]{0,60})["']\s{0,3}:\s{0,3}["']?(""" + NUMBER + r""")["']?\s{0,3}[,}]"""
)
_PROGRESS = {
    "step": "step",
    "global_step": "step",
    "total_steps": "total_steps",
    "max_steps": "total_steps",
    "epoch": "epoch",
    "total_epochs": "total_epochs",
    "num_epochs": "total_epochs",
}
# Without one of these it is some other dictionary that happens to hold numbers.
_TRAINING = re.compile(r"loss|acc|step|epoch|learning_rate|reward|perplexity|train_|eval_|val_")


def read_dictionary(text: str) -> Reading | None:
    """`{'loss': 0.5, 'learning_rate': 5e-05, 'epoch': 1.2}`: epochs and steps as progress, the rest as metrics."""
    text = text.strip()
    if not (text.startswith("{") and text.endswith("}")):
        return None
    entries = _ENTRY.findall(text)
    if not any(_TRAINING.search(name) for name, _ in entries):
        return None
    progress = {}
    values = {}
    for name, number in entries:
        if name in _PROGRESS:
            progress[_PROGRESS[name]] = to_number(number)
        else:
            values[name] = to_number(number)
    step = progress.get("step")
    return Reading(progress, values, None if step is None else int(step))
