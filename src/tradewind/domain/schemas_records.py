"""What a job leaves behind, as it travels over HTTP: events, checkpoints, outputs, metrics and logs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from tradewind.domain.schemas_base import Answer
from tradewind.domain.schemas_shown import BadgeView


class EventView(Answer):
    """One thing that happened to a job. `seq` counts from 1 within the job without gaps; `position` is global."""

    position: int
    job: str
    seq: int
    type: str
    at: datetime
    actor: str
    message: str
    data: dict[str, Any] = {}
    #: Its type as people read it.
    badge: BadgeView | None = None


class EventPage(Answer):
    """Events in order."""

    items: list[EventView]
    next_after: int


class CheckpointView(Answer):
    """A checkpoint that the control plane has adopted."""

    id: str
    job: str
    attempt: int
    path: str
    step: float | None = None
    size_bytes: int
    file_count: int
    created_at: datetime
    is_resumable: bool
    #: Why it is gone or cannot be used, where that is so.
    note: str | None = None
    state: BadgeView | None = None
    #: Where it was written; it is kept in the server's storage.
    place: str = ""


class CheckpointPage(Answer):
    """Checkpoints, newest first."""

    items: list[CheckpointView]


class ArtifactView(Answer):
    """An output file that was kept."""

    id: str
    job: str
    attempt: int
    path: str
    size_bytes: int
    sha256: str


class ArtifactPage(Answer):
    """Artifacts by path."""

    items: list[ArtifactView]


class MetricPoint(Answer):
    """One value of one metric."""

    at: datetime
    step: float | None = None
    value: float


class MetricSeries(Answer):
    """One metric over time, thinned to at most the number of points that was asked for."""

    name: str
    #: `user` for what the job reported, `system` for what the agent measured (utilisation, memory, watts).
    kind: Literal["user", "system"]
    unit: str | None = None
    #: What a chart's legend says: `GPU 0`, or the name that the job gave it.
    label: str = ""
    points: list[MetricPoint]
    total_points: int


class MetricPanel(Answer):
    """A chart: series that belong together."""

    id: str
    title: str
    kind: Literal["user", "system"]
    unit: str | None = None
    names: list[str]
    #: Shown without being asked for.
    is_default: bool
    #: The highest value there can be, where there is one.
    most: float | None = None


class MetricsAnswer(Answer):
    """Series of a job's attempt, and the charts that all there are make."""

    job: str
    attempt: int
    series: list[MetricSeries]
    panels: list[MetricPanel] = []


class LogChunk(Answer):
    """A piece of one log stream: bytes `offset` up to `end`, decoded with replacement characters.

    `attempt` is the attempt's number. `dropped` bytes from `offset` on were thrown away when the log cap was reached;
    then `text` is empty. A follower resumes with the SSE id of the last chunk it saw.
    """

    attempt: int
    stream: Literal["setup", "stdout", "stderr"]
    rank: int = 0
    offset: int
    end: int
    at: datetime | None = None
    text: str
    dropped: int = 0
