"""Status changes: only what the table allows, only on the row that was read, always with an event."""

from __future__ import annotations

import pytest

from tests.unit.jobs_for_tests import add_attempt, add_job, task_of
from tradewind.db.events import events_after
from tradewind.db.moves import change, set_attempt_status, set_job_status, set_task_status
from tradewind.db.owners import Caller
from tradewind.db.rows import JobRow, StaleRowError
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.status import AttemptStatus, ForbiddenMoveError, JobStatus, TaskStatus


async def test_a_move_is_written_with_its_event(store: SqlStore, caller: Caller) -> None:
    def play(tx: Transaction) -> None:
        job = add_job(tx, caller)
        moved = set_job_status(tx, job, JobStatus.STARTING, "going")
        assert JobRow.get(tx, job.id).status is moved.status is JobStatus.STARTING
        story = events_after(tx, job.id, 0, 10)
        assert [(event["seq"], event["type"]) for event in story] == [
            (1, "job.submitted"),
            (2, "job.starting"),
        ]

    await store.run(play)


async def test_a_forbidden_move_changes_nothing(store: SqlStore, caller: Caller) -> None:
    def play(tx: Transaction) -> None:
        job = add_job(tx, caller)
        with pytest.raises(ForbiddenMoveError):
            set_job_status(tx, job, JobStatus.RUNNING, "too soon")
        attempt = add_attempt(tx, job)
        ended = set_attempt_status(tx, attempt, AttemptStatus.CANCELLED, "over")
        with pytest.raises(ForbiddenMoveError):
            set_attempt_status(tx, ended, AttemptStatus.RUNNING, "back from the dead")
        assert JobRow.get(tx, job.id).status is JobStatus.QUEUED

    await store.run(play)


async def test_what_was_computed_from_an_old_row_is_refused(store: SqlStore, caller: Caller) -> None:
    def play(tx: Transaction) -> None:
        job = add_job(tx, caller)
        set_job_status(tx, job, JobStatus.STARTING, "first")
        with pytest.raises(StaleRowError):
            set_job_status(tx, job, JobStatus.CANCELLED, "second, from the same row")
        task = task_of(tx, job)
        set_task_status(tx, task, TaskStatus.ACTIVE)
        with pytest.raises(StaleRowError):
            change(tx, task, priority=5)

    await store.run(play)


async def test_a_status_cannot_be_slipped_in(store: SqlStore, caller: Caller) -> None:
    def play(tx: Transaction) -> None:
        with pytest.raises(ValueError, match="status"):
            change(tx, add_job(tx, caller), status=JobStatus.SUCCEEDED)

    await store.run(play)
