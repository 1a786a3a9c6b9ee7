"""How much longer a running attempt takes: by its own pace where it tells its progress, else by what was estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tradewind.control.predicting import PastRun, split_runs
from tradewind.control.records import fraction_of
from tradewind.db.rows import AttemptRow
from tradewind.placement.estimates import JobEstimates
from tradewind.spec.models import JobSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """Hours that it still takes where it is, and what of its work no checkpoint has yet."""

    hours_left: float
    hours_at_stake: float
    basis: str


def remaining_of(
    attempt: AttemptRow,
    spec: JobSpec,
    history: Sequence[PastRun],
    checkpoint_at: datetime | None,
    now: datetime,
) -> Remaining | None:
    """None where nobody can say. `checkpoint_at` is when the newest kept checkpoint was written."""
    if attempt.started_at is None:
        return None
    ran_h = max((now - attempt.started_at).total_seconds(), 0.0) / 3600
    since = max(checkpoint_at or attempt.started_at, attempt.started_at)
    at_stake = min(max((now - since).total_seconds(), 0.0) / 3600, ran_h)
    by_pace = hours_by_pace(attempt, now)
    if by_pace is not None:
        return Remaining(hours_left=by_pace, hours_at_stake=at_stake, basis="its own pace")
    estimates = JobEstimates(spec, *split_runs(history))
    kind, count = attempt.offer.get("accelerator"), float(attempt.offer.get("accelerator_count") or 1.0)
    band = estimates.hours(kind, count or 1.0)
    if band is None or attempt.resumed_from is not None:
        # A resumed attempt has only a part of the work to do, and nobody says which.
        return None
    return Remaining(hours_left=max(band.p50 - ran_h, 0.0), hours_at_stake=at_stake, basis=band.basis)


def hours_by_pace(attempt: AttemptRow, now: datetime) -> float | None:
    """Hours that it still takes at the pace of its own progress since it began; None where that says nothing."""
    observed = attempt.observed
    first, last = observed.get("progress_from"), observed.get("progress_to")
    fraction = fraction_of(observed.get("progress") or {})
    if fraction is None or first is None or last is None or last.get("starts_over"):
        return None
    done, seconds = float(last["fraction"]) - float(first["fraction"]), float(last["at"]) - float(first["at"])
    if done <= 0.01 or seconds < 5.0:
        return None
    at_last = seconds / done * (1.0 - float(last["fraction"])) / 3600
    return max(at_last - max(now.timestamp() - float(last["at"]), 0.0) / 3600, 0.0)
