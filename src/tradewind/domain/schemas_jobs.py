"""Many jobs at once, a job's file as text, and its cost in parts, as they travel."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from tradewind.domain.schemas import CostView
from tradewind.domain.schemas_base import Answer, MoneyView, Schema
from tradewind.domain.schemas_shown import BadgeView


class BulkRequest(Schema):
    """Asks for the same of many jobs. Each is answered for by itself; one that cannot keeps no other from it."""

    action: Literal["stop", "stop_now", "retry"]
    jobs: Annotated[list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=1000)]
    #: Only says what would be done.
    dry_run: bool = False


class BulkItem(Answer):
    """What became of one of many jobs."""

    job: str
    name: str | None = None
    outcome: Literal["done", "unchanged", "refused"]
    #: A sentence.
    text: str
    #: The new job, of one that was run again.
    new_job: str | None = None


class BulkAnswer(Answer):
    """One answer per job, in the order they were asked for."""

    action: str
    is_done: bool
    done: int
    unchanged: int
    refused: int
    items: list[BulkItem]
    #: What those that are changed cost an hour now.
    per_hour: MoneyView
    #: What to ask before, with number and money; or what was done.
    text: str


class SpecView(Answer):
    """A job's file."""

    job: str
    #: As it was submitted.
    spec: dict[str, Any]
    yaml: str
    #: Content hash of the workdir it came with.
    workdir: str | None = None
    file_name: str
    #: A line for a shell that submits the file again.
    command: str
    #: Where the web app prefills the wizard with it.
    clone_path: str


class CostLine(Answer):
    """A part of what a job has cost."""

    label: str
    #: What it was worked out from.
    detail: str
    provider: str
    attempt: int | None = None
    amount: MoneyView
    #: `estimated`, `metered` or `billed`.
    basis: str
    #: False of what still runs up.
    is_final: bool = True
    #: Its share of the whole, 0..1.
    share: float = 0.0


class JobCostDetail(Answer):
    """What a job has cost, in parts, beside what was foretold and what it may cost."""

    job: str
    cost: CostView
    lines: list[CostLine]
    #: Sentences on what is not in it.
    notes: list[str] = []
    #: Where it is heading, of a job that runs and whose end can be foretold.
    projected: MoneyView | None = None
    projected_end: datetime | None = None
    projection_text: str | None = None
    #: How it stands against its budget and its estimate; absent without any.
    standing: BadgeView | None = None
    #: Shares of what the bar shows, 0..1 of the largest of cost, estimate, cap and projection.
    cost_share: float = 0.0
    estimate_share: float | None = None
    cap_share: float | None = None
    projected_share: float | None = None
