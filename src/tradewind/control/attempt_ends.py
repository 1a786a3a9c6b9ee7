"""How an attempt's end is written down: its money, what it held, its intents, and what is cleared away."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import bindparam, update

from tradewind.control import health_desk, keeping, leases, money
from tradewind.control.context import Context
from tradewind.control.deciding import Verdict
from tradewind.control.loops import MARKET, RENTALS
from tradewind.control.ranks import node_ids_of
from tradewind.control.rent_money import has_unsettled
from tradewind.control.runner import Apply
from tradewind.db import tables
from tradewind.db.moves import set_attempt_status
from tradewind.db.rows import AttemptRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.causes import INTERRUPTIONS
from tradewind.domain.status import REASON_TEXT, AttemptStatus, NodeDesired, NodeStatus, Reason
from tradewind.estimate.tariff import Tariff
from tradewind.spec.models import JobSpec

#: What was wanted of it before its machine went away, and still counts.
_OWN_WISHES: Final = frozenset({Reason.STOPPED_BY_USER, Reason.BUDGET})
_FREE: Final = (
    update(tables.allocations)
    .where(
        tables.allocations.c.attempt_id == bindparam("b_attempt_id"),
        tables.allocations.c.released_at.is_(None),
    )
    .values(released_at=bindparam("b_now"))
)
_CLOSE_INTENT: Final = (
    update(tables.intents)
    .where(tables.intents.c.attempt_id == bindparam("b_attempt_id"))
    .values(state=bindparam("b_state"), closed_at=bindparam("b_now"))
)


def end_attempt(
    tx: Transaction,
    tariff: Tariff,
    row: AttemptRow,
    verdict: Verdict,
    *,
    energy_j: int,
    ended_at: datetime,
    exit_code: int | None = None,
    signal: int | None = None,
) -> None:
    """Writes the end of an attempt of which nothing exists any more."""
    is_rented = row.is_rented
    if row.accepted_at is not None and not is_rented:
        money.settle(tx, row, tariff, energy_j=energy_j, ended_at=ended_at)
    if not (is_rented and has_unsettled(tx, row.id)):
        money.let_go(tx, row.id)
    tx.pending.run(_FREE, {"b_attempt_id": row.id, "b_now": tx.now})
    close_intents(tx, row.id, "ended" if row.accepted_at else "failed")
    set_attempt_status(
        tx,
        row,
        verdict.status,
        verdict.explanation,
        reason=verdict.reason,
        explanation=verdict.explanation,
        exit_code=exit_code,
        signal=signal,
        energy_j=energy_j,
        ended_at=ended_at,
    )
    leases.wake(tx, tables.jobs, row.job_id)
    if row.is_gang and is_rented:
        _call_off(tx, row)
    leases.wake(tx, tables.nodes, *node_ids_of(tx, row), topic=RENTALS if is_rented else None)
    if row.is_far:
        # What is free now may be what a gang waits for, and those are placed by the market.
        leases.wake(tx, tables.loops, MARKET, topic=MARKET)


def _call_off(tx: Transaction, row: AttemptRow) -> None:
    """Machines of a gang that has come to nothing and that are not rented yet need not be."""
    table = tables.nodes
    tx.execute(
        update(table)
        .where(table.c.attempt_id == row.id, table.c.status == NodeStatus.CREATING)
        .values(desired=NodeDesired.END)
    )


def close_intents(tx: Transaction, attempt_id: str, state: str) -> None:
    """Closes what was committed before the attempt was started."""
    tx.pending.run(_CLOSE_INTENT, {"b_attempt_id": attempt_id, "b_state": state, "b_now": tx.now})


def status_for(reason: Reason) -> AttemptStatus:
    """How an attempt ends for a reason that its command had no part in."""
    if reason is Reason.STOPPED_BY_USER:
        return AttemptStatus.CANCELLED
    return AttemptStatus.INTERRUPTED if reason in INTERRUPTIONS else AttemptStatus.FAILED


def end_with_machine(row: AttemptRow, node: NodeRow) -> Verdict:
    """The machine is confirmed gone: whatever ran there has ended, and how it ended is not known."""
    reason = node.reason or Reason.VANISHED
    if reason is Reason.NOT_NEEDED:
        reason = Reason.VANISHED
    if row.stop_reason in _OWN_WISHES:
        reason = row.stop_reason
    return Verdict(status_for(reason), reason, node.explanation or REASON_TEXT[reason])


def end_before_start(row: AttemptRow, node: NodeRow) -> Verdict:
    """The machine went away, or never came, and nothing had run there."""
    reason = row.stop_reason or node.reason or Reason.START_FAILED
    if reason is Reason.NOT_NEEDED:
        reason = Reason.START_FAILED
    return Verdict(status_for(reason), reason, node.explanation or REASON_TEXT[reason])


def note_unreachable(tx: Transaction, node: NodeRow, row: AttemptRow) -> AttemptRow:
    """Nobody answers on the machine. Its controller finds out why, and gives it up when that takes too long."""
    table = tables.nodes
    if node.lost_since is None:
        tx.execute(
            update(table).where(table.c.id == node.id, table.c.lost_since.is_(None)).values(lost_since=tx.now)
        )
    row = health_desk.note_unreachable(tx, row, node)
    leases.wake(tx, table, node.id, topic=RENTALS)
    return row


def note_reachable(tx: Transaction, node: NodeRow, row: AttemptRow) -> AttemptRow:
    """Somebody answers on it again."""
    tx.execute(update(tables.nodes).where(tables.nodes.c.id == node.id).values(lost_since=None))
    return health_desk.note_reachable(tx, row)


def with_pruning(
    context: Context, row: AttemptRow, spec: JobSpec, apply: Apply[AttemptRow]
) -> Apply[AttemptRow]:
    """The same, and checkpoints beyond those that are to be kept are removed after its commit."""
    if spec.checkpoints is None:
        return apply
    keep = spec.checkpoints.keep

    def applied(tx: Transaction, current: AttemptRow) -> datetime | None:
        due = apply(tx, current)
        for location in keeping.prune_checkpoints(tx, row.task_id, keep):
            tx.after_commit(partial(context.storage.delete, location))
        return due

    return applied
