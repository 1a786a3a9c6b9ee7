"""Ranks of attempts on several nodes, as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable

from tradewind.control.jobs import find_attempt
from tradewind.control.ranks import as_attempt, nodes_of, ranks_by_attempt, ranks_of
from tradewind.db.rows import AttemptRow, NodeRow, RankRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import NotFoundError
from tradewind.domain.schemas import RankView


def rank_views(tx: Transaction, attempts: Iterable[AttemptRow]) -> dict[str, list[RankView]]:
    """By attempt, of those that are on several nodes."""
    found = ranks_by_attempt(tx, [each.id for each in attempts if each.is_gang])
    if not found:
        return {}
    nodes = nodes_of(tx, [rank for ranks in found.values() for rank in ranks])
    return {
        attempt_id: [_view(rank, nodes[rank.node_id]) for rank in ranks]
        for attempt_id, ranks in found.items()
    }


def find_part(tx: Transaction, job_id: str, number: int | None, rank: int) -> AttemptRow | None:
    """The attempt, with what is observed of this rank of it.

    Raises NotFoundError where the attempt has no such rank.
    """
    attempt = find_attempt(tx, job_id, number)
    if attempt is None or rank == 0:
        return attempt
    found = next((each for each in ranks_of(tx, attempt.id) if each.number == rank), None)
    if found is None:
        ranks = "one rank, 0" if not attempt.is_gang else f"ranks 0 to {attempt.nodes - 1}"
        raise NotFoundError(f"attempt {attempt.number} has no rank {rank}", hint=f"it has {ranks}")
    return as_attempt(attempt, found)


def _view(rank: RankRow, node: NodeRow) -> RankView:
    return RankView(
        rank=rank.number,
        node=node.name,
        address=rank.address,
        status=_status(rank),
        reason=rank.reason,
        explanation=rank.explanation,
        exit_code=rank.exit_code,
        signal=rank.signal,
        lost_since=None if rank.has_ended else node.lost_since,
        started_at=rank.started_at,
        ended_at=rank.ended_at,
    )


def _status(rank: RankRow) -> str:
    if rank.outcome is not None:
        return rank.outcome.value
    if rank.handle is None:
        return "waiting"
    return "starting" if rank.started_at is None else "running"
