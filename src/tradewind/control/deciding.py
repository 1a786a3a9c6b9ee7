"""The decisions of the controllers as pure functions: how an attempt ended, whether to try again, how a job is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tradewind.db.rows import AttemptRow, TaskRow
from tradewind.domain.causes import INTERRUPTIONS, Allowance, cause_of
from tradewind.domain.status import (
    REASON_TEXT,
    AttemptStatus,
    Desired,
    JobStatus,
    Reason,
    TaskStatus,
    has_ended,
)
from tradewind.providers.base import Exit
from tradewind.spec.models import JobSpec
from tradewind.spec.parts import Health, OnUnhealthy


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an attempt ended."""

    status: AttemptStatus
    reason: Reason
    explanation: str


def judge(exit_: Exit, stop_reason: Reason | None) -> Verdict:
    """What an exit record means. A stop that was asked for but came too late changes nothing."""
    try:
        reason = Reason(exit_.reason)
    except ValueError:
        return Verdict(
            AttemptStatus.INTERRUPTED, Reason.VANISHED, f"ended for an unknown reason: {exit_.reason}"
        )
    if reason is Reason.EXITED and exit_.exit_code == 0:
        return Verdict(AttemptStatus.SUCCEEDED, reason, "the command ended with exit code 0")
    if reason is Reason.STOPPED_BY_USER:
        return Verdict(AttemptStatus.CANCELLED, reason, REASON_TEXT[reason])
    if reason is Reason.KILLED_BY_SIGNAL and stop_reason is Reason.STOPPED_BY_USER:
        return Verdict(AttemptStatus.CANCELLED, Reason.STOPPED_BY_USER, REASON_TEXT[Reason.STOPPED_BY_USER])
    status = AttemptStatus.INTERRUPTED if reason in INTERRUPTIONS else AttemptStatus.FAILED
    return Verdict(status, reason, _explain(reason, exit_))


def _explain(reason: Reason, exit_: Exit) -> str:
    text = REASON_TEXT[reason]
    if reason is Reason.EXITED:
        text = f"the command ended with exit code {exit_.exit_code}"
    elif reason is Reason.KILLED_BY_SIGNAL:
        text = f"the command was killed by signal {exit_.signal}"
    elif reason is Reason.SETUP_FAILED and exit_.exit_code is not None:
        text = f"setup ended with exit code {exit_.exit_code}"
    return f"{text}: {exit_.message}" if exit_.message and exit_.message not in text else text


@dataclass(frozen=True, slots=True)
class RankEnd:
    """How one rank of several ended, and what it is called to people: `rank 1 (gpu2)`."""

    name: str
    verdict: Verdict
    ended_at: datetime
    exit_code: int | None = None
    signal: int | None = None


def judge_gang(ends: Sequence[RankEnd], stop_reason: Reason | None, first: Verdict | None) -> RankEnd:
    """The end that stands for the whole attempt, once all ranks have ended.

    A rank whose machine goes away takes the others with it: they fail because nobody answers them. So what a place did
    counts before what a command did, and an end that was asked for before both. `first` is why the ranks were stopped,
    for when that leaves no other trace.
    """
    if all(each.verdict.status is AttemptStatus.SUCCEEDED for each in ends):
        text = f"the command ended with exit code 0 on all {len(ends)} nodes"
        return replace(ends[0], verdict=replace(ends[0].verdict, explanation=text))
    told = (AttemptStatus.SUCCEEDED,)
    own = [
        each
        for each in sorted(ends, key=lambda each: each.ended_at)
        if each.verdict.status not in told and each.verdict.reason is not Reason.PEER_ENDED
    ]
    wished = [each for each in own if each.verdict.reason is stop_reason]
    cancelled = [each for each in own if each.verdict.status is AttemptStatus.CANCELLED]
    places = [each for each in own if each.verdict.status is AttemptStatus.INTERRUPTED]
    for found in (cancelled, wished):
        if found:
            return found[0]
    if places or own:
        end = (places or own)[0]
        return replace(
            end, verdict=replace(end.verdict, explanation=f"{end.name}: {end.verdict.explanation}")
        )
    verdict = first or Verdict(AttemptStatus.INTERRUPTED, Reason.PEER_ENDED, REASON_TEXT[Reason.PEER_ENDED])
    return replace(ends[0], verdict=verdict, exit_code=None, signal=None)


@dataclass(frozen=True, slots=True)
class Sequel:
    """What becomes of a task whose attempt ended; `after` is the pause before another try."""

    status: TaskStatus
    interruptions: int
    failures: int
    after: timedelta = timedelta(0)


def follow_up(
    task: TaskRow, attempt: AttemptRow, spec: JobSpec, desired: Desired, earlier: int = 0
) -> Sequel:
    """Whether the task is done, is tried again, or has failed, by the cause of the end and the job's retry policy.

    `earlier` is how many attempts before this one counted against the same allowance, for those that the task does
    not count itself.
    """
    interruptions, failures = task.interruptions, task.failures
    if attempt.status is AttemptStatus.SUCCEEDED:
        return Sequel(TaskStatus.SUCCEEDED, interruptions, failures)
    if attempt.status is AttemptStatus.CANCELLED or desired is Desired.STOP:
        return Sequel(TaskStatus.CANCELLED, interruptions, failures)
    cause = cause_of(attempt.reason)
    against = cause.counts_against
    if against is Allowance.UNCOUNTED:
        # Nothing went wrong with the job: the next place is tried at once, and places that said no are left out.
        return Sequel(TaskStatus.WAITING, interruptions, failures)
    if against is Allowance.NEVER or not _may_restart(attempt.reason, spec):
        return Sequel(TaskStatus.FAILED, interruptions, failures)
    if against is Allowance.NODE_FAILURES:
        count, allowed = earlier + 1, spec.retry.node_failures
    elif against is Allowance.UNHEALTHY:
        count, allowed = earlier + 1, spec.retry.unhealthy
    elif attempt.status is AttemptStatus.INTERRUPTED:
        interruptions += 1
        count, allowed = interruptions, spec.retry.interruptions
    else:
        failures += 1
        count, allowed = failures, spec.retry.failures
    if count > allowed:
        return Sequel(TaskStatus.FAILED, interruptions, failures)
    return Sequel(TaskStatus.WAITING, interruptions, failures, cause.pause_before(count))


def _may_restart(reason: Reason | None, spec: JobSpec) -> bool:
    """Whether the job file lets a job that was stopped for its health begin again."""
    health = spec.health or Health()
    if reason in (Reason.STALLED, Reason.NO_PROGRESS):
        return health.on_stall is OnUnhealthy.RESTART
    if reason is Reason.NAN_LOSS:
        return health.nan_action is OnUnhealthy.RESTART
    return True


def job_status(desired: Desired, tasks: list[TaskRow], attempts: list[AttemptRow]) -> JobStatus:
    """How a job is, from its tasks and their live attempts."""
    if all(has_ended(task.status) for task in tasks):
        statuses = {task.status for task in tasks}
        if TaskStatus.FAILED in statuses:
            return JobStatus.FAILED
        return JobStatus.CANCELLED if TaskStatus.CANCELLED in statuses else JobStatus.SUCCEEDED
    live = {attempt.status for attempt in attempts if not has_ended(attempt.status)}
    if live and desired is Desired.STOP:
        return JobStatus.STOPPING
    if AttemptStatus.RUNNING in live or AttemptStatus.STOPPING in live:
        return JobStatus.RUNNING
    return JobStatus.STARTING if live else JobStatus.QUEUED


def path_to(current: JobStatus, wanted: JobStatus) -> list[JobStatus]:
    """The moves that lead from one status to another; a job that was quick passes through what it skipped."""
    if current is wanted:
        return []
    if current is JobStatus.QUEUED and wanted is JobStatus.STOPPING:
        return [JobStatus.STARTING, wanted]
    order = [JobStatus.QUEUED, JobStatus.STARTING, JobStatus.RUNNING]
    if current in order and wanted in (JobStatus.RUNNING, JobStatus.SUCCEEDED):
        between = order[order.index(current) + 1 :]
        return between if wanted is JobStatus.RUNNING else [*between, wanted]
    return [wanted]
