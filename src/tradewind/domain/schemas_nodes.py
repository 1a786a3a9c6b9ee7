"""Nodes as they travel: the machines that are rented or at hand, and who holds what of them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from tradewind.domain.schemas import Answer, MoneyView, Schema
from tradewind.domain.schemas_shown import ActionView, BadgeView


class HolderView(Answer):
    """A job that holds part of a node."""

    job: str
    job_name: str
    attempt: str
    status: str
    cpus: float
    #: Which accelerators it holds, by their uuid.
    accelerators: list[str] = Field(default_factory=list)


class SlotUser(Answer):
    """A process that uses an accelerator without this installation."""

    pid: int
    #: Who runs it; None where the machine does not tell.
    user: str | None = None
    command: str = ""
    memory_bytes: int | None = None


class AcceleratorView(Answer):
    """One accelerator of a node, who holds it, and how busy it was when it was last looked at."""

    #: None: it is rented, and has not told yet.
    uuid: str | None = None
    name: str
    index: int
    memory_bytes: int
    #: Name of the job that holds it; None: it is free.
    job: str | None = None
    #: The ids of that job, and of the attempt that holds it.
    job_id: str | None = None
    attempt: str | None = None
    #: Who uses it besides; also where a job holds it, or the host's owner has said to ignore them.
    users: list[SlotUser] = Field(default_factory=list)
    utilisation_percent: float | None = None
    memory_used_bytes: int | None = None
    #: `held` by a job; `idle`: paid for, and no job has it; `others`: somebody uses it without Tradewind; `resting`: it
    #: broke and is left alone for a while; `starting`: its machine boots; `unknown`: its machine does not answer.
    use: Literal["held", "free", "idle", "others", "resting", "starting", "unknown"] = "free"
    #: Who has it, in words.
    label: str = "free"
    badge: BadgeView | None = None
    #: Its memory, and how much of that is used, as text.
    memory_text: str = ""


class UsageStep(Answer):
    """Five minutes: what jobs held, and what of it worked. Per cent of the whole node."""

    at: datetime
    allocated_percent: float
    utilised_percent: float | None = None


class NodeUsage(Answer):
    """What jobs held of a node over the last hour, and what of it worked."""

    unit: Literal["accelerators", "processors"]
    since: datetime
    #: Means over the time since then, in per cent of the whole node.
    allocated_percent: float
    #: None: nobody measured it.
    utilised_percent: float | None = None
    text: str
    steps: list[UsageStep] = Field(default_factory=list)


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
    #: By their index.
    accelerators: list[AcceleratorView] = Field(default_factory=list)
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
    badge: BadgeView | None = None
    #: What may be done with it now, with what that means for its job.
    permitted: list[ActionView] = Field(default_factory=list)
    #: What it is, in a few words: `2 × A100-80GB, 16 CPUs, 128 GB`.
    summary: str = ""
    #: Where it is, in a few words: `us-east-1, spot`.
    place: str = ""
    #: Why it is there, and until when.
    kept_because: str = ""
    #: Until when a machine without a job waits for the next one.
    idle_until: datetime | None = None
    usage: NodeUsage | None = None
    #: What an hour costs now, as text, on machines of one's own too.
    price_text: str = ""
    #: What it has cost, with over which time.
    cost_text: str = ""


class NodeFacetView(Answer):
    """One value that a list can be narrowed to, and how many there are."""

    name: str
    label: str
    count: int


class NodeFacets(Answer):
    """What nodes can be narrowed to, counted over all that the caller may see and asked for."""

    states: list[NodeFacetView] = Field(default_factory=list)
    providers: list[NodeFacetView] = Field(default_factory=list)
    kinds: list[NodeFacetView] = Field(default_factory=list)


class BurnPart(Answer):
    """A part of what an hour costs now."""

    name: Literal["rented", "idle", "ending", "own"]
    label: str
    machines: int
    per_hour: MoneyView


class BurnView(Answer):
    """What an hour of everything that is there costs now."""

    per_hour: MoneyView
    text: str
    parts: list[BurnPart] = Field(default_factory=list)
    #: On what the figure rests.
    basis: str


class NodeList(Answer):
    """Nodes, those at hand first, then the newest rented ones."""

    items: list[NodeView]
    next_cursor: str | None = None
    facets: NodeFacets | None = None
    #: How many there are beyond this page, and without any narrowing.
    matching: int = 0
    total: int = 0
    burn: BurnView | None = None


class TenancyView(Answer):
    """A time in which a job held a node or part of it."""

    job: str
    job_name: str
    attempt: int
    held: str
    since: datetime
    until: datetime | None = None
    outcome: BadgeView


class NodeBillLine(Answer):
    """A closed interval of a node in the ledger."""

    kind: str
    label: str
    since: datetime
    until: datetime
    job: str | None = None
    job_name: str | None = None
    amount: MoneyView


class FactView(Answer):
    """One thing that is known of it, with its name."""

    name: str
    value: str


class NodeDetail(NodeView):
    """A node with what it is, who had it, and what was paid."""

    facts: list[FactView] = Field(default_factory=list)
    tenancies: list[TenancyView] = Field(default_factory=list)
    bill: list[NodeBillLine] = Field(default_factory=list)
    #: How it ends if this server is never heard of again.
    ends_by_itself: str = ""


class NodeStop(Schema):
    """Asks for a rented machine to be given back."""

    #: At once; else its job writes a checkpoint first.
    now: bool = False
