"""tqdm's progress bars, and those of PyTorch Lightning, which are tqdm's with the epoch in front."""

from __future__ import annotations

import re

from .reading import Reading, fraction_of_epochs, pairs

_BAR = re.compile(
    r"^(?P<title>.{0,200}?)(?P<percent>\d{1,3})%\|[^|]{0,400}\|\s{0,8}(?P<done>\d{1,15})/(?P<total>\d{1,15})\s"
)
_COUNT = re.compile(r"^(?P<title>.{0,200}?)\b(?P<done>\d{1,15})it \[\d")
_EPOCH = re.compile(r"[Ee]poch:?\s{0,3}\[?(\d{1,9})(?:\s{0,2}/\s{0,2}(\d{1,9}))?")
# Bars of what happens around training. Taking them for training would make its progress jump back and forth.
_ELSEWHERE = re.compile(
    r"(?i)download|upload|fetch|map\b|mapping|filter|token|loading|sanity|valid|eval|test|predict|saving|generating|cach|scan"
)
_AFTER_BAR = re.compile(r"\[[^\[\]]{0,60}?(?:/s|s/[a-z]{1,20})\s{0,3},?\s{0,3}(.{0,1000})\]?")
_NOT_METRICS = frozenset(("v_num",))


def read_bar(text: str) -> Reading | None:
    """`45%|####    | 45/100 [00:10<00:12, 4.5it/s, loss=0.12]`: steps, and what was set as its postfix."""
    if "%|" not in text:
        return _read_count(text) if "it [" in text else None
    match = _BAR.match(text)
    # A bar that counts something else, bytes for instance, is no line for the other parsers either.
    if match is None or _ELSEWHERE.search(match.group("title")):
        return Reading()
    title = match.group("title")
    done, total = int(match.group("done")), int(match.group("total"))
    progress: dict[str, float] = {"step": done, "total_steps": total}
    step = done
    epoch = _EPOCH.search(title)
    if epoch is not None:
        progress.update(_epoch_progress(epoch, done, total))
        # Lightning, which counts epochs from 0, does not print how many there are; those who do count from 1.
        step += total * (int(epoch.group(1)) - (1 if epoch.group(2) else 0))
    elif total > 0:
        progress["fraction"] = min(1.0, done / total)
    return Reading(progress, _postfix(text[match.end() :]), step)


def _read_count(text: str) -> Reading | None:
    match = _COUNT.match(text)
    if match is None or _ELSEWHERE.search(match.group("title")):
        return None
    done = int(match.group("done"))
    return Reading({"step": done}, _postfix(text[match.start("done") :]), done)


def _epoch_progress(epoch: re.Match[str], done: int, total: int) -> dict[str, float]:
    progress: dict[str, float] = {"epoch": int(epoch.group(1))}
    if epoch.group(2) is not None:
        progress["total_epochs"] = int(epoch.group(2))
        fraction = fraction_of_epochs(
            progress["epoch"], progress["total_epochs"], done / total if total else 0.0
        )
        if fraction is not None:
            progress["fraction"] = fraction
    return progress


def _postfix(text: str) -> dict[str, float]:
    match = _AFTER_BAR.search(text)
    if match is None:
        return {}
    return {name: value for name, value in pairs(match.group(1)).items() if name not in _NOT_METRICS}
