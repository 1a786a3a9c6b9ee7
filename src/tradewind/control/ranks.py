"""The ranks of an attempt on several nodes: one process group on each, with an agent and logs of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from tradewind.db import tables
from tradewind.db.rows import AttemptRow, NodeRow, RankRow
from tradewind.db.store import Transaction

_RANKS: Final = (
    RankRow.select()
    .where(tables.ranks.c.attempt_id.in_(bindparam("ids", expanding=True)))
    .order_by(tables.ranks.c.attempt_id, tables.ranks.c.number)
)
#: Between the id of an attempt and the number of its rank.
_MARK: Final = "-"


def ranks_of(tx: Transaction, attempt_id: str) -> list[RankRow]:
    """The ranks of one attempt in order; none where it is on one node."""
    return [RankRow.of(row) for row in tx.fetch(_RANKS, {"ids": [attempt_id]})]


def ranks_by_attempt(tx: Transaction, attempt_ids: Sequence[str]) -> dict[str, list[RankRow]]:
    """The ranks of those attempts that have any."""
    found: dict[str, list[RankRow]] = {}
    for rank in map(RankRow.of, tx.fetch(_RANKS, {"ids": list(attempt_ids)})) if attempt_ids else ():
        found.setdefault(rank.attempt_id, []).append(rank)
    return found


def nodes_of(tx: Transaction, ranks: Sequence[RankRow]) -> dict[str, NodeRow]:
    """The nodes of ranks, by id."""
    table = tables.nodes
    rows = tx.execute(NodeRow.select().where(table.c.id.in_([each.node_id for each in ranks])))
    return {node.id: node for node in map(NodeRow.of, rows)}


def node_ids_of(tx: Transaction, row: AttemptRow) -> list[str]:
    """Every node that an attempt is on."""
    return [each.node_id for each in ranks_of(tx, row.id)] if row.is_gang else [row.node_id]


def name_of_rank(attempt_id: str, number: int) -> str:
    """What a rank is called where it runs, and its directory everywhere: the first goes by the attempt's own id."""
    return attempt_id if number == 0 else f"{attempt_id}{_MARK}{number}"


def attempt_of(name: str | PurePath) -> str:
    """The id of the attempt whose rank is called so."""
    return PurePath(name).name.partition(_MARK)[0]


def as_attempt(row: AttemptRow, rank: RankRow) -> AttemptRow:
    """The attempt as it would be if this rank were all of it: what it holds, on which terms, and what it used."""
    values: dict[str, Any] = {
        "node_id": rank.node_id,
        "nodes": 1,
        "offer": rank.offer,
        "handle": rank.handle,
        "energy_j": rank.energy_j,
        "accepted_at": rank.accepted_at,
    }
    # Of the first rank what is observed is the attempt's own: progress, metrics and health go by it.
    if rank.number:
        values["observed"] = rank.observed
    return row.with_values(values)


def energy_on(tx: Transaction, row: AttemptRow, node_id: str) -> int:
    """What an attempt drew on one of its nodes."""
    if not row.is_gang:
        return row.energy_j
    return sum(each.energy_j for each in ranks_of(tx, row.id) if each.node_id == node_id)


def give_devices(
    tx: Transaction, row: AttemptRow, node_id: str, found: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Notes which devices a rank holds of its node. Returns those of all ranks."""
    devices: list[dict[str, Any]] = []
    for rank in ranks_of(tx, row.id):
        held = rank.offer.get("accelerators") or []
        if rank.node_id == node_id:
            held = found
            table = tables.ranks
            offer = {**rank.offer, "accelerators": found}
            tx.execute(update(table).where(table.c.id == rank.id).values(offer=offer))
        devices += held
    return devices


def ids_on(node_id: str) -> Any:
    """A query for the attempts that have a rank on this node."""
    table = tables.ranks
    return select(table.c.attempt_id).where(table.c.node_id == node_id)


def earlier_handles(tx: Transaction, node_id: str, attempt_id: str) -> list[dict[str, Any]]:
    """What places need to find attempts again that have ended on this node, and ranks of such: all but this one's."""
    attempts, ranks = tables.attempts, tables.ranks
    whole = select(attempts.c.handle).where(
        attempts.c.node_id == node_id,
        attempts.c.id != attempt_id,
        attempts.c.ended_at.is_not(None),
        attempts.c.handle.is_not(None),
    )
    parts = (
        select(ranks.c.handle)
        .join(attempts, attempts.c.id == ranks.c.attempt_id)
        .where(ranks.c.node_id == node_id, ranks.c.attempt_id != attempt_id, attempts.c.ended_at.is_not(None))
    )
    found = [*tx.execute(whole).scalars(), *tx.execute(parts).scalars()]
    # A JSON column may hold JSON's null.
    return [handle for handle in found if handle]
