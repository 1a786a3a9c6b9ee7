"""How a running attempt is, from what its agent said. Pure.

Silence is measured on the agent's own clock, from one of its records to another: a server that was away for an hour,
or a machine whose clock is wrong, makes no job look stalled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from tradewind.control.records import fraction_of, number
from tradewind.control.xids import Fault, meaning_of
from tradewind.domain.status import Reason
from tradewind.domain.units import format_bytes, format_duration
from tradewind.spec.parts import Health, OnUnhealthy

#: Silence that is worth a word when the job file says nothing.
NOTICED_SILENCE: Final = timedelta(minutes=30)
#: Busy processors or GPUs may be work that says nothing for long, and may be a collective that waits for ever: such a
#: job has this many times as long.
BUSY_FACTOR: Final = 2
_LITTLE_DISK_BYTES: Final = 1 << 30
_LOSS_WORDS: Final = frozenset(
    {"nll", "mse", "mae", "rmse", "bce", "ce", "elbo", "objective", "crossentropy"}
)


class Kind(StrEnum):
    """What can be wrong."""

    STALLED = "stalled"
    NO_PROGRESS = "no_progress"
    NAN_LOSS = "nan_loss"
    NON_FINITE_METRIC = "non_finite_metric"
    GPU_BROKEN = "gpu_broken"
    GPU_SUSPECT = "gpu_suspect"
    GPU_APPLICATION_ERROR = "gpu_application_error"
    GPU_OUT_OF_MEMORY = "gpu_out_of_memory"
    GPU_HOT = "gpu_hot"
    DISK_NEARLY_FULL = "disk_nearly_full"
    NODE_UNREACHABLE = "node_unreachable"


class Severity(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong now. `since` is in seconds since 1970 by the clock of the machine."""

    kind: Kind
    severity: Severity
    sentence: str
    since: float
    #: Tells apart findings of the same kind: a metric, a GPU.
    about: str = ""
    action: OnUnhealthy = OnUnhealthy.NOTIFY
    #: Why the attempt is stopped, where that is what is done.
    reason: Reason | None = None

    @property
    def key(self) -> str:
        """The same for the same trouble at every look."""
        return f"{self.kind}:{self.about}" if self.about else str(self.kind)


def examine(observed: dict[str, Any], health: Health | None) -> list[Finding]:
    """Everything that is wrong with an attempt, the worst first."""
    policy = health or Health()
    if observed.get("phase") != "running":
        return []
    found = [
        *_stall(observed, policy),
        *_no_progress(observed, policy),
        *_non_finite(observed, policy),
        *_gpu_events(observed, policy),
        *_gpu_readings(observed, policy),
        *_out_of_memory(observed),
        *_disk(observed),
    ]
    return sorted(
        found, key=lambda each: (each.severity is Severity.WARNING, each.reason is None, each.since)
    )


def is_loss(name: str) -> bool:
    """True for a metric that training makes smaller: a loss, not a scale of one, nor a norm of gradients."""
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    if any(word in ("scale", "scaler", "norm", "weight") for word in words):
        return False
    return any(word.endswith("loss") or word in _LOSS_WORDS for word in words) or "cross_entropy" in name


def _seen_at(observed: dict[str, Any]) -> float:
    return number((observed.get("sample") or {}).get("at")) or 0.0


def _stall(observed: dict[str, Any], policy: Health) -> Iterator[Finding]:
    output_at = number(observed.get("output_at"))
    if output_at is None:
        # An older agent does not say whether there is output.
        return
    signs = ("running_since", "checkpoint_at")
    progress_at = number((observed.get("progress") or {}).get("at"))
    alive_at = max(output_at, progress_at or 0.0, *(number(observed.get(sign)) or 0.0 for sign in signs))
    now = _seen_at(observed)
    silent = timedelta(seconds=max(now - alive_at, 0.0))
    limit = policy.stall_after or NOTICED_SILENCE
    idle = timedelta(seconds=max(now - (number(observed.get("busy_at")) or 0.0), 0.0))
    if silent < limit or (idle < limit and silent < limit * BUSY_FACTOR):
        return
    how = "and it is idle" if idle >= limit else "though it is busy"
    sentence = f"no output, progress or metric for {format_duration(silent)}, {how}"
    if policy.stall_after is None or policy.on_stall is OnUnhealthy.NOTIFY:
        yield Finding(Kind.STALLED, Severity.WARNING, sentence, alive_at)
    else:
        yield Finding(
            Kind.STALLED, Severity.UNHEALTHY, sentence, alive_at, "", policy.on_stall, Reason.STALLED
        )


def _no_progress(observed: dict[str, Any], policy: Health) -> Iterator[Finding]:
    moved_at = number(observed.get("moved_at"))
    if policy.no_progress_after is None or moved_at is None:
        return
    progress = observed.get("progress") or {}
    if (fraction_of(progress) or 0.0) >= 1.0:
        # All of it is done: what follows is an evaluation, or the writing of the result.
        return
    stands = timedelta(seconds=max(_seen_at(observed) - moved_at, 0.0))
    if stands < policy.no_progress_after:
        return
    step = number(progress.get("step"))
    where = "" if step is None else f" at step {step:g}"
    sentence = f"no progress for {format_duration(stands)}: it stands still{where}"
    is_told = policy.on_stall is OnUnhealthy.NOTIFY
    yield Finding(
        Kind.NO_PROGRESS,
        Severity.WARNING if is_told else Severity.UNHEALTHY,
        sentence,
        moved_at,
        "",
        policy.on_stall,
        None if is_told else Reason.NO_PROGRESS,
    )


def _non_finite(observed: dict[str, Any], policy: Health) -> Iterator[Finding]:
    for name, each in (observed.get("non_finite") or {}).items():
        if each.get("is_over"):
            continue
        step = number(each.get("step"))
        where = "" if step is None else f" at step {step:g}"
        sentence, since = f"{name} was {each.get('value', 'not a number')}{where}", float(each["since"])
        if not is_loss(name):
            yield Finding(Kind.NON_FINITE_METRIC, Severity.WARNING, sentence, since, name)
        elif policy.nan_action is OnUnhealthy.NOTIFY:
            yield Finding(Kind.NAN_LOSS, Severity.WARNING, sentence, since, name)
        else:
            yield Finding(
                Kind.NAN_LOSS, Severity.UNHEALTHY, sentence, since, name, policy.nan_action, Reason.NAN_LOSS
            )


def _gpu_events(observed: dict[str, Any], policy: Health) -> Iterator[Finding]:
    for each in (observed.get("gpu_errors") or {}).values():
        xid, uuid = int(each["xid"]), str(each["uuid"])
        fault, meaning = meaning_of(xid)
        sentence = f"GPU {uuid}: {meaning} (Xid {xid})"
        yield _gpu_finding(fault, sentence, f"{uuid}/{xid}", float(each["at"]), policy)


def _gpu_readings(observed: dict[str, Any], policy: Health) -> Iterator[Finding]:
    sample = observed.get("sample") or {}
    errors_from = observed.get("ecc_from") or {}
    for each in sample.get("gpus") or []:
        if not isinstance(each, dict):
            continue
        uuid, now = str(each.get("uuid")), _seen_at(observed)
        if each.get("is_lost"):
            text = f"GPU {uuid}: the driver says that it is lost"
            yield _gpu_finding(Fault.DEVICE_BROKEN, text, f"{uuid}/lost", now, policy)
        if each.get("remap_failed"):
            text = f"GPU {uuid}: a bad row of its memory could not be replaced"
            yield _gpu_finding(Fault.DEVICE_BROKEN, text, f"{uuid}/remap", now, policy)
        errors = (number(each.get("ecc_uncorrected")) or 0.0) - (number(errors_from.get(uuid)) or 0.0)
        if errors > 0:
            text = f"GPU {uuid}: {errors:g} errors in its memory that could not be corrected since the attempt began"
            yield _gpu_finding(Fault.DEVICE_SUSPECT, text, f"{uuid}/ecc", now, policy)
        if each.get("is_hot"):
            degrees = number(each.get("temperature_c"))
            text = f"GPU {uuid} is slowed because it is too hot" + (f" ({degrees:g} °C)" if degrees else "")
            yield Finding(Kind.GPU_HOT, Severity.WARNING, text, now, uuid)


def _gpu_finding(fault: Fault, sentence: str, about: str, since: float, policy: Health) -> Finding:
    if fault is Fault.APPLICATION:
        return Finding(Kind.GPU_APPLICATION_ERROR, Severity.WARNING, sentence, since, about)
    if fault is Fault.DEVICE_SUSPECT:
        return Finding(Kind.GPU_SUSPECT, Severity.WARNING, sentence, since, about)
    action = policy.on_gpu_error
    reason = None if action is OnUnhealthy.NOTIFY else Reason.GPU_ERROR
    return Finding(Kind.GPU_BROKEN, Severity.UNHEALTHY, sentence, since, about, action, reason)


def _out_of_memory(observed: dict[str, Any]) -> Iterator[Finding]:
    said = observed.get("gpu_out_of_memory")
    if isinstance(said, dict):
        yield Finding(
            Kind.GPU_OUT_OF_MEMORY,
            Severity.WARNING,
            f"a GPU ran out of memory: {said['text']}",
            float(said["at"]),
        )


def _disk(observed: dict[str, Any]) -> Iterator[Finding]:
    free = number((observed.get("sample") or {}).get("disk_free_bytes"))
    if free is not None and free < _LITTLE_DISK_BYTES:
        text = f"the disk is nearly full: {format_bytes(int(free))} are free"
        yield Finding(Kind.DISK_NEARLY_FULL, Severity.WARNING, text, _seen_at(observed))
