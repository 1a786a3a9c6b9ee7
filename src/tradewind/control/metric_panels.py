"""Which series belong into one chart, what it is called, and which few are shown first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tradewind.domain.schemas_records import MetricPanel

#: Charts that are shown without being asked for; more at once tell less.
_FIRST: Final = 4
#: Of the job's own metrics: what a chart is called, and the words that a name in it has.
_OWN: Final = (
    ("loss", "Loss", ("loss", "nll", "perplexity", "ppl")),
    ("lr", "Learning rate", ("lr", "learning_rate", "learningrate")),
    ("accuracy", "Accuracy", ("acc", "accuracy", "top1", "top5", "f1", "map", "auc")),
    ("speed", "Speed", ("it_per_s", "samples_per_s", "tokens_per_s", "throughput", "it/s", "tok/s", "steps_per_s")),
)  # fmt: skip
#: Of what the agent measures: id, title, the series of one accelerator, and those of the whole.
_MEASURED: Final = (
    ("gpu-use", "GPU utilisation", "util_percent", (), "%"),
    ("gpu-memory", "GPU memory", "memory_bytes", (), "bytes"),
    ("power", "Power", "watts", ("watts",), "W"),
    ("gpu-temperature", "GPU temperature", "temperature_c", (), "°C"),
    ("cpu", "Processors", None, ("cpu_percent",), "%"),
    ("memory", "Memory", None, ("memory_bytes",), "bytes"),
)
#: Where there are no accelerators these are looked at first.
_WITHOUT_GPUS: Final = ("cpu", "memory", "power")
_WITH_GPUS: Final = ("gpu-use", "gpu-memory", "power")
_WHOLE: Final = {"watts": "In all", "cpu_percent": "Processors", "memory_bytes": "Memory"}


def panels_of(user: Sequence[str], system: Sequence[str]) -> list[MetricPanel]:
    """The charts that these series make; those that are shown first come first."""
    own = _own_panels(user)
    measured = _measured_panels(system)
    has_gpus = any(each.id == "gpu-use" for each in measured)
    wanted = _WITH_GPUS if has_gpus else _WITHOUT_GPUS
    first = [*own[:1], *(each for name in wanted for each in measured if each.id == name)]
    rest = [each for each in (*own, *measured) if each not in first]
    # Without metrics of its own there is room for one more of what was measured.
    shown = [*first, *rest][:_FIRST]
    return [
        each.model_copy(update={"is_default": each in shown})
        for each in (*shown, *(one for one in (*own, *measured) if one not in shown))
    ]


def label_of(name: str) -> str:
    """What the legend calls a series."""
    device, dot, what = name.partition(".")
    if dot and device.startswith("gpu") and device[3:].isdecimal() and what:
        return f"GPU {device[3:]}"
    return _WHOLE.get(name, name)


def _own_panels(names: Sequence[str]) -> list[MetricPanel]:
    left = list(names)
    found: list[MetricPanel] = []
    for panel_id, title, words in _OWN:
        mine = [name for name in left if _has_word(name, words)]
        left = [name for name in left if name not in mine]
        if mine:
            found.append(MetricPanel(id=panel_id, title=title, kind="user", names=mine, is_default=False))
    found += [
        MetricPanel(id=f"user:{name}", title=name, kind="user", names=[name], is_default=False)
        for name in left
    ]
    return found


def _has_word(name: str, words: Sequence[str]) -> bool:
    """`train/loss` and `val_loss` have the word `loss`; `glossary` has not."""
    small = name.lower()
    parts = small.replace("/", "_").replace(".", "_").replace("-", "_").split("_")
    return any(word in parts or small == word or (len(word) > 4 and word in small) for word in words)


def _measured_panels(names: Sequence[str]) -> list[MetricPanel]:
    found: list[MetricPanel] = []
    for panel_id, title, of_device, whole, unit in _MEASURED:
        mine = [name for name in names if name in whole]
        if of_device is not None:
            devices = [
                name for name in names if name.startswith("gpu") and name.partition(".")[2] == of_device
            ]
            mine += sorted(devices, key=lambda name: int(name.partition(".")[0][3:]))
        if mine:
            # Processor time is counted per processor: 400 % is four of them.
            most = 100.0 if panel_id == "gpu-use" else None
            found.append(
                MetricPanel(
                    id=panel_id,
                    title=title,
                    kind="system",
                    unit=unit,
                    names=mine,
                    is_default=False,
                    most=most,
                )
            )
    return found
