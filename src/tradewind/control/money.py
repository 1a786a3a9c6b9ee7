"""The money side of an attempt: held before it starts, kept covered while it runs, settled when it is gone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from tradewind.control.rent_money import unsettled_micro
from tradewind.db.events import append_event
from tradewind.db.moves import change
from tradewind.db.rows import AttemptRow, JobRow
from tradewind.db.store import Transaction
from tradewind.domain.money import Rate, format_money
from tradewind.domain.status import Reason
from tradewind.estimate.tariff import Tariff
from tradewind.ledger import reservations
from tradewind.ledger.intervals import Interval, amount_of, close_interval
from tradewind.ledger.rates import rate_of as rate_of
from tradewind.spec.models import JobSpec

#: A hold is renewed, or the attempt told to stop, this long before it ends: time to write a checkpoint and be gone.
_MARGIN: Final = timedelta(seconds=60)
#: A renewal for less than this would have to be renewed at once.
_LEAST_RENEWAL: Final = _MARGIN + timedelta(seconds=1)


def hold_for(
    tx: Transaction,
    spec: JobSpec,
    job_id: str,
    rate: Rate,
    watts_max: float,
    *,
    accrued_micro: int,
    ran: timedelta,
) -> reservations.Hold | None:
    """What to hold for the next stretch; None when the job's budget does not reach."""
    budget = spec.constraints.budget_micro_usd
    left = None if budget is None else budget - reservations.spent_micro(tx, job_id) - accrued_micro
    limit = spec.constraints.max_duration
    return reservations.plan_hold(tx.now, rate, watts_max, None if limit is None else limit - ran, left)


def keep_covered(tx: Transaction, row: AttemptRow, tariff: Tariff) -> AttemptRow:
    """Renews what is held for a running attempt; when the budget refuses, tells it to stop."""
    until = reservations.covered_until(tx, row.id)
    if row.stop_reason is not None or until is None or until - tx.now > _MARGIN:
        return row
    job = JobRow.get(tx, row.job_id)
    spec = JobSpec.model_validate(job.spec)
    rate = rate_of(row.offer)
    accepted = row.accepted_at or row.created_at
    accrued = accrued_micro(tx, row, tariff)
    ran, limit = tx.now - accepted, spec.constraints.max_duration
    watts_max = float(row.offer["watts_max"])
    hold = hold_for(tx, spec, job.id, rate, watts_max, accrued_micro=accrued, ran=ran)
    # A hold that is short because max_duration is near covers all that is left: its end is the place's to bring about.
    is_enough = timedelta.max if limit is None else limit - ran
    if hold is not None and hold.covers_until - tx.now >= min(_LEAST_RENEWAL, is_enough):
        reservations.renew(tx, row.id, hold)
        return row
    if until > tx.now + _MARGIN / 2 and hold is not None:
        return row
    budget = spec.constraints.budget_micro_usd or 0
    message = (
        f"the budget of {format_money(budget)} does not cover more time: told to write a checkpoint and stop"
    )
    append_event(tx, job.id, "job.budget_reached", message)
    return change(tx, row, stop_reason=Reason.BUDGET)


def accrued_micro(tx: Transaction, row: AttemptRow, tariff: Tariff) -> int:
    """What the job has cost so far beyond what the ledger has: its machines, or what the attempt may have drawn."""
    if row.offer.get("market"):
        return unsettled_micro(tx, row.job_id, tx.now)
    energy_j = row.energy_j + _unmeasured_j(row, tx.now)
    return amount_of(running_interval(row, tariff, energy_j=energy_j, until=tx.now)).micro


def _unmeasured_j(row: AttemptRow, now: datetime) -> int:
    """The most that can have been drawn since the last sample: silence must not look like thrift."""
    sample = row.observed.get("sample") or {}
    since = float(sample.get("at") or (row.accepted_at or row.created_at).timestamp())
    return round(max(now.timestamp() - since, 0.0) * float(row.offer["watts_max"]))


def running_interval(row: AttemptRow, tariff: Tariff, *, energy_j: int, until: datetime) -> Interval:
    """The attempt's interval as it would be closed at this time."""
    basis = str(row.observed.get("basis") or "modelled")
    carbon = float(row.offer.get("carbon_g_per_kwh", tariff.carbon_g_per_kwh))
    return Interval(
        project_id=row.project_id,
        creator_id=row.creator_id,
        job_id=row.job_id,
        attempt_id=row.id,
        node_id=row.node_id,
        provider=row.provider,
        started_at=row.accepted_at or row.created_at,
        ended_at=max(until, row.accepted_at or row.created_at),
        rate=rate_of(row.offer),
        energy_j=energy_j,
        carbon_g_per_kwh=carbon,
        basis=basis,
        note=str(row.offer.get("note", "")),
    )


def settle(tx: Transaction, row: AttemptRow, tariff: Tariff, *, energy_j: int, ended_at: datetime) -> None:
    """Closes the attempt's interval in the ledger."""
    close_interval(tx, running_interval(row, tariff, energy_j=energy_j, until=ended_at))


def let_go(tx: Transaction, attempt_id: str) -> None:
    """Releases what is held for an attempt that is gone."""
    reservations.release(tx, attempt_id)
