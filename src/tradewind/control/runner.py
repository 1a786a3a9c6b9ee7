"""The one generic loop: claim, work outside the database, apply under guard, give back.

A controller's step is in two parts. `act` may talk to the world and returns a function; that function is applied in
one transaction, to the row as it then is, only if the lease is still held. A step that fails is tried again with
growing pauses; the row's story is not touched.

Outcomes that come in while others are being applied are applied together, in one transaction. When one of them fails,
each is applied in a transaction of its own, so that none suffers for another.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

import structlog
from sqlalchemy import ColumnElement, Table

from tradewind.control import leases
from tradewind.db.rows import Kept, StaleRowError
from tradewind.db.store import Store, Transaction
from tradewind.domain.clock import Clock, Entropy

L = TypeVar("L", bound=Kept)
#: Applies a step's outcome to the row as it is now, and says when the row is due again (None: when it is woken).
Apply = Callable[[Transaction, L], datetime | None]

_HEARTBEAT_S: Final = 10.0
#: Steps whose outcomes are applied in one transaction at most.
_LARGEST_BATCH: Final = 200
SHORTEST_NAP_S: Final = 0.001
#: With so many rows under way a moment's wait costs nobody much, and what gathers meanwhile shares a transaction.
CROWD: Final = 16
LINGER_S: Final = 0.01
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


@dataclass(slots=True)
class _Step(Generic[L]):
    """A row under a lease, and then what is to be applied to it."""

    row: L
    token: str
    task: asyncio.Task[None] | None = None
    apply: Apply[L] | None = None
    #: Set once it has been applied, or has failed to be.
    ended: asyncio.Future[None] | None = None


class LeaseRunner(Generic[L]):
    """Drives one controller with up to `slots` rows at a time, of those that fulfil `only` where it is given.

    It is woken by the name of the rows' table, or by `topic` where several runners share a table.
    """

    def __init__(
        self,
        store: Store,
        controller: Controller[L],
        clock: Clock,
        entropy: Entropy,
        *,
        slots: int = 16,
        only: ColumnElement[bool] | None = None,
        topic: str | None = None,
    ) -> None:
        self._store = store
        self._controller = controller
        self._clock = clock
        self._entropy = entropy
        self._slots = slots
        self._only = only
        self._table = controller.row_type.table
        self._topic = topic or self._table.name
        self._busy: dict[str, _Step[L]] = {}
        self._outcomes: deque[_Step[L]] = deque()
        self._applying: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        #: The last claim took all that was due.
        self._looks_first = False

    async def run(self) -> None:
        """Runs until cancelled; steps under way are cancelled with it, and their leases run out."""
        try:
            with self._store.wakeups.subscribe(self._topic) as woken:
                while True:
                    woken.clear()
                    await self._pass(woken)
        finally:
            steps = (step.task for step in self._busy.values())
            tasks = [task for task in (*steps, self._applying, self._keeping) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass(self, woken: asyncio.Event) -> None:
        try:
            if len(self._busy) >= CROWD:
                await self._clock.sleep(LINGER_S)
            free = self._slots - len(self._busy)
            if not free:
                await self._clock.wait(woken, _LONGEST_NAP_S)
                return
            if self._looks_first:
                # Most wake-ups are for other runners of the table: to look costs less than to claim.
                idle_s = await nap_s(self._store, self._table, self._only)
                if idle_s > SHORTEST_NAP_S:
                    await self._clock.wait(woken, idle_s)
                    return
            token = self._entropy.token(12).hex()
            claimed, idle_s = await self._store.run(lambda tx: self._claim(tx, token, free))
            for row in claimed:
                self._begin(_Step(row, token), woken)
            self._looks_first = len(claimed) < free
            if self._looks_first:
                await self._clock.wait(woken, idle_s)
        except asyncio.CancelledError:
            raise
        except Exception:
            # The database may be away for a moment. Controllers are level-triggered: later is as good as now.
            log.exception("runner.pass_failed", table=self._table.name)
            await self._clock.sleep(1.0)

    def _claim(self, tx: Transaction, token: str, limit: int) -> tuple[list[L], float]:
        """Rows that are ours now, and how long it is until the next is due."""
        kind = self._controller.row_type
        claimed = leases.claim(tx, kind, token, leases.LEASE, limit, self._only)
        return claimed, idle_for_s(tx, self._table, self._only)

    def _begin(self, step: _Step[L], woken: asyncio.Event) -> None:
        self._busy[step.token + step.row.id] = step
        step.task = asyncio.create_task(self._take(step))
        step.task.add_done_callback(lambda _done: self._finished(step, woken))
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep_leases())

    def _finished(self, step: _Step[L], woken: asyncio.Event) -> None:
        del self._busy[step.token + step.row.id]
        woken.set()

    async def _take(self, step: _Step[L]) -> None:
        row = step.row
        try:
            step.apply = await self._controller.act(row)
            await self._applied(step)
        except asyncio.CancelledError:
            raise
        except StaleRowError as error:
            log.info("runner.stale_step_dropped", row=row.id, why=str(error))
            await self._try_release(row, step.token)
        except Exception as error:
            log.warning("runner.step_failed", row=row.id, failures=row.lease_failures + 1, error=repr(error))
            log.debug("runner.step_failed.trace", row=row.id, exc_info=True)
            await self._back_off(row, step.token)

    # -- applying ------------------------------------------------------------------------------------------------

    async def _applied(self, step: _Step[L]) -> None:
        """Returns once the step's outcome is committed. Raises what kept it from being."""
        step.ended = asyncio.get_running_loop().create_future()
        self._outcomes.append(step)
        if self._applying is None or self._applying.done():
            self._applying = asyncio.create_task(self._apply_all())
        await step.ended

    async def _apply_all(self) -> None:
        # What other steps reach in this turn of the loop goes along.
        await self._clock.sleep(LINGER_S if len(self._busy) >= CROWD else 0)
        while self._outcomes:
            batch: list[_Step[L]] = []
            while self._outcomes and len(batch) < _LARGEST_BATCH:
                step = self._outcomes.popleft()
                # One whose lease was lost meanwhile has been cancelled.
                if step.ended is not None and not step.ended.done():
                    batch.append(step)
            if len(batch) > 1 and await self._apply_together(batch):
                continue
            for step in batch:
                await self._apply_alone(step)

    async def _apply_together(self, batch: list[_Step[L]]) -> bool:
        """True if they are committed. False: none of them is, as far as we know."""
        try:
            lost = await self._store.run(lambda tx: self._apply(tx, batch))
        except Exception as error:
            log.info("runner.batch_taken_apart", table=self._table.name, steps=len(batch), error=repr(error))
            return False
        for step in batch:
            _tell(
                step, StaleRowError(f"the lease on {step.row.id} was lost") if step.row.id in lost else None
            )
        return True

    async def _apply_alone(self, step: _Step[L]) -> None:
        def apply(tx: Transaction) -> None:
            if self._apply(tx, [step]):
                raise StaleRowError(f"the lease on {step.row.id} was lost")

        try:
            await self._store.run(apply)
        except Exception as error:
            _tell(step, error)
        else:
            _tell(step, None)

    def _apply(self, tx: Transaction, batch: list[_Step[L]]) -> set[str]:
        """Applies to each row as it now is, if its lease still holds. Returns those whose lease was lost."""
        kind, lost = self._controller.row_type, set()
        held = leases.reread_held(tx, kind, {step.row.id: step.token for step in batch})
        self._prepare(tx, list(held.values()))
        for step in batch:
            current = held.get(step.row.id)
            if current is None or step.apply is None:
                lost.add(step.row.id)
                continue
            due_at = step.apply(tx, current)
            leases.release_held(tx, step.row, current, due_at)
        return lost

    def _prepare(self, tx: Transaction, rows: list[L]) -> None:
        prepare = getattr(self._controller, "prepare", None)
        if prepare is not None:
            prepare(tx, rows)

    # -- leases --------------------------------------------------------------------------------------------------

    async def _back_off(self, row: L, token: str) -> None:
        failures = row.lease_failures + 1
        await self._try_release(row, token, back_off_s(failures, self._entropy), failures)

    async def _try_release(self, row: L, token: str, pause_s: float = 0.0, failures: int = 0) -> None:
        def give_back(tx: Transaction) -> None:
            leases.release(tx, self._table, row, token, tx.now + timedelta(seconds=pause_s), failures)

        try:
            await self._store.run(give_back)
        except Exception as error:
            # The lease runs out by itself.
            log.info("runner.release_failed", row=row.id, error=repr(error))

    async def _keep_leases(self) -> None:
        """Renews what long steps hold, for as long as there are any."""
        while self._busy:
            held = list(self._busy.values())
            await self._clock.sleep(_HEARTBEAT_S)
            # Those that began meanwhile have their lease for longer than until the next round.
            left = [step for step in held if self._busy.get(step.token + step.row.id) is step]
            if not left:
                continue
            try:
                kept = await self._store.run(lambda tx, steps=left: self._extend(tx, steps))  # type: ignore[misc]
            except Exception as error:
                log.warning("runner.heartbeat_failed", table=self._table.name, error=repr(error))
                continue
            for step in left:
                if step.row.id not in kept and step.task is not None:
                    step.task.cancel()

    def _extend(self, tx: Transaction, steps: list[_Step[L]]) -> set[str]:
        return {
            step.row.id
            for step in steps
            if leases.extend(tx, self._table, step.row.id, step.token, leases.LEASE)
        }


def _tell(step: _Step[L], error: BaseException | None) -> None:
    if step.ended is None or step.ended.done():
        return
    if error is None:
        step.ended.set_result(None)
    else:
        step.ended.set_exception(error)


async def nap_s(store: Store, table: Table, only: ColumnElement[bool] | None) -> float:
    """How long it is until the next row is due, if nothing is woken."""
    return await store.read(lambda tx: idle_for_s(tx, table, only))


def idle_for_s(tx: Transaction, table: Table, only: ColumnElement[bool] | None) -> float:
    """The same, as this transaction sees it."""
    due = leases.next_due(tx, table, only)
    if due is None:
        return _LONGEST_NAP_S
    return min(max((due - tx.now).total_seconds(), SHORTEST_NAP_S), _LONGEST_NAP_S)


def back_off_s(failures: int, entropy: Entropy) -> float:
    """How long to leave a row alone whose step has failed so often in a row."""
    pause: float = min(_FIRST_BACKOFF_S * 2 ** min(failures - 1, 10), _LONGEST_BACKOFF_S)
    return pause * (0.5 + entropy.uniform())
