"""What state a job, task or attempt can be in, and the one table of changes between states.

`move` is the only way to a new status. It is a pure function; the database guard (row version and fencing
token) makes sure that the status it was computed from is still the one that is stored.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class JobStatus(StrEnum):
    """The life of a job."""

    QUEUED = "queued"  #: waiting for a place to run
    STARTING = "starting"  #: an attempt is being created or is setting up
    RUNNING = "running"  #: the user's command runs
    STOPPING = "stopping"  #: asked to end; something of it still exists
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"  #: stopped by a user


class TaskStatus(StrEnum):
    """The life of one independent unit of a job."""

    WAITING = "waiting"  #: for a place, or for its back-off to pass
    ACTIVE = "active"  #: an attempt exists that has not ended
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AttemptStatus(StrEnum):
    """The life of one try in one place."""

    CREATING = "creating"  #: the intent is committed; the provider may or may not have acted on it
    STARTING = "starting"  #: the provider has it: unpacking, setting up
    RUNNING = "running"  #: the user's command runs
    STOPPING = "stopping"  #: told to end; not yet confirmed gone
    SUCCEEDED = "succeeded"
    FAILED = "failed"  #: the user's command or its set-up ended badly
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  #: the place went away, or the supervisor did: not the user's doing


class NodeStatus(StrEnum):
    """The life of a node. A machine of the user's own is always ready."""

    CREATING = "creating"  #: the intent is committed; the provider may or may not have acted on it
    STARTING = "starting"  #: the provider has it: it boots, and may already cost money
    READY = "ready"
    TERMINATING = "terminating"  #: to be given back; it costs money until the provider says that it is gone
    GONE = "gone"  #: the provider confirmed that nothing of it exists or costs any more
    REFUSED = "refused"  #: nothing was made: the provider said no


class NodeDesired(StrEnum):
    """What the control plane wants of a node; kept apart from what it is."""

    KEEP = "keep"
    END = "end"


class Desired(StrEnum):
    """What a user wants of a job; kept apart from what it is."""

    RUN = "run"
    STOP = "stop"


class Reason(StrEnum):
    """Why an attempt ended, or why a job waits. Each has one sentence in `REASON_TEXT`."""

    EXITED = "exited"
    SETUP_FAILED = "setup_failed"
    COMMAND_NOT_FOUND = "command_not_found"
    KILLED_BY_SIGNAL = "killed_by_signal"
    MAX_DURATION = "max_duration"
    MEMORY_LIMIT = "memory_limit"
    BUDGET = "budget"
    STOPPED_BY_USER = "stopped_by_user"
    LOST_CONTACT = "lost_contact"
    FENCED = "fenced"
    SUPERVISOR_LOST = "supervisor_lost"
    MACHINE_RESTARTED = "machine_restarted"
    VANISHED = "vanished"
    START_FAILED = "start_failed"
    INVALID = "invalid"
    RECLAIMED = "reclaimed"
    NODE_LOST = "node_lost"
    STALLED = "stalled"
    NO_PROGRESS = "no_progress"
    NAN_LOSS = "nan_loss"
    GPU_ERROR = "gpu_error"
    NO_CAPACITY = "no_capacity"
    NO_QUOTA = "no_quota"
    REFUSED = "refused"
    MIGRATED = "migrated"
    GIVEN_BACK = "given_back"
    NOT_NEEDED = "not_needed"
    PEER_ENDED = "peer_ended"
    ORPHAN = "orphan"
    WAITING_FOR_SPOT = "waiting_for_spot"
    WAITING_FOR_BUDGET = "waiting_for_budget"
    WAITING_FOR_CAPACITY = "waiting_for_capacity"
    WAITING_FOR_RETRY = "waiting_for_retry"
    NO_OFFER = "no_offer"


REASON_TEXT: Final[dict[Reason, str]] = {
    Reason.EXITED: "the command ended",
    Reason.SETUP_FAILED: "setup failed",
    Reason.COMMAND_NOT_FOUND: "the command was not found",
    Reason.KILLED_BY_SIGNAL: "the command was killed by a signal",
    Reason.MAX_DURATION: "max_duration was reached",
    Reason.MEMORY_LIMIT: "it used more memory than it asked for",
    Reason.BUDGET: "its budget is used up",
    Reason.STOPPED_BY_USER: "stopped by a user",
    Reason.LOST_CONTACT: "contact with the control plane was lost for too long",
    Reason.FENCED: "a newer attempt took over",
    Reason.SUPERVISOR_LOST: "the process that supervises the command was killed, so its exit status is unknown",
    Reason.MACHINE_RESTARTED: "the machine restarted",
    Reason.VANISHED: "it is no longer at the provider",
    Reason.START_FAILED: "the place could not start it",
    Reason.INVALID: "the place refused the request as invalid",
    Reason.RECLAIMED: "the provider took the machine back",
    Reason.NODE_LOST: "the machine could not be reached for too long",
    Reason.STALLED: "it stalled: no output and no progress for too long",
    Reason.NO_PROGRESS: "it made no progress for too long",
    Reason.NAN_LOSS: "its loss was no longer a number",
    Reason.GPU_ERROR: "its GPU is broken",
    Reason.NO_CAPACITY: "the provider has no such machine free",
    Reason.NO_QUOTA: "the account's quota does not allow such a machine",
    Reason.REFUSED: "the provider refused to rent the machine",
    Reason.MIGRATED: "moved to a better place",
    Reason.GIVEN_BACK: "a user gave its machine back; it goes on on another one",
    Reason.NOT_NEEDED: "nobody needs the machine any more",
    Reason.PEER_ENDED: "another rank of it ended",
    Reason.ORPHAN: "a machine that belongs to nothing that is known",
    Reason.WAITING_FOR_SPOT: "waiting for a spot machine: there is time until the deadline",
    Reason.WAITING_FOR_BUDGET: "a budget or a limit does not allow it now",
    Reason.WAITING_FOR_CAPACITY: "waiting for free capacity",
    Reason.WAITING_FOR_RETRY: "waiting before the next attempt",
    Reason.NO_OFFER: "no place that is connected can run it",
}

_J, _T, _A, _N = JobStatus, TaskStatus, AttemptStatus, NodeStatus

JOB_MOVES: Final[dict[JobStatus, frozenset[JobStatus]]] = {
    _J.QUEUED: frozenset({_J.STARTING, _J.FAILED, _J.CANCELLED}),
    _J.STARTING: frozenset({_J.RUNNING, _J.QUEUED, _J.STOPPING, _J.SUCCEEDED, _J.FAILED, _J.CANCELLED}),
    _J.RUNNING: frozenset({_J.QUEUED, _J.STOPPING, _J.SUCCEEDED, _J.FAILED, _J.CANCELLED}),
    _J.STOPPING: frozenset({_J.SUCCEEDED, _J.FAILED, _J.CANCELLED}),
    _J.SUCCEEDED: frozenset(),
    _J.FAILED: frozenset(),
    _J.CANCELLED: frozenset(),
}
TASK_MOVES: Final[dict[TaskStatus, frozenset[TaskStatus]]] = {
    _T.WAITING: frozenset({_T.ACTIVE, _T.FAILED, _T.CANCELLED}),
    _T.ACTIVE: frozenset({_T.WAITING, _T.SUCCEEDED, _T.FAILED, _T.CANCELLED}),
    _T.SUCCEEDED: frozenset(),
    _T.FAILED: frozenset(),
    _T.CANCELLED: frozenset(),
}
_ATTEMPT_ENDS: Final = frozenset({_A.SUCCEEDED, _A.FAILED, _A.CANCELLED, _A.INTERRUPTED})
ATTEMPT_MOVES: Final[dict[AttemptStatus, frozenset[AttemptStatus]]] = {
    _A.CREATING: frozenset({_A.STARTING, _A.STOPPING, _A.FAILED, _A.CANCELLED, _A.INTERRUPTED}),
    _A.STARTING: frozenset({_A.RUNNING, _A.STOPPING}) | _ATTEMPT_ENDS,
    _A.RUNNING: frozenset({_A.STOPPING}) | _ATTEMPT_ENDS,
    _A.STOPPING: _ATTEMPT_ENDS,
    _A.SUCCEEDED: frozenset(),
    _A.FAILED: frozenset(),
    _A.CANCELLED: frozenset(),
    _A.INTERRUPTED: frozenset(),
}
NODE_MOVES: Final[dict[NodeStatus, frozenset[NodeStatus]]] = {
    _N.CREATING: frozenset({_N.STARTING, _N.TERMINATING, _N.REFUSED}),
    _N.STARTING: frozenset({_N.READY, _N.TERMINATING, _N.GONE}),
    _N.READY: frozenset({_N.TERMINATING, _N.GONE}),
    _N.TERMINATING: frozenset({_N.GONE}),
    _N.GONE: frozenset(),
    _N.REFUSED: frozenset(),
}


class ForbiddenMoveError(Exception):
    """A change of status that the table does not allow."""

    def __init__(self, current: StrEnum, wanted: StrEnum) -> None:
        super().__init__(f"{type(current).__name__} cannot go from {current} to {wanted}")


def move_job(current: JobStatus, wanted: JobStatus) -> JobStatus:
    """The new status, if the table allows the change. Raises ForbiddenMoveError."""
    if wanted not in JOB_MOVES[current]:
        raise ForbiddenMoveError(current, wanted)
    return wanted


def move_task(current: TaskStatus, wanted: TaskStatus) -> TaskStatus:
    """The new status, if the table allows the change. Raises ForbiddenMoveError."""
    if wanted not in TASK_MOVES[current]:
        raise ForbiddenMoveError(current, wanted)
    return wanted


def move_attempt(current: AttemptStatus, wanted: AttemptStatus) -> AttemptStatus:
    """The new status, if the table allows the change. Raises ForbiddenMoveError."""
    if wanted not in ATTEMPT_MOVES[current]:
        raise ForbiddenMoveError(current, wanted)
    return wanted


def move_node(current: NodeStatus, wanted: NodeStatus) -> NodeStatus:
    """The new status, if the table allows the change. Raises ForbiddenMoveError."""
    if wanted not in NODE_MOVES[current]:
        raise ForbiddenMoveError(current, wanted)
    return wanted


def has_ended(status: JobStatus | TaskStatus | AttemptStatus | NodeStatus) -> bool:
    """True if nothing can change any more."""
    if isinstance(status, NodeStatus):
        return not NODE_MOVES[status]
    if isinstance(status, JobStatus):
        return not JOB_MOVES[status]
    if isinstance(status, TaskStatus):
        return not TASK_MOVES[status]
    return not ATTEMPT_MOVES[status]
