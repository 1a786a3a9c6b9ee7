"""Nodes as they travel: the machines that are rented or at hand, and who holds what of them."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from tradewind.domain.schemas import Answer, MoneyView, Schema


class HolderView(Answer):
    """A job that holds part of a node."""

    job: str
    job_name: str
    attempt: str
    status: str
    cpus: float
    #: Which accelerators it holds, by their uuid.
    accelerators: list[str] = Field(default_factory=list)


class AcceleratorView(Answer):
    """One accelerator of a node, who holds it, and how busy it was when it was last looked at."""

    uuid: str
    name: str
    index: int
    memory_bytes: int
    #: Name of the job that holds it; None: it is free.
    job: str | None = None
    utilisation_percent: float | None = None
    memory_used_bytes: int | None = None


class NodeView(Answer):
    """One node."""

    id: str
    name: str
    provider: str
    is_rented: bool
    status: str
    explanation: str
    region: str = ""
    zone: str | None = None
    instance_type: str = ""
    #: owned | on_demand | spot | reserved
    market: str
    accelerator: str | None = None
    accelerator_count: float = 0.0
    #: How many of them jobs hold.
    accelerators_held: float = 0.0
    cpus: float = 0.0
    cpus_held: float = 0.0
    memory_bytes: int = 0
    accelerators: list[AcceleratorView] = Field(default_factory=list)
    holders: list[HolderView] = Field(default_factory=list)
    #: The job that it was rented for; None: it is at hand, or kept for the next one.
    job: str | None = None
    #: What an hour costs now; None: a machine of the user's own.
    price_per_hour: MoneyView | None = None
    #: What it has cost so far; None: a machine of the user's own.
    cost: MoneyView | None = None
    created_at: datetime
    ready_at: datetime | None = None
    ended_at: datetime | None = None
    last_seen_at: datetime
    #: What may be done with it now: `stop`.
    actions: list[str] = Field(default_factory=list)


class NodeList(Answer):
    """Nodes, those at hand first, then the newest rented ones."""

    items: list[NodeView]


class NodeStop(Schema):
    """Asks for a rented machine to be given back."""

    #: At once; else its job writes a checkpoint first.
    now: bool = False
