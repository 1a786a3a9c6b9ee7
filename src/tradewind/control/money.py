"""The money side of an attempt: held before it starts, kept covered while it runs, settled when it is gone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from tradewind.control.accruing import accrued_by
from tradewind.control.accruing import running_interval as running_interval
from tradewind.control.budget_waiting import are_there_any, note_an_end
from tradewind.control.ranks import as_attempt, ranks_of
from tradewind.control.rent_money import unsettled_micro
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.moves import change
from tradewind.db.rows import AttemptRow, JobRow
from tradewind.db.store import Transaction
from tradewind.domain.money import Rate, format_money
from tradewind.domain.status import Reason
from tradewind.estimate.tariff import Tariff
from tradewind.ledger import reservations
from tradewind.ledger.intervals import close_interval
from tradewind.ledger.limits import Launch, Refusal, left_for_renewal, why_not
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
    own_micro: int = 0,
    used: float = 0.0,
    lag: timedelta | None = None,
    most_micro: int | None = None,
    others: Sequence[reservations.Leg] = (),
) -> reservations.Hold | None:
    """What to hold for the next stretch; None when the job's budget does not reach.

    `accrued_micro` is what the whole job has used up, `own_micro` and `used` (in seconds or joules) what the attempt
    has. `lag` is how long the place may go on charging after it was told to end; None: the usual for such a rate.
    `most_micro` is what others than the job's own budget leave; `others` what runs beside it, on further nodes.
    """
    budget = spec.constraints.budget_micro_usd
    left = None if budget is None else budget - reservations.spent_micro(tx, job_id) - accrued_micro
    if most_micro is not None:
        left = most_micro if left is None else min(left, most_micro)
    limit = spec.constraints.max_duration
    hold = reservations.plan_hold(
        tx.now,
        rate,
        watts_max,
        None if limit is None else limit - ran,
        left,
        lag=max(map(reservations.lag_of, (rate, *(each.rate for each in others)))) if lag is None else lag,
        used=used,
        # At this rate, whatever it cost at another one: what is held is what comes on top.
        accrued_micro=rate.charge(math.ceil(used)).micro,
        others=others,
    )
    return None if hold is None else replace(hold, accrued_micro=own_micro)


def refused(
    tx: Transaction, job: JobRow, provider: str, market: str, rate: Rate, hold: reservations.Hold
) -> Refusal | None:
    """What the budgets have against holding this for one more attempt of a job."""
    if not are_there_any(tx):
        return None
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
    accepted = row.accepted_at or row.created_at
    own = accrued_by(tx, [row], tariff, tx.now)[row.id]
    accrued = accrued_micro(tx, row, tariff)
    ran, limit = tx.now - accepted, spec.constraints.max_duration
    first, *others = own.legs or (reservations.Leg(own.rate, float(row.offer["watts_max"]), own.quantity),)
    most, name = left_for_renewal(tx, row.id, own.worst_micro)
    hold = hold_for(
        tx,
        spec,
        job.id,
        first.rate,
        first.watts_max,
        accrued_micro=accrued,
        ran=ran,
        own_micro=own.worst_micro,
        used=first.used,
        most_micro=most,
        others=others,
    )
    # A hold that is short because max_duration is near covers all that is left: its end is the place's to bring about.
    is_enough = timedelta.max if limit is None else limit - ran
    if hold is not None and hold.covers_until - tx.now >= min(_LEAST_RENEWAL, is_enough):
        reservations.renew(tx, row.id, hold)
        return row
    if until > tx.now + _MARGIN / 2 and hold is not None:
        return row
    budget = spec.constraints.budget_micro_usd
    left = None if budget is None else budget - reservations.spent_micro(tx, job.id) - accrued
    is_own = left is not None and (most is None or left <= most)
    which = f"the budget of {format_money(budget or 0)}" if is_own else f"budget {name}"
    message = f"{which} does not cover more time: told to write a checkpoint and stop"
    append_event(tx, job.id, "job.budget_reached", message)
    return change(tx, row, stop_reason=Reason.BUDGET)


def accrued_micro(tx: Transaction, row: AttemptRow, tariff: Tariff) -> int:
    """What the job has cost so far beyond what the ledger has: its machines, or what the attempt may have drawn."""
    if row.is_rented:
        return unsettled_micro(tx, row.job_id, tx.now)
    return accrued_by(tx, [row], tariff, tx.now)[row.id].worst_micro


def settle(tx: Transaction, row: AttemptRow, tariff: Tariff, *, energy_j: int, ended_at: datetime) -> None:
    """Closes the attempt's interval in the ledger; that of each rank, where it has several."""
    if not row.is_gang:
        close_interval(tx, running_interval(row, tariff, energy_j=energy_j, until=ended_at))
    for rank in ranks_of(tx, row.id) if row.is_gang else ():
        if rank.accepted_at is not None:
            part, until = as_attempt(row, rank), rank.ended_at or ended_at
            close_interval(tx, running_interval(part, tariff, energy_j=rank.energy_j, until=until))


def let_go(tx: Transaction, attempt_id: str) -> None:
    """Releases what is held for an attempt that is gone, and lets those try again who waited for that."""
    reservations.release(tx, attempt_id)
    note_an_end(tx, attempt_id)
