"""Loops of which there is one for all servers. Whoever holds the row's lease runs it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import insert, select, update

from tradewind.control import leases
from tradewind.db import tables
from tradewind.db.store import Transaction

#: What the runner of rented machines listens on.
RENTALS: Final = "rentals"
#: Rents machines for waiting tasks.
MARKET: Final = "market"
#: Looks whether what runs should move.
MIGRATION: Final = "migration"
#: Followed by a provider's id: looks for machines that nobody knows of.
SWEEP: Final = "sweep:"


def ensure_loops(tx: Transaction, names: Iterable[str]) -> None:
    """Makes the rows that are not there yet, and all of them due."""
    table = tables.loops
    known = set(tx.execute(select(table.c.id)).scalars())
    for name in names:
        if name in known:
            tx.execute(update(table).where(table.c.id == name).values(next_due_at=tx.now))
        else:
            tx.execute(insert(table).values(id=name, state={}, created_at=tx.now, next_due_at=tx.now))
        tx.wake(name)


def wake_placers(tx: Transaction) -> None:
    """Makes whoever gives places to waiting tasks look: the machines at hand, and the market."""
    table = tables.nodes
    lock_at_hand(tx)
    values: dict[str, Any] = {"wakes": table.c.wakes + 1, "next_due_at": tx.now}
    tx.execute(update(table).where(table.c.is_rented.is_(False)).values(**values))
    tx.wake(table.name)
    leases.wake(tx, tables.loops, MARKET, topic=MARKET)


def lock_at_hand(tx: Transaction) -> None:
    """Locks the rows of all machines at hand, in one order: two that do must not hold what the other waits for."""
    table = tables.nodes
    at_hand = select(table.c.id).where(table.c.is_rented.is_(False)).order_by(table.c.id)
    tx.execute(at_hand.with_for_update(key_share=True)).all()
