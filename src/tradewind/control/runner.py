"""The one generic loop: claim, work outside the database, apply under guard, give back.

A controller's step is in two parts. `act` may talk to the world and returns a function; that function is applied in
one transaction, to the row as it then is, only if the lease is still held. A step that fails is tried again with
growing pauses; the row's story is not touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, Generic, Protocol, TypeVar

import structlog
from sqlalchemy import ColumnElement

from tradewind.control import leases
from tradewind.db.rows import Kept, StaleRowError
from tradewind.db.store import Store, Transaction
from tradewind.domain.clock import Clock, Entropy

L = TypeVar("L", bound=Kept)
#: Applies a step's outcome to the row as it is now, and says when the row is due again (None: when it is woken).
Apply = Callable[[Transaction, L], datetime | None]

_HEARTBEAT_S: Final = 10.0
_LONGEST_NAP_S: Final = 30.0
_FIRST_BACKOFF_S: Final = 0.5
_LONGEST_BACKOFF_S: Final = 60.0

log = structlog.get_logger(__name__)


class Controller(Protocol[L]):
    """Looks after the rows of one table, one idempotent step at a time."""

    row_type: type[L]

    async def act(self, row: L, /) -> Apply[L]:
        """Does what the row needs in the world. Called again after a crash, with the same row."""
        ...


class LeaseRunner(Generic[L]):
    """Drives one controller with up to `slots` rows at a time, of those that fulfil `only` where it is given."""

    def __init__(
        self,
        store: Store,
        controller: Controller[L],
        clock: Clock,
        entropy: Entropy,
        *,
        slots: int = 16,
        only: ColumnElement[bool] | None = None,
    ) -> None:
        self._store = store
        self._controller = controller
        self._clock = clock
        self._entropy = entropy
        self._slots = slots
        self._only = only
        self._busy: set[asyncio.Task[None]] = set()
        self._table = controller.row_type.table

    async def run(self) -> None:
        """Runs until cancelled; steps under way are cancelled with it, and their leases run out."""
        try:
            with self._store.wakeups.subscribe(self._table.name) as woken:
                while True:
                    woken.clear()
                    await self._pass(woken)
        finally:
            for task in self._busy:
                task.cancel()
            await asyncio.gather(*self._busy, return_exceptions=True)

    async def _pass(self, woken: asyncio.Event) -> None:
        free = self._slots - len(self._busy)
        claimed: list[L] = []
        try:
            if free:
                token = self._entropy.token(12).hex()
                kind = self._controller.row_type
                claimed = await self._store.run(
                    lambda tx: leases.claim(tx, kind, token, leases.LEASE, free, self._only)
                )
                for row in claimed:
                    task = asyncio.create_task(self._step(row, token))
                    self._busy.add(task)
                    task.add_done_callback(lambda done: self._finished(done, woken))
            if len(claimed) < free or not free:
                await self._clock.wait(woken, await self._nap_s() if free else _LONGEST_NAP_S)
        except asyncio.CancelledError:
            raise
        except Exception:
            # The database may be away for a moment. Controllers are level-triggered: later is as good as now.
            log.exception("runner.pass_failed", table=self._table.name)
            await self._clock.sleep(1.0)

    def _finished(self, task: asyncio.Task[None], woken: asyncio.Event) -> None:
        self._busy.discard(task)
        woken.set()

    async def _nap_s(self) -> float:
        due, now = await self._store.read(lambda tx: (leases.next_due(tx, self._table, self._only), tx.now))
        if due is None:
            return _LONGEST_NAP_S
        return min(max((due - now).total_seconds(), 0.001), _LONGEST_NAP_S)

    async def _step(self, row: L, token: str) -> None:
        heartbeat = asyncio.create_task(self._keep_lease(row.id, token, asyncio.current_task()))
        try:
            apply = await self._controller.act(row)
            await self._store.run(lambda tx: self._apply(tx, row, token, apply))
        except asyncio.CancelledError:
            raise
        except StaleRowError as error:
            log.info("runner.stale_step_dropped", row=row.id, why=str(error))
            await self._try_release(row, token)
        except Exception as error:
            log.warning("runner.step_failed", row=row.id, failures=row.lease_failures + 1, error=repr(error))
            log.debug("runner.step_failed.trace", row=row.id, exc_info=True)
            await self._back_off(row, token)
        finally:
            heartbeat.cancel()

    def _apply(self, tx: Transaction, row: L, token: str, apply: Apply[L]) -> None:
        current = leases.reread(tx, self._controller.row_type, row.id, token)
        due_at = apply(tx, current)
        leases.release(tx, self._table, row, token, due_at)

    async def _back_off(self, row: L, token: str) -> None:
        failures = row.lease_failures + 1
        pause = min(_FIRST_BACKOFF_S * 2 ** min(failures - 1, 10), _LONGEST_BACKOFF_S)
        pause *= 0.5 + self._entropy.uniform()
        await self._try_release(row, token, pause, failures)

    async def _try_release(self, row: L, token: str, pause_s: float = 0.0, failures: int = 0) -> None:
        def give_back(tx: Transaction) -> None:
            leases.release(tx, self._table, row, token, tx.now + timedelta(seconds=pause_s), failures)

        try:
            await self._store.run(give_back)
        except Exception as error:
            # The lease runs out by itself.
            log.info("runner.release_failed", row=row.id, error=repr(error))

    async def _keep_lease(self, row_id: str, token: str, step: asyncio.Task[Any] | None) -> None:
        while True:
            await self._clock.sleep(_HEARTBEAT_S)
            try:
                kept = await self._store.run(
                    lambda tx: leases.extend(tx, self._table, row_id, token, leases.LEASE)
                )
            except Exception as error:
                log.warning("runner.heartbeat_failed", row=row_id, error=repr(error))
                continue
            if not kept and step is not None:
                step.cancel()
                return
