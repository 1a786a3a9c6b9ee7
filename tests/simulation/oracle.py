"""Watches who holds which row, apart from what the rows say: only the last who claimed one may apply a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from sqlalchemy import ColumnElement

from tradewind.control import leases
from tradewind.db.store import Transaction


@contextmanager
def lease_oracle(report: Callable[[AssertionError], None]) -> Iterator[None]:
    """Reports every step that is applied by a server that had lost the row, while the block runs."""
    holders: dict[tuple[str, str], str] = {}
    claim, original_reread = leases.claim, leases.reread_held

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

    def reread_watched(tx: Transaction, row_type: Any, tokens: dict[str, str]) -> dict[str, Any]:
        """The rows that steps are about to be applied to."""
        held = original_reread(tx, row_type, tokens)
        stolen = [row_id for row_id in held if holders.get((row_type.table.name, row_id)) != tokens[row_id]]
        if stolen:
            tx.after_commit(
                lambda: report(AssertionError(f"a step of {stolen} was applied by a server that had lost it"))
            )
        return held

    with patch.object(leases, "claim", claim_watched), patch.object(leases, "reread_held", reread_watched):
        yield
