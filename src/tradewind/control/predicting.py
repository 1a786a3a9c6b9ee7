"""What was foretold of a job beside what came: kept for every job, so that the next estimate can learn from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select

from tradewind.control.records import fraction_of
from tradewind.db import price_tables, tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.rows import AttemptRow, JobRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.money import JOULES_PER_KWH
from tradewind.domain.status import JobStatus
from tradewind.domain.units import BYTES_PER_GIB
from tradewind.estimate.band import Band
from tradewind.hardware.names import identify
from tradewind.ledger.reports import Spend, spend_of_jobs
from tradewind.spec.models import JobSpec

if TYPE_CHECKING:
    from tradewind.estimate.hours import Run

#: Of a run that did not finish, this much must have been seen before its pace says anything.
_LEAST_FRACTION: Final = 0.0001
_LEAST_SECONDS: Final = 10.0
#: Older runs than these say little about code that changes.
_RUNS: Final = 20
#: Parts of a job file's `estimate` that do not change the work.
_BELIEVED: Final = {"hours", "on", "dataset_gb", "dataset_in"}

_TABLE: Final = price_tables.predictions
_PAST_RUNS: Final = (
    select(
        _TABLE.c.outcome,
        _TABLE.c.actual_hours,
        _TABLE.c.implied_hours,
        _TABLE.c.accelerator,
        _TABLE.c.accelerator_count,
        _TABLE.c.provider,
        _TABLE.c.actual_energy_kwh,
    )
    .where(
        _TABLE.c.project_id == bindparam("b_project"),
        _TABLE.c.fingerprint == bindparam("b_fingerprint"),
        _TABLE.c.closed_at.is_not(None),
    )
    .order_by(_TABLE.c.closed_at.desc())
    .limit(_RUNS)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One earlier run of the same work. `hours` is what it took, or what its pace implied for the whole.

    `watts` is what it drew on average over the time that it ran.
    """

    hours: float
    accelerator: str
    accelerator_count: float
    provider: str
    is_complete: bool
    watts: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """What was said before a job ran; absent where nothing could be said."""

    hours: Band | None = None
    cost_micro: Band | None = None
    energy_kwh: Band | None = None


def fingerprint_of(spec: JobSpec) -> str:
    """What makes two runs the same work: name, command, environment, nodes and what is said of the workload.

    Limits, tags and retries leave it as it is, and so do hours that somebody believes and where the data lie: a probe
    and a run whose guess was put right are the same work.
    """
    said = [
        spec.name,
        spec.run,
        dict(spec.env),
        str(spec.launcher),
        spec.resources.model_dump(mode="json", include={"nodes"})["nodes"],
        None if spec.estimate is None else spec.estimate.model_dump(mode="json", exclude=_BELIEVED),
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def past_runs(tx: Transaction, project_id: str, fingerprint: str) -> list[PastRun]:
    """Earlier runs of the same work in this project, the newest first."""
    known = tx.notes.setdefault("past_runs", {})
    key = f"{project_id} {fingerprint}"
    if key not in known:
        known[key] = _read_past_runs(tx, project_id, fingerprint)
    found: list[PastRun] = known[key]
    return found


def _read_past_runs(tx: Transaction, project_id: str, fingerprint: str) -> list[PastRun]:
    found = []
    rows = tx.fetch(_PAST_RUNS, {"b_project": project_id, "b_fingerprint": fingerprint})
    for outcome, actual_hours, implied_hours, accelerator, count, provider, energy_kwh in rows:
        is_complete = outcome == JobStatus.SUCCEEDED
        hours = actual_hours if is_complete else implied_hours
        if hours:
            found.append(
                PastRun(
                    hours=hours,
                    accelerator=accelerator,
                    accelerator_count=count,
                    provider=provider,
                    is_complete=is_complete,
                    watts=_watts(energy_kwh, actual_hours),
                )
            )
    return found


def split_runs(runs: Sequence[PastRun]) -> tuple[list[Run], list[Run]]:
    """Runs as the estimator takes them: those that finished, and those whose pace has to stand for the whole."""
    from tradewind.estimate.hours import Run

    finished: list[Run] = []
    stopped: list[Run] = []
    for each in runs:
        key = identify(each.accelerator).key if each.accelerator else ""
        run = Run(hours=each.hours, accelerator_key=key, count=each.accelerator_count or 1.0)
        (finished if each.is_complete else stopped).append(run)
    return finished, stopped


def keep_prediction(
    tx: Transaction,
    job: JobRow,
    spec: JobSpec,
    attempt_id: str,
    offer: dict[str, Any],
    foretold: Foretold,
    *,
    is_first: bool = False,
) -> None:
    """Writes down what is foretold as a job is first placed; a later placement does not change it.

    `is_first` is for callers who know that there is none yet: nobody need be asked.
    """
    if not is_first:
        known = tx.execute(select(_TABLE.c.id).where(_TABLE.c.job_id == job.id).limit(1)).first()
        if known is not None:
            return
    held = _keys(offer)
    tx.insert(
        _TABLE,
        {
            "id": tx.new_id(ids.PREDICTION),
            "project_id": job.project_id,
            "creator_id": job.creator_id,
            "job_id": job.id,
            "attempt_id": attempt_id,
            "fingerprint": fingerprint_of(spec),
            "provider": str(offer.get("provider", "")),
            "accelerator": held[0][:64] if held else "",
            "accelerator_count": float(len(held)),
            "layer": "" if foretold.hours is None else foretold.hours.layer.value,
            "hours": _ends(foretold.hours),
            "cost_micro": _ends(foretold.cost_micro),
            "energy_kwh": _ends(foretold.energy_kwh),
            "created_at": tx.now,
        },
    )


def close_prediction(tx: Transaction, job: JobRow, outcome: JobStatus) -> None:
    """Sets what came beside what was foretold, once the job has ended."""
    close_predictions(tx, [(job, outcome)])


def close_predictions(
    tx: Transaction,
    ended: Sequence[tuple[JobRow, JobStatus]],
    known: Mapping[str, list[AttemptRow]] | None = None,
) -> None:
    """The same for several jobs, each with how it ended; `known` are all attempts of a job where they are in hand."""
    outcomes = {job.id: outcome for job, outcome in ended}
    if not outcomes:
        return
    opened = tx.execute(
        select(_TABLE.c.id, _TABLE.c.job_id).where(
            _TABLE.c.job_id.in_(outcomes), _TABLE.c.closed_at.is_(None)
        )
    ).all()
    if not opened:
        return
    tx.notes.pop("past_runs", None)
    attempts: dict[str, list[AttemptRow]] = {row.job_id: (known or {}).get(row.job_id, []) for row in opened}
    table, unknown = tables.attempts, [job_id for job_id, found in attempts.items() if not found]
    if unknown:
        for each in tx.execute(
            AttemptRow.select().where(table.c.job_id.in_(unknown)).order_by(table.c.job_id, table.c.number)
        ):
            attempts[each.job_id].append(AttemptRow.of(each))
    spends = spend_of_jobs(tx, attempts)
    for row in opened:
        values = _closing(attempts[row.job_id], spends.get(row.job_id), outcomes[row.job_id])
        tx.pending.put(_TABLE, row.id, {**values, "closed_at": tx.now})


def _closing(attempts: list[AttemptRow], spend: Spend | None, outcome: JobStatus) -> dict[str, Any]:
    fraction, implied = _implied(attempts[-1]) if attempts else (None, None)
    # Time on two kinds of machine is no measure of either.
    is_moved = len({_machine(each) for each in attempts}) > 1
    return {
        "actual_hours": sum(_hours(each.started_at, each.ended_at) for each in attempts),
        "actual_cost_micro": None if spend is None else spend.amount_micro,
        "actual_energy_kwh": None if spend is None else spend.energy_j / JOULES_PER_KWH,
        "fraction": fraction,
        "implied_hours": None if is_moved else implied,
        "outcome": "moved" if is_moved and outcome is JobStatus.SUCCEEDED else outcome,
    }


def _implied(attempt: AttemptRow) -> tuple[float | None, float | None]:
    """How far it came, and the hours that its pace between the first and the last progress implies for all of it."""
    observed = attempt.observed
    fraction = fraction_of(observed.get("progress") or {})
    first, last = observed.get("progress_from"), observed.get("progress_to")
    if fraction is None or first is None or last is None or attempt.started_at is None:
        return fraction, None
    done, seconds = float(last["fraction"]) - float(first["fraction"]), float(last["at"]) - float(first["at"])
    if done < _LEAST_FRACTION or seconds < _LEAST_SECONDS or last.get("starts_over"):
        return fraction, None
    before = max(float(first["at"]) - attempt.started_at.timestamp(), 0.0)
    # What came before the first report counts as it was; a resumed attempt did not do the share it began with.
    left = 1.0 if attempt.resumed_from else 1.0 - float(first["fraction"])
    return fraction, (before + seconds / done * left) / 3600


def _watts(energy_kwh: float | None, hours: float | None) -> float | None:
    return energy_kwh * 1000 / hours if energy_kwh and hours else None


def _hours(start: datetime | None, end: datetime | None) -> float:
    return 0.0 if start is None or end is None else max((end - start).total_seconds(), 0.0) / 3600


def _machine(attempt: AttemptRow) -> tuple[str, ...]:
    """What decides its pace: the accelerators it held, or else the machine that it was on."""
    return tuple(sorted(_keys(attempt.offer))) or ("", attempt.node_id)


def _keys(offer: dict[str, Any]) -> list[str]:
    """The accelerators of an offer under the names that estimates know them by."""
    held = offer.get("accelerators", [])
    if not held and offer.get("accelerator"):
        return [str(offer["accelerator"])] * max(int(offer.get("accelerator_count", 1)), 1)
    return [
        identify(str(each["name"]), float(each.get("memory_bytes", 0)) / BYTES_PER_GIB or None).key
        for each in held
    ]


def _ends(band: Band | None) -> dict[str, Any] | None:
    return None if band is None else {"p10": band.p10, "p50": band.p50, "p90": band.p90, "basis": band.basis}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One closed prediction of hours."""

    job_id: str
    layer: str
    p10: float
    p50: float
    p90: float
    actual_hours: float

    @property
    def error(self) -> float:
        """Absolute error as a fraction of what it took."""
        return abs(self.p50 - self.actual_hours) / self.actual_hours


def recent_outcomes(tx: Transaction, caller: Caller, limit: int = _RUNS) -> list[Outcome]:
    """The caller's newest finished jobs whose hours had been foretold, the newest first."""
    rows = tx.execute(
        select(_TABLE)
        .where(visible_to(caller, _TABLE), _TABLE.c.outcome == JobStatus.SUCCEEDED)
        .where(_TABLE.c.layer != "", _TABLE.c.actual_hours > 0)
        .order_by(_TABLE.c.closed_at.desc())
        .limit(limit)
    )
    return [
        Outcome(
            job_id=row.job_id,
            layer=row.layer,
            p10=row.hours["p10"],
            p50=row.hours["p50"],
            p90=row.hours["p90"],
            actual_hours=row.actual_hours,
        )
        for row in rows
    ]
