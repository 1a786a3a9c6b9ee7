"""What a job was submitted with, for whoever runs it: read once, and for many jobs in one query."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam

from tradewind.db import tables
from tradewind.db.rows import JobRow
from tradewind.db.store import Store, Transaction
from tradewind.domain.clock import Clock

_KEPT: Final = 2048
_BY_ID: Final = JobRow.select().where(tables.jobs.c.id.in_(bindparam("ids", expanding=True)))


class JobFiles:
    """Jobs as they were when they were first asked for.

    Only for what never changes: the file, the workdir, the name, the owner. Everything else is long out of date.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[str, JobRow] = OrderedDict()
        self._wanted: dict[str, asyncio.Future[JobRow]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def get(self, job_id: str) -> JobRow:
        """The job with this id. Raises KeyError if there is none."""
        known = self._known.get(job_id)
        if known is not None:
            return known
        wanted = self._wanted.get(job_id)
        if wanted is None:
            wanted = self._wanted[job_id] = asyncio.get_running_loop().create_future()
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_wanted())
        # Somebody else may wait for the same one.
        return await asyncio.shield(wanted)

    async def _read_wanted(self) -> None:
        # What others ask for in this turn of the loop goes along.
        await self._clock.sleep(0)
        while self._wanted:
            wanted, self._wanted = self._wanted, {}
            try:
                found = await self._store.read(lambda tx, ids=list(wanted): jobs_by_id(tx, ids))  # type: ignore[misc]
            except BaseException as error:
                for answer in wanted.values():
                    answer.set_exception(error)
                    # Whoever asked may have been cancelled.
                    answer.exception()
                if not isinstance(error, Exception):
                    raise
                continue
            for job_id, answer in wanted.items():
                job = found.get(job_id)
                if job is None:
                    answer.set_exception(KeyError(job_id))
                    continue
                answer.set_result(job)
                self.remember(job)

    def known(self, job_id: str) -> JobRow | None:
        """The job, if it was asked for a short while ago. From any thread."""
        return self._known.get(job_id)

    def remember(self, job: JobRow) -> None:
        """Spares a look at a job that is in hand, and will be asked for soon. From any thread."""
        self._known[job.id] = job
        if len(self._known) > _KEPT:
            with contextlib.suppress(KeyError):
                self._known.popitem(last=False)


def jobs_by_id(tx: Transaction, ids: Sequence[str]) -> dict[str, JobRow]:
    """The jobs with these ids, as far as there are any."""
    jobs = [JobRow.of(row) for row in tx.fetch(_BY_ID, {"ids": ids})]
    return {job.id: job for job in jobs}
