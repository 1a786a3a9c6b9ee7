"""The queue as it travels: what waits, why, since when, until when, and what would help."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from tradewind.domain.schemas import Answer
from tradewind.domain.schemas_nodes import BurnView, NodeFacetView
from tradewind.domain.schemas_shown import BadgeView


class HelpView(Answer):
    """Something that would let a job begin sooner, and where in the web app it is done."""

    text: str
    link: str | None = None


class QueueItem(Answer):
    """A job that waits for a place."""

    job: str
    name: str
    creator: str
    #: Counts from 1; over everything that waits, other projects' jobs too.
    position: int
    priority: str
    #: What it asks for, in a few words.
    wants: str
    #: The reason as a code; None: nobody has looked at it yet.
    reason: str | None = None
    badge: BadgeView
    explanation: str
    since: datetime
    next_try_at: datetime | None = None
    attempts: int
    helps: list[HelpView] = Field(default_factory=list)


class QueuePage(Answer):
    """What waits, in the order in which it is looked at."""

    items: list[QueueItem]
    next_cursor: str | None = None
    #: How many of the caller's jobs wait.
    total: int
    reasons: list[NodeFacetView] = Field(default_factory=list)
    burn: BurnView
