"""Folds what an agent says into what is known of an attempt. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

from tradewind.control.occupancy import add_sample

_PROGRESS: Final = ("fraction", "step", "total_steps", "epoch", "total_epochs")
_METRIC_LIMIT: Final = 64
_LATEST_S: Final = 4e9
#: Below these an attempt is idle: one that waits in a sleep or a read, or polls a little.
_BUSY_CPU_PERCENT: Final = 20.0
_BUSY_GPU_PERCENT: Final = 5.0


@dataclass(slots=True)
class Folded:
    """What is known now, and what the records asked for."""

    observed: dict[str, Any]
    #: The newest record per checkpoint path.
    checkpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: (type, message, data, seconds since the epoch) of things worth an event.
    notices: list[tuple[str, str, dict[str, Any], float]] = field(default_factory=list)
    is_running: bool = False
    running_since_s: float | None = None
    energy_j: float | None = None


def fold(observed: dict[str, Any], records: list[dict[str, Any]]) -> Folded:
    """Applies records in order. Anything malformed or unknown is passed over: agents may be newer than we are."""
    folded = Folded(observed=dict(observed))
    for record in records:
        at = time_s(record.get("t"))
        handler = _HANDLERS.get(str(record.get("type")))
        if handler is not None:
            handler(folded, record, at)
    return folded


def _phase(folded: Folded, record: dict[str, Any], at: float) -> None:
    phase = record.get("phase")
    folded.observed["phase"] = phase
    if phase == "running":
        folded.is_running = True
        folded.running_since_s = at
        folded.observed["running_since"] = at
    elif phase == "setup":
        folded.notices.append(("attempt.setup", "setting up the environment", {}, at))


def _environment(folded: Folded, record: dict[str, Any], at: float) -> None:
    cached = bool(record.get("cached"))
    message = "environment reused from an earlier run" if cached else "environment made"
    if record.get("reason"):
        message += f": {record['reason']}"
    folded.notices.append(("attempt.environment", message, {"key": record.get("key"), "cached": cached}, at))


def _sample(folded: Folded, record: dict[str, Any], at: float) -> None:
    keys = ("cpu_percent", "memory_bytes", "processes", "watts", "basis", "gpus", "disk_free_bytes")
    folded.observed["sample"] = {key: record[key] for key in keys if key in record} | {"at": at}
    folded.observed["sample"]["gpus"] = _mappings(record.get("gpus"))
    folded.observed["basis"] = record.get("basis", "modelled")
    quiet = number(record.get("quiet_s"))
    if quiet is not None:
        folded.observed["output_at"] = at - max(quiet, 0.0)
    gpus = folded.observed["sample"]["gpus"]
    cpu_percent = number(record.get("cpu_percent")) or 0.0
    util_percents = [found for each in gpus if (found := number(each.get("util_percent"))) is not None]
    folded.observed["occupancy"] = add_sample(
        folded.observed.get("occupancy") or [], at, cpu_percent, util_percents
    )
    if cpu_percent >= _BUSY_CPU_PERCENT or any(each >= _BUSY_GPU_PERCENT for each in util_percents):
        folded.observed["busy_at"] = at
    for each in gpus:
        errors = number(each.get("ecc_uncorrected"))
        if errors is not None:
            # The driver counts from when it was loaded: what was there before is not this attempt's.
            first = dict(folded.observed.get("ecc_from") or {})
            first.setdefault(str(each.get("uuid")), errors)
            folded.observed["ecc_from"] = first
    energy = number(record.get("energy_j"))
    if energy is not None:
        folded.energy_j = energy


def _progress(folded: Folded, record: dict[str, Any], at: float) -> None:
    progress = dict(folded.observed.get("progress") or {})
    for key in _PROGRESS:
        value = number(record.get(key))
        if value is not None:
            progress[key] = value
    _moved(folded, progress, at)
    folded.observed["progress"] = progress | {"at": at}
    _pace(folded, progress, at)


def _moved(folded: Folded, progress: dict[str, Any], at: float) -> None:
    """Remembers when step, epoch or fraction last were others."""
    before = folded.observed.get("progress") or {}
    if at > 0 and any(progress.get(key) != before.get(key) for key in ("fraction", "step", "epoch")):
        folded.observed["moved_at"] = at


def _metrics(folded: Folded, record: dict[str, Any], at: float) -> None:
    values = record.get("values")
    if not isinstance(values, dict):
        return
    metrics = dict(folded.observed.get("metrics") or {})
    for name, value in values.items():
        found = number(value)
        if found is not None and (name in metrics or len(metrics) < _METRIC_LIMIT):
            metrics[str(name)] = found
    folded.observed["metrics"] = metrics
    step = number(record.get("step"))
    bad = record.get("non_finite")
    for name, value in bad.items() if isinstance(bad, dict) else ():
        _not_finite(folded, str(name), str(value), step, at)
    _is_finite_again(folded, values, at)
    progress = dict(folded.observed.get("progress") or {}) | {"at": at}
    if step is not None:
        progress["step"] = step
    _moved(folded, progress, at)
    folded.observed["progress"] = progress
    _pace(folded, progress, at)


def _pace(folded: Folded, progress: dict[str, Any], at: float) -> None:
    """Remembers when the share that is done was first told, and when it last grew."""
    fraction = fraction_of(progress)
    if fraction is None or at <= 0:
        return
    observed = folded.observed
    first = observed.setdefault("progress_from", {"fraction": fraction, "at": at})
    last = observed.get("progress_to") or first
    if fraction > last["fraction"]:
        observed["progress_to"] = last | {"fraction": fraction, "at": at}
    elif fraction < last["fraction"]:
        # A bar that starts over tells of a part (an epoch), and says nothing of how long the whole takes.
        observed["progress_to"] = last | {"starts_over": True}


def _checkpoint(folded: Folded, record: dict[str, Any], at: float) -> None:
    path, written = record.get("path"), number(record.get("mtime_ns"))
    # The file that records come from lies within the job's reach: a path in it must not lead out of the workdir.
    if (
        not isinstance(path, str)
        or not path
        or PurePosixPath(path).is_absolute()
        or ".." in PurePosixPath(path).parts
    ):
        return
    written_s = time_s(written / 1e9 if written is not None else None) or at
    folded.observed["checkpoint_at"] = at
    folded.checkpoints[path] = {"t": at, "written_at": written_s, "step": number(record.get("step"))}


def _log_dropped(folded: Folded, record: dict[str, Any], at: float) -> None:
    stream, start, end = str(record.get("stream")), _offset(record.get("start")), _offset(record.get("end"))
    dropped = dict(folded.observed.get("dropped") or {})
    first = not dropped.get(stream)
    # Ranges are cumulative: a newer one that covers older ones replaces them.
    ranges = [each for each in dropped.get(stream, []) if not (start <= each[0] and each[1] <= end)]
    dropped[stream] = sorted([*ranges, [start, end]])
    folded.observed["dropped"] = dropped
    if first:
        message = f"the log cap was reached: bytes of {stream} from {start} on are being dropped"
        folded.notices.append(("attempt.log_dropped", message, {"stream": stream}, at))


def _not_finite(folded: Folded, name: str, value: str, step: float | None, at: float) -> None:
    """Remembers since when, and from which step on, a metric is NaN or infinite."""
    known = dict(folded.observed.get("non_finite") or {})
    before = known.get(name)
    if (before is not None and not before.get("is_over")) or (before is None and len(known) >= _METRIC_LIMIT):
        return
    known[name] = {"value": value[:20], "step": step, "since": at}
    folded.observed["non_finite"] = known


def _is_finite_again(folded: Folded, values: dict[str, Any], at: float) -> None:
    known = folded.observed.get("non_finite") or {}
    over = {name for name, each in known.items() if not each.get("is_over") and at > each["since"]}
    over = {name for name in over if number(values.get(name)) is not None}
    if over:
        folded.observed["non_finite"] = {
            name: {**each, "is_over": True} if name in over else each for name, each in known.items()
        }


def _gpu_error(folded: Folded, record: dict[str, Any], at: float) -> None:
    xid, uuid = number(record.get("xid")), record.get("uuid")
    known = dict(folded.observed.get("gpu_errors") or {})
    if xid is None or not 0 < xid < 10_000 or not isinstance(uuid, str) or len(known) >= _METRIC_LIMIT:
        return
    known.setdefault(f"{uuid}/{int(xid)}", {"uuid": uuid, "xid": int(xid), "at": at})
    folded.observed["gpu_errors"] = known


def _notice(folded: Folded, record: dict[str, Any], at: float) -> None:
    data = {"code": record.get("code")}
    code = record.get("code")
    if code == "non_finite_metric":
        # Agents that do not name the metric by itself name it in what tells such notices apart.
        name = record.get("metric") or str(record.get("about") or "").removeprefix("non_finite_metric ")
        step = number(record.get("step"))
        if step is None:
            step = number((folded.observed.get("progress") or {}).get("step"))
        if name:
            _not_finite(folded, str(name), str(record.get("value") or "not a number"), step, at)
    elif code == "gpu_out_of_memory":
        text = str(record.get("line") or record.get("message") or "")[:200]
        folded.observed.setdefault("gpu_out_of_memory", {"text": text, "at": at})
    folded.notices.append(("attempt.notice", str(record.get("message") or record.get("code")), data, at))


def _reclaim_notice(folded: Folded, record: dict[str, Any], at: float) -> None:
    grace = number(record.get("grace_s")) or 0.0
    message = f"the machine was told that it is taken back: {grace:.0f} s are left to write a checkpoint"
    folded.observed["reclaim_told_at"] = at
    folded.notices.append(
        ("attempt.reclaim_notice", message, {"service": str(record.get("service"))[:32]}, at)
    )


def fraction_of(progress: dict[str, Any]) -> float | None:
    """How much of the whole is done, from whichever of fraction, steps and epochs the job reports."""
    fraction = number(progress.get("fraction"))
    if fraction is None:
        fraction = _ratio(progress.get("step"), progress.get("total_steps"))
    if fraction is None:
        fraction = _ratio(progress.get("epoch"), progress.get("total_epochs"))
    return fraction


def _mappings(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _ratio(done: float | None, total: float | None) -> float | None:
    return min(done / total, 1.0) if done is not None and total else None


def number(value: object) -> float | None:
    """A finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _offset(value: object) -> int:
    found = number(value)
    return 0 if found is None or found < 0 else int(found)


def time_s(value: object) -> float:
    """Seconds since 1970, or 0 for what cannot be a time of this century."""
    found = number(value)
    return found if found is not None and 0 < found < _LATEST_S else 0.0


_HANDLERS: Final = {
    "phase": _phase,
    "environment": _environment,
    "sample": _sample,
    "progress": _progress,
    "metrics": _metrics,
    "checkpoint": _checkpoint,
    "log_dropped": _log_dropped,
    "gpu_error": _gpu_error,
    "notice": _notice,
    "reclaim_notice": _reclaim_notice,
}
