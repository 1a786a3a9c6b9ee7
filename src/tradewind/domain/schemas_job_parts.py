"""Parts of how jobs are shown: why one waits, where its time went, how many there are of what."""

from __future__ import annotations

from datetime import datetime

from tradewind.domain.schemas_base import Answer, MoneyView
from tradewind.domain.schemas_shown import BadgeView, Tone


class WaitingView(Answer):
    """Why a job waits, since when, and when something is tried next."""

    #: Machine-readable.
    code: str
    #: A sentence.
    text: str
    since: datetime
    next_try_at: datetime | None = None
    #: Its place among all jobs that could start now; absent while it waits before its next attempt.
    queue_position: int | None = None
    queue_length: int | None = None
    #: The place in words, for example `3 of 12 in the queue`.
    queue_text: str | None = None


class LastMetricView(Answer):
    """The metric that says most, at its last value."""

    name: str
    value: float
    text: str


class SegmentView(Answer):
    """A stretch of a job's time. Each begins where the one before ended."""

    #: `queue`, `provisioning`, `host_start`, `delivery`, `setup`, `running`, `gap` or `finishing`.
    kind: str
    label: str
    #: Who makes it shorter or longer: the queue, a provider, Tradewind or the job.
    owner: str
    tone: Tone
    started_at: datetime
    #: Absent of what goes on.
    ended_at: datetime | None = None
    seconds: float
    #: The attempt that it belongs to or leads to.
    attempt: int | None = None
    #: True up to when the command ran for the first time.
    is_startup: bool = False
    #: Where that was, or why it took so long.
    explanation: str | None = None


class JobFacetView(Answer):
    """A value that jobs can be narrowed down to, and how many of those that the other filters let through have it."""

    value: str
    label: str
    count: int
    badge: BadgeView | None = None


class LooserView(Answer):
    """A filter whose removal lets jobs through."""

    filter: str
    label: str
    matching: int


class FacetsView(Answer):
    """How many jobs there are, how many match, and of what."""

    total: int
    matching: int
    status: list[JobFacetView] = []
    provider: list[JobFacetView] = []
    accelerator: list[JobFacetView] = []
    creator: list[JobFacetView] = []
    tag: list[JobFacetView] = []
    #: What all running jobs of the caller's project cost an hour now.
    per_hour: MoneyView | None = None
    #: Where nothing matches: what to say, and which filters keep jobs back.
    empty_text: str | None = None
    looser: list[LooserView] = []
