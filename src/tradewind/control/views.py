"""Rows as the API shows them: every figure and sentence is made here, no client computes any."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from tradewind.control.attempt_views import accelerator_text, attempt_views, last_metric, place_region
from tradewind.control.context import Context
from tradewind.control.job_badges import job_badge, permitted
from tradewind.control.job_lines import commands_of
from tradewind.control.job_money import Accruing, accruing_of, cost_view, estimates_of, holds_of
from tradewind.control.job_timeline import timeline
from tradewind.control.money_views import money_view as money_view
from tradewind.control.prediction_views import prediction_view
from tradewind.control.queue import queue_places
from tradewind.control.records import fraction_of
from tradewind.control.remaining import hours_by_pace
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, JobRow, NodeRow, TaskRow
from tradewind.db.store import Transaction
from tradewind.domain.schemas import HealthView, JobDetail, JobView, ProgressView, TaskView
from tradewind.domain.schemas_job_parts import WaitingView
from tradewind.domain.status import AttemptStatus, Desired, JobStatus, Reason, has_ended
from tradewind.ledger.reports import Spend, spend_of_jobs

_WAITING_TEXT = "waiting for free capacity"


def job_views(context: Context, tx: Transaction, caller: Caller, jobs: list[JobRow]) -> list[JobView]:
    """Jobs as lists show them, with at most eight queries however many there are."""
    attempts = _attempts(tx, [job.attempt_id for job in jobs if job.attempt_id])
    # A job that was never tried has cost nothing and holds nothing: most of a long queue need not be looked up.
    tried = [job.id for job in jobs if job.attempt_id]
    spends = spend_of_jobs(tx, tried)
    holds = holds_of(tx, tried)
    accruing = accruing_of(tx, tried, attempts, context.tariff, tx.now)
    estimates = estimates_of(tx, tried)
    nodes = _node_names(tx, attempts.values())
    users = _user_names(tx, {job.creator_id for job in jobs})
    places = queue_places(tx, [job.id for job in jobs if job.status is JobStatus.QUEUED])
    views = []
    for job in jobs:
        attempt = attempts.get(job.attempt_id or "")
        cost = cost_view(
            job,
            attempt,
            spends.get(job.id, Spend()),
            accruing.get(job.id, Accruing()),
            holds.get(job.id, 0),
            estimates.get(job.id),
        )
        fields = _job_fields(context, caller, job, attempt, nodes, users)
        views.append(
            JobView(
                **fields,
                cost=cost,
                state=job_badge(job, attempt, fields["explanation"]),
                permitted=permitted(
                    job, attempt, cost.per_hour.text if cost.per_hour else None, may_move=context.can_rent
                ),
                waiting=_waiting(job, attempt, fields["explanation"], places.get(job.id)),
                last_metric=last_metric(attempt),
            )
        )
    return views


def job_detail(context: Context, tx: Transaction, caller: Caller, job: JobRow) -> JobDetail:
    """A job with its tasks and attempts."""
    view = job_views(context, tx, caller, [job])[0]
    task_rows = tx.execute(
        TaskRow.select().where(tables.tasks.c.job_id == job.id).order_by(tables.tasks.c.index)
    )
    tasks = [TaskRow.of(row) for row in task_rows]
    attempts = _attempts_of(tx, job) if job.attempt_id else []
    machines = _nodes(tx, attempts)
    shown = attempt_views(tx, attempts, machines, context.tariff)
    return JobDetail(
        **dict(view),
        spec=job.spec,
        timeline=timeline(job, attempts, machines, tx.now),
        commands=commands_of(job),
        prediction=prediction_view(tx, job.id, view.cost.amount.currency) if attempts else None,
        tasks=[
            TaskView(
                id=task.id,
                index=task.index,
                status=task.status,
                attempts=[shown[each.id] for each in attempts if each.task_id == task.id],
            )
            for task in tasks
        ],
    )


def _job_fields(
    context: Context,
    caller: Caller,
    job: JobRow,
    attempt: AttemptRow | None,
    nodes: dict[str, str],
    users: dict[str, str],
) -> dict[str, Any]:
    ended = has_ended(job.status)
    explanation = job.explanation
    if job.status is JobStatus.QUEUED and explanation is None:
        explanation = _WAITING_TEXT
    elif job.status is JobStatus.STARTING and attempt is not None:
        setting_up = attempt.observed.get("phase") == "setup"
        explanation = "setting up its environment" if setting_up else "being started"
    actions = ["retry"] if ended else ["stop"] if job.desired is Desired.RUN else []
    return {
        "id": job.id,
        "name": job.name,
        "project": caller.project_name,
        "creator": users.get(job.creator_id, job.creator_id),
        "status": job.status,
        "desired": job.desired,
        "reason": job.reason,
        "explanation": explanation,
        "next_try_at": job.next_try_at,
        "provider": attempt.provider if attempt else None,
        "node": nodes.get(attempt.node_id) if attempt else None,
        "nodes": attempt.nodes if attempt else 1,
        "accelerators": accelerator_text(attempt),
        "region": place_region(attempt),
        "market": str(attempt.offer.get("market") or "owned") if attempt else None,
        "is_stopping": job.desired is Desired.STOP and not ended,
        "attempt": attempt.number if attempt else 0,
        "exit_code": job.exit_code,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "progress": _progress(context, attempt),
        "health": _health(attempt),
        "tags": job.tags,
        "actions": actions,
    }


def _waiting(
    job: JobRow, attempt: AttemptRow | None, text: str | None, place: tuple[int, int] | None
) -> WaitingView | None:
    if job.status is not JobStatus.QUEUED:
        return None
    since = job.created_at if attempt is None else attempt.ended_at or attempt.created_at
    position, length = place or (None, None)
    return WaitingView(
        code=job.reason or Reason.WAITING_FOR_CAPACITY,
        text=text or _WAITING_TEXT,
        since=since,
        next_try_at=job.next_try_at,
        queue_position=position,
        queue_length=length,
        queue_text=None if position is None else f"{position:,} of {length:,} in the queue",
    )


def _health(attempt: AttemptRow | None) -> HealthView | None:
    if attempt is None or attempt.status not in (AttemptStatus.RUNNING, AttemptStatus.STOPPING):
        return None
    seen = attempt.observed.get("health") or {"state": "ok"}
    return HealthView(
        state=seen["state"], kind=seen.get("kind"), explanation=seen.get("text"), since=seen.get("since")
    )


def _progress(context: Context, attempt: AttemptRow | None) -> ProgressView | None:
    if attempt is None:
        return None
    seen = dict(attempt.observed.get("progress") or {})
    metrics = attempt.observed.get("metrics") or {}
    if not seen and not metrics:
        return None
    at = seen.pop("at", None)
    fraction = fraction_of(seen)
    now = context.clock.now()
    eta = None
    if not has_ended(attempt.status):
        hours = hours_by_pace(attempt, now)
        eta = _eta_since_start(attempt, fraction, at, now) if hours is None else hours * 3600
    return ProgressView(
        fraction=fraction,
        step=seen.get("step"),
        total_steps=seen.get("total_steps"),
        epoch=seen.get("epoch"),
        total_epochs=seen.get("total_epochs"),
        metrics=metrics,
        at=at,
        eta_seconds=eta,
    )


def _eta_since_start(attempt: AttemptRow, fraction: float | None, at: Any, now: datetime) -> float | None:
    """By all that it has done since it began; says nothing of one that went on from a checkpoint."""
    started = attempt.observed.get("running_since")
    if not fraction or not at or not started or fraction < 0.02 or attempt.resumed_from is not None:
        return None
    spent_s = float(at) - float(started)
    return max(spent_s / fraction * (1 - fraction) - (now.timestamp() - float(at)), 0.0)


def _attempts(tx: Transaction, attempt_ids: list[str]) -> dict[str, AttemptRow]:
    if not attempt_ids:
        return {}
    rows = tx.execute(AttemptRow.select().where(tables.attempts.c.id.in_(attempt_ids)))
    return {row.id: AttemptRow.of(row) for row in rows}


def _attempts_of(tx: Transaction, job: JobRow) -> list[AttemptRow]:
    table = tables.attempts
    rows = tx.execute(AttemptRow.select().where(table.c.job_id == job.id).order_by(table.c.number))
    return [AttemptRow.of(row) for row in rows]


def _nodes(tx: Transaction, attempts: Iterable[AttemptRow]) -> dict[str, NodeRow]:
    wanted = {attempt.node_id for attempt in attempts}
    if not wanted:
        return {}
    rows = tx.execute(NodeRow.select().where(tables.nodes.c.id.in_(wanted)))
    return {row.id: NodeRow.of(row) for row in rows}


def _node_names(tx: Transaction, attempts: Iterable[AttemptRow]) -> dict[str, str]:
    wanted = {attempt.node_id for attempt in attempts}
    if not wanted:
        return {}
    rows = tx.execute(select(tables.nodes.c.id, tables.nodes.c.name).where(tables.nodes.c.id.in_(wanted)))
    return {str(row[0]): str(row[1]) for row in rows}


def _user_names(tx: Transaction, user_ids: set[str]) -> dict[str, str]:
    rows = tx.execute(select(tables.users.c.id, tables.users.c.name).where(tables.users.c.id.in_(user_ids)))
    return {str(row[0]): str(row[1]) for row in rows}
