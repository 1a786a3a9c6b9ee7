"""What one job has cost, in parts: from its rows in the ledger, and what runs up that is not in it yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select

from tradewind.control.accruing import running_interval
from tradewind.control.context import Context
from tradewind.control.job_money import BASIS_LABELS, watts_now
from tradewind.control.money_views import money_view
from tradewind.control.place_names import shown_place
from tradewind.control.prediction_views import show_hours
from tradewind.control.remaining import remaining_of
from tradewind.control.rent_money import rent_until
from tradewind.control.running import read_running
from tradewind.control.specs import spec_of
from tradewind.control.views import job_views
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, JobRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.money import JOULES_PER_KWH, Quantity, format_money
from tradewind.domain.schemas_jobs import CostLine, JobCostDetail
from tradewind.domain.schemas_shown import BadgeView
from tradewind.domain.status import AttemptStatus, has_ended
from tradewind.ledger.intervals import amount_of
from tradewind.ledger.rates import rate_of

#: From this share of the budget on, it is worth a warning.
_NEAR: Final = 0.8
_NOT_METERED: Final = (
    "Storage and traffic are not metered by job: what they add comes in with the provider's invoice"
    " (tradewind cost reconcile)."
)


def job_cost(context: Context, tx: Transaction, caller: Caller, job: JobRow) -> JobCostDetail:
    """The parts, the whole, and where it is heading."""
    view = job_views(context, tx, caller, [job])[0]
    attempts = _attempts(tx, job)
    lines = _settled(tx, job, attempts) + _unsettled(context, tx, job, attempts)
    whole = sum(each.amount.micro for each in lines) or 1
    lines = [each.model_copy(update={"share": max(each.amount.micro, 0) / whole}) for each in lines]
    cost = view.cost
    projected, end, text = _projection(tx, job, attempts.get(job.attempt_id or ""), cost.amount.micro, view)
    figures = {
        "cost": cost.amount.micro,
        "estimate": cost.estimate.micro if cost.estimate else None,
        "cap": cost.cap.micro if cost.cap else None,
        "projected": projected,
    }
    largest = max(each for each in figures.values() if each is not None) or 1
    shares = {f"{key}_share": None if micro is None else micro / largest for key, micro in figures.items()}
    is_rented = any(each.is_rented for each in attempts.values())
    return JobCostDetail(
        job=job.id,
        cost=cost,
        lines=lines,
        notes=[*cost.notes, *([_NOT_METERED] if is_rented else [])],
        projected=None if projected is None else money_view(projected, cost.amount.currency),
        projected_end=end,
        projection_text=text,
        standing=_standing(figures),
        **shares,
    )


def _attempts(tx: Transaction, job: JobRow) -> dict[str, AttemptRow]:
    table = tables.attempts
    rows = tx.execute(AttemptRow.select().where(table.c.job_id == job.id).order_by(table.c.number))
    return {row.id: AttemptRow.of(row) for row in rows}


def _settled(tx: Transaction, job: JobRow, attempts: Mapping[str, AttemptRow]) -> list[CostLine]:
    table = tables.ledger
    rows = tx.execute(select(table).where(table.c.job_id == job.id).order_by(table.c.started_at, table.c.id))
    return [_line_of(row, attempts.get(row.attempt_id or "")) for row in rows]


def _line_of(row: Any, attempt: AttemptRow | None) -> CostLine:
    is_energy = row.rate_per == Quantity.KWH
    if row.kind == "correction":
        label, detail = "Correction by an invoice", str(row.note)
    elif is_energy:
        label = "Electricity"
        detail = _energy(row.energy_j, row.rate_micro_per_unit, row.currency)
    else:
        label = "Compute"
        hours = show_hours(row.quantity / 3600)
        detail = f"{hours} at {format_money(row.rate_micro_per_unit, row.currency)}/h"
    return CostLine(
        label=label,
        detail=detail if attempt is None else f"{shown_place(attempt)}: {detail}",
        provider=row.provider,
        attempt=None if attempt is None else attempt.number,
        amount=money_view(row.amount_micro, row.currency),
        basis=BASIS_LABELS.get(row.basis, row.basis),
    )


def _energy(joules: int, micro_per_kwh: int, currency: str) -> str:
    return f"{joules / JOULES_PER_KWH:.3g} kWh at {format_money(micro_per_kwh, currency)}/kWh"


def _unsettled(
    context: Context, tx: Transaction, job: JobRow, attempts: Mapping[str, AttemptRow]
) -> list[CostLine]:
    """What runs up: machines that are rented, and what is drawn at hand."""
    table = tables.nodes
    rows = tx.execute(
        NodeRow.select().where(table.c.job_id == job.id, table.c.is_rented, table.c.ended_at.is_(None))
    )
    found = []
    for node in map(NodeRow.of, rows):
        attempt = attempts.get(node.attempt_id or "")
        for stretch in rent_until(node, tx.now):
            rate = rate_of(node.offer or {})
            price = format_money(stretch.micro_per_hour, rate.currency)
            detail = f"{show_hours(stretch.seconds / 3600)} at {price}/h"
            found.append(
                CostLine(
                    label="Compute",
                    detail=detail if attempt is None else f"{shown_place(attempt)}: {detail}",
                    provider=node.provider,
                    attempt=None if attempt is None else attempt.number,
                    amount=money_view(stretch.amount_micro, rate.currency),
                    basis="estimated",
                    is_final=False,
                )
            )
    newest = attempts.get(job.attempt_id or "")
    if newest is not None and not newest.is_rented and not has_ended(newest.status) and newest.accepted_at:
        found.append(_at_hand(context, tx, newest))
    return found


def _at_hand(context: Context, tx: Transaction, attempt: AttemptRow) -> CostLine:
    interval = running_interval(attempt, context.tariff, energy_j=attempt.energy_j, until=tx.now)
    rate, hours = interval.rate, (interval.ended_at - interval.started_at).total_seconds() / 3600
    if rate.per is Quantity.KWH:
        label = "Electricity"
        detail = _energy(attempt.energy_j, rate.micro_per_unit, rate.currency)
        detail += f", {watts_now(attempt):,.0f} W now"
    else:
        label = "Compute"
        detail = f"{show_hours(hours)} at {format_money(rate.micro_per_unit, rate.currency)}/h"
    return CostLine(
        label=label,
        detail=f"{shown_place(attempt)}: {detail}",
        provider=attempt.provider,
        attempt=attempt.number,
        amount=money_view(amount_of(interval).micro, rate.currency),
        basis=BASIS_LABELS.get(interval.basis, interval.basis),
        is_final=False,
    )


def _projection(
    tx: Transaction, job: JobRow, attempt: AttemptRow | None, so_far_micro: int, view: Any
) -> tuple[int | None, datetime | None, str | None]:
    """What it comes to and when it ends, by its own pace or what was foretold; nothing where nobody can say."""
    if attempt is None or attempt.status is not AttemptStatus.RUNNING:
        return None, None, None
    running = read_running(tx, job, attempt, spec_of(job))
    left = remaining_of(attempt, running.spec, running.history, running.checkpoint_at, tx.now)
    if left is None:
        return None, None, None
    per_hour = view.cost.per_hour.micro if view.cost.per_hour else 0
    projected = so_far_micro + round(per_hour * left.hours_left)
    text = (
        f"{show_hours(left.hours_left)} left, from {left.basis}" if left.hours_left else "it should be done"
    )
    return projected, tx.now + timedelta(hours=left.hours_left), text


def _standing(figures: Mapping[str, int | None]) -> BadgeView | None:
    """Against its budget first: that stops it. Then against what was foretold."""
    cost, cap, estimate = figures["cost"] or 0, figures["cap"], figures["estimate"]
    heading = max(cost, figures["projected"] or 0)
    if cap:
        share = f"{cost / cap:.0%} of its budget is used"
        if cost >= cap:
            return BadgeView(label="Budget used up", tone="bad", icon="lock", explanation=share)
        if heading > cap:
            text = f"{share}, and at this rate it does not reach to the end"
            return BadgeView(label="Heading over budget", tone="warning", icon="alert", explanation=text)
        if cost >= _NEAR * cap:
            return BadgeView(label="Close to budget", tone="warning", icon="alert", explanation=share)
        return BadgeView(label="Within budget", tone="good", icon="check", explanation=share)
    if estimate:
        if heading > 1.25 * estimate:
            text = f"{heading / estimate:.2g} times what was estimated"
            return BadgeView(label="Above estimate", tone="warning", icon="alert", explanation=text)
        return BadgeView(label="Within estimate", tone="good", icon="check", explanation=None)
    return None
