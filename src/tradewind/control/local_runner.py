"""Drives a controller that talks to nobody: it needs no lease, because all of a step is one transaction.

Due rows are taken under their locks, many in one transaction, and given back in the same commit. When that fails, each
row gets a transaction of its own; one that still fails is tried again with growing pauses.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

import structlog

from tradewind.control import leases
from tradewind.control.runner import (
    CROWD,
    LINGER_S,
    SHORTEST_NAP_S,
    back_off_s,
    idle_for_s,
    nap_s,
)
from tradewind.db.rows import Kept
from tradewind.db.store import Store, Transaction
from tradewind.domain.clock import Clock, Entropy

L = TypeVar("L", bound=Kept)
_LARGEST_BATCH: Final = 200

log = structlog.get_logger(__name__)


class LocalController(Protocol[L]):
    """Looks after the rows of one table; everything that it does is in the database."""

    row_type: type[L]

    def step(self, tx: Transaction, rows: Sequence[L], /) -> dict[str, datetime]:
        """One idempotent step of each row. When which of them are due again (left out: when they are woken)."""
        ...


class LocalRunner(Generic[L]):
    """Drives one controller."""

    def __init__(self, store: Store, controller: LocalController[L], clock: Clock, entropy: Entropy) -> None:
        self._store = store
        self._controller = controller
        self._clock = clock
        self._entropy = entropy
        self._table = controller.row_type.table

    async def run(self) -> None:
        """Runs until cancelled."""
        looks_first = False
        with self._store.wakeups.subscribe(self._table.name) as woken:
            while True:
                woken.clear()
                try:
                    if looks_first:
                        # Most wake-ups come when another server has taken the row, or the one before took it along.
                        idle_s = await nap_s(self._store, self._table, None)
                        if idle_s > SHORTEST_NAP_S:
                            await self._clock.wait(woken, idle_s)
                            continue
                    taken, idle_s = await self._pass()
                    looks_first = taken < _LARGEST_BATCH
                    if taken >= CROWD:
                        await self._clock.sleep(LINGER_S)
                    if looks_first:
                        await self._clock.wait(woken, idle_s)
                except Exception:
                    # The database may be away for a moment. Controllers are level-triggered: later is as good as now.
                    log.exception("runner.pass_failed", table=self._table.name)
                    await self._clock.sleep(1.0)

    async def _pass(self) -> tuple[int, float]:
        """How many rows were due, and how long it is until the next one is."""
        try:
            return await self._store.run(self._take_many)
        except Exception as error:
            log.info("runner.batch_taken_apart", table=self._table.name, error=repr(error))
        due = await self._store.read(lambda tx: leases.due_ids(tx, self._table, _LARGEST_BATCH))
        for row_id in due:
            await self._take_alone(row_id)
        return len(due), await nap_s(self._store, self._table, None)

    def _take_many(self, tx: Transaction) -> tuple[int, float]:
        taken = self._take(tx, leases.lock_due(tx, self._controller.row_type, _LARGEST_BATCH))
        return taken, idle_for_s(tx, self._table, None)

    async def _take_alone(self, row_id: str) -> None:
        kind, failures = self._controller.row_type, 0

        def take(tx: Transaction) -> None:
            nonlocal failures
            rows = leases.lock_one_due(tx, kind, row_id)
            failures = rows[0].lease_failures if rows else 0
            self._take(tx, rows)

        try:
            await self._store.run(take)
        except Exception as error:
            failures += 1
            log.warning("runner.step_failed", row=row_id, failures=failures, error=repr(error))
            log.debug("runner.step_failed.trace", row=row_id, exc_info=True)
            pause = timedelta(seconds=back_off_s(failures, self._entropy))
            values = {"lease_failures": failures}
            await self._store.run(
                lambda tx: tx.pending.put(self._table, row_id, {**values, "next_due_at": tx.now + pause})
            )

    def _take(self, tx: Transaction, rows: list[L]) -> int:
        if rows:
            due = self._controller.step(tx, rows)
            for row in rows:
                leases.release_held(tx, row, row, due.get(row.id))
        return len(rows)
