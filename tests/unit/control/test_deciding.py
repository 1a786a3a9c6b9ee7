"""Decisions of the controllers as tables."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise, product

import pytest

from tests.unit.jobs_for_tests import add_attempt, add_job, task_of
from tradewind.control.deciding import follow_up, job_status, judge, path_to
from tradewind.db.moves import set_attempt_status
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.status import (
    JOB_MOVES,
    AttemptStatus,
    Desired,
    JobStatus,
    Reason,
    TaskStatus,
    has_ended,
)
from tradewind.providers.base import Exit
from tradewind.spec.models import JobSpec

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _exit(reason: str, code: int | None = None, signal: int | None = None) -> Exit:
    return Exit(reason=reason, message="", exit_code=code, signal=signal, started_at=NOW, ended_at=NOW)


@pytest.mark.parametrize(
    ("exit_", "stop", "status"),
    [
        (_exit("exited", 0), None, AttemptStatus.SUCCEEDED),
        (_exit("exited", 0), Reason.STOPPED_BY_USER, AttemptStatus.SUCCEEDED),
        (_exit("exited", 3), None, AttemptStatus.FAILED),
        (_exit("setup_failed", 1), None, AttemptStatus.FAILED),
        (_exit("command_not_found", 127), None, AttemptStatus.FAILED),
        (_exit("killed_by_signal", None, 9), None, AttemptStatus.FAILED),
        (_exit("killed_by_signal", None, 15), Reason.STOPPED_BY_USER, AttemptStatus.CANCELLED),
        (_exit("stopped_by_user"), Reason.STOPPED_BY_USER, AttemptStatus.CANCELLED),
        (_exit("max_duration"), None, AttemptStatus.FAILED),
        (_exit("budget"), Reason.BUDGET, AttemptStatus.FAILED),
        (_exit("supervisor_lost"), None, AttemptStatus.INTERRUPTED),
        (_exit("machine_restarted"), None, AttemptStatus.INTERRUPTED),
        (_exit("vanished"), None, AttemptStatus.INTERRUPTED),
        (_exit("something new"), None, AttemptStatus.INTERRUPTED),
    ],
)
def test_how_an_attempt_ended(exit_: Exit, stop: Reason | None, status: AttemptStatus) -> None:
    verdict = judge(exit_, stop)
    assert verdict.status is status
    assert verdict.explanation


def test_every_path_between_job_statuses_is_legal() -> None:
    for current, wanted in product(JobStatus, JobStatus):
        if has_ended(current):
            continue
        steps = [current, *path_to(current, wanted)]
        if wanted in JOB_MOVES[current] or (steps[-1] is wanted and len(steps) > 2):
            for earlier, later in pairwise(steps):
                assert later in JOB_MOVES[earlier], f"{current} to {wanted} by {steps}"


def test_a_job_that_is_stopped_before_it_ran_is_not_said_to_have_run() -> None:
    assert path_to(JobStatus.QUEUED, JobStatus.STOPPING) == [JobStatus.STARTING, JobStatus.STOPPING]
    assert path_to(JobStatus.STARTING, JobStatus.STOPPING) == [JobStatus.STOPPING]
    assert path_to(JobStatus.RUNNING, JobStatus.STOPPING) == [JobStatus.STOPPING]


async def test_retries_are_counted_apart_and_end(store: SqlStore, caller: Caller) -> None:
    spec = JobSpec.model_validate(
        {"version": 1, "name": "a", "run": "true", "retry": {"interruptions": 1, "failures": 1}}
    )

    def play(tx: Transaction) -> None:
        from dataclasses import replace

        job = add_job(tx, caller)
        task = task_of(tx, job)
        attempt = add_attempt(tx, job)
        lost = replace(attempt, status=AttemptStatus.INTERRUPTED, reason=Reason.SUPERVISOR_LOST)
        failed = replace(attempt, status=AttemptStatus.FAILED, reason=Reason.EXITED)
        over_time = replace(attempt, status=AttemptStatus.FAILED, reason=Reason.MAX_DURATION)
        again = follow_up(task, lost, spec, Desired.RUN)
        assert (again.status, again.interruptions, again.failures) == (TaskStatus.WAITING, 1, 0)
        assert again.after.total_seconds() > 0
        enough = follow_up(replace(task, interruptions=1), lost, spec, Desired.RUN)
        assert enough.status is TaskStatus.FAILED
        assert (
            follow_up(replace(task, interruptions=1), failed, spec, Desired.RUN).status is TaskStatus.WAITING
        )
        assert follow_up(replace(task, failures=1), failed, spec, Desired.RUN).status is TaskStatus.FAILED
        assert follow_up(task, over_time, spec, Desired.RUN).status is TaskStatus.FAILED
        assert follow_up(task, failed, spec, Desired.STOP).status is TaskStatus.CANCELLED

    await store.run(play)


async def test_a_job_is_what_its_tasks_and_attempts_are(store: SqlStore, caller: Caller) -> None:
    def play(tx: Transaction) -> None:
        from dataclasses import replace

        job = add_job(tx, caller)
        task, attempt = task_of(tx, job), add_attempt(tx, job)
        starting = set_attempt_status(tx, attempt, AttemptStatus.STARTING, "")
        running = set_attempt_status(tx, starting, AttemptStatus.RUNNING, "")
        active = replace(task, status=TaskStatus.ACTIVE)
        assert job_status(Desired.RUN, [task], []) is JobStatus.QUEUED
        assert job_status(Desired.RUN, [active], [attempt]) is JobStatus.STARTING
        assert job_status(Desired.RUN, [active], [running]) is JobStatus.RUNNING
        assert job_status(Desired.STOP, [active], [running]) is JobStatus.STOPPING
        done = [replace(task, status=status) for status in (TaskStatus.SUCCEEDED, TaskStatus.FAILED)]
        assert job_status(Desired.RUN, done[:1], []) is JobStatus.SUCCEEDED
        assert job_status(Desired.RUN, done, []) is JobStatus.FAILED

    await store.run(play)
