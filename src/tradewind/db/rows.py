"""Rows as values. Each class has the columns of its table that code outside SQL works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Self

from sqlalchemy import Select, Table, bindparam, select

from tradewind.db import tables
from tradewind.db.pending import StaleRowError as StaleRowError
from tradewind.db.store import Transaction
from tradewind.domain.status import (
    AttemptStatus,
    Desired,
    JobStatus,
    NodeDesired,
    NodeStatus,
    Reason,
    TaskStatus,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Base of all rows."""

    table: ClassVar[Table]
    id: str

    @classmethod
    @cache
    def select(cls) -> Select[*tuple[Any, ...]]:
        """A statement that reads this kind of row."""
        return select(*(cls.table.c[name] for name in cls._names()))

    @classmethod
    def of(cls, row: Sequence[Any]) -> Self:
        """A value from a result of `select`; twice as fast as by the names of the columns."""
        made = object.__new__(cls)
        for put, value in zip(cls._setters(), row, strict=True):
            put(made, value)
        made.__post_init__()
        return made

    def __post_init__(self) -> None:
        """Makes of some columns what they stand for."""

    def with_values(self, values: dict[str, Any]) -> Self:
        """The row with other values in some columns; `dataclasses.replace` takes several times as long."""
        copy = object.__new__(type(self))
        for name, put in zip(self._names(), self._setters(), strict=True):
            put(copy, values[name] if name in values else getattr(self, name))
        return copy

    @classmethod
    @cache
    def _setters(cls) -> tuple[Callable[[Any, Any], None], ...]:
        """What sets each slot, in the order of the names, although the row is frozen."""
        return tuple(getattr(cls, name).__set__ for name in cls._names())

    @classmethod
    @cache
    def _names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))

    @classmethod
    def get(cls, tx: Transaction, row_id: str) -> Self:
        """The row with this id. Raises KeyError if there is none."""
        found = cls.find(tx, row_id)
        if found is None:
            raise KeyError(row_id)
        return found

    @classmethod
    def find(cls, tx: Transaction, row_id: str) -> Self | None:
        """The row with this id, if there is one."""
        found = tx.fetch(cls._select_one(), {"b_id": row_id})
        return cls.of(found[0]) if found else None

    @classmethod
    @cache
    def _select_one(cls) -> Select[*tuple[Any, ...]]:
        return cls.select().where(cls.table.c.id == bindparam("b_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned(Row):
    """Base of all rows that belong to someone."""

    project_id: str
    creator_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept(Row):
    """What the lease runner keeps on a row."""

    next_due_at: datetime | None
    lease_token: str | None
    lease_expires_at: datetime | None
    lease_failures: int
    wakes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased(Kept):
    """Base of the rows that belong to someone and that a controller looks after."""

    project_id: str
    creator_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow(Leased):
    """A job."""

    table: ClassVar[Table] = tables.jobs
    name: str
    status: JobStatus
    desired: Desired
    reason: Reason | None
    explanation: str | None
    next_try_at: datetime | None
    spec: dict[str, Any]
    workdir_sha256: str | None
    search_path: str | None
    tags: dict[str, str]
    exit_code: int | None
    attempt_id: str | None
    stop_grace_s: float | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    event_seq: int
    version: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", JobStatus(self.status))
        object.__setattr__(self, "desired", Desired(self.desired))
        object.__setattr__(self, "reason", None if self.reason is None else Reason(self.reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow(Owned):
    """A task."""

    table: ClassVar[Table] = tables.tasks
    job_id: str
    index: int
    status: TaskStatus
    priority: int
    queued_at: datetime
    not_before: datetime | None
    place: str | None
    wish: dict[str, Any] | None
    fence: int
    interruptions: int
    failures: int
    version: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", TaskStatus(self.status))


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow(Leased):
    """An attempt."""

    table: ClassVar[Table] = tables.attempts
    job_id: str
    task_id: str
    node_id: str
    nodes: int
    number: int
    fence: int
    status: AttemptStatus
    reason: Reason | None
    explanation: str | None
    exit_code: int | None
    signal: int | None
    provider: str
    offer: dict[str, Any]
    handle: dict[str, Any] | None
    stop_reason: Reason | None
    resumed_from: str | None
    cursor: int
    observed: dict[str, Any]
    energy_j: int
    created_at: datetime
    accepted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    version: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", AttemptStatus(self.status))
        object.__setattr__(self, "reason", None if self.reason is None else Reason(self.reason))
        object.__setattr__(
            self, "stop_reason", None if self.stop_reason is None else Reason(self.stop_reason)
        )

    @property
    def is_rented(self) -> bool:
        """True on a machine that was rented for it, whether or not its provider is still connected."""
        return bool(self.offer.get("market"))

    @property
    def is_far(self) -> bool:
        """True on a machine of the user's own that is reached over SSH."""
        return bool(self.offer.get("is_far"))

    @property
    def is_gang(self) -> bool:
        """True on several nodes: then its ranks have rows of their own."""
        return self.nodes > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RankRow(Owned):
    """The part of an attempt that is on one of its nodes, where there are several."""

    table: ClassVar[Table] = tables.ranks
    attempt_id: str
    number: int
    node_id: str
    offer: dict[str, Any]
    address: str | None
    handle: dict[str, Any] | None
    cursor: int
    observed: dict[str, Any]
    energy_j: int
    outcome: AttemptStatus | None
    reason: Reason | None
    explanation: str | None
    exit_code: int | None
    signal: int | None
    accepted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    created_at: datetime
    version: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome", None if self.outcome is None else AttemptStatus(self.outcome))
        object.__setattr__(self, "reason", None if self.reason is None else Reason(self.reason))

    @property
    def has_ended(self) -> bool:
        """True once nothing of it exists any more, or nothing of it ever will."""
        return self.outcome is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow(Leased):
    """A node."""

    table: ClassVar[Table] = tables.nodes
    provider: str
    name: str
    inventory: dict[str, Any]
    is_rented: bool
    status: NodeStatus
    desired: NodeDesired
    reason: Reason | None
    explanation: str | None
    key: str | None
    offer: dict[str, Any] | None
    handle: dict[str, Any] | None
    attempt_id: str | None
    job_id: str | None
    called_at: datetime | None
    accepted_at: datetime | None
    ready_at: datetime | None
    billed_from: datetime | None
    keep_until: datetime | None
    lost_since: datetime | None
    observed: dict[str, Any]
    created_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None
    version: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", NodeStatus(self.status))
        object.__setattr__(self, "desired", NodeDesired(self.desired))
        # Rows from before there were rented machines have none.
        object.__setattr__(self, "observed", self.observed or {})
        object.__setattr__(self, "reason", None if self.reason is None else Reason(self.reason))

    @property
    def is_far(self) -> bool:
        """True for a machine of the user's own that is reached over SSH."""
        return not self.is_rented and self.handle is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopRow(Kept):
    """A loop of which there is one for all servers, and what it remembers."""

    table: ClassVar[Table] = tables.loops
    state: dict[str, Any]
