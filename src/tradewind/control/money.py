"""The money side of an attempt: held before it starts, kept covered while it runs, settled when it is gone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select

from tradewind.control.budget_waiting import note_an_end
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.moves import change
from tradewind.db.rows import AttemptRow, JobRow
from tradewind.db.store import Transaction
from tradewind.domain.money import Quantity, Rate, format_money
from tradewind.domain.status import Reason
from tradewind.domain.units import BYTES_PER_GIB
from tradewind.estimate.tariff import Tariff
from tradewind.hardware.names import identify
from tradewind.ledger import reservations
from tradewind.ledger.intervals import Interval, amount_of, close_interval
from tradewind.ledger.limits import Launch, Refusal, left_for_renewal, why_not
from tradewind.spec.models import JobSpec

#: A hold is renewed, or the attempt told to stop, this long before it ends: time to write a checkpoint and be gone.
_MARGIN: Final = timedelta(seconds=60)
#: A renewal for less than this would have to be renewed at once.
_LEAST_RENEWAL: Final = _MARGIN + timedelta(seconds=1)


def rate_of(offer: dict[str, Any]) -> Rate:
    """The rate an attempt was placed at, as its row keeps it."""
    rate = offer["rate"]
    return Rate(
        micro_per_unit=int(rate["micro_per_unit"]),
        per=Quantity(rate["per"]),
        currency=str(rate["currency"]),
        granularity=int(rate["granularity"]),
        minimum=int(rate["minimum"]),
        minimum_micro=int(rate.get("minimum_micro", 0)),
    )


def hold_for(
    tx: Transaction,
    spec: JobSpec,
    job_id: str,
    rate: Rate,
    watts_max: float,
    *,
    accrued_micro: int,
    ran: timedelta,
    energy_j: int = 0,
    lag: timedelta | None = None,
    most_micro: int | None = None,
) -> reservations.Hold | None:
    """What to hold for the next stretch; None when the job's budget does not reach.

    `lag` is how long the place may go on charging after it was told to end; None: the usual for such a rate.
    `most_micro` is what others than the job's own budget leave.
    """
    budget = spec.constraints.budget_micro_usd
    left = None if budget is None else budget - reservations.spent_micro(tx, job_id) - accrued_micro
    if most_micro is not None:
        left = most_micro if left is None else min(left, most_micro)
    limit = spec.constraints.max_duration
    return reservations.plan_hold(
        tx.now,
        rate,
        watts_max,
        None if limit is None else limit - ran,
        left,
        lag=reservations.lag_of(rate) if lag is None else lag,
        used=float(energy_j) if rate.per is Quantity.KWH else ran.total_seconds(),
        accrued_micro=accrued_micro,
    )


def refused(
    tx: Transaction, job: JobRow, provider: str, market: str, rate: Rate, hold: reservations.Hold
) -> Refusal | None:
    """What the budgets have against holding this for one more attempt of a job."""
    projects = tables.projects
    team_id = tx.execute(select(projects.c.team_id).where(projects.c.id == job.project_id)).scalar_one()
    return why_not(
        tx,
        Launch(
            project_id=job.project_id,
            team_id=team_id,
            creator_id=job.creator_id,
            provider=provider,
            market=market,
            hourly_micro=hold.hourly_micro,
            worst_case_micro=hold.amount_micro,
            currency=rate.currency,
            job_id=job.id,
        ),
    )


def keep_covered(tx: Transaction, row: AttemptRow, tariff: Tariff) -> AttemptRow:
    """Renews what is held for a running attempt; when the budget refuses, tells it to stop."""
    until = reservations.covered_until(tx, row.id)
    if row.stop_reason is not None or until is None or until - tx.now > _MARGIN:
        return row
    job = JobRow.get(tx, row.job_id)
    spec = JobSpec.model_validate(job.spec)
    rate = rate_of(row.offer)
    accepted = row.accepted_at or row.created_at
    energy_j = row.energy_j + _unmeasured_j(row, tx.now)
    accrued = accrued_micro(row, tariff, tx.now)[1]
    ran, limit = tx.now - accepted, spec.constraints.max_duration
    watts_max = float(row.offer["watts_max"])
    most, name = left_for_renewal(tx, row.id, accrued)
    hold = hold_for(
        tx, spec, job.id, rate, watts_max, accrued_micro=accrued, ran=ran, energy_j=energy_j, most_micro=most
    )
    # A hold that is short because max_duration is near covers all that is left: its end is the place's to bring about.
    is_enough = timedelta.max if limit is None else limit - ran
    if hold is not None and hold.covers_until - tx.now >= min(_LEAST_RENEWAL, is_enough):
        reservations.renew(tx, row.id, hold)
        return row
    if until > tx.now + _MARGIN / 2 and hold is not None:
        return row
    own = spec.constraints.budget_micro_usd
    own_left = None if own is None else own - reservations.spent_micro(tx, job.id) - accrued
    is_own = own_left is not None and (most is None or own_left <= most)
    which = f"the budget of {format_money(own or 0)}" if is_own else f"budget {name}"
    message = f"{which} does not cover more time: told to write a checkpoint and stop"
    append_event(tx, job.id, "job.budget_reached", message)
    return change(tx, row, stop_reason=Reason.BUDGET)


def accrued_micro(row: AttemptRow, tariff: Tariff, now: datetime) -> tuple[int, int]:
    """What a running attempt has used up: as far as it was measured, and with the rest of the time at full load."""
    if row.accepted_at is None:
        return 0, 0
    energies_j = (row.energy_j, row.energy_j + _unmeasured_j(row, now))
    low, high = (
        amount_of(running_interval(row, tariff, energy_j=each, until=now)).micro for each in energies_j
    )
    return low, high


def _unmeasured_j(row: AttemptRow, now: datetime) -> int:
    """The most that can have been drawn since the last sample: silence must not look like thrift."""
    sample = row.observed.get("sample") or {}
    since = float(sample.get("at") or (row.accepted_at or row.created_at).timestamp())
    return round(max(now.timestamp() - since, 0.0) * float(row.offer["watts_max"]))


def running_interval(row: AttemptRow, tariff: Tariff, *, energy_j: int, until: datetime) -> Interval:
    """The attempt's interval as it would be closed at this time."""
    basis = str(row.observed.get("basis") or "modelled")
    carbon = float(row.offer.get("carbon_g_per_kwh", tariff.carbon_g_per_kwh))
    held = held_accelerators(row.offer)
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
        accelerator=held[0] if held else "",
        accelerator_count=float(len(held)),
    )


def held_accelerators(offer: dict[str, Any]) -> list[str]:
    """The accelerators of an offer, one by one, under the names that estimates know them by."""
    held = offer.get("accelerators") or ()
    return [
        identify(str(each["name"]), float(each.get("memory_bytes", 0)) / BYTES_PER_GIB or None).key
        for each in held
    ]


def settle(tx: Transaction, row: AttemptRow, tariff: Tariff, *, energy_j: int, ended_at: datetime) -> None:
    """Closes the attempt's interval in the ledger."""
    close_interval(tx, running_interval(row, tariff, energy_j=energy_j, until=ended_at))


def let_go(tx: Transaction, attempt_id: str) -> None:
    """Releases what is held for an attempt that is gone, and lets those try again who waited for that."""
    reservations.release(tx, attempt_id)
    note_an_end(tx, attempt_id)
