"""Watches who holds which row, apart from what the rows say: only the last who claimed one may apply a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from sqlalchemy import ColumnElement

from tradewind.control import leases
from tradewind.control.runner import LeaseRunner
from tradewind.db.store import Transaction


@contextmanager
def lease_oracle(report: Callable[[AssertionError], None]) -> Iterator[None]:
    """Reports every step that is applied by a server that had lost the row, while the block runs."""
    holders: dict[tuple[str, str], str] = {}
    claim, apply = leases.claim, LeaseRunner._apply

    def claim_watched(
        tx: Transaction,
        row_type: Any,
        token: str,
        lease: timedelta,
        limit: int,
        only: ColumnElement[bool] | None = None,
    ) -> list[Any]:
        claimed = claim(tx, row_type, token, lease, limit, only)
        taken = {(row_type.table.name, row.id): token for row in claimed}
        tx.after_commit(lambda: holders.update(taken))
        return claimed

    def apply_watched(self: Any, tx: Transaction, row: Any, token: str, step: Any, current: Any) -> None:
        apply(self, tx, row, token, step, current)
        holder = holders.get((row.table.name, row.id))
        if holder != token:
            report(AssertionError(f"a step of {row.id} was applied by a server that had lost it"))

    with patch.object(leases, "claim", claim_watched), patch.object(LeaseRunner, "_apply", apply_watched):
        yield
