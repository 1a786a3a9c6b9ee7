"""Rows as the API shows them: every figure and sentence is made here, no client computes any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, select

from tradewind.control.context import Context
from tradewind.control.money import rate_of, running_interval
from tradewind.control.money_views import money_view as money_view
from tradewind.control.prediction_views import prediction_view
from tradewind.control.rank_views import rank_views
from tradewind.control.records import fraction_of
from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.rows import AttemptRow, JobRow, TaskRow
from tradewind.db.store import Transaction
from tradewind.domain.money import JOULES_PER_KWH
from tradewind.domain.schemas import (
    AttemptView,
    CostView,
    HealthView,
    JobDetail,
    JobPage,
    JobView,
    ProgressView,
    RankView,
    TaskView,
)
from tradewind.domain.status import AttemptStatus, Desired, JobStatus, has_ended
from tradewind.estimate.tariff import Tariff
from tradewind.ledger.intervals import amount_of, carbon_mg
from tradewind.ledger.reports import Spend, spend_of_jobs

_WAITING_TEXT = "waiting for free capacity"


def job_page(
    context: Context,
    tx: Transaction,
    caller: Caller,
    *,
    statuses: list[str],
    name: str | None,
    limit: int,
    cursor: str | None,
) -> JobPage:
    """A page of the caller's jobs, newest first."""
    table = tables.jobs
    statement = JobRow.select().where(visible_to(caller, table))
    if statuses:
        statement = statement.where(table.c.status.in_(statuses))
    if name:
        statement = statement.where(table.c.name == name)
    if cursor:
        statement = statement.where(table.c.id < cursor)
    rows = [JobRow.of(row) for row in tx.execute(statement.order_by(table.c.id.desc()).limit(limit + 1))]
    page = rows[:limit]
    return JobPage(
        items=job_views(context, tx, caller, page), next_cursor=page[-1].id if len(rows) > limit else None
    )


def job_views(context: Context, tx: Transaction, caller: Caller, jobs: list[JobRow]) -> list[JobView]:
    """Jobs as lists show them, with at most five queries however many there are."""
    attempts = _attempts(tx, [job.attempt_id for job in jobs if job.attempt_id])
    # A job that was never tried has cost nothing and holds nothing: most of a long queue need not be looked up.
    tried = [job.id for job in jobs if job.attempt_id]
    spends = spend_of_jobs(tx, tried)
    holds = _holds(tx, tried)
    nodes = _node_names(tx, attempts.values())
    users = _user_names(tx, {job.creator_id for job in jobs})
    views = []
    for job in jobs:
        attempt = attempts.get(job.attempt_id or "")
        views.append(
            JobView(
                **_job_fields(context, caller, job, attempt, nodes, users),
                cost=_cost(
                    context.tariff, tx, job, attempt, spends.get(job.id, Spend()), holds.get(job.id, 0)
                ),
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
    nodes = _node_names(tx, attempts)
    ranks = rank_views(tx, attempts)
    return JobDetail(
        **dict(view),
        spec=job.spec,
        prediction=prediction_view(tx, job.id, view.cost.amount.currency) if attempts else None,
        tasks=[
            TaskView(
                id=task.id,
                index=task.index,
                status=task.status,
                attempts=[attempt_view(each, nodes, ranks) for each in attempts if each.task_id == task.id],
            )
            for task in tasks
        ],
    )


def attempt_view(
    attempt: AttemptRow, nodes: dict[str, str], ranks: Mapping[str, list[RankView]]
) -> AttemptView:
    """One try."""
    return AttemptView(
        id=attempt.id,
        number=attempt.number,
        status=attempt.status,
        reason=attempt.reason,
        explanation=attempt.explanation,
        exit_code=attempt.exit_code,
        signal=attempt.signal,
        provider=attempt.provider,
        node=nodes.get(attempt.node_id, attempt.node_id),
        nodes=attempt.nodes,
        created_at=attempt.created_at,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
        resumed_from=attempt.resumed_from,
        ranks=ranks.get(attempt.id, []),
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
    held = attempt.offer.get("accelerators", []) if attempt else []
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
        "accelerators": _accelerator_text(held),
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


def _accelerator_text(held: list[dict[str, Any]]) -> str | None:
    if not held:
        return None
    names = [str(each["name"]) for each in held]
    return ", ".join(f"{name}:{names.count(name)}" for name in sorted(set(names)))


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
    eta = None
    started = attempt.observed.get("running_since")
    if fraction and at and started and not has_ended(attempt.status) and fraction >= 0.02:
        spent_s = float(at) - float(started)
        silent_s = context.clock.now().timestamp() - float(at)
        eta = max(spent_s / fraction * (1 - fraction) - silent_s, 0.0)
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


def _cost(
    tariff: Tariff,
    tx: Transaction,
    job: JobRow,
    attempt: AttemptRow | None,
    spend: Spend,
    reserved_micro: int,
) -> CostView:
    micro, energy, carbon, basis = spend.amount_micro, spend.energy_j, spend.carbon_mg, spend.basis
    notes = []
    if attempt is not None:
        notes.append(str(attempt.offer.get("note", "")))
        if attempt.accepted_at is not None and not has_ended(attempt.status):
            interval = running_interval(attempt, tariff, energy_j=attempt.energy_j, until=tx.now)
            micro += amount_of(interval).micro
            energy += attempt.energy_j
            carbon += carbon_mg(attempt.energy_j, interval.carbon_g_per_kwh)
            basis = interval.basis
        if basis == "modelled":
            notes.append("energy modelled from the machine's parts: no power meter could be read")
    currency = rate_of(attempt.offer).currency if attempt else "USD"
    return CostView(
        amount=money_view(micro, currency),
        reserved=money_view(reserved_micro, currency),
        energy_kwh=energy / JOULES_PER_KWH,
        carbon_grams=carbon / 1000,
        basis="metered" if basis == "metered" else "none" if basis == "none" else "modelled",
        notes=[note for note in notes if note],
        is_final=has_ended(job.status),
    )


def _attempts(tx: Transaction, attempt_ids: list[str]) -> dict[str, AttemptRow]:
    if not attempt_ids:
        return {}
    rows = tx.execute(AttemptRow.select().where(tables.attempts.c.id.in_(attempt_ids)))
    return {row.id: AttemptRow.of(row) for row in rows}


def _attempts_of(tx: Transaction, job: JobRow) -> list[AttemptRow]:
    table = tables.attempts
    rows = tx.execute(AttemptRow.select().where(table.c.job_id == job.id).order_by(table.c.number))
    return [AttemptRow.of(row) for row in rows]


def _holds(tx: Transaction, job_ids: list[str]) -> dict[str, int]:
    if not job_ids:
        return {}
    table = tables.reservations
    rows = tx.execute(
        select(table.c.job_id, func.sum(table.c.amount_micro))
        .where(table.c.job_id.in_(job_ids), table.c.released_at.is_(None))
        .group_by(table.c.job_id)
    )
    return {str(row[0]): int(row[1]) for row in rows}


def _node_names(tx: Transaction, attempts: Iterable[AttemptRow]) -> dict[str, str]:
    wanted = {attempt.node_id for attempt in attempts}
    if not wanted:
        return {}
    rows = tx.execute(select(tables.nodes.c.id, tables.nodes.c.name).where(tables.nodes.c.id.in_(wanted)))
    return {str(row[0]): str(row[1]) for row in rows}


def _user_names(tx: Transaction, user_ids: set[str]) -> dict[str, str]:
    rows = tx.execute(select(tables.users.c.id, tables.users.c.name).where(tables.users.c.id.in_(user_ids)))
    return {str(row[0]): str(row[1]) for row in rows}
