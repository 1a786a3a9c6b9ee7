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


class SlotUser(Answer):
    """A process that uses an accelerator without this installation."""

    pid: int
    #: Who runs it; None where the machine does not tell.
    user: str | None = None
    command: str = ""
    memory_bytes: int | None = None


class SlotView(Answer):
    """One accelerator of a node, and whether a job can have it. A node's slots are in the order of their index."""

    index: int
    #: None: it is rented, and has not told yet.
    uuid: str | None = None
    #: Which accelerator it is, by name.
    kind: str
    memory_bytes: int | None = None
    #: free | held | others | unhealthy
    state: str
    explanation: str
    #: The job that holds it, where one does: its id and name, and the attempt.
    job: str | None = None
    job_name: str | None = None
    attempt: str | None = None
    #: Who uses it besides; also where a job holds it, or the host's owner has said to ignore them.
    users: list[SlotUser] = Field(default_factory=list)
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
    slots: list[SlotView] = Field(default_factory=list)
    #: Who uses its accelerators without this installation: `2 of 8 in use by others: ana (pid 4711)`; None: nobody.
    others: str | None = None
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
