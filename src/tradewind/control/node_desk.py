"""What a user can do with a node: give a rented one back."""

from __future__ import annotations

from tradewind.control import leases
from tradewind.control.loops import RENTALS
from tradewind.control.node_views import find_node, may_stop
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.moves import change
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import ConflictError
from tradewind.domain.status import AttemptStatus, NodeDesired, Reason, has_ended


def stop_node(tx: Transaction, caller: Caller, reference: str, *, now: bool) -> NodeRow:
    """Gives a rented machine back. Its job writes a checkpoint first, unless `now`, and goes on elsewhere.

    Asking again changes nothing, except that `now` makes it more urgent.

    Raises:
        NotFoundError: there is no such node.
        ConflictError: it is a machine of the user's own.
    """
    node = find_node(tx, caller, reference)
    if not node.is_rented:
        raise ConflictError(
            f"{node.name} is a machine of your own: there is nothing to give back",
            hint="`tradewind stop JOB` ends what runs there",
        )
    if not may_stop(node):
        return node
    attempt = _attempt_of(tx, node)
    if attempt is not None and attempt.stop_reason is None:
        attempt = change(tx, attempt, stop_reason=Reason.GIVEN_BACK)
        text = f"{caller.user_name} gave its machine back{' at once' if now else ''}: it goes on elsewhere"
        append_event(
            tx, attempt.job_id, "node.stop_requested", text, {"node": node.id}, actor=caller.user_name
        )
        leases.wake(tx, tables.attempts, attempt.id)
    is_running = attempt is not None and attempt.status in (AttemptStatus.RUNNING, AttemptStatus.STOPPING)
    if now or not is_running:
        node = change(
            tx,
            node,
            desired=NodeDesired.END,
            reason=Reason.GIVEN_BACK,
            explanation=f"given back by {caller.user_name}",
        )
        leases.wake(tx, tables.nodes, node.id, topic=RENTALS)
    return node


def _attempt_of(tx: Transaction, node: NodeRow) -> AttemptRow | None:
    if node.attempt_id is None:
        return None
    attempt = AttemptRow.get(tx, node.attempt_id)
    return None if has_ended(attempt.status) else attempt
