"""Claims on rows by lease: one statement for every table and database.

A row is due when `next_due_at` has come and nobody holds a live lease on it. Whoever claims it gets a token; only the
holder of that token can write the outcome. A wake-up that arrives during a step is counted, so it is never lost.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    true,
    update,
)

from tradewind.db.columns import UtcTime
from tradewind.db.fast import Fetching
from tradewind.db.rows import Kept, StaleRowError
from tradewind.db.store import Transaction

L = TypeVar("L", bound=Kept)
#: How long a claim holds without being renewed.
LEASE: Final = timedelta(seconds=30)


def claim(
    tx: Transaction,
    row_type: type[L],
    token: str,
    lease: timedelta,
    limit: int,
    only: ColumnElement[bool] | None = None,
) -> list[L]:
    """Takes up to `limit` due rows, the longest due first; of those that fulfil `only`, where it is given."""
    values = {"b_now": tx.now, "b_limit": limit, "b_token": token, "b_until": tx.now + lease}
    return [row_type.of(row) for row in tx.fetch(_claim(row_type, only), values)]  # type: ignore[arg-type]


@cache
def _claim(row_type: type[Kept], only: ColumnElement[bool] | None) -> Fetching:
    table = row_type.table
    # In a subquery PostgreSQL may look for the rows once per row, and lock more of them than the limit.
    due = _due(select(table.c.id), table, only).cte("due")
    columns = [table.c[column.name] for column in row_type.select().selected_columns]
    return (
        update(table)
        .where(table.c.id.in_(select(due.c.id)))
        .values(lease_token=bindparam("b_token"), lease_expires_at=bindparam("b_until"))
        .returning(*columns)
    )


def _due(
    statement: Select[*tuple[Any, ...]], table: Table, only: ColumnElement[bool] | None
) -> Select[*tuple[Any, ...]]:
    now = bindparam("b_now", type_=UtcTime())
    return (
        statement.where(
            table.c.next_due_at <= now,
            or_(table.c.lease_expires_at.is_(None), table.c.lease_expires_at <= now),
            true() if only is None else only,
        )
        .order_by(table.c.next_due_at)
        .limit(bindparam("b_limit", type_=Integer()))
        .with_for_update(skip_locked=True, key_share=True)
    )


def lock_due(tx: Transaction, row_type: type[L], limit: int) -> list[L]:
    """Due rows that nobody holds, the longest due first; they stay locked until the transaction ends.

    For steps that are one transaction: no lease is needed, and `release_held` gives them back.
    """
    values = {"b_now": tx.now, "b_limit": limit}
    return [row_type.of(row) for row in tx.fetch(_lock_due(row_type), values)]  # type: ignore[arg-type]


@cache
def _lock_due(row_type: type[Kept]) -> Fetching:
    return _due(row_type.select(), row_type.table, None)


def lock_one_due(tx: Transaction, row_type: type[L], row_id: str) -> list[L]:
    """The same of one row; empty when it is not due any more."""
    statement = _due(row_type.select(), row_type.table, row_type.table.c.id == row_id)
    return [row_type.of(row) for row in tx.execute(statement, {"b_now": tx.now, "b_limit": 1})]


def due_ids(tx: Transaction, table: Table, limit: int) -> list[str]:
    """Which rows are due and held by nobody, the longest due first."""
    statement = (
        select(table.c.id)
        .where(
            table.c.next_due_at <= tx.now,
            or_(table.c.lease_expires_at.is_(None), table.c.lease_expires_at <= tx.now),
        )
        .order_by(table.c.next_due_at)
        .limit(limit)
    )
    return list(tx.execute(statement).scalars())


def claimed_at(row: Kept) -> datetime:
    """When a claimed row was claimed, by the database's time: clocks of servers may differ."""
    if row.lease_expires_at is None:
        raise ValueError(f"{row.id} is not claimed")
    return row.lease_expires_at - LEASE


def next_due(tx: Transaction, table: Table, only: ColumnElement[bool] | None = None) -> datetime | None:
    """When the next row can be claimed; None when nothing is planned."""
    found: datetime | None = tx.fetch(_next_due(table, only), {})[0][0]
    return found


@cache
def _next_due(table: Table, only: ColumnElement[bool] | None) -> Fetching:
    when = case(
        (
            and_(
                table.c.lease_expires_at.is_not(None),
                table.c.lease_expires_at > table.c.next_due_at,
            ),
            table.c.lease_expires_at,
        ),
        else_=table.c.next_due_at,
    )
    return select(func.min(when, type_=table.c.next_due_at.type)).where(
        table.c.next_due_at.is_not(None), true() if only is None else only
    )


def extend(tx: Transaction, table: Table, row_id: str, token: str, lease: timedelta) -> bool:
    """Keeps a lease. False when it has been lost."""
    kept = tx.execute(
        update(table)
        .where(table.c.id == row_id, table.c.lease_token == token, table.c.lease_expires_at > tx.now)
        .values(lease_expires_at=tx.now + lease)
    )
    return kept.rowcount == 1


def reread(tx: Transaction, row_type: type[L], row_id: str, token: str) -> L:
    """The row as it is now, if the token still holds it. It stays locked. Raises StaleRowError."""
    found = reread_held(tx, row_type, {row_id: token})
    if not found:
        raise StaleRowError(f"the lease on {row_id} was lost")
    return found[row_id]


def reread_held(tx: Transaction, row_type: type[L], tokens: dict[str, str]) -> dict[str, L]:
    """Of rows by id, those that the token given for each still holds, as they are now. They stay locked."""
    found = {}
    for values in tx.fetch(_lock_by_id(row_type), {"ids": sorted(tokens)}):  # type: ignore[arg-type]
        row = row_type.of(values)
        if (
            row.lease_token == tokens[row.id]
            and row.lease_expires_at is not None
            and row.lease_expires_at > tx.now
        ):
            found[row.id] = row
    return found


@cache
def _lock_by_id(row_type: type[Kept]) -> Fetching:
    table = row_type.table
    by_id = row_type.select().where(table.c.id.in_(bindparam("ids", expanding=True))).order_by(table.c.id)
    return by_id.with_for_update(key_share=True)


def release_held(tx: Transaction, claimed: L, current: L, due_at: datetime | None) -> None:
    """Gives back a row that this transaction has locked: due then, or at once if it was woken since."""
    table = claimed.table
    if current.wakes != claimed.wakes or tx.pending.has_wake(table, claimed.id):
        due_at = tx.now
    values = {"lease_token": None, "lease_expires_at": None, "lease_failures": 0, "next_due_at": due_at}
    # Nobody is woken: whoever held the row looks again as the step ends, and others within their longest nap.
    tx.pending.put(table, claimed.id, values)


def release(
    tx: Transaction, table: Table, row: Kept, token: str, due_at: datetime | None, failures: int = 0
) -> None:
    """Gives a row back, due at the given time, or at once if it was woken since it was claimed.

    Raises StaleRowError when the lease was lost: the surrounding transaction must not commit.
    """
    released = tx.execute(
        update(table)
        .where(table.c.id == row.id, table.c.lease_token == token)
        .values(
            lease_token=None,
            lease_expires_at=None,
            lease_failures=failures,
            next_due_at=case(
                (table.c.wakes != row.wakes, literal(tx.now, UtcTime())), else_=literal(due_at, UtcTime())
            ),
        )
        .returning(table.c.next_due_at)
    ).first()
    if released is None:
        raise StaleRowError(f"the lease on {row.id} was lost")


def end_all(tx: Transaction, table: Table) -> None:
    """Makes rows that a dead process held due at once. Only for a process that knows that it is alone.

    A row that was being looked after is looked at again, whatever it was due for: its step may have been half done.
    """
    held = table.c.lease_token.is_not(None)
    tx.execute(update(table).where(held).values(lease_token=None, lease_expires_at=None, next_due_at=tx.now))


def wake(tx: Transaction, table: Table, *row_ids: str, topic: str | None = None) -> None:
    """Makes rows due now, and their runner look: the one of the table, or the one that listens on `topic`."""
    for row_id in row_ids:
        tx.pending.wake(table, row_id, {"next_due_at": tx.now})
    tx.wake(topic or table.name)
