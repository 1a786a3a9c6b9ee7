"""Jobs that a budget holds back: they wait with a reason and a time, and go on when something gives way."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select, update

from tradewind.control import leases
from tradewind.control.loops import wake_placers
from tradewind.db import budget_tables, tables
from tradewind.db.events import append_event
from tradewind.db.moves import change
from tradewind.db.rows import JobRow, TaskRow
from tradewind.db.store import Transaction
from tradewind.domain.status import Reason, TaskStatus
from tradewind.ledger.limits import Refusal, counting

#: What one end lets another try: more than one rarely fits, and each costs a look at the budgets.
_WOKEN_BY_AN_END: Final = 8
_ANY: Final = "budgets"
_ONE_BUDGET: Final = select(budget_tables.budgets.c.id).limit(1)


def hold_back(tx: Transaction, job: JobRow, task: TaskRow, refusal: Refusal) -> None:
    """Notes why a task waits, and until when nobody need look at it."""
    # Where it goes is decided anew: by then another place may be the better one.
    change(tx, task, not_before=refusal.next_try_at, place=None)
    known = (job.reason, job.explanation, job.next_try_at)
    if known == (Reason.WAITING_FOR_BUDGET, refusal.text, refusal.next_try_at):
        return
    change(
        tx,
        job,
        reason=Reason.WAITING_FOR_BUDGET,
        explanation=refusal.text,
        next_try_at=refusal.next_try_at,
    )
    if job.reason is not Reason.WAITING_FOR_BUDGET:
        data = {"reason": Reason.WAITING_FOR_BUDGET, "budget": refusal.budget_id, "limit": refusal.limit}
        append_event(tx, job.id, "job.waiting", refusal.text, data)


def note_an_end(tx: Transaction, attempt_id: str) -> None:
    """Something that ran has ended: budgets are looked at, and the first of those they held back try again."""
    attempts, projects, budgets = tables.attempts, tables.projects, budget_tables.budgets
    if not are_there_any(tx):
        return
    own = tx.execute(
        select(attempts.c.project_id, attempts.c.creator_id, attempts.c.provider, projects.c.team_id)
        .join(projects, projects.c.id == attempts.c.project_id)
        .where(attempts.c.id == attempt_id)
    ).first()
    if own is None:
        return
    is_counted = counting(own.team_id, own.project_id, own.creator_id, own.provider)
    if tx.execute(select(budgets.c.id).where(is_counted).limit(1)).first() is None:
        return
    # Placers first, then budgets: in this order launches lock them.
    wake_placers(tx)
    # Locked, as launches lock them: a launch that is being refused now is refused before this end, or sees it.
    rows = tx.execute(
        select(budgets.c.id, budgets.c.refused_at, budgets.c.next_due_at)
        .where(is_counted)
        .order_by(budgets.c.id)
        .with_for_update()
    ).all()
    due = [row.id for row in rows if row.next_due_at is None or row.next_due_at > tx.now]
    if due:
        leases.wake(tx, budgets, *due)
    if any(row.refused_at is not None for row in rows):
        let_try_again(tx, own.team_id, _WOKEN_BY_AN_END)


def are_there_any(tx: Transaction) -> bool:
    """Whether anybody has set a budget: mostly nobody has, and then nothing else need be asked."""
    known: dict[str, bool] = tx.notes.setdefault(_ANY, {})
    if "any" not in known:
        known["any"] = bool(tx.fetch(_ONE_BUDGET, {}))
    return known["any"]


def let_try_again(tx: Transaction, team_id: str, most: int | None = None) -> None:
    """Lets the first of a team's tasks that wait for a budget be tried again now. Placers have to be woken besides."""
    tasks, jobs, projects = tables.tasks, tables.jobs, tables.projects
    waiting = (
        select(tasks.c.id)
        .join(jobs, jobs.c.id == tasks.c.job_id)
        .join(projects, projects.c.id == tasks.c.project_id)
        .where(
            tasks.c.status == TaskStatus.WAITING,
            tasks.c.not_before > tx.now,
            jobs.c.reason == Reason.WAITING_FOR_BUDGET,
            projects.c.team_id == team_id,
        )
        .order_by(tasks.c.priority.desc(), tasks.c.queued_at, tasks.c.id)
        .with_for_update(of=tasks, skip_locked=True)
    )
    found = list(tx.execute(waiting if most is None else waiting.limit(most)).scalars())
    if found:
        later = {"not_before": tx.now, "version": tasks.c.version + 1}
        tx.execute(update(tasks).where(tasks.c.id.in_(found)).values(**later))
