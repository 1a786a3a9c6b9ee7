"""States of jobs, attempts and checkpoints as people see them, and what a caller may do with a job."""

from __future__ import annotations

from typing import Final

from tradewind.control.waiting_help import waiting_badge
from tradewind.db.rows import AttemptRow, JobRow
from tradewind.domain.schemas_shown import ActionView, BadgeView, Icon, Tone
from tradewind.domain.status import AttemptStatus, Desired, JobStatus, Reason, has_ended

_Look = tuple[str, Tone, Icon]

JOB_LOOKS: Final[dict[JobStatus, _Look]] = {
    JobStatus.QUEUED: ("Waiting", "quiet", "clock"),
    JobStatus.STARTING: ("Starting", "busy", "bolt"),
    JobStatus.RUNNING: ("Running", "busy", "play"),
    JobStatus.STOPPING: ("Stopping", "warning", "stop"),
    JobStatus.SUCCEEDED: ("Succeeded", "good", "check"),
    JobStatus.FAILED: ("Failed", "bad", "cross"),
    JobStatus.CANCELLED: ("Cancelled", "quiet", "stop"),
}
_ATTEMPT_LOOKS: Final[dict[AttemptStatus, _Look]] = {
    AttemptStatus.CREATING: ("Being created", "busy", "bolt"),
    AttemptStatus.STARTING: ("Starting", "busy", "bolt"),
    AttemptStatus.RUNNING: ("Running", "busy", "play"),
    AttemptStatus.STOPPING: ("Stopping", "warning", "stop"),
    AttemptStatus.SUCCEEDED: ("Succeeded", "good", "check"),
    AttemptStatus.FAILED: ("Failed", "bad", "cross"),
    AttemptStatus.CANCELLED: ("Cancelled", "quiet", "stop"),
    AttemptStatus.INTERRUPTED: ("Interrupted", "warning", "pause"),
}
_CHECKPOINT_LOOKS: Final[dict[str, _Look]] = {
    "kept": ("Resumable", "good", "check"),
    "pruned": ("Pruned", "quiet", "moon"),
    "damaged": ("Damaged", "bad", "alert"),
}
_EVENT_LOOKS: Final[dict[str, _Look]] = {
    "job.submitted": ("Submitted", "quiet", "plug"),
    "job.queued": ("Waiting", "quiet", "clock"),
    "job.waiting": ("Waiting", "warning", "clock"),
    "job.retry": ("Trying again", "warning", "swap"),
    "job.warning": ("Warning", "warning", "alert"),
    "job.migrating": ("Moving", "busy", "swap"),
    "job.stop_requested": ("Stop asked for", "warning", "stop"),
    "job.budget_reached": ("Budget reached", "warning", "lock"),
    "attempt.placed": ("Placed", "busy", "plug"),
    "attempt.setup": ("Setting up", "busy", "bolt"),
    "attempt.environment": ("Environment", "quiet", "check"),
    "attempt.warning": ("Warning", "warning", "alert"),
    "attempt.notice": ("Notice", "warning", "alert"),
    "attempt.log_dropped": ("Log cap reached", "warning", "alert"),
    "attempt.reclaim_notice": ("Taken back soon", "warning", "alert"),
    "checkpoint.kept": ("Checkpoint", "good", "check"),
    "checkpoint.changed_while_copied": ("Checkpoint not kept", "warning", "alert"),
    "checkpoint.not_here": ("Checkpoint not kept", "warning", "alert"),
    "checkpoint.passed_over": ("Checkpoint passed over", "warning", "alert"),
    "artifacts.kept": ("Outputs kept", "good", "check"),
    "health.acted": ("Health", "warning", "alert"),
    "health.over": ("Well again", "good", "check"),
    "attempt.not_told": ("Could not be told", "warning", "alert"),
    "node.creating": ("Renting", "busy", "bolt"),
    "node.starting": ("Machine starts", "busy", "bolt"),
    "node.ready": ("Machine ready", "good", "check"),
    "node.terminating": ("Machine given back", "quiet", "stop"),
    "node.gone": ("Machine gone", "quiet", "moon"),
    "node.fewer_accelerators": ("Fewer accelerators", "warning", "alert"),
    "node.overdue": ("Not gone yet", "warning", "alert"),
    "node.reclaim_announced": ("Taken back soon", "warning", "alert"),
    "node.unreachable_provider": ("Provider not reached", "warning", "alert"),
    "node.stop_requested": ("Machine to be given back", "warning", "stop"),
    "node.let_in": ("Let in", "quiet", "plug"),
    "node.refused": ("Not rented", "warning", "cross"),
}


def _badge(look: _Look, explanation: str | None = None) -> BadgeView:
    label, tone, icon = look
    return BadgeView(label=label, tone=tone, icon=icon, explanation=explanation)


def status_badge(status: JobStatus) -> BadgeView:
    """A status as filters show it."""
    return _badge(JOB_LOOKS[status])


def job_badge(job: JobRow, attempt: AttemptRow | None, explanation: str | None) -> BadgeView:
    """How a job is, as lists and details show it."""
    look = JOB_LOOKS[job.status]
    if job.status is JobStatus.QUEUED:
        return waiting_badge(job.reason, explanation)
    if job.status is JobStatus.STARTING and attempt is not None:
        if attempt.accepted_at is None and attempt.is_rented:
            look = ("Renting", "busy", "bolt")
        elif attempt.observed.get("phase") == "setup":
            look = ("Setting up", "busy", "bolt")
    elif job.status is JobStatus.RUNNING and attempt is not None:
        health = attempt.observed.get("health") or {}
        if health.get("state") in ("warning", "unhealthy"):
            return _badge(("Running, not well", "warning", "alert"), health.get("text") or explanation)
        if attempt.stop_reason is Reason.MIGRATED:
            look = ("Moving", "busy", "swap")
        elif has_ended(attempt.status):
            look = ("Between attempts", "warning", "swap")
    return _badge(look, explanation)


def attempt_status_badge(status: AttemptStatus, explanation: str | None) -> BadgeView:
    """How an attempt is by its status alone."""
    return _badge(_ATTEMPT_LOOKS[status], explanation)


def attempt_badge(attempt: AttemptRow) -> BadgeView:
    """How an attempt is or ended."""
    if attempt.reason is Reason.MIGRATED and has_ended(attempt.status):
        return _badge(("Moved", "quiet", "swap"), attempt.explanation)
    return attempt_status_badge(attempt.status, attempt.explanation)


def checkpoint_badge(state: str, note: str | None) -> BadgeView:
    """Whether a checkpoint can be gone on from."""
    return _badge(_CHECKPOINT_LOOKS[state], note)


def event_badge(kind: str) -> BadgeView:
    """The type of an event in a word or two."""
    known = _EVENT_LOOKS.get(kind)
    if known is not None:
        return _badge(known)
    room, _, what = kind.partition(".")
    for status, look in (
        JOB_LOOKS.items() if room == "job" else _ATTEMPT_LOOKS.items() if room == "attempt" else ()
    ):
        if status.value == what:
            return _badge(look)
    return BadgeView(label=what.replace("_", " ").capitalize() or kind, tone="quiet", icon="clock")


def permitted(
    job: JobRow, attempt: AttemptRow | None, per_hour_text: str | None, *, may_move: bool
) -> list[ActionView]:
    """What a caller may do with a job now, the likeliest first. `may_move`: there are places that can be rented."""
    clone = ActionView(id="clone", label="Clone")
    if has_ended(job.status):
        again = f"Run {job.name} again? It becomes a new job with the same file and workdir."
        return [ActionView(id="retry", label="Run again", confirm=again), clone]
    found = []
    saves = f" It costs {per_hour_text} now." if per_hour_text else ""
    if job.desired is Desired.RUN:
        loses = "It gets time to write a checkpoint." if job.attempt_id else "It has not started yet."
        text = f"Stop {job.name}? {loses}{saves}"
        found.append(ActionView(id="stop", label="Stop", confirm=text, is_destructive=True))
    elif job.stop_grace_s != 0:
        text = f"Stop {job.name} at once? What it did since its last checkpoint is lost.{saves}"
        found.append(ActionView(id="stop_now", label="Stop at once", confirm=text, is_destructive=True))
    is_running = attempt is not None and attempt.status is AttemptStatus.RUNNING
    if is_running and may_move and attempt is not None and attempt.stop_reason is None:
        found.append(ActionView(id="migrate", label="Move"))
    return [*found, clone]
