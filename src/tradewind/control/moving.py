"""Moves that a user asks for, and the account of what was decided about where a job runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from tradewind.control.context import Context
from tradewind.control.figures import decision_badge, figures_of
from tradewind.control.live_offers import LiveOffers
from tradewind.control.migrating import begin_move, stay_of
from tradewind.control.place_names import place_name, place_of_attempt
from tradewind.control.refusals import live_refusals, without_refused
from tradewind.control.remaining import Remaining, remaining_of
from tradewind.control.running import Running, read_running
from tradewind.control.submitting import find_job
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, JobRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import ConflictError, NoOfferError
from tradewind.domain.money import format_money
from tradewind.domain.offers import Offer
from tradewind.domain.schemas_moves import DecisionView, MoveView
from tradewind.domain.status import AttemptStatus
from tradewind.placement.migration import Alternative, cost_of_moving, cost_of_staying
from tradewind.spec.models import JobSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A move that could be made now."""

    job_id: str
    attempt_id: str
    target: Offer
    view: MoveView


async def find_move(context: Context, caller: Caller, reference: str, to: str | None) -> Move:
    """The best other place for a running job, or the best of those that `to` names (`provider[/zone or region]`).

    Raises:
        NotFoundError: there is no such job.
        ConflictError: it does not run, or is being stopped.
        NoOfferError: no other connected place can run it.
    """
    running, refusals = await context.store.read(
        lambda tx: (_running(tx, caller, reference), live_refusals(tx))
    )
    market = await LiveOffers(context).market()
    here = place_of_attempt(running.attempt)
    allowed = [
        each
        for each in without_refused(market, refusals)
        if place_name(each) != here and (to is None or _is_named(each, to))
    ]
    now = await context.store.read(lambda tx: tx.now)
    if allowed:
        found = await context.offload(_best, running, allowed, now)
        if found is not None:
            return found
    where = "" if to is None else f" at {to}"
    raise NoOfferError(
        f"there is no other place{where} where job {running.job.name!r} could go on",
        hint="`tradewind plan FILE` shows what is connected; the job goes on where it is",
    )


def make_move(tx: Transaction, caller: Caller, move: Move) -> JobRow:
    """Begins the move. Raises ConflictError when the job has moved or ended meanwhile."""
    attempt = AttemptRow.get(tx, move.attempt_id)
    job = JobRow.get(tx, move.job_id)
    if attempt.status is not AttemptStatus.RUNNING or attempt.stop_reason is not None:
        raise ConflictError(
            f"job {job.name!r} ({job.id}) has stopped running meanwhile", hint="look at it again"
        )
    text = f"asked for by {caller.user_name}; {move.view.explanation}"
    begin_move(tx, job, attempt, move.target, text, move.view.arithmetic, caller.user_name)
    return JobRow.get(tx, move.job_id)


def decisions_of(tx: Transaction, job: JobRow) -> list[DecisionView]:
    """What was decided about where a job runs, the newest first."""
    table = tables.decisions
    rows = tx.execute(select(table).where(table.c.job_id == job.id).order_by(table.c.id.desc()).limit(500))
    return [
        DecisionView(
            kind=row.kind,
            at=row.created_at,
            attempt=row.attempt_id,
            explanation=row.explanation,
            arithmetic=row.arithmetic,
            figures=figures_of(row.arithmetic or {}),
            badge=decision_badge(row.kind),
        )
        for row in rows
    ]


def _running(tx: Transaction, caller: Caller, reference: str) -> Running:
    job = find_job(tx, caller, reference)
    attempt = None if job.attempt_id is None else AttemptRow.get(tx, job.attempt_id)
    if attempt is None or attempt.status is not AttemptStatus.RUNNING or attempt.stop_reason is not None:
        raise ConflictError(
            f"job {job.name!r} ({job.id}) is {job.status}: only a job that runs can be moved",
            hint="`tradewind jobs show` says what it is doing",
        )
    if attempt.is_gang:
        raise ConflictError(
            f"job {job.name!r} ({job.id}) runs on {attempt.nodes} nodes: this version moves jobs on one node only",
            hint="`tradewind nodes stop NODE` gives one of its machines back: all of it goes on elsewhere",
        )
    return read_running(tx, job, attempt, JobSpec.model_validate(job.spec))


def _best(running: Running, allowed: list[Offer], now: datetime) -> Move | None:
    from tradewind.control.move_costs import alternatives_of

    known = remaining_of(running.attempt, running.spec, running.history, running.checkpoint_at, now)
    remaining = known or Remaining(hours_left=1.0, hours_at_stake=0.0, basis="an hour of it")
    others, offers = alternatives_of(running, remaining, allowed, now)
    if not others:
        return None
    stay = stay_of(running, remaining, now)
    best = min(others, key=lambda each: (cost_of_moving(stay, each), each.place))
    staying, moving = cost_of_staying(stay), cost_of_moving(stay, best)
    arithmetic = _arithmetic(best, remaining, staying, moving, known is not None)
    what = "to finish" if known is not None else "an hour of it"
    text = f"{what} here costs {format_money(staying)}, at {best.place} {format_money(moving)} with the move"
    return Move(
        job_id=running.job.id,
        attempt_id=running.attempt.id,
        target=offers[best.place],
        view=MoveView(
            job=running.job.id,
            place=stay.place,
            target=best.place,
            explanation=text,
            arithmetic=arithmetic,
            is_begun=False,
            figures=figures_of(arithmetic),
        ),
    )


def _arithmetic(
    best: Alternative, remaining: Remaining, staying: int, moving: int, is_known: bool
) -> dict[str, Any]:
    return {
        "stay_micro": staying,
        "move_micro": moving,
        "saving_micro": staying - moving,
        "hours_left": round(remaining.hours_left, 4),
        "hours_left_from": remaining.basis if is_known else "nobody can say: compared by the hour",
        "hours_done_again": round(best.hours_at_stake, 4),
        "setup_hours": round(best.setup_hours, 4),
        "egress_micro": best.egress_micro,
        "other_price_per_hour_micro": best.micro_per_hour,
    }


def _is_named(offer: Offer, to: str) -> bool:
    provider, _, where = to.partition("/")
    return offer.provider == provider and where in ("", offer.zone, offer.region, offer.instance_type)
