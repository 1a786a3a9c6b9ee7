"""Moves of running jobs, and decisions about where jobs run, as they travel."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from tradewind.domain.schemas import Answer, Schema
from tradewind.domain.schemas_shown import BadgeView


class MoveRequest(Schema):
    """Asks for a move. `to` is `provider`, or `provider/zone`; without it the best other place is taken."""

    to: str | None = None
    #: Only says where it would go and what that would cost.
    dry_run: bool = False


class FigureView(Answer):
    """A figure with its name, ready to show."""

    label: str
    text: str


class MoveView(Answer):
    """A move, with the figures that speak for or against it."""

    job: str
    place: str
    target: str
    explanation: str
    arithmetic: dict[str, Any]
    is_begun: bool
    #: The arithmetic in words.
    figures: list[FigureView] = []


class DecisionView(Answer):
    """One decision about where a job runs, with what it rests on."""

    kind: Literal["place", "wait", "migrate", "stay"]
    at: datetime
    attempt: str | None
    explanation: str
    arithmetic: dict[str, Any]
    #: The arithmetic in words.
    figures: list[FigureView] = []
    badge: BadgeView | None = None


class DecisionList(Answer):
    """Decisions about one job, the newest first."""

    items: list[DecisionView]


class SweepRequest(Schema):
    """Asks for a look over every connection."""

    dry_run: bool = False


class OrphanView(Answer):
    """A machine that carries this installation's mark and belongs to nothing that is known."""

    provider: str
    machine: str
    #: None: nobody says.
    micro_per_hour: int | None
    action: str


class SweepView(Answer):
    """What a look over every connection found. `problems` has what a provider said that could not be looked over."""

    looked_at: list[str]
    orphans: list[OrphanView]
    problems: dict[str, str]
    given_back_before: int
    saved_micro_per_hour: int
